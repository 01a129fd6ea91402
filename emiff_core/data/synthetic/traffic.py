"""Traffic on the crossing: vehicles that follow lanes and one another, stop at signals, and never interpenetrate.

Car following is the intelligent driver model (Treiber, Hennecke, Helbing 2000). A vehicle enters the crossing only
while its signal is green and no vehicle on a conflicting path is inside.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emiff_core.data.synthetic.conditions import Conditions
from emiff_core.data.synthetic.roads import Crossing, Path
from emiff_core.data.synthetic.signals import Signals, find_conflicts, plan_signals
from emiff_core.data.synthetic.vehicles import VehicleSpec, draw_kind, draw_spec

_STEP = 0.1  # seconds
_WARM_UP = 10.0  # seconds before time 0, in which queues form
_ACCELERATION, _BRAKING, _HARDEST_BRAKING = 1.8, 2.5, 7.0  # m/s^2
_HEADWAY, _STANDSTILL_GAP = 1.1, 2.2  # s, m
_TURN_SPEED = 6.0  # m/s
_MARGIN = 0.15  # metres that any two vehicles keep at least, each to its own box


@dataclass(frozen=True, eq=False)
class Track:
    """One vehicle's motion, or a parked one's rest.

    Attributes:
        spec: what it is.
        times: (T,) seconds, ascending; it is on the scene from the first to the last.
        poses: (T, 3) x, y (metres) and heading (radians, unwrapped) in the scene frame.
        path: what it follows; None where it is parked.
    """

    spec: VehicleSpec
    times: NDArray[np.float64]
    poses: NDArray[np.float64]
    path: Path | None = None

    def pose(self, time: float) -> NDArray[np.float64] | None:
        """Return (3,) x, y, heading at `time` seconds, linear between the steps, or None where it is not there."""
        if not self.times[0] <= time <= self.times[-1]:
            return None
        return np.array([np.interp(time, self.times, column) for column in self.poses.T])


@dataclass
class _Mover:
    spec: VehicleSpec
    path: int
    s: float
    speed: float
    wish: float
    record: list[tuple[float, float]]  # time, s
    entered: bool


def simulate(
    crossing: Crossing, rng: np.random.Generator, duration: float, conditions: Conditions
) -> tuple[list[Track], Signals]:
    """Let traffic run from 1 s before time 0 to 1 s after `duration` seconds.

    Args:
        crossing: the roads.
        rng: all randomness comes from it.
        duration: seconds.
        conditions: how many vehicles, and of which kinds.

    Returns:
        The tracks, moving vehicles and parked ones, of which no two overlap at any step, and the signal plan.
    """
    density = float(rng.uniform(*conditions.density))
    paths = crossing.paths()
    conflicts = find_conflicts(paths)
    signals = plan_signals(paths, float(rng.uniform(_WARM_UP, 60.0)))
    movers = _initial_movers(paths, rng, density, conditions.large_share)
    finished: list[_Mover] = []
    for step in range(round((_WARM_UP + duration + 1.0) / _STEP) + 1):
        time = step * _STEP - _WARM_UP
        _advance(movers, paths, conflicts, signals, time)
        for mover in movers:
            if time >= -1.0 - 1e-9:
                mover.record.append((time, mover.s))
        finished += [m for m in movers if m.s >= paths[m.path].arc[-1] - 8.0]
        movers = [m for m in movers if m.s < paths[m.path].arc[-1] - 8.0]
        _spawn(movers, paths, rng, density, conditions.large_share)
    tracks = []
    for mover in finished + movers:
        if len(mover.record) > 1:
            times, arc = np.array(mover.record).T
            poses = np.array([paths[mover.path].pose(s) for s in arc])
            tracks.append(Track(mover.spec, times, poses, paths[mover.path]))
    parked = _park(crossing, rng, duration, conditions)
    return _without_overlaps(tracks + parked), signals


def _initial_movers(
    paths: tuple[Path, ...], rng: np.random.Generator, density: float, large_share: float
) -> list[_Mover]:
    """Fill each way in, and half of each way out, with vehicles at random distances."""
    movers = []
    for entry in dict.fromkeys(path.entry for path in paths):
        choices = [i for i, path in enumerate(paths) if path.entry == entry]
        s = float(rng.uniform(0, 100 / density))
        while s < paths[choices[0]].arc[-1] - 20:
            spec = draw_spec(rng, draw_kind(rng, large_share))
            path = int(rng.choice(choices))
            inside = paths[path].stop_at - spec.length < s < paths[path].leave_at + spec.length
            if not inside:
                speed = float(rng.uniform(4, 11))
                movers.append(_Mover(spec, path, s, speed, float(rng.uniform(8, 14)), [], s > paths[path].stop_at))
            s += spec.length + 4.0 + float(rng.exponential(100 / density))
    return movers


def _spawn(
    movers: list[_Mover], paths: tuple[Path, ...], rng: np.random.Generator, density: float, large_share: float
) -> None:
    """Let a vehicle appear at the far end of each free lane, now and then."""
    for entry in dict.fromkeys(path.entry for path in paths):
        if rng.random() > density * 0.008:
            continue
        nearest = min((m.s for m in movers if paths[m.path].entry == entry), default=1e9)
        if nearest > 26.0:
            choices = [i for i, path in enumerate(paths) if path.entry == entry]
            path = int(rng.choice(choices))
            spec = draw_spec(rng, draw_kind(rng, large_share))
            movers.append(_Mover(spec, path, 0.0, 8.0, float(rng.uniform(8, 14)), [], False))


def _advance(
    movers: list[_Mover], paths: tuple[Path, ...], conflicts: NDArray[np.bool_], signals: Signals, time: float
) -> None:
    """Move every vehicle on by one step, all from the state at the step's beginning."""
    if not movers:
        return
    ways = [paths[m.path] for m in movers]
    s = np.array([m.s for m in movers])
    speeds = np.array([m.speed for m in movers])
    lengths = np.array([m.spec.length for m in movers])
    entries = np.array([4 * w.entry[1] + w.entry[0] for w in ways])
    exits = np.array([4 * w.exit[1] + w.exit[0] for w in ways])
    leave = np.array([w.leave_at for w in ways])
    index = np.array([m.path for m in movers])
    inside = np.array([m.entered for m in movers]) & (s - lengths / 2 < leave + 1.0)

    # distance ahead along the own path to each other vehicle's centre: on the shared way in, or on the shared way out
    ahead = s[None, :] - s[:, None]
    shares_entry = (entries[:, None] == entries[None, :]) & (
        (index[:, None] == index[None, :]) | (s[None, :] - lengths[None, :] / 2 < leave[None, :])
    )
    past_exit = (s - leave)[None, :] + (leave - s)[:, None]
    shares_exit = (exits[:, None] == exits[None, :]) & (s[None, :] > leave[None, :] - 4.0)
    distance = np.where(shares_entry & (ahead > 0), ahead, np.inf)
    distance = np.minimum(distance, np.where(shares_exit & (past_exit > 0), past_exit, np.inf))
    np.fill_diagonal(distance, np.inf)
    leader = distance.argmin(axis=1)
    rows = np.arange(len(movers))
    gaps = distance[rows, leader] - (lengths + lengths[leader]) / 2
    leader_speeds = np.where(np.isfinite(gaps), speeds[leader], 0.0)

    for i in np.argsort(-s):
        mover, way = movers[i], ways[i]
        gap, leader_speed = gaps[i], leader_speeds[i]
        to_line = way.stop_at - s[i] - lengths[i] / 2
        if not mover.entered:
            may_enter = signals.green(mover.path, time) and not (conflicts[mover.path, index] & inside).any()
            cannot_stop = speeds[i] ** 2 / (2 * _HARDEST_BRAKING) > max(to_line, 0.0)
            if may_enter or cannot_stop:
                if to_line < 1.0:
                    mover.entered = True
                    inside[i] = True
            elif to_line < gap:
                gap, leader_speed = to_line, 0.0
        turning = way.turn != 'straight' and -18.0 < s[i] - way.stop_at < way.leave_at - way.stop_at
        wish = min(mover.wish, _TURN_SPEED) if turning else mover.wish
        mover.s, mover.speed = _follow(s[i], speeds[i], wish, gap, leader_speed)


