"""Messages in any order to moments. Written against the fields, so it takes the values of bags and of nodes."""

from collections import OrderedDict, defaultdict
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from emiff_core.bag.cameras import camera_of
from emiff_core.bag.detections import detections_of
from emiff_core.bag.images import raw_to_bgr
from emiff_core.codec import decode
from emiff_core.cooperation import feature_message
from emiff_core.cooperation.feature_frame import FeatureFrame
from emiff_core.errors import EmiffError
from emiff_core.geometry import transforms
from emiff_core.rendering.sheet import View
from emiff_core.stamps import nanoseconds, stamp_of
from emiff_core.viewing.moment import Moment, SentFeature
from emiff_core.viewing.seen_transforms import SeenTransforms
from emiff_core.viewing.topics import TF, TF_STATIC, ViewTopics, camera_info

_IMAGES_KEPT = 30  # three seconds at 10 Hz: the vehicle's answer may take that long

Value = TypeVar('Value')


class Recent(OrderedDict[int, Value], Generic[Value]):
    """Values by stamp, of which the newest `kept` stay; all with None."""

    def __init__(self, kept: int | None) -> None:
        super().__init__()
        self._kept = kept

    def put(self, stamp_ns: int, value: Value) -> None:
        """Add a value; the one added first goes when there are too many."""
        self[stamp_ns] = value
        while self._kept is not None and len(self) > self._kept:
            self.popitem(last=False)


@dataclass(frozen=True, eq=False)
class _Sent:
    frame: FeatureFrame
    T_world_camera: NDArray[np.float64]
    activity: NDArray[np.float32]
    size: int


