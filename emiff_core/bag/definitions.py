"""The message types that bags of this project hold: ROS 2's common ones, vision_msgs, and this package's own."""

from typing import Any

from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from emiff_core.resources import msg_dir

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
    """Return a store of Jazzy's and Kilted's common types (their definitions agree), vision_msgs, and our msg/*.msg."""
    store = get_typestore(Stores.ROS2_JAZZY)
    ours = {f'emiff/msg/{path.stem}': path.read_text(encoding='utf-8') for path in msg_dir().glob('*.msg')}
    types = {}
    for name, text in (_VISION_MSGS | ours).items():
        types.update(get_types_from_msg(text, name))
    store.register(types)
    return store


def make_message(types: Typestore, message_type: str, /, **fields: Any) -> Any:
    """Return a message of a type (full name) with all its fields given."""
    return types.types[message_type](**fields)
