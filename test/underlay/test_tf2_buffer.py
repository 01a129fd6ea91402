"""The tf2 buffer as the nodes rely on it; the same tests pass on the real package.

map <- base moves from (0, 0), yaw 0 at 10 s to (10, 2), yaw 90 degrees at 11 s.
"""

import math
import threading

import pytest
from builtin_interfaces.msg import Time as TimeMsg
from geometry_msgs.msg import TransformStamped
from rclpy.duration import Duration
from rclpy.parameter import Parameter
from rclpy.time import Time
from rosgraph_msgs.msg import Clock
from tf2_ros import (
    Buffer,
    ConnectivityException,
    ExtrapolationException,
    InvalidArgumentException,
    LookupException,
    TransformException,
)


def at(seconds: float) -> Time:
    return Time(nanoseconds=round(seconds * 1e9))


def pose(parent: str, child: str, seconds: float, x: float, y: float, yaw: float, z: float = 0.0) -> TransformStamped:
    """Return T_parent_child; yaw in degrees."""
    message = TransformStamped(child_frame_id=child)
    message.header.frame_id = parent
    message.header.stamp = at(seconds).to_msg()
    translation, rotation = message.transform.translation, message.transform.rotation
    translation.x, translation.y, translation.z = float(x), float(y), float(z)
    rotation.z, rotation.w = math.sin(math.radians(yaw) / 2), math.cos(math.radians(yaw) / 2)
    return message


def planar(message: TransformStamped) -> tuple[float, float, float]:
    """Return x, y [m] and yaw [degrees]."""
    translation, rotation = message.transform.translation, message.transform.rotation
    return translation.x, translation.y, math.degrees(2 * math.atan2(rotation.z, rotation.w))


def near(*values: float):
    return pytest.approx(values, abs=1e-6)


@pytest.fixture
def buffer():
    buffer = Buffer()
    buffer.set_transform(pose('map', 'base', 10, 0, 0, 0), 'test')
    buffer.set_transform(pose('map', 'base', 11, 10, 2, 90), 'test')
    buffer.set_transform_static(pose('base', 'lidar', 0, 1.5, 0, 90, z=2), 'test')
    return buffer


@pytest.mark.parametrize(('seconds', 'expected'), [
    (10, (0, 0, 0)), (10.25, (2.5, 0.5, 22.5)), (10.5, (5, 1, 45)), (11, (10, 2, 90))])
def test_between_two_stamps_it_interpolates(buffer, seconds, expected):
    assert planar(buffer.lookup_transform('map', 'base', at(seconds))) == near(*expected)


def test_the_opposite_direction_is_the_inverse(buffer):
    assert planar(buffer.lookup_transform('base', 'map', at(10.5))) == near(-4.242641, 2.828427, -45)


def test_a_stamp_message_serves_as_time(buffer):
    assert planar(buffer.lookup_transform('map', 'base', TimeMsg(sec=10, nanosec=500_000_000))) == near(5, 1, 45)


def test_the_answer_names_frames_and_time(buffer):
    answer = buffer.lookup_transform('map', 'base', at(10.5))
    assert (answer.header.frame_id, answer.child_frame_id) == ('map', 'base')
    assert answer.header.stamp == at(10.5).to_msg()


def test_time_zero_is_the_latest(buffer):
    answer = buffer.lookup_transform('map', 'base', Time())
    assert answer.header.stamp == at(11).to_msg()
    assert planar(answer) == near(10, 2, 90)


def test_time_zero_over_several_links_is_their_latest_common_time(buffer):
    buffer.set_transform(pose('world', 'map', 10, 0, 0, 0), 'test')
    buffer.set_transform(pose('world', 'map', 10.5, 100, 0, 0), 'test')
    answer = buffer.lookup_transform('world', 'lidar', Time())
    assert answer.header.stamp == at(10.5).to_msg()
    assert planar(answer)[:2] == near(106.060660, 2.060660)


def test_a_static_link_extends_a_moving_one(buffer):
    answer = buffer.lookup_transform('map', 'lidar', at(10.5))
    assert planar(answer) == near(6.060660, 2.060660, 135)
    assert answer.transform.translation.z == pytest.approx(2)


def test_a_static_pair_resolves_at_any_time(buffer):
    for seconds in (0, 1, 10.5, 9999):
        assert planar(buffer.lookup_transform('base', 'lidar', at(seconds))) == near(1.5, 0, 90)


def test_siblings_meet_at_their_common_parent(buffer):
    buffer.set_transform_static(pose('base', 'camera', 0, 0, 1, 0), 'test')
    assert planar(buffer.lookup_transform('camera', 'lidar', at(10.5))) == near(1.5, -1, 90)


@pytest.mark.parametrize(('target', 'source', 'expected'), [(11, 10, (-2, 10, -90)), (10, 11, (10, 2, 90))])
def test_two_times_through_a_fixed_frame(buffer, target, source, expected):
    answer = buffer.lookup_transform_full('base', at(target), 'base', at(source), 'map')
    assert planar(answer) == near(*expected)
    assert answer.header.stamp == at(target).to_msg()


