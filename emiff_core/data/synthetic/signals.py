"""The crossing's signals: which paths conflict, and which may go together when."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emiff_core.data.synthetic.roads import Path

_GREEN, _CLEARANCE = 7.0, 2.5  # seconds
_CONFLICT_DISTANCE = 3.2  # metres between the centre lines of two paths that must not be used together


@dataclass(frozen=True, eq=False)
class Signals:
    """The signal plan: phases of paths that may go together, one after another.

    Attributes:
        phases: index sets of paths that have green together.
        arms: the arm on which each path comes in.
        offset: seconds into the cycle at time 0.
    """

    phases: tuple[frozenset[int], ...]
    arms: tuple[int, ...]
    offset: float

    def green(self, path: int, time: float) -> bool:
        """Whether the path (by index) has green at `time` seconds."""
        slot, rest = divmod(time + self.offset, _GREEN + _CLEARANCE)
        return rest < _GREEN and path in self.phases[int(slot) % len(self.phases)]

    def arm_is_green(self, arm: int, time: float) -> bool:
        """Whether any path that comes in on an arm has green at `time` seconds."""
        return any(self.green(path, time) for path, entry in enumerate(self.arms) if entry == arm)


def find_conflicts(paths: tuple[Path, ...]) -> NDArray[np.bool_]:
    """Return (P, P): whether two paths come closer inside the crossing than two vehicles could pass."""
    inner = [path.points[(path.arc > path.stop_at - 0.5) & (path.arc < path.leave_at + 6.0)][::3] for path in paths]
    result = np.zeros((len(paths), len(paths)), dtype=bool)
    for i, a in enumerate(paths):
        for j, b in enumerate(paths):
            if a.entry[0] != b.entry[0] and a.entry != b.entry:
                distance = np.linalg.norm(inner[i][:, None] - inner[j][None], axis=2).min()
                result[i, j] = distance < _CONFLICT_DISTANCE
    return result


def plan_signals(paths: tuple[Path, ...], offset: float) -> Signals:
    """Group paths greedily into phases without conflicts, then let each phase carry all that fits beside it."""
    conflicts = find_conflicts(paths)
    phases: list[set[int]] = []
    for path in range(len(conflicts)):
        for phase in phases:
            if not conflicts[path, list(phase)].any():
                phase.add(path)
                break
        else:
            phases.append({path})
    for phase in phases:
        for path in range(len(conflicts)):
            if not conflicts[path, list(phase)].any():
                phase.add(path)
    return Signals(tuple(frozenset(phase) for phase in phases), tuple(path.entry[0] for path in paths), offset)
