"""Fills a buffer from /tf and /tf_static."""

from threading import Thread

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from tf2_msgs.msg import TFMessage

from tf2_ros.buffer import Buffer

AUTHORITY = 'default_authority'


class TransformListener:
    """Subscribes on behalf of `node`; the callbacks run where the node is spun."""

    def __init__(self, buffer: Buffer, node: Node, *, spin_thread: bool = False, qos: QoSProfile | None = None,
                 static_qos: QoSProfile | None = None, tf_topic: str = '/tf',
                 tf_static_topic: str = '/tf_static') -> None:
        """Subscribe; with `spin_thread` an executor and thread of its own spin the node."""
        self.buffer = buffer
        self.node = node
        group = ReentrantCallbackGroup()
        latched = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.tf_sub = node.create_subscription(
            TFMessage, tf_topic, self._on_transforms, qos or QoSProfile(depth=100), callback_group=group)
        self.tf_static_sub = node.create_subscription(
            TFMessage, tf_static_topic, self._on_static_transforms, static_qos or latched, callback_group=group)
        self.executor: SingleThreadedExecutor | None = None
        if spin_thread:
            self.executor = SingleThreadedExecutor(context=node.context)
            self.executor.add_node(node)
            self._thread = Thread(target=self.executor.spin, daemon=True)
            self._thread.start()

    def unregister(self) -> None:
        """Stop listening; what the buffer holds stays."""
        if self.executor is not None:
            self.executor.shutdown()
            self._thread.join()
            self.executor = None
        self.node.destroy_subscription(self.tf_sub)
        self.node.destroy_subscription(self.tf_static_sub)

    def _on_transforms(self, message: TFMessage) -> None:
        for transform in message.transforms:
            self.buffer.set_transform(transform, AUTHORITY)

    def _on_static_transforms(self, message: TFMessage) -> None:
        for transform in message.transforms:
            self.buffer.set_transform_static(transform, AUTHORITY)
