"""Admission: which feature frames a vehicle believes. Decided once, on arrival.

Freshness and plausibility follow ETSI TR 103 460; a frame that fails is refused with a reason and never stops
detection.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from emiff_core.codec import decode
from emiff_core.cooperation.agent_history import AgentHistory
from emiff_core.cooperation.feature_frame import FeatureFrame, checksum
from emiff_core.cooperation.plausibility import PlausibilityRules, is_possible
from emiff_core.cooperation.refusal import Refusal
from emiff_core.errors import EmiffError
from emiff_core.geometry import PinholeCamera

_MILLISECOND_NS = 1_000_000
_SCALE_TOLERANCE = 1e-6
_MAX_LATENT = 65504.0  # float16's largest; beyond it the network's float32 sums overflow and blind the vehicle


@dataclass(frozen=True)
class AdmissionRules:
    """What is asked of a frame.

    Attributes:
        model_id: the receiver's own, 64 hexadecimal digits.
        latent_shape: (channels, height, width) that the receiver's model expects of a camera.
        scale: (x, y) network pixels per camera pixel that the receiver's model expects of a camera.
        world_frame: the frame that both sides know.
        max_age_ms: older than this against the receiver's clock is too old.
        max_ahead_ms: further in the future than this is refused; clocks differ a little.
        plausibility: how an agent may differ from its own last frame.
    """

    model_id: str
    latent_shape: Callable[[PinholeCamera], tuple[int, int, int]]
    scale: Callable[[PinholeCamera], tuple[float, float]]
    world_frame: str
    max_age_ms: float = 300.0
    max_ahead_ms: float = 40.0
    plausibility: PlausibilityRules = field(default_factory=PlausibilityRules)


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
    """Judges frames as they arrive; remembers what each agent said that was heard of late.

    Attributes:
        rules: may be exchanged at any time.
    """

    def __init__(self, rules: AdmissionRules) -> None:
        self.rules = rules
        self._histories: dict[str, AgentHistory] = {}  # by agent

    def admit(self, frame: FeatureFrame, now_ns: int) -> AdmittedFrame | Refusal:
        """Judge one frame.

        Args:
            frame: as received.
            now_ns: the receiver's clock, nanoseconds.

        Returns:
            The decoded frame, or the first reason against it.
        """
        reason = self._against_alone(frame, now_ns)
        if reason is not None:
            return reason
        try:
            admitted = AdmittedFrame(frame, decode(frame.latent), frame.T_world_camera())
        except EmiffError:
            return Refusal.MALFORMED
        if np.abs(admitted.latent).max() > _MAX_LATENT:
            return Refusal.MALFORMED
        self._forget_the_silent(now_ns)
        history = self._histories.get(frame.agent_id)
        if history is None:
            self._histories[frame.agent_id] = AgentHistory(frame)
            return admitted
        return history.admit(frame, self.rules.plausibility) or admitted

    def forget(self) -> None:
        """Forget every agent; called when the receiver's clock jumps back."""
        self._histories.clear()

    def _against_alone(self, frame: FeatureFrame, now_ns: int) -> Refusal | None:
        rules = self.rules
        if checksum(frame) != frame.checksum:
            return Refusal.CORRUPT
        if frame.model_id != rules.model_id:
            return Refusal.OTHER_MODEL
        if frame.world_frame != rules.world_frame:
            return Refusal.OTHER_WORLD
        if not is_possible(frame) or frame.latent.shape != rules.latent_shape(frame.camera):
            return Refusal.MALFORMED
        if not np.allclose(frame.scale, rules.scale(frame.camera), rtol=_SCALE_TOLERANCE, atol=0):
            return Refusal.MALFORMED
        age_ms = (now_ns - frame.stamp_ns) / _MILLISECOND_NS
        if age_ms < -rules.max_ahead_ms:
            return Refusal.FROM_THE_FUTURE
        if age_ms > rules.max_age_ms:
            return Refusal.TOO_OLD
        return None

    def _forget_the_silent(self, now_ns: int) -> None:
        # for max_age at least, beyond which a replay is too old in any case
        memory_ms = max(self.rules.plausibility.memory_ms, self.rules.max_age_ms)
        oldest_ns = now_ns - memory_ms * _MILLISECOND_NS
        self._histories = {a: h for a, h in self._histories.items() if h.believed.stamp_ns >= oldest_ns}
