"""The message types that bags of this project hold: ROS 2's common ones, and vision_msgs, which rosbags lacks."""

from collections.abc import Mapping

from rosbags.typesys import Stores, TypesysError, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from emiff_core.errors import EmiffError

# The fields of vision_msgs 4.1.1, whose order and types are the interface: the hashes equal those of the real package.
_VISION_MSGS = {
    'vision_msgs/msg/ObjectHypothesis': 'string class_id\nfloat64 score\n',
    'vision_msgs/msg/ObjectHypothesisWithPose': (
        'vision_msgs/ObjectHypothesis hypothesis\ngeometry_msgs/PoseWithCovariance pose\n'
    ),
    'vision_msgs/msg/BoundingBox3D': 'geometry_msgs/Pose center\ngeometry_msgs/Vector3 size\n',
    'vision_msgs/msg/Detection3D': (
        'std_msgs/Header header\n'
        'vision_msgs/ObjectHypothesisWithPose[] results\n'
        'vision_msgs/BoundingBox3D bbox\n'
        'string id\n'
    ),
    'vision_msgs/msg/Detection3DArray': 'std_msgs/Header header\nvision_msgs/Detection3D[] detections\n',
}


def make_typestore() -> Typestore:
    """Return a store of Jazzy's and Kilted's common types (their definitions agree) and vision_msgs."""
    store = get_typestore(Stores.ROS2_JAZZY)
    register(store, _VISION_MSGS)
    return store


def register(store: Typestore, definitions: Mapping[str, str]) -> None:
    """Add message types to a store, in any order among themselves.

    Args:
        store: is changed.
        definitions: the text of a .msg file by full name, as in {'emiff/msg/FeatureUse': 'string agent_id ...'}.

    Raises:
        EmiffError: a text is no message definition, or differs from one already there.
    """
    types = {}
    for name, text in definitions.items():
        try:
            types.update(get_types_from_msg(text, name))
        except TypesysError as error:
            raise EmiffError(f'{name}: expected a message definition: {error}') from error
    try:
        store.register({name: fields for name, fields in types.items() if name not in store.fielddefs})
    except TypesysError as error:
        raise EmiffError(f'{", ".join(definitions)}: {error}') from error
