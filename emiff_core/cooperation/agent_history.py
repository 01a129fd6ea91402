"""What one agent said of late, and whether its next frame agrees with it."""

from collections import deque

from emiff_core.cooperation.feature_frame import FeatureFrame
from emiff_core.cooperation.plausibility import PlausibilityRules, kept_camera, moved_plausibly
from emiff_core.cooperation.refusal import Refusal

_BOOTS_KEPT = 16


class AgentHistory:
    """The last frame believed, and a run of later ones that contradict it but agree with one another.

    Attributes:
        believed: the last frame believed.
    """

    def __init__(self, first: FeatureFrame) -> None:
        """Begin with a frame that there is nothing to compare with."""
        self.believed = first
        self._former_boots: deque[int] = deque(maxlen=_BOOTS_KEPT)
        self._doubted: FeatureFrame | None = None  # the last of the run
        self._agreeing = 0  # frames in the run

    def admit(self, frame: FeatureFrame, rules: PlausibilityRules) -> Refusal | None:
        """Compare a possible frame with what came before, and remember it.

        A new boot is believed as it comes: the unit may have been surveyed anew while it was off. One that was followed
        by another never comes back: it is a replay, or two units have one name. The last of
        `rules.frames_to_believe` frames in a row that contradict the past, but not one another, is believed too.

        Returns:
            The reason against it; None: it is believed.
        """
        if frame.boot_id in self._former_boots or not _follows(frame, self.believed):
            return Refusal.OUT_OF_ORDER
        reason = _contradiction(frame, self.believed, rules)
        if reason is not None and not self._is_confirmed(frame, rules):
            return reason
        if frame.boot_id != self.believed.boot_id:
            self._former_boots.append(self.believed.boot_id)
        self.believed = frame
        self._doubted, self._agreeing = None, 0
        return None

    def _is_confirmed(self, frame: FeatureFrame, rules: PlausibilityRules) -> bool:
        last = self._doubted
        if last is not None and not _follows(frame, last):  # a copy of a doubted frame confirms nothing
            return False
        agrees = last is not None and _contradiction(frame, last, rules) is None
        self._doubted, self._agreeing = frame, self._agreeing + 1 if agrees else 1
        return self._agreeing >= rules.frames_to_believe


def _follows(frame: FeatureFrame, last: FeatureFrame) -> bool:
    # a restarted sender counts anew but lives later; what is older than the last frame is the former boot's, replayed
    if frame.boot_id == last.boot_id:
        return frame.sequence > last.sequence
    return frame.stamp_ns > last.stamp_ns


def _contradiction(frame: FeatureFrame, earlier: FeatureFrame, rules: PlausibilityRules) -> Refusal | None:
    if frame.boot_id != earlier.boot_id:
        return None
    if not kept_camera(frame, earlier, rules):
        return Refusal.IMPLAUSIBLE_CAMERA
    return None if moved_plausibly(frame, earlier, rules) else Refusal.IMPLAUSIBLE_MOTION
