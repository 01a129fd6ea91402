"""Detection3DArray messages to core values. Written against the fields, so it reads values of bags and of nodes."""

from typing import Any

import numpy as np

from emiff_core.geometry import Boxes3D, Detections


def detections_of(message: Any) -> Detections:
    """Return the boxes of a vision_msgs/Detection3DArray, upright ones: yaw is the quaternion's turn about z.

    Raises:
        IndexError: a detection has no result.
    """
    centers, sizes, yaws, scores, labels = [], [], [], [], []
    for detection in message.detections:
        p, q = detection.bbox.center.position, detection.bbox.center.orientation
        s = detection.bbox.size
        centers.append([p.x, p.y, p.z])
        sizes.append([s.x, s.y, s.z])
        yaws.append(2 * np.arctan2(q.z, q.w))
        scores.append(detection.results[0].hypothesis.score)
        labels.append(detection.results[0].hypothesis.class_id)
    boxes = Boxes3D(np.array(centers), np.array(sizes), np.array(yaws))
    return Detections(boxes, np.array(scores), tuple(labels))


def nanoseconds(stamp: Any) -> int:
    """Return a builtin_interfaces/Time as nanoseconds."""
    return int(stamp.sec) * 1_000_000_000 + int(stamp.nanosec)


def stamp_of(message: Any) -> int:
    """Return the header's stamp, nanoseconds."""
    return nanoseconds(message.header.stamp)
