"""message_filters as the nodes rely on it; the same tests pass on the real package.

An example is a list of arrivals (input, stamp) with the sets that they emit.
"""

from types import SimpleNamespace
from xml.etree import ElementTree

import pytest
from ament_index_python.packages import get_package_share_directory
from message_filters import ApproximateTimeSynchronizer, SimpleFilter, Subscriber, TimeSynchronizer
from rclpy.time import Time
from std_msgs.msg import Header, String


def stamped(seconds: float) -> SimpleNamespace:
    return SimpleNamespace(header=Header(stamp=Time(nanoseconds=round(seconds * 1e9)).to_msg()))


def seconds_of(message) -> float:
    return round(Time.from_msg(message.header.stamp).nanoseconds / 1e9, 4)


class Inputs:
    """Inputs A, B, C... of a synchroniser, and the stamps of the sets that it emits."""

    def __init__(self, synchronizer, count: int = 2, **options):
        self.filters = [SimpleFilter() for _ in range(count)]
        self.emitted = []
        self.synchronizer = synchronizer(self.filters, **options)
        self.synchronizer.registerCallback(lambda *messages: self.emitted.append(tuple(map(seconds_of, messages))))

    def arrive(self, *arrivals: str) -> list[tuple[float, ...]]:
        """Let messages such as 'A1.02' arrive; return what was emitted by them."""
        before = len(self.emitted)
        for name, stamp in ((each[0], float(each[1:])) for each in arrivals):
            self.filters['ABC'.index(name)].signalMessage(stamped(stamp))
        return self.emitted[before:]


def approximate(queue_size: int = 10, count: int = 2, slop: float = 0.05) -> Inputs:
    return Inputs(ApproximateTimeSynchronizer, count, queue_size=queue_size, slop=slop)


def test_a_message_takes_its_nearest_partner_on_arrival():
    inputs = approximate()
    assert inputs.arrive('A1.00') == []
    assert inputs.arrive('B1.02') == [(1.0, 1.02)]
    assert inputs.arrive('B1.10', 'A1.14') == [(1.14, 1.1)]
    assert inputs.arrive('A1.20', 'B1.26') == []
    assert inputs.arrive('A1.23') == [(1.23, 1.26)]
    assert inputs.arrive('B1.21') == [(1.2, 1.21)]  # what was left over is still there


def test_a_full_queue_drops_its_smallest_stamp():
    inputs = approximate(queue_size=2)
    assert inputs.arrive('A1.0', 'A1.1', 'A1.2', 'B1.0') == []
    assert inputs.arrive('B1.1') == [(1.1, 1.1)]
    assert inputs.arrive('B1.21') == [(1.2, 1.21)]
    assert inputs.arrive('A0.5') == []
    assert inputs.arrive('B0.5') == [(0.5, 0.5)]


def test_a_message_older_than_a_full_queue_is_dropped_itself():
    inputs = approximate(queue_size=2)
    assert inputs.arrive('A1.0', 'A1.1', 'A0.5', 'B0.5') == []
    assert inputs.arrive('B1.0') == [(1.0, 1.0)]


def test_order_of_arrival_within_an_input_is_free():
    inputs = approximate(queue_size=5)
    assert inputs.arrive('B2.0', 'B1.0', 'A1.01') == [(1.01, 1.0)]
    assert inputs.arrive('A2.01') == [(2.01, 2.0)]
    assert inputs.arrive('A3.0', 'A2.99', 'B2.98') == [(2.99, 2.98)]


def test_stamps_must_lie_less_than_slop_apart():
    inputs = approximate()
    assert inputs.arrive('A1.00', 'B1.05') == []
    assert inputs.arrive('A2.0', 'B2.0499') == [(2.0, 2.0499)]


def test_slop_zero_never_emits():
    assert approximate(slop=0.0).arrive('A1.0', 'B1.0') == []


def test_all_of_three_inputs_must_lie_within_slop():
    inputs = approximate(count=3)
    assert inputs.arrive('A1.00', 'B1.03', 'C1.06', 'B1.04') == []
    assert inputs.arrive('A1.05') == [(1.05, 1.04, 1.06)]
    assert inputs.arrive('C1.02') == [(1.0, 1.03, 1.02)]


def test_a_farther_partner_is_taken_when_the_nearest_fits_no_set():
    inputs = approximate(count=3)
    assert inputs.arrive('B0.99', 'B1.03', 'C0.97', 'A1.00') == [(1.0, 0.99, 0.97)]
    assert inputs.arrive('B2.02', 'B1.97', 'C1.96', 'A2.00') == [(2.0, 1.97, 1.96)]


def test_a_message_of_the_same_stamp_replaces_the_first():
    inputs = approximate()
    received = []
    inputs.synchronizer.registerCallback(lambda a, _: received.append(a))
    first, second = stamped(1.0), stamped(1.0)
    inputs.filters[0].signalMessage(first)
    inputs.filters[0].signalMessage(second)
    inputs.arrive('B1.0')
    assert received == [second]


def test_exact_synchroniser_emits_equal_stamps_only():
    inputs = Inputs(TimeSynchronizer, queue_size=5)
    assert inputs.arrive('A1.0', 'B1.001') == []
    assert inputs.arrive('B1.0') == [(1.0, 1.0)]


def test_exact_synchroniser_and_a_set_older_than_the_last():
    inputs = Inputs(TimeSynchronizer, queue_size=5)
    assert inputs.arrive('B2', 'B1', 'A2') == [(2.0, 2.0)]
    assert inputs.arrive('A1') == ([] if installed_version() >= (7, 1, 5) else [(1.0, 1.0)])


def installed_version() -> tuple[int, ...]:
    manifest = ElementTree.parse(get_package_share_directory('message_filters') + '/package.xml')
    return tuple(int(part) for part in manifest.findtext('version').split('.'))


def test_arguments_of_the_registration_follow_the_messages():
    source, calls = SimpleFilter(), []
    source.registerCallback(lambda *args: calls.append(args), 'extra', 2)
    source.signalMessage('message')
    assert calls == [('message', 'extra', 2)]


def test_headerless_messages_are_left_out_unless_allowed():
    for allowed in (False, True):
        source, received = SimpleFilter(), []
        synchronizer = ApproximateTimeSynchronizer([source], queue_size=5, slop=0.05, allow_headerless=allowed)
        synchronizer.registerCallback(received.append)
        source.signalMessage(String(data='no header'))
        assert len(received) == allowed


@pytest.mark.parametrize('options', [{}, {'qos_profile': 3}])
def test_subscriber_hands_on_what_arrives(ros, options):
    node, received = ros.node('filters'), []
    subscriber = Subscriber(node, String, 'words', **options)
    subscriber.registerCallback(received.append)
    publisher = node.create_publisher(String, 'words', 10)
    ros.spin_until(publisher.get_subscription_count)
    publisher.publish(String(data='hello'))
    ros.spin_until(lambda: received)
    assert received[0].data == 'hello'
    assert subscriber.getTopic() == 'words'
