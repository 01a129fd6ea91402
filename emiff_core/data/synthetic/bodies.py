"""Meshes of vehicles.

A mesh stands on z = 0, its length along x (forward), centred in x and y, and fills its box (length, width, height)
exactly: the labels are the boxes of what is drawn.
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from emiff_core.data.synthetic.mesh import Mesh, MeshBuilder, clip, disc
from emiff_core.data.synthetic.vehicles import PAINTS, VehicleSpec

_GLASS = np.array([78.0, 66, 56])
_RUBBER = np.array([34.0, 33, 32])
_RIM = np.array([150.0, 150, 152])
_PLASTIC = np.array([50.0, 48, 47])
_HEADLAMP = np.array([245.0, 248, 250])
_TAIL_LAMP = np.array([40.0, 35, 190])
_PLATE = np.array([160.0, 90, 30])
_PLAY = 0.012  # metres by which bodies are narrower than their wheels stand


@dataclass(frozen=True)
class _Shell:
    """A body swept over the width: a lower part with upright sides and a cabin whose sides lean inwards.

    Attributes:
        outline: (N, 2) x, z of the profile, from the front bumper's foot over the roof to the rear bumper's foot.
        belt: height at which the cabin begins.
        half_width, roof_half_width: at the belt and at the roof.
        corner: length of the plan's corners at both ends.
        front_cut, rear_cut: by how much the plan narrows there; the cabin must not reach into a corner that narrows.
    """

    outline: NDArray[np.float64]
    belt: float
    half_width: float
    roof_half_width: float
    corner: float = 0.25
    front_cut: float = 0.0
    rear_cut: float = 0.0

    @cached_property
    def rear(self) -> float:
        return float(self.outline[:, 0].min())

    @cached_property
    def front(self) -> float:
        return float(self.outline[:, 0].max())

    @cached_property
    def top(self) -> float:
        return float(self.outline[:, 1].max())

    @cached_property
    def breaks(self) -> tuple[float, float]:
        """x at which the rear corners end and the front corners begin."""
        return self.rear + self.corner, self.front - self.corner

    @property
    def inside(self) -> tuple[float, float, float]:
        return (self.rear + self.front) / 2, 0.0, self.belt * 0.8

    def half_width_at(self, x: float, z: float) -> float:
        rear_break, front_break = self.breaks
        inset = self.front_cut * max(0.0, x - front_break) + self.rear_cut * max(0.0, rear_break - x)
        lean = max(0.0, z - self.belt) / max(self.top - self.belt, 1e-6)
        return self.half_width - inset / self.corner - lean * (self.half_width - self.roof_half_width)

    def on_side(self, xz: NDArray[np.float64], side: int) -> NDArray[np.float64]:
        """Lift x, z (N, 2) onto a side of the body, -1 right or 1 left: (N, 3)."""
        return np.array([(x, side * self.half_width_at(x, z), z) for x, z in xz]).reshape(-1, 3)

    def lower(self, start: float, stop: float) -> NDArray[np.float64]:
        """Return the x, z outline below the belt between two x."""
        below = clip(self.outline, (0.0, -1.0), -self.belt)
        return clip(clip(below, (1.0, 0.0), start), (-1.0, 0.0), -stop)


def build_mesh(spec: VehicleSpec) -> Mesh:
    """Build the mesh of a vehicle; equal specs give equal meshes."""
    builder = MeshBuilder()
    build = {'Car': _build_car, 'Van': _build_van, 'Truck': _build_truck, 'Bus': _build_bus}[spec.kind]
    build(builder, spec, np.array(spec.paint), np.random.default_rng(spec.seed))
    return builder.build()


def _rectangle(x: tuple[float, float], z: tuple[float, float]) -> NDArray[np.float64]:
    return np.array([(x[0], z[0]), (x[1], z[0]), (x[1], z[1]), (x[0], z[1])])


def _upright(y: float, x: tuple[float, float], z: tuple[float, float]) -> NDArray[np.float64]:
    """A rectangle (4, 3) in the plane of one y."""
    return np.insert(_rectangle(x, z), 1, y, axis=1)


def _across(x: float, y: tuple[float, float], z: tuple[float, float]) -> NDArray[np.float64]:
    """A rectangle (4, 3) in the plane of one x."""
    return np.insert(_rectangle(y, z), 0, x, axis=1)


def _sweep(builder: MeshBuilder, shell: _Shell, paint: NDArray[np.float64]) -> None:
    """Add what runs across the width, with its glass and lamps, and the four corners of the lower part."""
    for a, b in pairwise(shell.outline):
        cuts = [(x - a[0]) / (b[0] - a[0]) for x in shell.breaks if min(a[0], b[0]) < x < max(a[0], b[0])]
        edge = [a + t * (b - a) for t in sorted([0.0, *cuts, 1.0])]
        left = np.array([(x, shell.half_width_at(x, z), z) for x, z in edge])
        builder.face(np.concatenate([left, left[::-1] * (1, -1, 1)]), paint, shell.inside)
        _decorate_strip(builder, shell, a, b)
    rear_break, front_break = shell.breaks
    for side in (-1, 1):
        builder.face(shell.on_side(shell.lower(front_break, shell.front), side), paint, shell.inside)
        lamp = _rectangle((front_break + 0.02, shell.front), (shell.belt * 0.60, shell.belt * 0.76))
        builder.decal(shell.on_side(lamp, side), _HEADLAMP * 0.92)
        builder.face(shell.on_side(shell.lower(shell.rear, rear_break), side), paint, shell.inside)
        lamp = _rectangle((shell.rear, rear_break - 0.06), (shell.belt * 0.66, shell.belt * 0.88))
        builder.decal(shell.on_side(lamp, side), _TAIL_LAMP)


def _decorate_strip(builder: MeshBuilder, shell: _Shell, a: NDArray[np.float64], b: NDArray[np.float64]) -> None:
    """Paint what belongs on the strip of the profile from a to b (x, z): glass, lamps, grille, plates."""

    def patch(along: tuple[float, float], across: tuple[float, float]) -> NDArray[np.float64]:
        points = []
        for t, u in _rectangle(along, across):
            x, z = a + t * (b - a)
            points.append((x, u * shell.half_width_at(x, z), z))
        return np.array(points)

    rises, falls = b[1] > a[1] + 0.2, b[1] < a[1] - 0.2
    if max(a[1], b[1]) > shell.belt + 0.1 and (rises or falls):  # windscreen or rear window
        builder.decal(patch((0.06, 0.93), (-0.90, 0.90)), _GLASS)
        builder.decal(patch((0.10, 0.88), (-0.86, -0.30) if rises else (0.2, 0.84)), _GLASS * 1.18)
    elif rises and a[0] == shell.front:
        builder.decal(patch((0.0, 0.30), (-1, 1)), _PLASTIC)
        builder.decal(patch((0.42, 0.92), (-0.46, 0.46)), _PLASTIC * 0.8)
        for across in ((-1.0, -0.58), (0.58, 1.0)):
            builder.decal(patch((0.62, 0.94), across), _HEADLAMP)
        builder.decal(patch((0.32, 0.50), (-0.24, 0.24)), _PLATE)
    elif falls and b[0] == shell.rear:
        builder.decal(patch((0.72, 1.0), (-1, 1)), _PLASTIC)
        for across in ((-1.0, -0.62), (0.62, 1.0)):
            builder.decal(patch((0.08, 0.42), across), _TAIL_LAMP)
        builder.decal(patch((0.44, 0.62), (-0.25, 0.25)), _PLATE)


def _sides(
    builder: MeshBuilder,
    shell: _Shell,
    paint: NDArray[np.float64],
    side: int,
    arches: list[tuple[float, float]],
    doors: list[float],
) -> None:
    """Add the middle of a lower side as the last face, with sill, wheel arches (x, radius), door gaps and handles."""
    x, y = shell.breaks, side * shell.half_width
    sill = float(shell.outline[:, 1].min())
    builder.face(shell.on_side(shell.lower(*x), side), paint, shell.inside)
    builder.decal(_upright(y, x, (sill, sill + 0.12)), _PLASTIC)
    for centre, radius in arches:
        arch = radius * 1.18
        outline = disc((centre, y, radius), (arch, 0, 0), (0, 0, arch), 16)
        builder.decal(clip(outline, (0.0, 0.0, 1.0), 0.0), _PLASTIC * 0.6)
    for gap in doors:
        builder.decal(_upright(y, (gap - 0.012, gap + 0.012), (sill + 0.12, shell.belt)), _PLASTIC)
        builder.decal(_upright(y, (gap + 0.06, gap + 0.26), (shell.belt - 0.14, shell.belt - 0.105)), _PLASTIC * 1.6)


def _glazed_cabin(
    builder: MeshBuilder,
    shell: _Shell,
    paint: NDArray[np.float64],
    side: int,
    cabin: NDArray[np.float64],
    posts: list[float],
) -> None:
    """Add the side of a cabin, corners (4, 2) from the front foot over the roof, glazed between posts (0 to 1)."""
    builder.face(shell.on_side(cabin, side), paint, shell.inside)
    front_low, front_high, rear_high, rear_low = cabin
    for start, stop in pairwise(posts):
        pane = []
        for t, u in ((start + 0.035, 0.08), (start + 0.035, 0.86), (stop - 0.035, 0.86), (stop - 0.035, 0.08)):
            low, high = front_low + t * (rear_low - front_low), front_high + t * (rear_high - front_high)
            pane.append(low + u * (high - low))
        builder.decal(shell.on_side(np.array(pane), side), _GLASS)


def _wheels(builder: MeshBuilder, centres: list[float], half_width: float, radius: float) -> None:
    """Add a wheel at each x on both sides: both discs, and the tread where it shows below the body."""
    for x in centres:
        for side in (-1, 1):
            outer, inner = side * half_width, side * (half_width - 0.22)
            hub, middle = (x, outer, radius), (x, (outer + inner) / 2, radius)
            rim = disc(hub, (radius, 0, 0), (0, 0, radius), 16)
            builder.face(rim, _RUBBER, middle)
            builder.decal(disc(hub, (radius * 0.64, 0, 0), (0, 0, radius * 0.64), 12), _RIM)
            builder.decal(disc(hub, (radius * 0.24, 0, 0), (0, 0, radius * 0.24), 8), _PLASTIC)
            inside = rim * (1, 0, 1) + (0, inner, 0)
            builder.face(inside, _RUBBER * 0.6, middle)
            for k in (*range(8, 16), 16):  # the lower half, which starts behind the hub
                a, b = (k - 1) % 16, k % 16
                builder.face([rim[a], rim[b], inside[b], inside[a]], _RUBBER * 0.85, middle)


def _build_car(builder: MeshBuilder, spec: VehicleSpec, paint: NDArray[np.float64], rng: np.random.Generator) -> None:
    rear, front, h = -spec.length / 2, spec.length / 2, spec.height
    belt, sill, radius = h * 0.60, 0.21, 0.33
    is_hatchback = rng.random() < 0.45
    windscreen = front - spec.length * rng.uniform(0.24, 0.28)
    roof_front = windscreen - spec.length * rng.uniform(0.12, 0.16)
    rear_base = rear + (0.06 if is_hatchback else spec.length * rng.uniform(0.10, 0.14))
    roof_rear = rear_base + spec.length * (rng.uniform(0.04, 0.09) if is_hatchback else rng.uniform(0.10, 0.15))
    nose = [(front, sill), (front, belt * 0.74), (front - 0.10, belt * 0.86), (windscreen, belt)]
    tail = [(rear_base, belt), (rear, belt * 0.94), (rear, sill)]
    outline = np.array([*nose, (roof_front, h), (roof_rear, h), *tail])
    half = spec.width / 2
    rear_cut = 0.0 if is_hatchback else 0.10
    shell = _Shell(outline, belt, half - _PLAY, half - 0.20, 0.28, front_cut=0.12, rear_cut=rear_cut)
    _sweep(builder, shell, paint)
    wheels = [rear + spec.length * 0.19, front - spec.length * 0.18]
    middle = (windscreen + rear_base) / 2 - 0.05
    cabin = np.array([(windscreen, belt), (roof_front, h), (roof_rear, h), (rear_base, belt)])
    posts = [0.0, (windscreen - middle) / (windscreen - rear_base), 1.0]
    for side in (-1, 1):
        _sides(builder, shell, paint, side, [(x, radius) for x in wheels], [middle - 0.95, middle])
        _glazed_cabin(builder, shell, paint, side, cabin, posts)
    _wheels(builder, wheels, half, radius)


def _build_van(builder: MeshBuilder, spec: VehicleSpec, paint: NDArray[np.float64], rng: np.random.Generator) -> None:
    rear, front, h = -spec.length / 2, spec.length / 2, spec.height
    belt, sill, radius = h * 0.53, 0.25, 0.34
    windscreen = front - 0.55
    roof_front = windscreen - h * rng.uniform(0.36, 0.44)
    nose = [(front, sill), (front, belt * 0.72), (front - 0.10, belt * 0.82), (windscreen, belt)]
    tail = [(rear, belt), (rear, sill)]
    outline = np.array([*nose, (roof_front, h), (rear + 0.06, h), *tail])
    half = spec.width / 2
    shell = _Shell(outline, belt, half - _PLAY, half - 0.14, 0.22, front_cut=0.08)
    _sweep(builder, shell, paint)
    wheels = [rear + spec.length * 0.20, front - spec.length * 0.18]
    cabin = np.array([(windscreen, belt), (roof_front, h), (rear + 0.06, h), (rear, belt)])
    posts = [0.0, 0.3] if rng.random() < 0.4 else [0.0, 0.28, 0.62, 1.0]
    for side in (-1, 1):
        _sides(builder, shell, paint, side, [(x, radius) for x in wheels], [windscreen - 1.15, windscreen - 2.2])
        _glazed_cabin(builder, shell, paint, side, cabin, posts)
    _wheels(builder, wheels, half, radius)


def _build_truck(builder: MeshBuilder, spec: VehicleSpec, paint: NDArray[np.float64], rng: np.random.Generator) -> None:
    rear, front, half = -spec.length / 2, spec.length / 2, spec.width / 2
    cab, belt, sill, radius = min(2.0, spec.length * 0.27), 1.30, 0.35, 0.47
    back = front - cab
    _cargo_box(builder, (rear, back - 0.25), half, (0.95, spec.height), rng)
    builder.box((rear + 0.1, -half + 0.35, 0.45), (back, half - 0.35, 0.95), _PLASTIC)
    builder.box((rear + 0.02, -half + 0.1, 0.40), (rear + 0.14, half - 0.1, 0.62), _PLASTIC * 1.2)
    top = min(spec.height * 0.92, 2.75)
    outline = np.array([(front, sill), (front, belt), (front - 0.22, top), (back, top), (back, sill)])
    shell = _Shell(outline, belt, half - 0.04, half - 0.12)
    _sweep(builder, shell, paint)
    axle = front - cab * 0.55
    cabin = np.array([(front, belt), (front - 0.22, top), (back, top), (back, belt)])
    for side in (-1, 1):
        _sides(builder, shell, paint, side, [(axle, radius)], [])
        _glazed_cabin(builder, shell, paint, side, cabin, [0.04, 0.72])
    rear_axle = rear + spec.length * 0.16
    _wheels(builder, [rear_axle, *([rear_axle + 1.1] if spec.length > 8 else []), axle], half, radius)


def _cargo_box(
    builder: MeshBuilder, x: tuple[float, float], half: float, z: tuple[float, float], rng: np.random.Generator
) -> None:
    """Add a truck's box with rails, ribs, perhaps a coloured band, and doors behind."""
    paint = PAINTS[rng.choice(3)] if rng.random() < 0.7 else PAINTS[rng.choice(len(PAINTS))]
    band = PAINTS[rng.choice(len(PAINTS))] if rng.random() < 0.5 else None
    inside = (sum(x) / 2, 0.0, sum(z) / 2)
    rise = (z[1] - z[0]) * 0.14
    for y in (-half, half):
        builder.face(_upright(y, x, z), paint, inside)
        if band is not None:
            builder.decal(_upright(y, (x[0] + 0.3, x[1] - 0.3), (inside[2] - rise, inside[2] + rise)), band)
        for rail in (z[0], z[1] - 0.09):
            builder.decal(_upright(y, x, (rail, rail + 0.09)), paint * 0.6)
        for rib in np.arange(x[0] + 0.6, x[1] - 0.3, 0.9).tolist():
            builder.decal(_upright(y, (rib, rib + 0.05), z), paint * 0.82)
    builder.face([(a, y, z[1]) for a, y in _rectangle(x, (-half, half))], paint, inside)
    builder.face(_across(x[1], (-half, half), z), paint, inside)
    builder.face(_across(x[0], (-half, half), z), paint * 0.96, inside)
    for edge in ((-0.02, 0.02), (-half, -half + 0.08), (half - 0.08, half)):
        builder.decal(_across(x[0], edge, z), paint * 0.55)
    for y0 in (-half * 0.55, half * 0.5):
        builder.decal(_across(x[0], (y0, y0 + 0.04), z), _RIM)
    for lamp in ((-half + 0.05, -half + 0.45), (half - 0.45, half - 0.05)):
        builder.decal(_across(x[0], lamp, (z[0], z[0] + 0.14)), _TAIL_LAMP)


