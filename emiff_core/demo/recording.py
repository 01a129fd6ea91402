"""What a run left in its bag, as core values."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emiff_core.bag.detections import detections_of
from emiff_core.bag.reader import BagReader
from emiff_core.data.truth import CLASS_OF_TYPE, EVALUATED_CLASS
from emiff_core.demo import topics
from emiff_core.geometry import Boxes3D, Detections
from emiff_core.stamps import nanoseconds, stamp_of

Stages = dict[str, float]



@dataclass(frozen=True)
class FusionRow:
    """One FusionStatus.

    Attributes:
        used: capture stamps of the feature frames that were fused, nanoseconds.
        ages_ms: their ages.
        refused: reasons of those that were not.
        skipped, image_refusals: images skipped and refused so far.
    """

    used: tuple[int, ...]
    ages_ms: tuple[float, ...]
    refused: tuple[str, ...]
    skipped: int
    image_refusals: int


@dataclass
class Recording:
    """A run. Arrivals are wall-clock nanoseconds at the recorder, stamps are capture times.

    Attributes:
        images, roadside_images: arrival by stamp.
        features: arrival by stamp.
        feature_bytes: serialised size of each feature message, as sent.
        detections: by stamp; detection_arrivals beside it.
        status: by stamp.
        truths: boxes of the evaluated class, in the detection frame, by stamp.
        vehicle_stages, infrastructure_stages: milliseconds by stage, an entry an image.
        vehicle_total_ms: milliseconds from an image's arrival to its answer, as the vehicle node measured them.
    """

    images: dict[int, int] = field(default_factory=dict)
    roadside_images: dict[int, int] = field(default_factory=dict)
    features: dict[int, int] = field(default_factory=dict)
    feature_bytes: list[int] = field(default_factory=list)
    detections: dict[int, Detections] = field(default_factory=dict)
    detection_arrivals: dict[int, int] = field(default_factory=dict)
    status: dict[int, FusionRow] = field(default_factory=dict)
    truths: dict[int, Boxes3D] = field(default_factory=dict)
    vehicle_stages: list[Stages] = field(default_factory=list)
    vehicle_total_ms: list[float] = field(default_factory=list)
    infrastructure_stages: list[Stages] = field(default_factory=list)


def read_recording(path: Path) -> Recording:
    """Read a run's bag.

    Raises:
        EmiffError: there is no bag, or it is broken.
    """
    run = Recording()
    with BagReader(path) as bag:
        for topic, arrival, data in bag.raw_messages(topics.RECORDED):
            message = bag.decode(topic, data)
            if topic == topics.VEHICLE_INFO:
                run.images[stamp_of(message)] = arrival
            elif topic == topics.INFRASTRUCTURE_INFO:
                run.roadside_images[stamp_of(message)] = arrival
            elif topic == topics.FEATURES:
                run.features[stamp_of(message)] = arrival
                run.feature_bytes.append(len(data))
            elif topic == topics.DETECTIONS:
                run.detections[stamp_of(message)] = detections_of(message)
                run.detection_arrivals[stamp_of(message)] = arrival
            elif topic == topics.STATUS:
                run.status[stamp_of(message)] = _fusion_row(message)
            elif topic == topics.GROUND_TRUTH:
                run.truths[stamp_of(message)] = _evaluated(detections_of(message))
            elif topic == topics.VEHICLE_TIMES:
                run.vehicle_stages.append(_stages(message))
                run.vehicle_total_ms.append(float(message.total_ms))
            elif topic == topics.INFRASTRUCTURE_TIMES:
                run.infrastructure_stages.append(_stages(message))
    return run


def _fusion_row(message: Any) -> FusionRow:
    def stamps(uses: Iterable[Any]) -> tuple[int, ...]:
        return tuple(nanoseconds(use.stamp) for use in uses)

    used = [use for use in message.features if use.used]
    return FusionRow(
        used=stamps(used),
        ages_ms=tuple(float(use.age_ms) for use in used),
        refused=tuple(use.reason for use in message.features if not use.used),
        skipped=int(message.images_skipped),
        image_refusals=int(message.images_refused),
    )


def _evaluated(truth: Detections) -> Boxes3D:
    classes = [CLASS_OF_TYPE.get(label, label) for label in truth.labels]
    return truth.boxes[[i for i, name in enumerate(classes) if name == EVALUATED_CLASS]]


def _stages(message: Any) -> Stages:
    return {name: float(ms) for name, ms in zip(message.stages, message.stage_ms, strict=True)}
