"""Quality of service of every topic, in one place."""

from contextlib import ExitStack
from dataclasses import dataclass

from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

from emiff_ros.parameters import declare

_RELIABILITY = {'best_effort': ReliabilityPolicy.BEST_EFFORT, 'reliable': ReliabilityPolicy.RELIABLE}
_DEEPEST = 1000
_AGENTS_AT_ONCE = 64  # synchronised units send at the same instant

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


@dataclass(frozen=True)
class Profiles:
    """What a perception node offers and asks for.

    Attributes:
        inputs: images, camera_info and features.
        outputs: everything under ~/output and ~/debug.
    """

    inputs: QoSProfile
    outputs: QoSProfile

    @property
    def features(self) -> QoSProfile:
        """Return the inputs' profile with room for a feature of every agent: one queue holds those of all."""
        inputs = self.inputs
        return QoSProfile(
            history=inputs.history, depth=max(inputs.depth, _AGENTS_AT_ONCE), reliability=inputs.reliability
        )


def declare_profiles(node: Node) -> Profiles:
    """Declare the parameters of the profiles and return what they make.

    Inputs are sensor data by default: a lost image is followed by a newer one. A replay that must lose nothing asks for
    reliable, which sensors that offer best effort do not match. All are volatile: what has passed is of no use to a
    listener that joins late.

    Raises:
        EmiffError: a value is not one of those allowed.
    """
    choices, deepest = tuple(_RELIABILITY), (1, _DEEPEST)
    input_reliability = declare(node, 'input_reliability', 'best_effort', 'of images and features', choices=choices)
    input_depth = declare(node, 'input_depth', 5, 'messages of an input that may wait', deepest)
    output_reliability = declare(node, 'output_reliability', 'reliable', 'offered by the outputs', choices=choices)
    output_depth = declare(node, 'output_depth', 10, 'messages of an output kept for slow listeners', deepest)
    return Profiles(_profile(input_reliability, input_depth), _profile(output_reliability, output_depth))


def make_publisher(node: Node, undo: ExitStack, message_type: type, topic: str, profile: QoSProfile) -> Publisher:
    """Return a publisher that `undo` destroys."""
    publisher: Publisher = node.create_publisher(message_type, topic, profile)
    undo.callback(node.destroy_publisher, publisher)
    return publisher


def _profile(reliability: str, depth: int) -> QoSProfile:
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=depth, reliability=_RELIABILITY[reliability])
