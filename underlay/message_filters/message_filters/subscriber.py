"""A subscription as the source of a chain of filters."""

from rclpy.node import Node
from rclpy.qos import QoSProfile

from message_filters.simple_filter import SimpleFilter


class Subscriber(SimpleFilter):
    """Outputs every message that arrives on a topic."""

    def __init__(self, node: Node, msg_type, topic: str, qos_profile: QoSProfile | int = 10, **kwargs) -> None:
        """Subscribe; further keywords go to Node.create_subscription."""
        super().__init__()
        self.node = node
        self.topic = topic
        self.sub = node.create_subscription(msg_type, topic, self.signalMessage, qos_profile, **kwargs)

    def getTopic(self) -> str:
        """Return the topic as it was given."""
        return self.topic