@pytest.mark.parametrize(('target', 'source', 'seconds', 'error'), [
    ('map', 'base', 11.01, ExtrapolationException),
    ('map', 'base', 9.99, ExtrapolationException),
    ('map', 'lidar', 12, ExtrapolationException),
    ('map', 'nowhere', 10.5, LookupException),
    ('nowhere', 'map', 10.5, LookupException),
    ('map', 'island', 10.5, ConnectivityException),
    ('', 'base', 10.5, InvalidArgumentException),
    ('/map', 'base', 10.5, InvalidArgumentException),
])
def test_what_cannot_be_answered_raises_its_reason(buffer, target, source, seconds, error):
    buffer.set_transform_static(pose('sea', 'island', 0, 0, 0, 0), 'test')
    assert issubclass(error, TransformException)
    with pytest.raises(error):
        buffer.lookup_transform(target, source, at(seconds))
    assert not buffer.can_transform(target, source, at(seconds))


def test_can_transform_what_can_be_looked_up(buffer):
    assert buffer.can_transform('map', 'lidar', at(10.5))


def test_a_frame_is_itself_even_if_unknown(buffer):
    assert planar(buffer.lookup_transform('nowhere', 'nowhere', at(10.5))) == near(0, 0, 0)


def test_data_older_than_the_cache_is_ignored():
    buffer = Buffer(cache_time=Duration(seconds=2))
    for seconds in (10, 11, 13):
        buffer.set_transform(pose('map', 'base', seconds, seconds, 0, 0), 'test')
    buffer.set_transform(pose('map', 'base', 10.5, 0, 0, 0), 'test')
    assert planar(buffer.lookup_transform('map', 'base', at(12))) == near(12, 0, 0)
    with pytest.raises(ExtrapolationException):
        buffer.lookup_transform('map', 'base', at(10.6))


def test_data_may_arrive_out_of_order(buffer):
    buffer.set_transform(pose('map', 'base', 10.5, 7, 7, 0), 'test')
    assert planar(buffer.lookup_transform('map', 'base', at(10.5))) == near(7, 7, 0)


def test_the_shorter_way_round_is_interpolated(buffer):
    buffer.set_transform(pose('map', 'base', 12, 10, 2, 170), 'test')
    buffer.set_transform(pose('map', 'base', 13, 10, 2, -170), 'test')
    assert abs(planar(buffer.lookup_transform('map', 'base', at(12.5)))[2]) == pytest.approx(180)


def test_what_is_no_transform_is_not_stored(buffer):
    broken = pose('map', 'base', 12, 0, 0, 0)
    broken.transform.rotation.w = 0.0
    endless = pose('map', 'base', 12, math.nan, 0, 0)
    for each in (broken, endless):
        buffer.set_transform(each, 'test')
    assert not buffer.can_transform('map', 'base', at(12))


def test_clear_drops_the_moving_data_and_keeps_the_static(buffer):
    buffer.clear()
    assert not buffer.can_transform('map', 'base', at(10.5))
    assert buffer.can_transform('base', 'lidar', at(10.5))


def test_a_lookup_waits_for_data_until_its_timeout(buffer):
    thread = threading.Timer(0.05, buffer.set_transform, (pose('map', 'base', 12, 0, 0, 0), 'test'))
    thread.start()
    answer = buffer.lookup_transform('map', 'base', at(12), Duration(seconds=10))
    thread.join()
    assert planar(answer) == near(0, 0, 0)
    with pytest.raises(ExtrapolationException):
        buffer.lookup_transform('map', 'base', at(13), Duration(seconds=0.01))


def test_threads_may_write_and_read_at_once(buffer):
    wrong, done = [], threading.Event()

    def read():
        while not done.is_set():
            x, y, _ = planar(buffer.lookup_transform('map', 'base', Time()))
            if x - 10 != y - 2:
                wrong.append((x, y))

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for step in range(1, 500):
        buffer.set_transform(pose('map', 'base', 11 + step / 100, 10 + step, 2 + step, 0), 'test')
    done.set()
    for reader in readers:
        reader.join()
    assert wrong == []


def test_a_backward_jump_of_simulated_time_clears(ros):
    node = ros.node('jumper', parameter_overrides=[Parameter('use_sim_time', value=True)])
    buffer = Buffer(node=node)
    clock = node.create_publisher(Clock, '/clock', 10)
    ros.spin_until(clock.get_subscription_count)

    def set_clock(seconds):
        clock.publish(Clock(clock=at(seconds).to_msg()))
        ros.spin_until(lambda: node.get_clock().now().nanoseconds == at(seconds).nanoseconds)

    set_clock(100)
    buffer.set_transform(pose('map', 'base', 100, 1, 0, 0), 'test')
    set_clock(150)
    assert buffer.can_transform('map', 'base', at(100))
    set_clock(50)
    assert not buffer.can_transform('map', 'base', at(100))
