"""One moment of a cooperative drive: an image of the vehicle and all that belongs to it."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from emiff_core.geometry import Boxes3D, Detections, PinholeCamera
from emiff_core.rendering.sheet import View


@dataclass(frozen=True, eq=False)
class SentFeature:
    """A feature frame that an agent sent.

    Attributes:
        agent_id: who.
        size: of the serialised message, bytes.
        age_ms: the vehicle's capture time minus the feature's.
        used: whether it was fused.
        activity: (h, w) float32, mean magnitude of the latent over its channels, 0 to 1.
        camera: that the latent is of.
        T_camera_detection: (4, 4) from the detection frame to its optical frame; None where the vehicle's pose is not
            known.
    """

    agent_id: str
    size: int
    age_ms: float
    used: bool
    activity: NDArray[np.float32]
    camera: PinholeCamera
    T_camera_detection: NDArray[np.float64] | None


@dataclass(frozen=True, eq=False)
class Moment:
    """An image of the vehicle, and what is known of its time.

    Attributes:
        stamp_ns: capture time, nanoseconds.
        views: the vehicle's image first, then each roadside unit's that has one and whose place is known.
        detections: None where the node gave none for this image.
        truth: None where there is none.
        features: sent for this moment, used or not.
        refused: reasons of the feature frames that were refused.
        latency_ms: from the arrival of the vehicle's image to its boxes; None where it is not known.
        stage_ms: where that time went, by stage.
    """

    stamp_ns: int
    views: list[View]
    detections: Detections | None
    truth: Boxes3D | None
    features: list[SentFeature] = field(default_factory=list)
    refused: tuple[str, ...] = ()
    latency_ms: float | None = None
    stage_ms: dict[str, float] = field(default_factory=dict)
