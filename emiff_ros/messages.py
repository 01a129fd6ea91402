"""Messages to core values and back. Nothing is decided here."""

import array
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from builtin_interfaces.msg import Duration, Time
from geometry_msgs.msg import Point, Pose, Quaternion, Vector3
from std_msgs.msg import ColorRGBA, Header
from tf_transformations import quaternion_from_euler
from vision_msgs.msg import Detection3DArray
from visualization_msgs.msg import Marker, MarkerArray

from emiff.msg import FeatureFrame as FeatureFrameMsg
from emiff.msg import FeatureUse, ProcessingTime
from emiff_core.bag import detections as detection_messages
from emiff_core.cooperation import feature_message
from emiff_core.cooperation.admission import AdmittedFrame, Refusal
from emiff_core.cooperation.feature_buffer import age_ms
from emiff_core.cooperation.feature_frame import FeatureFrame
from emiff_core.geometry import Detections
from emiff_core.rendering.colors import detection_color
from emiff_core.stamps import SECOND_NS, nanoseconds
from emiff_ros.types import message_class

_MARKER_LIFETIME_S = 0.5


def time_of(stamp_ns: int) -> Time:
    """Return nanoseconds as a stamp."""
    return Time(sec=stamp_ns // SECOND_NS, nanosec=stamp_ns % SECOND_NS)


def feature_frame_to_message(frame: FeatureFrame) -> FeatureFrameMsg:
    """Write a sealed feature frame as a message."""
    return feature_message.to_message(frame, _make, lambda data: array.array('B', data))


def detections_to_message(detections: Detections, header: Header) -> Detection3DArray:
    """Write detections as one array message; every detection has exactly one result, whose pose is the box's."""
    return detection_messages.to_message(detections, header, _make)


def markers(detections: Detections, header: Header, is_fused: bool) -> MarkerArray:
    """Draw detections for RViz, coloured by score and by whether remote features were fused (rendering/colors.py).

    The first marker deletes those of the last image, so that nothing lingers.
    """
    lifetime = Duration(nanosec=int(_MARKER_LIFETIME_S * SECOND_NS))
    drawn = [Marker(header=header, ns='detections', action=Marker.DELETEALL)]
    for number, (center, size, yaw, score, _) in enumerate(_rows(detections)):
        red, green, blue, alpha = detection_color(float(score), is_fused)
        drawn.append(
            Marker(
                header=header,
                ns='detections',
                id=number,
                type=Marker.CUBE,
                pose=_pose(center, yaw),
                scale=_vector(size),
                color=ColorRGBA(r=red, g=green, b=blue, a=alpha),
                lifetime=lifetime,
            )
        )
    return MarkerArray(markers=drawn)


def used_feature(admitted: AdmittedFrame, image_stamp_ns: int) -> FeatureUse:
    """Tell that a frame was fused."""
    return _feature_use(admitted.frame, age_ms(admitted, image_stamp_ns), used=True, reason='')


def refused_feature(frame: FeatureFrame, reason: Refusal, now_ns: int) -> FeatureUse:
    """Tell that a frame was not used and why; its age is against `now_ns`."""
    return _feature_use(frame, (now_ns - frame.stamp_ns) / 1e6, used=False, reason=reason.value)


def malformed_feature(message: FeatureFrameMsg, now_ns: int) -> FeatureUse:
    """Tell that a message was not used because it cannot be a feature frame; its age is against `now_ns`."""
    return FeatureUse(
        agent_id=message.agent_id,
        boot_id=message.boot_id,
        sequence=message.sequence,
        stamp=message.header.stamp,
        age_ms=(now_ns - nanoseconds(message.header.stamp)) / 1e6,
        used=False,
        reason=Refusal.MALFORMED.value,
    )


def processing_time(header: Header, total_ms: float, stages: Mapping[str, float]) -> ProcessingTime:
    """Write the times of one image."""
    return ProcessingTime(
        header=header, total_ms=total_ms, stages=list(stages), stage_ms=[float(ms) for ms in stages.values()]
    )


def _make(type_name: str, **fields: Any) -> Any:
    return message_class(type_name)(**fields)


def _feature_use(frame: FeatureFrame, age: float, used: bool, reason: str) -> FeatureUse:
    return FeatureUse(
        agent_id=frame.agent_id,
        boot_id=frame.boot_id,
        sequence=frame.sequence,
        stamp=time_of(frame.stamp_ns),
        age_ms=age,
        used=used,
        reason=reason,
    )


def _rows(detections: Detections) -> Iterable[tuple[np.ndarray, np.ndarray, float, float, str]]:
    boxes = detections.boxes
    return zip(boxes.centers, boxes.sizes, boxes.yaws, detections.scores, detections.labels, strict=True)


def _pose(center: np.ndarray, yaw: float) -> Pose:
    x, y, z, w = (float(part) for part in quaternion_from_euler(0.0, 0.0, float(yaw)))
    return Pose(position=Point(**_xyz(center)), orientation=Quaternion(x=x, y=y, z=z, w=w))


def _vector(size: np.ndarray) -> Vector3:
    return Vector3(**_xyz(size))


def _xyz(values: np.ndarray) -> dict[str, float]:
    return {axis: float(value) for axis, value in zip('xyz', values, strict=True)}