def _follow(s: float, speed: float, wish: float, gap: float, leader_speed: float) -> tuple[float, float]:
    """Return arc length and speed one step later by the intelligent driver model."""
    share = (speed / wish) ** 2
    acceleration = _ACCELERATION * (1 - share * share)  # a power of 4 would not be the same to the bit everywhere
    if np.isfinite(gap):
        approach = speed * (speed - leader_speed) / (2 * np.sqrt(_ACCELERATION * _BRAKING))
        desired = _STANDSTILL_GAP + max(0.0, speed * _HEADWAY + approach)
        acceleration -= _ACCELERATION * (desired / max(gap, 0.1)) ** 2
    acceleration = float(np.clip(acceleration, -_HARDEST_BRAKING, _ACCELERATION))
    following = max(0.0, speed + acceleration * _STEP)
    return s + (speed + following) / 2 * _STEP, following


def _park(crossing: Crossing, rng: np.random.Generator, duration: float, conditions: Conditions) -> list[Track]:
    """Park cars and vans in the bays beside the outermost lanes."""
    tracks = []
    for arm in range(4):
        road = crossing.road_of(arm)
        if not road.has_parking:
            continue
        for inbound in (False, True):
            distance = crossing.setback(arm) + 10.0
            while distance < 90.0:
                spec = draw_spec(rng, 'Van' if rng.random() < conditions.parked_van_share else 'Car')
                if rng.random() < conditions.parked_share:
                    lane = road.lanes - 0.5 + (spec.width / 2 + 0.3) / 3.5
                    x, y = crossing.lane_point(arm, lane, distance + spec.length / 2, inbound)
                    d = crossing.direction(arm) * (-1 if inbound else 1)
                    pose = [x, y, np.arctan2(d[1], d[0]) + rng.normal(0, 0.015)]
                    tracks.append(Track(spec, np.array([-1.0, duration + 1.0]), np.array([pose, pose])))
                distance += spec.length + rng.uniform(0.9, 3.0)
    return tracks


