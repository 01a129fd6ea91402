"""Message types that bags may hold: ROS 2's own, vision_msgs, and this package's."""

from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from emiff_core.resources import msg_dir

# vision_msgs 4.1.1 (field for field; the type hashes of bags depend on nothing else)
_VISION_MSGS = {
    'vision_msgs/msg/ObjectHypothesis': 'string class_id\nfloat64 score',
    'vision_msgs/msg/ObjectHypothesisWithPose': (
        'vision_msgs/ObjectHypothesis hypothesis\ngeometry_msgs/PoseWithCovariance pose'
    ),
    'vision_msgs/msg/BoundingBox3D': 'geometry_msgs/Pose center\ngeometry_msgs/Vector3 size',
    'vision_msgs/msg/Detection3D': (
        'std_msgs/Header header\nvision_msgs/ObjectHypothesisWithPose[] results\n'
        'vision_msgs/BoundingBox3D bbox\nstring id'
    ),
    'vision_msgs/msg/Detection3DArray': 'std_msgs/Header header\nvision_msgs/Detection3D[] detections',
}


def make_typestore() -> Typestore:
    """Return a store of all types that this package reads and writes."""
    store = get_typestore(Stores.ROS2_KILTED)
    for name, text in _VISION_MSGS.items():
        store.register(get_types_from_msg(text, name))
    for path in sorted(msg_dir().glob('*.msg')):
        store.register(get_types_from_msg(path.read_text(encoding='utf-8'), f'emiff/msg/{path.stem}'))
    return store
