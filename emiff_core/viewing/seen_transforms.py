"""Transforms as they were said on tf, for looking at them later."""

from bisect import bisect_left, insort
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emiff_core.geometry import transforms
from emiff_core.stamps import stamp_of

_KEPT = 1000  # a link, some ten seconds at 100 Hz
_JUMP_NS = 1_000_000_000


class SeenTransforms:
    """The nearest said transform is taken, not one interpolated: good enough to look at, not to compute with."""

    def __init__(self, kept: int | None = _KEPT) -> None:
        """Keep the newest `kept` transforms of each link, and none from before a jump back of time; all with None."""
        self._kept = kept
        # child -> stamp, parent, T_parent_child
        self._links: dict[str, list[tuple[int, str, NDArray[np.float64]]]] = {}

    def add(self, entries: Iterable[Any]) -> None:
        """Add TransformStamped values.

        Raises:
            EmiffError: one is no rigid transform.
        """
        for entry in entries:
            t, q = entry.transform.translation, entry.transform.rotation
            T_parent_child = transforms.from_quaternion([t.x, t.y, t.z], [q.x, q.y, q.z, q.w])
            links, stamp_ns = self._links.setdefault(entry.child_frame_id, []), stamp_of(entry)
            if self._kept is not None and links and stamp_ns < links[-1][0] - _JUMP_NS:
                links.clear()  # time has jumped back: what is kept is of another lap, and newer than all to come
            insort(links, (stamp_ns, entry.header.frame_id, T_parent_child), key=lambda link: link[0])
            if self._kept is not None:
                del links[: -self._kept]

    def lookup(self, target: str, source: str, stamp_ns: int) -> NDArray[np.float64] | None:
        """Return T_target_source, (4, 4), about `stamp_ns` nanoseconds; None where the two do not hang together."""
        above_target = self._climb(target, stamp_ns)
        for frame, T_frame_source in self._climb(source, stamp_ns).items():
            if frame in above_target:
                return transforms.inverse(above_target[frame]) @ T_frame_source
        return None

    def _climb(self, frame: str, stamp_ns: int) -> dict[str, NDArray[np.float64]]:
        """Return T_ancestor_frame by ancestor, from `frame` itself up to the root."""
        found = {frame: np.eye(4)}
        while links := self._links.get(frame):
            after = bisect_left(links, stamp_ns, key=lambda link: link[0])
            near = links[max(0, after - 1) : after + 1]
            _, parent, T_parent_child = min(near, key=lambda link: abs(link[0] - stamp_ns))
            if parent in found:  # a circle: somebody says nonsense on tf
                break
            found[parent] = T_parent_child @ found[frame]
            frame = parent
        return found
