"""The feature buffer: which admitted frames an image may use."""

import threading
from collections import deque

from emiff_core.cooperation.admission import AdmittedFrame

_MILLISECOND_NS = 1_000_000
_LEFT_BEHIND_NS = 10_000_000_000


class FeatureBuffer:
    """Keeps the newest admitted frames of each agent, until it has been left behind for 10 s.

    Safe to fill from one thread and read from another.

    Attributes:
        max_age_ms, max_ahead_ms: as in the constructor; may be changed at any time.
    """

    def __init__(self, max_age_ms: float, max_ahead_ms: float = 40.0, depth: int = 8) -> None:
        """Make an empty buffer.

        Args:
            max_age_ms: a frame may be used for images at most this much later than itself, milliseconds.
            max_ahead_ms: a frame newer than the image by up to this may be used too.
            depth: frames kept for each agent; an image that waited for the model still finds its own.
        """
        self.max_age_ms = max_age_ms
        self.max_ahead_ms = max_ahead_ms
        self._depth = depth
        self._frames: dict[str, deque[AdmittedFrame]] = {}
        self._changed = threading.Condition()

    def add(self, admitted: AdmittedFrame) -> None:
        """Keep a frame."""
        oldest_ns = admitted.frame.stamp_ns - _LEFT_BEHIND_NS
        with self._changed:
            # a vehicle passes many agents on its way, and their latents would add up
            self._frames = {a: frames for a, frames in self._frames.items() if frames[-1].frame.stamp_ns >= oldest_ns}
            frames = self._frames.setdefault(admitted.frame.agent_id, deque(maxlen=self._depth))
            frames.append(admitted)
            self._changed.notify_all()

    def wait(self, image_stamp_ns: int, timeout_s: float) -> list[AdmittedFrame]:
        """Return the newest usable frame of each agent for an image of this stamp, agents in alphabetical order.

        Wait up to `timeout_s` seconds for at least one; without such a frame return none.
        """
        with self._changed:
            self._changed.wait_for(lambda: bool(self._select(image_stamp_ns)), timeout_s)
            return self._select(image_stamp_ns)

    def clear(self) -> None:
        """Drop everything; called when the clock jumps back."""
        with self._changed:
            self._frames.clear()

    def _select(self, image_stamp_ns: int) -> list[AdmittedFrame]:
        chosen = []
        for _, frames in sorted(self._frames.items()):
            usable = [f for f in frames if self._is_usable(age_ms(f, image_stamp_ns))]
            if usable:
                chosen.append(max(usable, key=lambda f: f.frame.stamp_ns))
        return chosen

    def _is_usable(self, age: float) -> bool:
        return -self.max_ahead_ms <= age <= self.max_age_ms


def age_ms(admitted: AdmittedFrame, image_stamp_ns: int) -> float:
    """Return the image's stamp minus the frame's, milliseconds."""
    return (image_stamp_ns - admitted.frame.stamp_ns) / _MILLISECOND_NS
