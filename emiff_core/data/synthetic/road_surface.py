"""What lies on the ground: asphalt, kerbs, pavements, green and markings."""

import numpy as np
from numpy.typing import NDArray

from emiff_core.data.synthetic.mesh import Colour, Mesh, MeshBuilder, disc
from emiff_core.data.synthetic.roads import LANE_WIDTH, REACH, Crossing

_WHITE, _YELLOW = (225.0, 225, 222), (70.0, 185, 228)
_FAR = 3000.0  # metres: the ground's edge, beyond the haze


Patch = tuple[NDArray[np.float64], Colour]  # outline (N, 2) in metres on the ground of the scene frame, and its albedo


def paint_crossing(crossing: Crossing, rng: np.random.Generator) -> Mesh:
    """Lay asphalt, kerbs, pavements, green and markings: faces on z = 0 of the scene frame, in painting order."""
    asphalt = np.full(3, rng.uniform(82, 118)) * (1.02, 1.0, 0.98)
    pavement = np.full(3, rng.uniform(140, 178)) * (0.96, 0.99, 1.0)
    green = np.array([(72, 118, 92), (80, 112, 106), (128, 138, 142)][rng.integers(3)], dtype=np.float64)
    patches: list[Patch] = [(np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * _FAR, asphalt)]
    for arm in range(4):
        for inset, colour in ((0.0, pavement * 1.12), (0.28, pavement), (4.6, green)):
            patches.append((_block_outline(crossing, arm, inset), colour))
    for arm in range(4):
        patches += _worn_patches(crossing, arm, asphalt, rng)
        patches += _arm_markings(crossing, arm)
    builder = MeshBuilder()
    for outline, albedo in patches:
        builder.face(np.pad(outline, ((0, 0), (0, 1))), albedo, (0.0, 0.0, -1.0))
    return builder.build()


def _block_outline(crossing: Crossing, arm: int, inset: float) -> NDArray[np.float64]:
    """Return the block between an arm and the next, its corner rounded, `inset` metres inside its kerb."""
    a, b = crossing.direction(arm), crossing.direction((arm + 1) % 4)
    offset_a = crossing.road_of(arm).half_width + inset
    offset_b = crossing.road_of(arm + 1).half_width + inset
    sine = a[0] * b[1] - a[1] * b[0]
    corner = a * offset_b / sine + b * offset_a / sine
    radius = max(6.0 - inset, 1.5)
    t = np.linspace(0, 1, 9)[:, None]
    start, stop = corner + b * radius, corner + a * radius
    arc = (1 - t) ** 2 * start + 2 * t * (1 - t) * corner + t**2 * stop
    return np.concatenate([arc, [corner + a * _FAR, corner + (a + b) * _FAR, corner + b * _FAR]])


def _stripe(
    crossing: Crossing, arm: int, along: tuple[float, float], across: tuple[float, float], colour: Colour
) -> Patch:
    """A rectangle on an arm: from and to in metres outwards, and to the left of the outward direction."""
    d = crossing.direction(arm)
    left = np.array([-d[1], d[0]])
    corners = [(along[0], across[0]), (along[1], across[0]), (along[1], across[1]), (along[0], across[1])]
    return np.array([d * x + left * y for x, y in corners]), colour


def _arm_markings(crossing: Crossing, arm: int) -> list[Patch]:
    road, start = crossing.road_of(arm), crossing.setback(arm)
    edge = road.lanes * LANE_WIDTH
    marks = [_stripe(crossing, arm, (start, REACH), (y - 0.07, y + 0.07), _YELLOW) for y in (-0.16, 0.16)]
    marks.append(_stripe(crossing, arm, (start, start + 0.4), (0.3, edge), _WHITE))
    for lane in range(1, road.lanes):
        y = lane * LANE_WIDTH
        marks.append(_stripe(crossing, arm, (start, start + 22.0), (y - 0.07, y + 0.07), _WHITE))
        for side in (-1, 1):
            for x in np.arange(start + (28.0 if side > 0 else 2.0), 120.0, 6.0).tolist():
                marks.append(_stripe(crossing, arm, (x, x + 2.6), (side * y - 0.07, side * y + 0.07), _WHITE))
    if road.has_parking:
        for side in (-1, 1):
            marks.append(_stripe(crossing, arm, (start + 9.0, 95.0), (side * edge - 0.06, side * edge + 0.06), _WHITE))
    for y in np.arange(-road.half_width + 0.5, road.half_width - 0.5, 1.15).tolist():
        marks.append(_stripe(crossing, arm, (start - 4.6, start - 1.4), (y, y + 0.55), _WHITE))
    for lane in range(road.lanes):
        marks += _arrow(crossing, arm, start + 7.0, (lane + 0.5) * LANE_WIDTH)
    return marks


def _arrow(crossing: Crossing, arm: int, x: float, y: float) -> list[Patch]:
    """A straight arrow towards the crossing in the middle of an inbound lane."""
    d = crossing.direction(arm)
    left = np.array([-d[1], d[0]])
    head = np.array([d * x + left * y, d * (x + 1.6) + left * (y + 0.42), d * (x + 1.6) + left * (y - 0.42)])
    return [(head, _WHITE), _stripe(crossing, arm, (x + 1.6, x + 4.4), (y - 0.09, y + 0.09), _WHITE)]


def _worn_patches(crossing: Crossing, arm: int, asphalt: NDArray[np.float64], rng: np.random.Generator) -> list[Patch]:
    """Repairs, manhole covers and the darker wheel tracks of each lane."""
    road = crossing.road_of(arm)
    patches: list[Patch] = []
    for side in (-1, 1):
        for lane in range(road.lanes):
            y = side * (lane + 0.5) * LANE_WIDTH
            for track in (-0.85, 0.85):
                patches.append(_stripe(crossing, arm, (6.0, REACH), (y + track - 0.3, y + track + 0.3), asphalt * 0.95))
    for _ in range(5):
        x, y = rng.uniform(4, 80), rng.uniform(-road.half_width + 2, road.half_width - 3)
        length, width = rng.uniform(1.5, 9), rng.uniform(0.8, 2.4)
        patches.append(_stripe(crossing, arm, (x, x + length), (y, y + width), asphalt * rng.uniform(0.82, 1.1)))
    d = crossing.direction(arm)
    for _ in range(3):
        x, y = rng.uniform(2, 60), rng.uniform(-road.half_width + 1, road.half_width - 1)
        centre = np.array([d[0] * x - d[1] * y, d[1] * x + d[0] * y, 0.0])
        patches.append((disc(centre, (0.33, 0, 0), (0, 0.33, 0), 12)[:, :2], asphalt * 0.6))
    return patches
