"""Both nodes while time jumps back, since a bag loops or a killed player is started again: everything goes on."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest
from vision_msgs.msg import Detection3DArray

from emiff.msg import FeatureFrame, FusionStatus
from emiff_core.bag.dair_to_bag import write_bag
from emiff_core.data.dair_v2x import DairV2xDataset
from emiff_core.data.synthetic import generate
from emiff_core.demo import run, topics
from emiff_core.demo.processes import NodeGroup, NodeProcess
from emiff_core.stamps import stamp_of

FRAMES = 3
IMAGES_IN_2_S = 20  # the bag's cameras take ten a second


@dataclass
class Heard:
    """What came over DDS, in its order: stamps."""

    features: list[int] = field(default_factory=list)
    detected: list[int] = field(default_factory=list)
    fused: list[int] = field(default_factory=list)


@pytest.fixture
def dataset(tmp_path) -> DairV2xDataset:
    generate(tmp_path / 'data', FRAMES, seed=7, size=(480, 270))
    return DairV2xDataset(tmp_path / 'data')


@pytest.fixture
def bag(tmp_path, dataset) -> Path:
    write_bag(dataset, tmp_path / 'bag')
    return tmp_path / 'bag'


@pytest.fixture
def heard(ros) -> Heard:
    told, node = Heard(), ros.node('witness')

    def said(message: FusionStatus) -> None:
        if any(use.used for use in message.features):
            told.fused.append(stamp_of(message))

    node.create_subscription(FeatureFrame, topics.FEATURES, lambda m: told.features.append(stamp_of(m)), 50)
    node.create_subscription(Detection3DArray, topics.DETECTIONS, lambda m: told.detected.append(stamp_of(m)), 50)
    node.create_subscription(FusionStatus, topics.STATUS, said, 50)
    return told


@pytest.fixture
def nodes(tmp_path, tiny_config):
    with NodeGroup(tmp_path / 'logs', {}) as group:
        for name in ('infrastructure_node', 'vehicle_node'):
            run.start_perception(group, name, {'config': tiny_config, 'threads': 1})
        yield group


def play(group: NodeGroup, bag: Path) -> NodeProcess:
    """Play the bag over and over, each image once the one before it is answered."""
    parameters = run.player_parameters(bag, answer_s=60)
    parameters |= {'loop': True, 'wait_for': [f'{topics.VEHICLE_IMAGE}=1', f'{topics.INFRASTRUCTURE_IMAGE}=1']}
    return group.start('emiff_ros.player_node', parameters)


def test_after_each_jump_back_every_image_is_answered_and_features_are_fused_again(ros, nodes, bag, dataset, heard):
    stamps = [frame.vehicle_stamp_ns for frame in dataset.frames]
    play(nodes, bag)
    ros.spin_until(lambda: len(heard.detected) >= 5 * FRAMES, 120)
    nodes.check()
    # the first round may begin before all have met
    begin = heard.detected.index(stamps[0])
    assert heard.detected[begin : begin + 4 * FRAMES] == stamps * 4
    assert len(heard.fused) >= 4 * FRAMES


def test_after_a_killed_player_the_next_one_is_answered_and_fused_within_2_s_of_its_first_feature(
    ros, nodes, bag, heard, tmp_path
):
    with NodeGroup(tmp_path / 'first', {}) as first:
        player = play(first, bag)
        ros.spin_until(lambda: len(heard.fused) >= FRAMES, 120)
        player.process.kill()
        player.process.wait()
    for stamps in (heard.features, heard.detected, heard.fused):
        stamps.clear()
    with NodeGroup(tmp_path / 'second', {}) as second:
        play(second, bag)
        ros.spin_until(lambda: heard.features, 120)
        images_before = len(heard.detected)
        ros.spin_until(lambda: heard.fused, 120)
        assert len(heard.detected) - images_before <= IMAGES_IN_2_S
        ros.spin_until(lambda: len(heard.detected) >= 4 * FRAMES, 120)
        second.check()
    nodes.check()
    assert len(heard.fused) >= 2 * FRAMES
