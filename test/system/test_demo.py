"""The main job, seen from outside: what `emiff demo` leaves and says."""

import json
import signal
import subprocess
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from emiff_core.bag.reader import BagReader
from emiff_core.demo import topics
from emiff_core.demo.summary import failures
from emiff_core.demo.workspace import clear_workspace
from emiff_core.rendering.overlay import TRUTH
from test.system.conftest import FRAMES, emiff, emiff_command


def test_every_image_gets_detections_and_nearly_all_are_fused(demo_run):
    summary = demo_run.summary
    assert summary['images'] == summary['detection_messages'] == FRAMES
    assert summary['fused_messages'] >= 0.8 * FRAMES
    assert summary['feature_frames'] == FRAMES
    assert summary['images_skipped'] == summary['images_refused'] == 0
    assert summary['failures'] == []
    assert summary['weights'] == 'emiff_demo.safetensors'


def test_the_boxes_sit_on_the_vehicles(demo_run):
    """Five frames of a crossing that the weights have not seen; random weights have 0."""
    assert demo_run.summary['ap']['bev'] > 50


def test_three_nodes_ran_in_three_processes_and_ended_well(demo_run):
    nodes = demo_run.summary['nodes']
    assert {node['name'] for node in nodes} == {'player_node', 'infrastructure_node', 'vehicle_node'}
    assert len({node['pid'] for node in nodes}) == 3
    assert [node['exit_code'] for node in nodes] == [0, 0, 0]


def test_the_summary_on_disk_is_the_one_that_was_printed(demo_run):
    assert json.loads((demo_run.out / 'summary.json').read_text()) == demo_run.summary


def test_latencies_and_stages_are_there_and_add_up(demo_run):
    summary = demo_run.summary
    latency = summary['latency_ms']
    assert all(0 < latency[name]['p50'] <= latency[name]['p95'] for name in latency)
    assert latency['end_to_end']['p50'] > latency['vehicle']['p50']
    assert {'preprocess', 'backbone', 'compression'} <= summary['stage_ms']['infrastructure'].keys()
    stages = summary['stage_ms']['vehicle']
    assert {'cross_attention', 'channel_masking', 'voxel_fusion', 'neck', 'head', 'boxes'} <= stages.keys()
    assert sum(stages.values()) < 1.5 * latency['vehicle']['p95']


def test_the_recorded_bag_is_one_file_that_reads_back(demo_run):
    with BagReader(demo_run.out / 'detections.mcap') as bag:
        assert bag.topics == topics.RECORDED
        counts = dict.fromkeys(bag.topics, 0)
        for topic, _, _ in bag.messages():
            counts[topic] += 1
    assert counts[topics.DETECTIONS] == counts[topics.STATUS] == counts[topics.GROUND_TRUTH] == FRAMES


def test_the_pictures_open_and_truth_is_drawn_in_them(demo_run):
    pictures = sorted((demo_run.out / 'pictures').glob('*.png'))
    assert len(pictures) == 4
    for path in pictures:
        image = cv2.imread(str(path))
        assert image is not None and image.shape[0] >= 1000
        green = np.abs(image.astype(int) - TRUTH).max(axis=-1) < 30
        left, right = green[:, :960], green[:, 960:]
        assert left.sum() > 100 and right.sum() > 100


def test_a_second_run_replaces_the_first_and_leaves_other_files_alone(tmp_path, talkative_config):
    (tmp_path / 'notes.txt').write_text('mine')
    clear_workspace(tmp_path)
    (tmp_path / 'summary.json').write_text('old')
    process = emiff('demo', '--out', tmp_path, '--frames', 1, '--config', talkative_config)
    assert process.returncode == 0, process.stderr
    assert json.loads((tmp_path / 'summary.json').read_text())['images'] == 1
    assert (tmp_path / 'notes.txt').read_text() == 'mine'
    assert 'random' in process.stdout


@pytest.mark.parametrize(
    ('option', 'file', 'text', 'words'),
    [
        ('--weights', 'w.safetensors', None, ['w.safetensors']),
        ('--weights', 'w.safetensors', 'no weights', ['w.safetensors']),
        ('--config', 'c.yaml', 'image: {width: 3}', ['c.yaml', 'voxels']),
        ('--data', 'd', None, ['d']),
    ],
)
def test_what_a_user_got_wrong_is_told_in_one_line_with_exit_status_1(tmp_path, option, file, text, words):
    path = tmp_path / file
    if text is not None:
        path.write_text(text)
    process = emiff('demo', '--out', tmp_path / 'out', '--frames', 1, option, path)
    assert process.returncode == 1
    assert 'Traceback' not in process.stderr
    errors = [line for line in process.stderr.splitlines() if line.startswith('error:')]
    assert len(errors) == 1 and all(word in errors[0] for word in words), process.stderr


def test_ctrl_c_ends_the_demo_and_every_node_that_it_started(tmp_path, demo_run):
    out = tmp_path / 'out'
    arguments = ['demo', '--out', out, '--data', demo_run.out / 'data', '--config', demo_run.config]
    # a shell's background jobs ignore SIGINT and hand that on; a terminal's do not
    heeding = {'preexec_fn': lambda: signal.signal(signal.SIGINT, signal.default_int_handler)}
    with subprocess.Popen(emiff_command(*arguments), stderr=subprocess.PIPE, text=True, **heeding) as process:
        deadline = time.monotonic() + 120
        while not (out / 'logs' / 'player_node.log').exists():  # the last node to be started
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode != 0
    assert 'Traceback' not in said
    commands = [path.read_bytes() for path in Path('/proc').glob('[0-9]*/cmdline') if path.exists()]
    assert not any(str(out).encode() in command for command in commands)


GOOD = {'images': 10, 'detection_messages': 10, 'images_skipped': 0, 'fused_messages': 9}


@pytest.mark.parametrize(
    ('changes', 'exit_code', 'word'),
    [
        ({}, 0, None),
        ({}, -9, 'exit code -9'),
        ({'images': 0, 'detection_messages': 0}, 0, 'no image'),
        ({'detection_messages': 8}, 0, '2 of 10'),
        ({'detection_messages': 9, 'images_skipped': 1}, 0, None),
        ({'detection_messages': 8, 'images_skipped': 2}, 0, 'skipped'),
        ({'fused_messages': 0}, 0, 'infrastructure features'),
    ],
)
def test_each_failure_of_a_run_is_named(changes, exit_code, word):
    found = failures(GOOD | changes, {'vehicle_node': exit_code})
    assert (found == []) if word is None else any(word in line for line in found)
