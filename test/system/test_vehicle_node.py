"""The vehicle node on a road that misbehaves: it says so, and goes on."""

import signal

import pytest

from emiff_core.codec import NumericType
from emiff_core.config import load_config
from emiff_core.demo.processes import NodeGroup
from emiff_core.inference.eager import EagerEngine
from test.system.road import FRAME, LOOKING_AHEAD, SIZE, Road

MS = 1_000_000
MAX_AGE_MS = 2000.0  # generous, so that a busy machine ages nothing
REMAPPINGS = {'~/input/image': '/image', '~/input/camera_info': '/info', '~/input/features': '/features'}


@pytest.fixture(scope='module')
def vehicle(tmp_path_factory, tiny_config):
    """Run one vehicle node for the tests of this file; some begin before it knows any transform."""
    with NodeGroup(tmp_path_factory.mktemp('logs'), {}) as group:
        parameters = {
            'config': tiny_config,
            'max_age_ms': MAX_AGE_MS,
            'tf_wait_ms': 50.0,
            'threads': 1,
            'input_reliability': 'reliable',
        }
        yield group.start('emiff_ros.vehicle_node', parameters, REMAPPINGS)


@pytest.fixture(scope='module')
def engine(tiny_config):
    return EagerEngine(load_config(tiny_config), device='cpu')


@pytest.fixture
def road(ros, vehicle, engine):
    made = Road(ros, engine)
    made.meet()
    return made


@pytest.fixture
def placed(road):
    """A road on which the vehicle knows where it and its camera stand."""
    road.stand('vehicle_lidar', FRAME, (1.0, 0.0, 0.0), LOOKING_AHEAD)
    road.stand('map', 'vehicle_lidar')
    return road


def said(vehicle, *words: str) -> bool:
    return any(all(word in line for word in words) for line in vehicle.log.read_text().splitlines())


def test_without_the_cameras_place_an_image_is_refused_and_tf_is_named(road, vehicle):
    road.show()
    road.ros.spin_until(lambda: said(vehicle, 'image refused', 'tf', 'vehicle_lidar', FRAME), 60)


def test_without_a_world_pose_the_vehicle_detects_alone_and_says_why(road, vehicle):
    road.stand('vehicle_lidar', FRAME, (1.0, 0.0, 0.0), LOOKING_AHEAD)
    road.feature(road.now())
    status = road.answered()
    assert [use.reason for use in status.features] == ['no_vehicle_pose']
    assert said(vehicle, 'detecting alone', 'map')


def reasons_until(road: Road, reason: str, attempts: int = 20) -> list[str]:
    """Show images until a status tells `reason`; return all reasons told by then."""
    told: list[str] = []
    for _ in range(attempts):
        told += [use.reason for use in road.answered().features if not use.used]
        if reason in told:
            break
    return told


def test_a_fresh_feature_is_fused_and_its_age_is_told(placed):
    placed.answered()
    taken = placed.now()
    placed.feature(taken)
    stamp = taken + 20 * MS
    placed.info(stamp)
    placed.image(stamp)
    status = placed.answer(stamp)
    assert [(use.agent_id, use.used) for use in status.features] == [('pole', True)]
    assert status.features[0].age_ms == pytest.approx(20)
    assert placed.detections[stamp].header.frame_id == 'vehicle_lidar'


def test_an_old_feature_is_no_longer_used(placed):
    placed.answered()
    taken = placed.now()
    placed.feature(taken)
    stamp = taken + int(MAX_AGE_MS + 1) * MS
    placed.ros.spin_until(lambda: placed.now() > stamp)
    placed.info(stamp)
    placed.image(stamp)
    assert not any(use.used for use in placed.answer(stamp).features)


@pytest.mark.parametrize(
    ('changes', 'reason'),
    [
        ({'model_id': 'ab' * 32}, 'other_model'),
        ({'world_frame': 'odom'}, 'other_world'),
        ({'scale': (0.0, 1.0)}, 'malformed'),
        ({'tampered': True}, 'corrupt'),
        ({'unreadable': True}, 'malformed'),
        ({'sequence': 0}, 'out_of_order'),
    ],
)
def test_a_refused_feature_is_in_the_status_with_its_reason_and_detection_goes_on(placed, vehicle, changes, reason):
    placed.answered()
    placed.feature(placed.now())  # this boot has spoken before
    placed.feature(placed.now(), **changes)
    assert reason in reasons_until(placed, reason)
    assert said(vehicle, 'refused', reason)


