"""Publishes transforms that never change, for those too who subscribe later."""

from collections.abc import Iterable

from geometry_msgs.msg import TransformStamped
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from tf2_msgs.msg import TFMessage


class StaticTransformBroadcaster:
    """Publishes on /tf_static, latched, always all of its transforms: a late subscriber gets the last message only."""

    def __init__(self, node: Node, qos: QoSProfile | None = None) -> None:
        """Create the publisher on `node`."""
        latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.pub_tf = node.create_publisher(TFMessage, '/tf_static', qos or latched)
        self._by_child: dict[str, TransformStamped] = {}

    def sendTransform(self, transform: TransformStamped | Iterable[TransformStamped]) -> None:
        """Publish one or several, with all sent before; of a child frame the first stays, as in the real one."""
        transforms = [transform] if isinstance(transform, TransformStamped) else list(transform)
        for each in transforms:
            self._by_child.setdefault(each.child_frame_id, each)
        self.pub_tf.publish(TFMessage(transforms=list(self._by_child.values())))
