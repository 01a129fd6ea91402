"""`emiff view --live` beside running nodes."""

import os
import signal
import subprocess
import threading
from contextlib import ExitStack, suppress

import cv2
import numpy as np
import pytest

from emiff_core.bag.dair_to_bag import write_bag
from emiff_core.data.dair_v2x import DairV2xDataset
from emiff_core.data.synthetic import generate
from emiff_core.demo import run, topics
from emiff_core.demo.processes import NodeGroup
from emiff_core.rendering.overlay import TRUTH
from test.system.conftest import emiff_command

FRAMES = 3
_LONGEST_S = 240.0


@pytest.fixture(scope='module')
def bag(tmp_path_factory):
    root = tmp_path_factory.mktemp('drive')
    generate(root / 'data', FRAMES, seed=7, size=(480, 270))
    write_bag(DairV2xDataset(root / 'data'), root / 'bag')
    return root / 'bag'


def end(viewer: subprocess.Popen) -> None:
    with suppress(ProcessLookupError):
        os.killpg(viewer.pid, signal.SIGKILL)


@pytest.mark.parametrize('frames', [FRAMES - 1, None])
def test_what_the_nodes_see_is_on_the_picture_and_the_view_ends_in_order(tmp_path, bag, tiny_config, frames):
    out = tmp_path / 'live.png'
    options = ['--frames', frames] if frames else []
    with (
        NodeGroup(tmp_path / 'logs', {}) as group,
        subprocess.Popen(
            emiff_command('view', '--live', '--save', out, *options),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, 'PYTHONUNBUFFERED': '1'},
            start_new_session=True,
        ) as viewer,
        ExitStack() as ending,
    ):
        ending.callback(end, viewer)
        deadline = threading.Timer(_LONGEST_S, end, [viewer])
        deadline.start()
        ending.callback(deadline.cancel)
        for name in ('infrastructure_node', 'vehicle_node'):
            run.start_perception(group, name, {'config': tiny_config, 'threads': 1})
        parameters = run.player_parameters(bag, answer_s=60)
        listeners = {topics.VEHICLE_IMAGE: 2, topics.INFRASTRUCTURE_IMAGE: 2, topics.GROUND_TRUTH: 1}
        listeners |= {topics.FEATURES: 3, topics.DETECTIONS: 2}  # the vehicle, the viewer and the player
        parameters |= {'loop': True, 'wait_for': [f'{topic}={count}' for topic, count in listeners.items()]}
        group.start('emiff_ros.player_node', parameters)
        said = []
        for line in viewer.stdout:
            said.append(line)
            group.check()
            if not frames and 'first moment' in line:  # Ctrl-C in a terminal reaches the whole group
                os.killpg(viewer.pid, signal.SIGINT)
        assert viewer.wait(60) == 0, said
    picture = cv2.imread(str(out))
    assert picture.shape == (1080, 1920, 3), said
    green = np.abs(picture.astype(int) - TRUTH).max(axis=-1) < 30
    assert green[:540, :960].sum() > 50 and green[540:, :960].sum() > 50