def _without_overlaps(tracks: list[Track]) -> list[Track]:
    """Drop, of any two vehicles that overlap at a step, the one that comes later in the list."""
    kept: list[Track] = []
    for track in tracks:
        if not any(overlaps(track, other) for other in kept):
            kept.append(track)
    return kept


def overlaps(a: Track, b: Track) -> bool:
    """Whether the footprints of two tracks, each grown by the margin, touch at any step that both have."""
    reach = (np.hypot(a.spec.length, a.spec.width) + np.hypot(b.spec.length, b.spec.width)) / 2 + 2 * _MARGIN
    gap = np.maximum(
        a.poses[:, :2].min(axis=0) - b.poses[:, :2].max(axis=0), b.poses[:, :2].min(axis=0) - a.poses[:, :2].max(axis=0)
    )
    start, stop = max(a.times[0], b.times[0]), min(a.times[-1], b.times[-1])
    times = np.arange(start, stop + 1e-9, _STEP)
    if gap.max() > reach or len(times) == 0:
        return False
    poses = [np.stack([np.interp(times, t.times, column) for column in t.poses.T], axis=1) for t in (a, b)]
    close = np.linalg.norm(poses[0][:, :2] - poses[1][:, :2], axis=1) < reach
    if not close.any():
        return False
    return bool(_footprints_touch(poses[0][close], a.spec, poses[1][close], b.spec).any())


def _footprints_touch(
    poses_a: NDArray[np.float64], a: VehicleSpec, poses_b: NDArray[np.float64], b: VehicleSpec
) -> NDArray[np.bool_]:
    """Separating-axis test of two rectangles at each of T steps: (T, 3) and (T, 3) poses -> (T,)."""
    halves = [np.array([spec.length, spec.width]) / 2 + _MARGIN for spec in (a, b)]
    axes = []
    for poses in (poses_a, poses_b):
        c, s = np.cos(poses[:, 2]), np.sin(poses[:, 2])
        axes.append(np.stack([np.stack([c, s], axis=1), np.stack([-s, c], axis=1)], axis=1))  # (T, 2 axes, 2)
    offset = poses_b[:, :2] - poses_a[:, :2]
    touching = np.ones(len(offset), dtype=bool)
    for candidates in axes:
        for k in range(2):
            axis = candidates[:, k]
            reach = sum(
                np.abs(np.einsum('tki,ti->tk', box, axis)) @ half for box, half in zip(axes, halves, strict=True)
            )
            touching &= np.abs((offset * axis).sum(axis=1)) < reach
    return touching


def keep_clear(tracks: list[Track], ego: Track) -> list[Track]:
    """Return the tracks that never overlap the ego vehicle's, the ego itself left out."""
    return [track for track in tracks if track is not ego and not overlaps(track, ego)]


def renamed(track: Track, spec: VehicleSpec) -> Track:
    """Return the same motion by another vehicle."""
    return replace(track, spec=spec)