def _build_bus(builder: MeshBuilder, spec: VehicleSpec, paint: NDArray[np.float64], rng: np.random.Generator) -> None:
    rear, front, h, half = -spec.length / 2, spec.length / 2, spec.height, spec.width / 2
    belt, sill, radius = h * 0.42, 0.30, 0.48
    nose = [(front, sill), (front, belt * 0.95), (front - 0.16, h - 0.12), (front - 0.35, h)]
    outline = np.array([*nose, (rear + 0.15, h), (rear, h - 0.15), (rear, belt), (rear, sill)])
    shell = _Shell(outline, belt, half - _PLAY, half - 0.06)
    _sweep(builder, shell, paint)
    band = PAINTS[rng.choice(len(PAINTS))]
    wheels = [rear + spec.length * 0.23, front - spec.length * 0.22]
    upper = clip(outline, (0.0, 1.0), belt)
    panes = np.linspace(front - 0.45, rear + 0.35, int(spec.length // 1.45) + 1)
    shades = rng.uniform(0.9, 1.15, len(panes))
    for side in (-1, 1):
        _sides(builder, shell, paint, side, [(x, radius) for x in wheels], [])
        builder.decal(_upright(side * shell.half_width, shell.breaks, (belt * 0.84, belt * 0.96)), band)
        builder.face(shell.on_side(upper, side), paint, shell.inside)
        for (a, b), shade in zip(pairwise(panes), shades, strict=False):
            pane = _rectangle((b + 0.05, a - 0.05), (belt * 1.02, h * 0.83))
            builder.decal(shell.on_side(pane, side), _GLASS * shade)
    _wheels(builder, wheels, half, radius)
