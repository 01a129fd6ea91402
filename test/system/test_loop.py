"""Both nodes on a bag that loops: time jumps back, and everything goes on."""

import pytest
from vision_msgs.msg import Detection3DArray

from emiff.msg import FusionStatus
from emiff_core.bag.dair_to_bag import write_bag
from emiff_core.data.dair_v2x import DairV2xDataset
from emiff_core.data.synthetic import generate
from emiff_core.demo import run, topics
from emiff_core.demo.processes import NodeGroup
from emiff_core.stamps import stamp_of

FRAMES = 3


@pytest.fixture
def dataset(tmp_path) -> DairV2xDataset:
    generate(tmp_path / 'data', FRAMES, seed=7, size=(480, 270))
    return DairV2xDataset(tmp_path / 'data')


def test_after_each_jump_back_every_image_is_answered_and_features_are_fused_again(ros, tmp_path, dataset, tiny_config):
    write_bag(dataset, tmp_path / 'bag')
    stamps = [frame.vehicle_stamp_ns for frame in dataset.frames]
    node = ros.node('witness')
    detected: list[int] = []
    fused: list[int] = []
    node.create_subscription(
        Detection3DArray, topics.DETECTIONS, lambda message: detected.append(stamp_of(message)), 50
    )
    node.create_subscription(
        FusionStatus,
        topics.STATUS,
        lambda message: fused.append(stamp_of(message)) if any(use.used for use in message.features) else None,
        50,
    )
    with NodeGroup(tmp_path / 'logs', {}) as group:
        for name in ('infrastructure_node', 'vehicle_node'):
            run.start_perception(group, name, {'config': tiny_config, 'threads': 1})
        parameters = run.player_parameters(tmp_path / 'bag', answer_s=60)
        parameters |= {'loop': True, 'wait_for': [f'{topics.VEHICLE_IMAGE}=1', f'{topics.INFRASTRUCTURE_IMAGE}=1']}
        group.start('emiff_ros.player_node', parameters)
        ros.spin_until(lambda: len(detected) >= 5 * FRAMES, 120)
        group.check()
    # the first round may begin before all have met
    begin = detected.index(stamps[0])
    assert detected[begin : begin + 4 * FRAMES] == stamps * 4
    assert len(fused) >= 4 * FRAMES
