"""Quality of service of every topic, in one place."""

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

from emiff_ros.parameters import declare

_INPUT_DEPTH = 5
_RELIABILITY = {'best_effort': ReliabilityPolicy.BEST_EFFORT, 'reliable': ReliabilityPolicy.RELIABLE}

# What the nodes say is offered reliably, so that a listener may ask for either.
OUTPUT = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=10, reliability=ReliabilityPolicy.RELIABLE)

# For what is recorded: nothing may be lost while the disk is slow.
RECORD = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=200, reliability=ReliabilityPolicy.RELIABLE)

# /tf_static: late joiners get what was said before.
LATCHED = QoSProfile(
    history=HistoryPolicy.KEEP_LAST,
    depth=100,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)


def declare_input_profile(node: Node) -> QoSProfile:
    """Declare input_reliability and return the profile of images, camera_info and features.

    The default is that of sensor data: a lost image is followed by a newer one. A replay that must lose nothing asks
    for reliable, which sensors that offer best effort do not match.
    """
    choice = declare(
        node, 'input_reliability', 'best_effort', 'of images and features', choices=tuple(_RELIABILITY)
    )
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=_INPUT_DEPTH, reliability=_RELIABILITY[choice])