class Assembler:
    """Collects what was said and puts together what belongs to one image of the vehicle."""

    def __init__(self, names: ViewTopics, kept: int | None) -> None:
        """Begin with nothing.

        Args:
            names: of the topics.
            kept: how many messages of each small topic stay; all with None. Of images 30 stay in any case.
        """
        self._names = names
        self._seen = SeenTransforms(None if kept is None else 10 * kept)
        self._images: dict[str, Recent[Any]] = {topic: Recent(_IMAGES_KEPT) for topic in names.images}
        self._infos: dict[str, Any] = {}
        self._features: dict[str, Recent[_Sent]] = defaultdict(lambda: Recent(kept))  # by agent
        self.detections: Recent[Any] = Recent(kept)
        self.status: Recent[Any] = Recent(kept)
        self._times: Recent[Any] = Recent(kept)
        self._truth: Recent[Any] = Recent(kept)

    def add(self, topic: str, message: Any, size: int) -> None:
        """Take a message of one of the topics; `size` is that of its serialised form, bytes.

        A feature frame that cannot be one is left out; the vehicle's status tells that it was refused.

        Raises:
            EmiffError: a transform cannot be one.
        """
        names = self._names
        if topic in (TF, TF_STATIC):
            self._seen.add(message.transforms)
            return
        stamp_ns = stamp_of(message)
        if topic in self._images:
            self._images[topic].put(stamp_ns, message)
        elif topic in names.features:
            with suppress(EmiffError):
                frame = feature_message.from_message(message)
                sent = _Sent(frame, frame.T_world_camera(), activity_of(frame), size)
                self._features[frame.agent_id].put(stamp_ns, sent)
        elif topic == names.detections:
            self.detections.put(stamp_ns, message)
        elif topic == names.status:
            self.status.put(stamp_ns, message)
        elif topic == names.times:
            self._times.put(stamp_ns, message)
        elif topic == names.truth:
            self._truth.put(stamp_ns, message)
        else:
            self._infos[topic] = message  # a camera's calibration does not change on the way

    def is_answered(self, stamp_ns: int) -> bool:
        """Return whether the vehicle's image of that stamp, its boxes and their status are here."""
        return all(stamp_ns in each for each in (self._images[self._names.vehicle_image], self.detections, self.status))

    def moment(self, stamp_ns: int) -> Moment:
        """Put together what is known of the vehicle's image of that stamp.

        Raises:
            EmiffError: an image cannot be decoded.
        """
        names = self._names
        found, truth = self.detections.get(stamp_ns), self._truth.get(stamp_ns)
        status, times = self.status.get(stamp_ns), self._times.get(stamp_ns)
        said = found or truth
        frame = said.header.frame_id if said is not None else names.detection_frame
        T_world_detection = self._seen.lookup(names.world_frame, frame, stamp_ns)
        uses = status.features if status is not None else ()
        used = {(use.agent_id, nanoseconds(use.stamp)) for use in uses if use.used}
        views = [self._view('vehicle', names.vehicle_image, stamp_ns, frame, stamp_ns, None)]
        for number, topic in enumerate(names.roadside_images, 1):
            taken = self._roadside_stamp(topic, stamp_ns, {stamp for _, stamp in used})
            name = 'roadside' if len(names.roadside_images) == 1 else f'roadside {number}'
            if taken is not None and T_world_detection is not None:
                views.append(self._view(name, topic, taken, frame, stamp_ns, T_world_detection))
        return Moment(
            stamp_ns=stamp_ns,
            views=[view for view in views if view is not None],
            detections=detections_of(found) if found is not None else None,
            truth=detections_of(truth).boxes if truth is not None else None,
            features=self._sent(stamp_ns, used, T_world_detection),
            refused=tuple(use.reason for use in uses if not use.used),
            latency_ms=float(times.total_ms) if times is not None else None,
            stage_ms=_stages(times) if times is not None else {},
        )

    def _roadside_stamp(self, topic: str, stamp_ns: int, used: set[int]) -> int | None:
        """Return the image that was fused, or else the newest that the vehicle could know of."""
        stamps = self._images[topic].keys()
        fused = max((stamp for stamp in stamps if stamp in used), default=None)
        return fused if fused is not None else max((stamp for stamp in stamps if stamp <= stamp_ns), default=None)

    def _view(
        self,
        name: str,
        topic: str,
        taken_ns: int,
        frame: str,
        stamp_ns: int,
        T_world_detection: NDArray[np.float64] | None,
    ) -> View | None:
        message, info = self._images[topic].get(taken_ns), self._infos.get(camera_info(topic))
        if message is None or info is None:
            return None
        camera_frame = message.header.frame_id
        if T_world_detection is None:
            T_camera_detection = self._seen.lookup(camera_frame, frame, stamp_ns)
        else:  # the roadside camera stood there when its image was taken, the vehicle here when its own was
            T_camera_world = self._seen.lookup(camera_frame, self._names.world_frame, taken_ns)
            T_camera_detection = None if T_camera_world is None else T_camera_world @ T_world_detection
        if T_camera_detection is None:
            return None
        return View(name, to_bgr(message), camera_of(info), T_camera_detection)

    def _sent(
        self, stamp_ns: int, used: set[tuple[str, int]], T_world_detection: NDArray[np.float64] | None
    ) -> list[SentFeature]:
        """Return of each agent the feature that was fused, or else its newest that the vehicle could know of."""
        newest: dict[str, tuple[bool, int, _Sent]] = {}
        for sent in (each for features in self._features.values() for each in features.values()):
            frame = sent.frame
            rank = ((frame.agent_id, frame.stamp_ns) in used, frame.stamp_ns)
            known = newest.get(frame.agent_id)
            if (rank[0] or frame.stamp_ns <= stamp_ns) and (known is None or rank > known[:2]):
                newest[frame.agent_id] = (*rank, sent)
        return [
            SentFeature(
                agent_id=agent_id,
                size=sent.size,
                age_ms=(stamp_ns - sent.frame.stamp_ns) / 1e6,
                used=was_used,
                activity=sent.activity,
                camera=sent.frame.camera,
                T_camera_detection=None
                if T_world_detection is None
                else transforms.inverse(sent.T_world_camera) @ T_world_detection,
            )
            for agent_id, (was_used, _, sent) in sorted(newest.items())
        ]


def activity_of(frame: FeatureFrame) -> NDArray[np.float32]:
    """Return where a latent says something: (h, w) mean magnitude over the channels, its largest 1.

    Raises:
        EmiffError: the latent cannot be decoded.
    """
    magnitude = np.abs(decode(frame.latent)).mean(axis=0)
    return np.asarray(magnitude / max(float(magnitude.max()), 1e-9), dtype=np.float32)


def to_bgr(message: Any) -> NDArray[np.uint8]:
    """Return the pixels of an Image or CompressedImage value, (H, W, 3) uint8 BGR.

    Raises:
        EmiffError: they cannot be decoded.
    """
    if hasattr(message, 'encoding'):
        return raw_to_bgr(message)
    pixels = cv2.imdecode(np.frombuffer(message.data, np.uint8), cv2.IMREAD_COLOR) if len(message.data) else None
    if pixels is None:
        raise EmiffError(f'image: expected JPEG or PNG data, found {len(message.data)} bytes that do not decode')
    return np.asarray(pixels, dtype=np.uint8)


def _stages(times: Any) -> dict[str, float]:
    return {name: float(ms) for name, ms in zip(times.stages, times.stage_ms, strict=True)}
