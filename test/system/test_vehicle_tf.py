"""The vehicle node and transforms that come late or not at all, or stand in two trees."""

import pytest

from emiff_core.config import load_config
from emiff_core.demo.processes import NodeGroup
from emiff_core.inference.eager import EagerEngine
from test.system.road import FRAME, LOOKING_AHEAD, Road

REMAPPINGS = {'~/input/image': '/image', '~/input/camera_info': '/info', '~/input/features': '/features'}
MS = 1_000_000


@pytest.fixture
def road(ros, tmp_path, tiny_config, tf_wait_ms):
    """A road on which no transform has been said."""
    parameters = {'config': tiny_config, 'threads': 1, 'input_reliability': 'reliable', 'tf_wait_ms': tf_wait_ms}
    made = Road(ros, EagerEngine(load_config(tiny_config), device='cpu'))
    with NodeGroup(tmp_path, {}) as group:
        group.start('emiff_ros.vehicle_node', parameters, REMAPPINGS)
        made.meet()
        yield made


@pytest.mark.parametrize('tf_wait_ms', [60_000.0])
def test_an_image_waits_for_a_transform_that_comes_late_and_is_answered(road):
    stamp = road.show()
    road.ros.spin_until(lambda: road.now() > stamp + 500 * MS)
    assert stamp not in road.status
    road.stand('vehicle_lidar', FRAME, (1.0, 0.0, 0.0), LOOKING_AHEAD)
    road.answer(stamp)
    assert stamp not in road.refusals


@pytest.mark.parametrize('tf_wait_ms', [50.0])
def test_frames_in_two_trees_are_named_and_once_the_trees_meet_images_are_answered(road):
    road.stand('rig', FRAME, (0.0, 0.0, 1.0), LOOKING_AHEAD)
    road.stand('map', 'vehicle_lidar')

    def refused() -> bool:
        road.show()
        return any('vehicle_lidar' in r and FRAME in r and 'tree' in r for r in road.refusals.values())

    road.ros.spin_until(refused, 30)
    road.stand('vehicle_lidar', 'rig')
    road.answered()


@pytest.mark.parametrize('tf_wait_ms', [1000.0])
def test_a_vehicle_that_lost_its_place_waits_once_and_then_detects_alone_at_once(road):
    road.stand('vehicle_lidar', FRAME, (1.0, 0.0, 0.0), LOOKING_AHEAD)
    road.answered()

    def lonely() -> float:
        """Return how long an image took that met a feature without a place for the vehicle, seconds."""
        while True:
            stamp = road.now()
            road.feature(stamp)
            road.info(stamp)
            road.image(stamp)
            status = road.answer(stamp)
            if any(use.reason == 'no_vehicle_pose' for use in status.features):
                return (road.now() - stamp) / 1e9

    first, later = lonely(), [lonely() for _ in range(5)]
    assert first > 1.0 and sorted(later)[2] < 0.5
    # and it waits again for a place that goes on
    road.stand('map', 'vehicle_lidar')
    for _ in range(20):
        stamp = road.now()
        road.feature(stamp)
        road.info(stamp)
        road.image(stamp)
        if any(use.used for use in road.answer(stamp).features):
            return
    pytest.fail('no feature was fused again')
