"""What came of one evaluated frame, and its line in a file."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from emiff_core.geometry import Boxes3D, Detections


@dataclass(frozen=True)
class Sent:
    """What the roadside sent.

    Attributes:
        message_bytes: the message as DDS carries it (FeatureFrame; Detection3DArray where boxes are sent), or the image
            file.
        payload_bytes: what of it counts: the encoded latent, the boxes' numbers as float32, the image file.
        numbers: of the latent, or of the boxes; 0 where an image is sent.
        age_ms: by which the roadside exposed before the vehicle.
    """

    message_bytes: int
    payload_bytes: int
    numbers: int
    age_ms: float


@dataclass(frozen=True, eq=False)
class FrameResult:
    """What came of one frame.

    Attributes:
        frame_id: the vehicle's identifier.
        detections: in the vehicle lidar frame.
        sent: None where nothing was sent.
        roadside_ms, vehicle_ms: wall clock of either side, from the decoded image on, milliseconds.
    """

    frame_id: str
    detections: Detections
    sent: Sent | None
    roadside_ms: float
    vehicle_ms: float

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `from_json` reads back exactly; a box is x, y, z, length, width, height, yaw."""
        boxes = self.detections.boxes
        return {
            'frame_id': self.frame_id,
            'boxes': np.column_stack([boxes.centers, boxes.sizes, boxes.yaws]).tolist(),
            'scores': self.detections.scores.tolist(),
            'labels': list(self.detections.labels),
            'sent': None if self.sent is None else vars(self.sent),
            'roadside_ms': self.roadside_ms,
            'vehicle_ms': self.vehicle_ms,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> 'FrameResult':
        """Read what `to_json` returned.

        Raises:
            KeyError, TypeError, ValueError: it did not.
        """
        rows = np.array(values['boxes'], dtype=np.float64).reshape(-1, 7)
        boxes = Boxes3D(rows[:, :3], rows[:, 3:6], rows[:, 6])
        return cls(
            frame_id=str(values['frame_id']),
            detections=Detections(boxes, np.array(values['scores'], dtype=np.float64), tuple(values['labels'])),
            sent=None if values['sent'] is None else Sent(**values['sent']),
            roadside_ms=float(values['roadside_ms']),
            vehicle_ms=float(values['vehicle_ms']),
        )
