"""Broadcasters and listener of tf2 over real topics; the same tests pass on the real package."""

import pytest
import rclpy
from geometry_msgs.msg import TransformStamped
from rclpy.time import Time
from tf2_ros import Buffer, StaticTransformBroadcaster, TransformBroadcaster, TransformListener


def transform(parent: str, child: str, x: float) -> TransformStamped:
    message = TransformStamped(child_frame_id=child)
    message.header.frame_id = parent
    message.header.stamp.sec = 5
    message.transform.translation.x = x
    return message


@pytest.fixture
def sender(ros):
    return ros.node('sender')


def listen(ros, name: str = 'receiver', **options) -> Buffer:
    buffer = Buffer()
    buffer.listener = TransformListener(buffer, ros.node(name), **options)
    return buffer


def x_of(buffer: Buffer, target: str, source: str) -> float:
    return buffer.lookup_transform(target, source, Time()).transform.translation.x


def test_listener_receives_one_transform_and_several(ros, sender):
    broadcaster, buffer = TransformBroadcaster(sender), listen(ros)
    ros.spin_until(lambda: sender.count_subscribers('/tf') and broadcaster.pub_tf.get_subscription_count())
    broadcaster.sendTransform(transform('map', 'a', 1.0))
    broadcaster.sendTransform([transform('map', 'b', 2.0), transform('b', 'c', 3.0)])
    ros.spin_until(lambda: buffer.can_transform('map', 'c', Time()) and buffer.can_transform('map', 'a', Time()))
    assert x_of(buffer, 'map', 'a') == 1.0
    assert x_of(buffer, 'map', 'c') == 5.0


def test_who_listens_late_receives_all_static_transforms(ros, sender):
    broadcaster = StaticTransformBroadcaster(sender)
    broadcaster.sendTransform(transform('base', 'a', 1.0))
    broadcaster.sendTransform([transform('base', 'b', 3.0)])
    buffer = listen(ros)
    ros.spin_until(lambda: buffer.can_transform('a', 'b', Time()))
    assert x_of(buffer, 'a', 'b') == 2.0


@pytest.fixture
def unspun_node():
    """A node of the default context, which is the one that the real listener's thread spins."""
    rclpy.init()
    node = rclpy.create_node('alone')
    yield node
    rclpy.shutdown()


def test_listener_with_a_thread_of_its_own_needs_no_spinning(ros, sender, unspun_node):
    broadcaster, buffer = StaticTransformBroadcaster(sender), Buffer()
    listener = TransformListener(buffer, unspun_node, spin_thread=True)
    broadcaster.sendTransform(transform('base', 'a', 1.0))
    ros.spin_until(lambda: buffer.can_transform('base', 'a', Time()))
    assert x_of(buffer, 'base', 'a') == 1.0
    listener.unregister()


def test_topics_may_be_renamed(ros, sender):
    buffer = listen(ros, tf_topic='other_tf', tf_static_topic='other_tf_static')
    names = dict(ros.nodes[-1].get_subscriber_names_and_types_by_node('receiver', '/'))
    assert {'/other_tf', '/other_tf_static'} <= set(names)
    assert buffer.listener is not None
