"""Detection3DArray messages and core values. Reading goes by the fields, so it reads values of bags and of nodes."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from emiff_core.errors import EmiffError
from emiff_core.geometry import Boxes3D, Detections

TYPE = 'vision_msgs/msg/Detection3DArray'


def to_message(detections: Detections, header: Any, make: Callable[..., Any], ids: Sequence[str] = ()) -> Any:
    """Write detections as one array; every detection has exactly one result, whose pose is the box's.

    Args:
        detections: N boxes in the frame of the header.
        header: std_msgs/Header.
        make: returns a message of a type (full name) with the fields given by keyword.
        ids: N texts for the detections' ids; empty: none.
    """
    boxes, messages = detections.boxes, []
    names = ids or [''] * len(detections)
    for center, size, yaw, score, label, name in zip(
        boxes.centers, boxes.sizes, boxes.yaws, detections.scores, detections.labels, names, strict=True
    ):
        x, y, z = center.tolist()
        pose = make(
            'geometry_msgs/msg/Pose',
            position=make('geometry_msgs/msg/Point', x=x, y=y, z=z),
            orientation=make(
                'geometry_msgs/msg/Quaternion', x=0.0, y=0.0, z=float(np.sin(yaw / 2)), w=float(np.cos(yaw / 2))
            ),
        )
        hypothesis = make('vision_msgs/msg/ObjectHypothesis', class_id=label, score=float(score))
        covariance = make('geometry_msgs/msg/PoseWithCovariance', pose=pose, covariance=np.zeros(36))
        result = make('vision_msgs/msg/ObjectHypothesisWithPose', hypothesis=hypothesis, pose=covariance)
        length, width, height = size.tolist()
        extent = make('geometry_msgs/msg/Vector3', x=length, y=width, z=height)
        box = make('vision_msgs/msg/BoundingBox3D', center=pose, size=extent)
        messages.append(make('vision_msgs/msg/Detection3D', header=header, results=[result], bbox=box, id=name))
    return make(TYPE, header=header, detections=messages)


def detections_of(message: Any) -> Detections:
    """Return the boxes of a vision_msgs/Detection3DArray, upright ones: yaw is the quaternion's turn about z.

    Raises:
        EmiffError: a detection has no result.
    """
    centers, sizes, yaws, scores, labels = [], [], [], [], []
    for number, detection in enumerate(message.detections):
        if not detection.results:
            raise EmiffError(f'detections: expected a result in each, found none in number {number}')
        p, q = detection.bbox.center.position, detection.bbox.center.orientation
        s = detection.bbox.size
        centers.append([p.x, p.y, p.z])
        sizes.append([s.x, s.y, s.z])
        yaws.append(2 * np.arctan2(q.z, q.w))
        scores.append(detection.results[0].hypothesis.score)
        labels.append(detection.results[0].hypothesis.class_id)
    boxes = Boxes3D(np.array(centers), np.array(sizes), np.array(yaws))
    return Detections(boxes, np.array(scores), tuple(labels))
