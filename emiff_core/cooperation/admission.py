"""Admission: which feature frames a vehicle believes. Decided once, on arrival.

Freshness and plausibility follow ETSI TR 103 460; a frame that fails is refused with a reason and never stops
detection.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from emiff_core.codec import decode
from emiff_core.cooperation.feature_frame import FeatureFrame, checksum
from emiff_core.errors import EmiffError
from emiff_core.geometry import PinholeCamera

_MILLISECOND_NS = 1_000_000
_MAX_SCALE = 8.0
_UNIT_TOLERANCE = 1e-3
_MAX_COORDINATE = 1e8  # metres; the earth's largest map coordinates are a tenth of it
_MAX_LATENT = 65504.0  # float16's largest; beyond it the network's float32 sums overflow and blind the vehicle


class Refusal(str, Enum):
    """Why a feature frame is not used; the values are those of FeatureUse.reason."""

    CORRUPT = 'corrupt'  # the checksum does not match the fields
    OTHER_MODEL = 'other_model'
    OTHER_WORLD = 'other_world'
    MALFORMED = 'malformed'  # layout, codec, pose or intrinsics cannot be
    FROM_THE_FUTURE = 'from_the_future'
    TOO_OLD = 'too_old'
    OUT_OF_ORDER = 'out_of_order'  # not newer than the agent's last frame: late, duplicated or replayed
    NO_VEHICLE_POSE = 'no_vehicle_pose'  # the vehicle does not know where it is in the agent's world frame


@dataclass(frozen=True)
class AdmissionRules:
    """What is asked of a frame.

    Attributes:
        model_id: the receiver's own, 64 hexadecimal digits.
        latent_shape: (channels, height, width) that the receiver's model expects of a camera.
        world_frame: the frame that both sides know.
        max_age_ms: older than this against the receiver's clock is too old.
        max_ahead_ms: further in the future than this is refused; clocks differ a little.
    """

    model_id: str
    latent_shape: Callable[[PinholeCamera], tuple[int, int, int]]
    world_frame: str
    max_age_ms: float = 300.0
    max_ahead_ms: float = 40.0


@dataclass(frozen=True, eq=False)
class AdmittedFrame:
    """A frame that was believed, decoded once.

    Attributes:
        frame: as received.
        latent: (C, h, w) float32.
        T_world_camera: (4, 4) float64 pose of the agent's camera at the frame's stamp.
    """

    frame: FeatureFrame
    latent: NDArray[np.float32]
    T_world_camera: NDArray[np.float64]


class Admission:
    """Judges frames as they arrive; remembers the last sequence number of each agent that was heard of late."""

    def __init__(self, rules: AdmissionRules) -> None:
        self._rules = rules
        self._last: dict[str, FeatureFrame] = {}  # by agent

    def admit(self, frame: FeatureFrame, now_ns: int) -> AdmittedFrame | Refusal:
        """Judge one frame.

        Args:
            frame: as received.
            now_ns: the receiver's clock, nanoseconds.

        Returns:
            The decoded frame, or the first reason against it.
        """
        rules = self._rules
        if checksum(frame) != frame.checksum:
            return Refusal.CORRUPT
        if frame.model_id != rules.model_id:
            return Refusal.OTHER_MODEL
        if frame.world_frame != rules.world_frame:
            return Refusal.OTHER_WORLD
        if not _plausible(frame) or frame.latent.shape != rules.latent_shape(frame.camera):
            return Refusal.MALFORMED
        age_ms = (now_ns - frame.stamp_ns) / _MILLISECOND_NS
        if age_ms < -rules.max_ahead_ms:
            return Refusal.FROM_THE_FUTURE
        if age_ms > rules.max_age_ms:
            return Refusal.TOO_OLD
        last = self._last.get(frame.agent_id)
        if last is not None and not _follows(frame, last):
            return Refusal.OUT_OF_ORDER
        try:
            admitted = AdmittedFrame(frame, decode(frame.latent), frame.T_world_camera())
        except EmiffError:
            return Refusal.MALFORMED
        if np.abs(admitted.latent).max() > _MAX_LATENT:
            return Refusal.MALFORMED
        # whoever fell silent for longer than max_age needs no memory: a replay of its last frame is too old
        oldest_ns = now_ns - rules.max_age_ms * _MILLISECOND_NS
        self._last = {agent: last for agent, last in self._last.items() if last.stamp_ns >= oldest_ns}
        self._last[frame.agent_id] = frame
        return admitted

    def forget(self) -> None:
        """Forget every agent; called when the receiver's clock jumps back."""
        self._last.clear()


def _follows(frame: FeatureFrame, last: FeatureFrame) -> bool:
    # a restarted sender counts anew but lives later; what is older than the last frame is the former boot's, replayed
    if frame.boot_id == last.boot_id:
        return frame.sequence > last.sequence
    return frame.stamp_ns > last.stamp_ns


def _plausible(frame: FeatureFrame) -> bool:
    numbers = np.array([*frame.position, *frame.orientation, *frame.scale])
    if not np.isfinite(numbers).all() or not all(0 < s <= _MAX_SCALE for s in frame.scale):
        return False
    if np.abs(frame.position).max() > _MAX_COORDINATE:
        return False
    if abs(np.linalg.norm(frame.orientation) - 1) > _UNIT_TOLERANCE:
        return False
    k, width, height = frame.camera.intrinsics, frame.camera.width, frame.camera.height
    is_pinhole = k[1, 0] == 0 and np.array_equal(k[2], (0, 0, 1))
    is_centred = 0 < k[0, 2] < width and 0 < k[1, 2] < height
    return bool(is_pinhole and is_centred and k[0, 0] < 100 * width and k[1, 1] < 100 * height)