@pytest.mark.parametrize(('ahead_ms', 'reason'), [(3000, 'from_the_future'), (-3000, 'too_old')])
def test_a_feature_out_of_time_is_refused(placed, ahead_ms, reason):
    placed.answered()
    placed.feature(placed.now() + ahead_ms * MS)
    assert reason in reasons_until(placed, reason)


def test_images_without_camera_info_are_named_and_the_next_good_one_is_answered(placed, vehicle):
    def shown_in_vain() -> bool:
        placed.image(placed.now())
        return said(vehicle, 'expected a camera_info', '/info')

    placed.ros.spin_until(shown_in_vain, 30)
    placed.answered()


@pytest.mark.parametrize(
    ('image', 'info', 'words'),
    [
        ({'cut': 1000}, {}, ['truncated']),
        ({}, {'width': 1920, 'height': 1080}, [f'{SIZE[0]}x{SIZE[1]}', '1920x1080']),
        ({}, {'distortion_model': 'equidistant'}, ['equidistant']),
        ({}, {'k': [0.0] * 9}, ['calibrated']),
    ],
)
def test_a_broken_image_is_refused_with_what_was_expected_and_the_next_is_answered(placed, vehicle, image, info, words):
    def refused() -> bool:
        stamp = placed.now()
        placed.info(stamp, **info)
        placed.image(stamp, **image)
        return said(vehicle, 'image refused', *words) and placed.refusals

    placed.ros.spin_until(refused, 30)
    assert all(word in placed.refusals[max(placed.refusals)] for word in words)
    placed.answered()


def test_the_newest_image_wins_and_the_skipped_ones_are_counted(placed):
    before = placed.answered()
    stamps = [placed.show() for _ in range(5)]  # as many as DDS keeps for the node
    status = placed.answer(stamps[-1])
    answered_since = sum(stamp in placed.status for stamp in stamps)
    assert status.images_skipped - before.images_skipped == len(stamps) - answered_since


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize('name', ['vehicle_node', 'infrastructure_node'])
def test_a_signal_ends_a_node_with_exit_code_0(tmp_path, tiny_config, ros, name, number):
    node = ros.node('witness')
    with NodeGroup(tmp_path, {}) as group:
        remappings = {'__node': 'mortal', '~/input/camera_info': '/mortal_info'}
        mortal = group.start(f'emiff_ros.{name}', {'config': tiny_config, 'threads': 1}, remappings)
        ros.spin_until(lambda: node.count_subscribers('/mortal_info') or mortal.process.poll() is not None, 60)
        mortal.process.send_signal(number)
        assert mortal.process.wait(timeout=60) == 0, mortal.log.read_text()
        assert 'Traceback' not in mortal.log.read_text()


@pytest.mark.parametrize(
    ('parameters', 'words'),
    [
        ({'device': 'gpu'}, ['device', 'gpu']),
        ({'max_age_ms': -5.0}, ['max_age_ms']),
        ({'max_age_ms': 'long'}, ['max_age_ms']),
        ({'max_age': 5.0}, ['max_age: unknown', 'max_age_ms']),
        ({'error_below_hz': 9.0}, ['error_below_hz', 'warn_below_hz']),
        ({'config': '/no/such.yaml'}, ['/no/such.yaml']),
        ({'weights': '/no/such.safetensors'}, ['/no/such.safetensors']),
    ],
)
def test_a_parameter_that_cannot_be_used_ends_the_node_with_one_line(tmp_path, parameters, words):
    with NodeGroup(tmp_path, {}) as group:
        node = group.start('emiff_ros.vehicle_node', parameters)
        assert node.process.wait(timeout=60) == 1
        lines = [line for line in node.log.read_text().splitlines() if line.startswith('error:')]
        assert len(lines) == 1 and all(word in lines[0] for word in words), node.log.read_text()
        assert 'Traceback' not in node.log.read_text()


def test_the_numeric_types_of_the_message_are_those_of_the_codec():
    from emiff.msg import FeatureFrame

    assert {t.name: int(t) for t in NumericType} == {
        name: getattr(FeatureFrame, name) for name in ('FLOAT32', 'FLOAT16', 'INT8', 'UINT4', 'UINT2', 'UINT1')
    }
