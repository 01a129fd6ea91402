"""The crossing: four arms, their lanes, the paths through it, and what is painted on the ground.

Scene frame: origin at the crossing's centre on the ground, x along the first road, z up, metres. Traffic keeps right.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Turn = Literal['straight', 'left', 'right']

LANE_WIDTH = 3.5
REACH = 170.0  # length of each arm, from the crossing's centre
_PATH_STEP = 0.25


@dataclass(frozen=True)
class Road:
    """One of the two roads through the crossing.

    Attributes:
        heading: radians in the scene frame, of its positive direction.
        lanes: in each direction.
        shoulder: metres between the outermost lane and the kerb; a parking bay where it is wide.
    """

    heading: float
    lanes: int
    shoulder: float

    @property
    def half_width(self) -> float:
        """Metres from the centre line to the kerb."""
        return self.lanes * LANE_WIDTH + self.shoulder

    @property
    def has_parking(self) -> bool:
        """Whether cars may stand between the outermost lane and the kerb."""
        return self.shoulder > 2.0


@dataclass(frozen=True, eq=False)
class Path:
    """A way through the crossing, from the far end of one arm to the far end of another.

    Attributes:
        entry: (arm, lane) on which it comes in; lane 0 is beside the centre line.
        exit: (arm, lane) on which it leaves.
        turn: what it does at the crossing.
        points: (N, 2) metres in the scene frame.
        headings: (N,) radians, unwrapped.
        arc: (N,) metres along the path.
        stop_at: arc length of the stop line; `leave_at` of the end of the crossing.
    """

    entry: tuple[int, int]
    exit: tuple[int, int]
    turn: Turn
    points: NDArray[np.float64]
    headings: NDArray[np.float64]
    arc: NDArray[np.float64]
    stop_at: float
    leave_at: float

    def pose(self, s: float) -> tuple[float, float, float]:
        """Return x, y (metres) and heading (radians) at arc length `s` metres."""
        x = np.interp(s, self.arc, self.points[:, 0])
        y = np.interp(s, self.arc, self.points[:, 1])
        return float(x), float(y), float(np.interp(s, self.arc, self.headings))


@dataclass(frozen=True)
class Crossing:
    """Two roads that cross. Arms 0 to 3 go outwards counter-clockwise: road 0 forwards, road 1 forwards, and back."""

    roads: tuple[Road, Road]

    def road_of(self, arm: int) -> Road:
        """Return the road of an arm."""
        return self.roads[arm % 2]

    def direction(self, arm: int) -> NDArray[np.float64]:
        """Return the (2,) unit vector of an arm, outwards."""
        heading = self.road_of(arm).heading + (np.pi if arm >= 2 else 0.0)
        return np.array([np.cos(heading), np.sin(heading)])

    def setback(self, arm: int) -> float:
        """Return the stop line's distance in metres from the centre: past the other road's kerb and the crosswalk."""
        own, other = self.road_of(arm), self.road_of(arm + 1)
        angle = abs(np.sin(self.roads[1].heading - self.roads[0].heading))
        cosine = abs(np.cos(self.roads[1].heading - self.roads[0].heading))
        return (other.half_width + own.half_width * cosine) / angle + 6.5

    def lane_point(self, arm: int, lane: float, distance: float, inbound: bool) -> NDArray[np.float64]:
        """Return the (2,) point in the middle of a lane of an arm, `distance` metres from the centre."""
        d = self.direction(arm)
        left = np.array([-d[1], d[0]])
        return d * distance + left * (LANE_WIDTH * (lane + 0.5) * (1 if inbound else -1))

    def paths(self) -> tuple[Path, ...]:
        """Return every way through: straight from each lane, left from the innermost and right from the outermost."""
        result = []
        for arm in range(4):
            lanes = self.road_of(arm).lanes
            for lane in range(lanes):
                result.append(self._path(arm, lane, (arm + 2) % 4, lane, 'straight'))
            other = (arm + 1) % 4
            result.append(self._path(arm, lanes - 1, other, self.road_of(other).lanes - 1, 'right'))
            result.append(self._path(arm, 0, (arm + 3) % 4, 0, 'left'))
        return tuple(result)

    def _path(self, arm: int, lane: int, out_arm: int, out_lane: int, turn: Turn) -> Path:
        start, stop = self.setback(arm), self.setback(out_arm) - 5.0
        a, b = self.lane_point(arm, lane, start, True), self.lane_point(out_arm, out_lane, stop, False)
        inwards, outwards = -self.direction(arm), self.direction(out_arm)
        # handles of 0.39 of the chord make a cubic Bezier curve of a right angle nearly a circle
        reach = np.linalg.norm(b - a) * 0.39
        t = np.linspace(0, 1, 400)[:, None]
        controls = [a, a + inwards * reach, b - outwards * reach, b]
        curve = sum(
            weight * (1 - t) ** (3 - k) * t**k * point
            for k, (weight, point) in enumerate(zip((1, 3, 3, 1), controls, strict=True))
        )
        line = np.concatenate(
            [
                self.lane_point(arm, lane, REACH, True)[None],
                curve,
                self.lane_point(out_arm, out_lane, REACH, False)[None],
            ]
        )
        # the traffic magnifies the last bit: rounded, the lengths are the same whatever computed sine and cosine
        lengths = np.concatenate([[0.0], np.linalg.norm(np.diff(line, axis=0), axis=1).cumsum()]).round(6)
        arc = np.arange(0.0, lengths[-1], _PATH_STEP)
        points = np.stack([np.interp(arc, lengths, line[:, 0]), np.interp(arc, lengths, line[:, 1])], axis=1)
        step = np.gradient(points, axis=0)
        headings = np.unwrap(np.arctan2(step[:, 1], step[:, 0]))
        return Path(
            (arm, lane), (out_arm, out_lane), turn, points, headings, arc, float(lengths[1]), float(lengths[-2])
        )


def draw_crossing(rng: np.random.Generator) -> Crossing:
    """Draw a crossing of roads with two or three and one or two lanes a direction, at 75 to 105 degrees."""
    shoulders = [float(rng.choice([0.5, 2.6])) for _ in range(2)]
    first = Road(0.0, int(rng.choice([2, 2, 3])), shoulders[0])
    second = Road(np.pi / 2 + float(rng.uniform(-0.26, 0.26)), int(rng.choice([1, 2])), shoulders[1])
    return Crossing((first, second))
