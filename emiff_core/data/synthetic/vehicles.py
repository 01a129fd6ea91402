"""The vehicles of the synthetic crossing: their kinds, sizes and meshes.

A mesh stands on z = 0, its length along x (forward), centred in x and y, and fills its box (length, width, height)
exactly: the labels are the boxes of what is drawn.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from emiff_core.data.synthetic.mesh import Mesh, MeshBuilder, clip, disc

Kind = Literal['Car', 'Van', 'Truck', 'Bus']

# share of the traffic; length, width and height intervals in metres
_KINDS: dict[Kind, tuple[float, tuple[float, float], tuple[float, float], tuple[float, float]]] = {
    'Car': (0.62, (3.9, 4.9), (1.70, 1.92), (1.42, 1.68)),
    'Van': (0.16, (4.8, 5.6), (1.90, 2.05), (1.90, 2.35)),
    'Truck': (0.12, (6.5, 9.5), (2.25, 2.50), (2.70, 3.50)),
    'Bus': (0.10, (9.5, 12.0), (2.45, 2.60), (2.90, 3.30)),
}

_PAINTS = np.array(
    [
        [240, 240, 240], [205, 205, 210], [150, 150, 155], [70, 70, 74], [38, 38, 40], [120, 60, 30], [170, 110, 50],
        [45, 40, 165], [40, 30, 105], [70, 105, 60], [120, 165, 190], [30, 90, 160], [35, 170, 225],
    ],
    dtype=np.float64,
)  # fmt: skip
_PAINT_WEIGHTS = np.array([5, 4, 3, 3, 4, 1.5, 1.5, 1.5, 1, 0.7, 1, 0.7, 0.6])

_GLASS = np.array([78.0, 66, 56])
_RUBBER = np.array([30.0, 29, 28])
_RIM = np.array([150.0, 150, 152])
_PLASTIC = np.array([48.0, 46, 45])
_HEADLAMP = np.array([245.0, 248, 250])
_TAIL_LAMP = np.array([40.0, 35, 190])
_PLATE_BLUE = np.array([160.0, 90, 30])
_INDICATOR = np.array([40.0, 140, 235])


@dataclass(frozen=True)
class VehicleSpec:
    """What a vehicle is: kind, size in metres, paint (BGR 0..255) and the seed of its details."""

    kind: Kind
    length: float
    width: float
    height: float
    paint: tuple[float, float, float]
    seed: int

    @property
    def size(self) -> NDArray[np.float64]:
        """(3,) length, width, height in metres."""
        return np.array([self.length, self.width, self.height])


def draw_spec(rng: np.random.Generator, kind: Kind | None = None) -> VehicleSpec:
    """Draw a vehicle from the traffic's mixture, or one of the given kind."""
    kinds = list(_KINDS)
    chosen = kind if kind is not None else kinds[rng.choice(len(kinds), p=[_KINDS[k][0] for k in kinds])]
    _, *intervals = _KINDS[chosen]
    length, width, height = (float(rng.uniform(low, high)) for low, high in intervals)
    paint = _PAINTS[rng.choice(len(_PAINTS), p=_PAINT_WEIGHTS / _PAINT_WEIGHTS.sum())] * rng.uniform(0.85, 1.04)
    return VehicleSpec(chosen, length, width, height, tuple(paint.clip(0, 250)), int(rng.integers(2**31)))


def build_mesh(spec: VehicleSpec) -> Mesh:
    """Build the mesh of a vehicle; equal specs give equal meshes."""
    rng = np.random.default_rng(spec.seed)
    builder = MeshBuilder()
    {'Car': _build_car, 'Van': _build_van, 'Truck': _build_truck, 'Bus': _build_bus}[spec.kind](builder, spec, rng)
    return builder.build()


@dataclass(frozen=True)
class _Shell:
    """A body swept over the width: a lower part with upright sides and a cabin whose sides lean inwards.

    Attributes:
        outline: (N, 2) x, z of the profile from the front bumper's foot over the roof to the rear bumper's foot.
        belt: height at which the cabin begins.
        half_width, roof_half_width: at the belt and at the roof.
        height: of the roof.
        corner: length over which the plan narrows at both ends, and `cut` by how much.
    """

    outline: NDArray[np.float64]
    belt: float
    half_width: float
    roof_half_width: float
    height: float
    corner: float
    cut: float

    @property
    def ends(self) -> tuple[float, float]:
        return float(self.outline[:, 0].min()), float(self.outline[:, 0].max())

    def half_width_at(self, x: float, z: float) -> float:
        rear, front = self.ends
        inset = self.cut * max(0.0, 1 - min(front - x, x - rear) / self.corner)
        lean = max(0.0, (z - self.belt) / max(self.height - self.belt, 1e-6))
        return min(self.half_width - inset, self.half_width + lean * (self.roof_half_width - self.half_width))

    def on_side(self, xz: NDArray[np.float64], side: int) -> NDArray[np.float64]:
        return np.array([(x, side * self.half_width_at(x, z), z) for x, z in xz])


def _sweep(builder: MeshBuilder, shell: _Shell, paint: NDArray[np.float64]) -> None:
    """Add both sides' corners and all strips across the width, painted; the sides come last, so that decals follow."""
    rear, front = shell.ends
    inside = (0.0, 0.0, shell.belt * 0.8)
    breaks = (rear + shell.corner, front - shell.corner)
    for (xa, za), (xb, zb) in zip(shell.outline[:-1], shell.outline[1:], strict=True):
        cuts = sorted({0.0, 1.0, *((x - xa) / (xb - xa) for x in breaks if min(xa, xb) < x < max(xa, xb))})
        edge = [(xa + t * (xb - xa), za + t * (zb - za)) for t in cuts]
        left = [(x, shell.half_width_at(x, z), z) for x, z in edge]
        builder.face(left + [(x, -y, z) for x, y, z in reversed(left)], paint, inside)
        _decorate_strip(builder, shell, np.array(edge[0]), np.array(edge[-1]))
    lower = clip(shell.outline, (0.0, -1.0), -shell.belt)
    for side in (-1, 1):
        for low, high in ((rear, breaks[0]), (breaks[1], front)):
            part = clip(clip(lower, (1.0, 0.0), low), (-1.0, 0.0), -high)
            builder.face(shell.on_side(part, side), paint, inside)
            if high == front and len(part):
                z0, z1 = shell.belt * 0.60, shell.belt * 0.78
                lamp = np.array([(low + 0.02, z0), (front, z0), (front, z1), (low + 0.02, z1)])
                builder.decal(shell.on_side(lamp, side), _HEADLAMP * 0.92)
            elif len(part):
                z0, z1 = shell.belt * 0.66, shell.belt * 0.88
                lamp = np.array([(rear, z0), (high - 0.02, z0), (high - 0.02, z1), (rear, z1)])
                builder.decal(shell.on_side(lamp, side), _TAIL_LAMP)


def _decorate_strip(builder: MeshBuilder, shell: _Shell, a: NDArray[np.float64], b: NDArray[np.float64]) -> None:
    """Paint what belongs on the strip of the profile from a to b (x, z): glass, lamps, grille, plates."""

    def patch(along: tuple[float, float], across: tuple[float, float]) -> list[tuple[float, float, float]]:
        points = []
        for t, u in ((along[0], across[0]), (along[1], across[0]), (along[1], across[1]), (along[0], across[1])):
            x, z = a + t * (b - a)
            points.append((x, u * shell.half_width_at(x, z), z))
        return points

    rear, front = shell.ends
    rises, falls = b[1] > a[1] + 0.05, b[1] < a[1] - 0.05
    is_cabin = max(a[1], b[1]) > shell.belt + 0.1
    if is_cabin and (rises or falls):  # windscreen or rear window
        builder.decal(patch((0.06, 0.93), (-0.90, 0.90)), _GLASS)
        builder.decal(patch((0.10, 0.88), (-0.86, -0.30) if rises else (0.2, 0.84)), _GLASS * 1.18)
    elif rises and abs(a[0] - front) < 1e-6 and abs(b[0] - front) < 0.05:
        builder.decal(patch((0.0, 0.30), (-1, 1)), _PLASTIC)
        builder.decal(patch((0.42, 0.92), (-0.46, 0.46)), _PLASTIC * 0.8)
        for u0, u1 in ((-1.0, -0.58), (0.58, 1.0)):
            builder.decal(patch((0.60, 0.95), (u0, u1)), _HEADLAMP)
        builder.decal(patch((0.32, 0.50), (-0.24, 0.24)), _PLATE_BLUE)
    elif falls and abs(b[0] - rear) < 1e-6 and abs(a[0] - rear) < 0.15:
        builder.decal(patch((0.72, 1.0), (-1, 1)), _PLASTIC)
        for u0, u1 in ((-1.0, -0.62), (0.62, 1.0)):
            builder.decal(patch((0.08, 0.42), (u0, u1)), _TAIL_LAMP)
        builder.decal(patch((0.44, 0.62), (-0.25, 0.25)), _PLATE_BLUE)


def _side_faces(builder: MeshBuilder, shell: _Shell, paint: NDArray[np.float64], side: int) -> tuple[float, float]:
    """Add the middle of the lower side as the last face; return the x interval that it spans."""
    rear, front = shell.ends
    low, high = rear + shell.corner, front - shell.corner
    lower = clip(shell.outline, (0.0, -1.0), -shell.belt)
    part = clip(clip(lower, (1.0, 0.0), low), (-1.0, 0.0), -high)
    builder.face(shell.on_side(part, side), paint, (0.0, 0.0, shell.belt * 0.5))
    return low, high


def _wheels(builder: MeshBuilder, centres: list[float], half_width: float, radius: float) -> None:
    """Add a wheel at each x on both sides: the outer disc at the body's width and the tread seen from ahead and behind."""
    for x in centres:
        for side in (-1, 1):
            outer, inner = side * half_width, side * (half_width - 0.24)
            hub = (x, outer, radius)
            builder.face(disc(hub, (radius, 0, 0), (0, 0, radius), 16), _RUBBER, (x, 0.0, radius))
            builder.decal(disc(hub, (radius * 0.64, 0, 0), (0, 0, radius * 0.64), 12), _RIM)
            builder.decal(disc(hub, (radius * 0.24, 0, 0), (0, 0, radius * 0.24), 8), _PLASTIC)
            tread = radius * 0.92
            for end in (-1, 1):
                xe = x + end * tread
                quad = [(xe, inner, 0.02), (xe, outer, 0.02), (xe, outer, radius * 1.1), (xe, inner, radius * 1.1)]
                builder.face(quad, _RUBBER * 0.8, (x, outer, radius))


def _lower_side_decals(builder: MeshBuilder, y: float, sill: float, belt: float, x: tuple[float, float],
                       wheels: list[float], radius: float, doors: list[float]) -> None:  # fmt: skip
    """Paint sill, wheel arches, door gaps and handles on the upright side face added last."""
    builder.decal([(x[0], y, sill), (x[1], y, sill), (x[1], y, sill + 0.12), (x[0], y, sill + 0.12)], _PLASTIC)
    for centre in wheels:
        builder.decal(disc((centre, y, radius), (radius * 1.18, 0, 0), (0, 0, radius * 1.18), 16), _PLASTIC * 0.6)
    for gap in doors:
        quad = [(gap - 0.012, y, sill + 0.12), (gap + 0.012, y, sill + 0.12), (gap + 0.012, y, belt), (gap - 0.012, y, belt)]
        builder.decal(quad, _PLASTIC)
        z = belt - 0.14
        handle = [(gap + 0.06, y, z), (gap + 0.26, y, z), (gap + 0.26, y, z + 0.035), (gap + 0.06, y, z + 0.035)]
        builder.decal(handle, _PLASTIC * 1.6)


def _build_car(builder: MeshBuilder, spec: VehicleSpec, rng: np.random.Generator) -> None:
    rear, front, h = -spec.length / 2, spec.length / 2, spec.height
    belt, sill, radius = h * 0.60, 0.21, 0.33
    hatch = rng.random() < 0.45
    windscreen = front - spec.length * rng.uniform(0.24, 0.28)
    roof_front = windscreen - spec.length * rng.uniform(0.12, 0.16)
    rear_base = rear + (0.10 if hatch else spec.length * rng.uniform(0.10, 0.14))
    roof_rear = rear_base + spec.length * (rng.uniform(0.04, 0.09) if hatch else rng.uniform(0.10, 0.15))
    outline = np.array(
        [(front, sill), (front, belt * 0.74), (front - 0.10, belt * 0.86), (windscreen, belt), (roof_front, h), (roof_rear, h),
         (rear_base, belt), (rear + 0.03, belt * 0.96), (rear, sill)]
    )  # fmt: skip
    half = spec.width / 2
    shell = _Shell(outline, belt, half - 0.012, half - 0.20, h, corner=0.30, cut=0.13)
    paint = np.array(spec.paint)
    _sweep(builder, shell, paint)
    wheels = [rear + spec.length * 0.19, front - spec.length * 0.18]
    for side in (-1, 1):
        x = _side_faces(builder, shell, paint, side)
        middle = (windscreen + rear_base) / 2 - 0.05
        doors = [windscreen - 0.05 - (windscreen - middle) * 0.0, middle]
        _lower_side_decals(builder, side * shell.half_width, sill, belt, x, wheels, radius, [doors[1] - 0.95, doors[1]])
        cabin = np.array([(windscreen, belt), (roof_front, h), (roof_rear, h), (rear_base, belt)])
        builder.face(shell.on_side(cabin, side), paint, (0.0, 0.0, belt))
        _cabin_windows(builder, shell, cabin, side, [0.0, (windscreen - middle) / (windscreen - rear_base), 1.0])
    _wheels(builder, wheels, half, radius)


def _cabin_windows(builder: MeshBuilder, shell: _Shell, cabin: NDArray[np.float64], side: int, posts: list[float]) -> None:
    """Glaze a cabin's side between posts, given as fractions from its front to its rear."""
    front_low, front_high, rear_high, rear_low = cabin
    for start, stop in zip(posts[:-1], posts[1:], strict=True):
        a, b = start + 0.035, stop - 0.035
        low = [front_low + t * (rear_low - front_low) for t in (a, b)]
        high = [front_high + t * (rear_high - front_high) for t in (a, b)]
        pane = np.array([low[0] + 0.08 * (high[0] - low[0]), low[0] + 0.86 * (high[0] - low[0]),
                         low[1] + 0.86 * (high[1] - low[1]), low[1] + 0.08 * (high[1] - low[1])])  # fmt: skip
        builder.decal(shell.on_side(pane, side), _GLASS)


def _build_van(builder: MeshBuilder, spec: VehicleSpec, rng: np.random.Generator) -> None:
    rear, front, h = -spec.length / 2, spec.length / 2, spec.height
    belt, sill, radius = h * 0.53, 0.25, 0.34
    nose, roof_front = front - 0.55, front - 0.55 - h * rng.uniform(0.36, 0.44)
    outline = np.array(
        [(front, sill), (front, belt * 0.72), (front - 0.10, belt * 0.82), (nose, belt), (roof_front, h),
         (rear + 0.10, h), (rear, belt), (rear, sill)]
    )  # fmt: skip
    half = spec.width / 2
    shell = _Shell(outline, belt, half - 0.012, half - 0.14, h, corner=0.22, cut=0.08)
    paint = np.array(spec.paint)
    _sweep(builder, shell, paint)
    wheels = [rear + spec.length * 0.20, front - spec.length * 0.18]
    windowless = rng.random() < 0.4
    for side in (-1, 1):
        x = _side_faces(builder, shell, paint, side)
        doors = [nose - 1.15, nose - 2.2]
        _lower_side_decals(builder, side * shell.half_width, sill, belt, x, wheels, radius, doors)
        cabin = np.array([(nose, belt), (roof_front, h), (rear + 0.10, h), (rear, belt)])
        builder.face(shell.on_side(cabin, side), paint, (0.0, 0.0, belt))
        _cabin_windows(builder, shell, cabin, side, [0.0, 0.3] if windowless else [0.0, 0.28, 0.62, 1.0])
    _wheels(builder, wheels, half, radius)


def _build_truck(builder: MeshBuilder, spec: VehicleSpec, rng: np.random.Generator) -> None:
    rear, front, h, half = -spec.length / 2, spec.length / 2, spec.height, spec.width / 2
    cab, radius = min(2.0, spec.length * 0.27), 0.47
    cargo = _PAINTS[rng.choice(3)] if rng.random() < 0.7 else _PAINTS[rng.choice(len(_PAINTS))]
    x1 = front - cab - 0.25
    builder.box((rear, -half, 0.95), (x1, half, h), cargo)
    _truck_box_decals(builder, cargo, (rear, x1), half, (0.95, h), rng)
    builder.box((rear + 0.1, -half + 0.35, 0.45), (x1, half - 0.35, 0.95), _PLASTIC)
    builder.box((rear + 0.02, -half + 0.1, 0.40), (rear + 0.14, half - 0.1, 0.62), _PLASTIC * 1.2)
    cab_height = min(h * 0.92, 2.75)
    outline = np.array([(front, 0.35), (front, 1.30), (front - 0.22, cab_height), (front - cab, cab_height), (front - cab, 0.35)])
    shell = _Shell(outline, 1.30, half - 0.04, half - 0.12, cab_height, corner=0.2, cut=0.10)
    paint = np.array(spec.paint)
    _sweep(builder, shell, paint)
    for side in (-1, 1):
        x = _side_faces(builder, shell, paint, side)
        wheel = front - cab * 0.55
        _lower_side_decals(builder, side * shell.half_width, 0.35, 1.30, x, [wheel], radius, [])
        cabin = np.array([(front, 1.30), (front - 0.22, cab_height), (front - cab, cab_height), (front - cab, 1.30)])
        builder.face(shell.on_side(cabin, side), paint, (front - cab / 2, 0.0, 1.5))
        _cabin_windows(builder, shell, cabin, side, [0.04, 0.72])
    rear_axles = [rear + spec.length * 0.16] + ([rear + spec.length * 0.16 + 1.1] if spec.length > 8 else [])
    _wheels(builder, [*rear_axles, front - cab * 0.55], half, radius)


def _truck_box_decals(builder: MeshBuilder, paint: NDArray[np.float64], x: tuple[float, float], half: float,
                      z: tuple[float, float], rng: np.random.Generator) -> None:  # fmt: skip
    """Cover the cargo box with panels that carry rails, ribs and doors, just outside its plain faces."""
    inside = (sum(x) / 2, 0.0, sum(z) / 2)
    band = _PAINTS[rng.choice(len(_PAINTS))]
    for side in (-1, 1):
        y = side * half
        builder.face([(x[0], y, z[0]), (x[1], y, z[0]), (x[1], y, z[1]), (x[0], y, z[1])], paint, inside)
        if rng.random() < 0.5:
            middle, rise = sum(z) / 2, (z[1] - z[0]) * 0.14
            builder.decal([(x[0] + 0.3, y, middle - rise), (x[1] - 0.3, y, middle - rise),
                           (x[1] - 0.3, y, middle + rise), (x[0] + 0.3, y, middle + rise)], band)  # fmt: skip
        for rail in (z[0], z[1] - 0.09):
            builder.decal([(x[0], y, rail), (x[1], y, rail), (x[1], y, rail + 0.09), (x[0], y, rail + 0.09)], paint * 0.6)
        for rib in np.arange(x[0] + 0.6, x[1] - 0.3, 0.9):
            builder.decal([(rib, y, z[0]), (rib + 0.05, y, z[0]), (rib + 0.05, y, z[1]), (rib, y, z[1])], paint * 0.82)
    builder.face([(x[0], -half, z[0]), (x[0], half, z[0]), (x[0], half, z[1]), (x[0], -half, z[1])], paint * 0.96, inside)
    for y0, y1 in ((-0.02, 0.02), (-half, -half + 0.08), (half - 0.08, half)):
        builder.decal([(x[0], y0, z[0]), (x[0], y1, z[0]), (x[0], y1, z[1]), (x[0], y0, z[1])], paint * 0.55)
    for y0 in (-half * 0.55, half * 0.5):
        builder.decal([(x[0], y0, z[0]), (x[0], y0 + 0.04, z[0]), (x[0], y0 + 0.04, z[1]), (x[0], y0, z[1])], _RIM)
    for y0, y1 in ((-half + 0.05, -half + 0.45), (half - 0.45, half - 0.05)):
        builder.decal([(x[0], y0, z[0]), (x[0], y1, z[0]), (x[0], y1, z[0] + 0.14), (x[0], y0, z[0] + 0.14)], _TAIL_LAMP)


def _build_bus(builder: MeshBuilder, spec: VehicleSpec, rng: np.random.Generator) -> None:
    rear, front, h, half = -spec.length / 2, spec.length / 2, spec.height, spec.width / 2
    belt, sill, radius = h * 0.42, 0.30, 0.48
    outline = np.array(
        [(front, sill), (front, belt * 0.95), (front - 0.16, h - 0.12), (front - 0.35, h), (rear + 0.15, h),
         (rear, h - 0.15), (rear, sill)]
    )  # fmt: skip
    shell = _Shell(outline, belt, half - 0.012, half - 0.06, h, corner=0.25, cut=0.10)
    paint = np.array(spec.paint)
    _sweep(builder, shell, paint)
    band = _PAINTS[rng.choice(len(_PAINTS))]
    wheels = [rear + spec.length * 0.23, front - spec.length * 0.22]
    for side in (-1, 1):
        x = _side_faces(builder, shell, paint, side)
        y = side * shell.half_width
        builder.decal([(x[0], y, belt * 0.62), (x[1], y, belt * 0.62), (x[1], y, belt * 0.8), (x[0], y, belt * 0.8)], band)
        _lower_side_decals(builder, y, sill, belt, x, wheels, radius, [])
        upper = clip(clip(clip(outline, (0.0, 1.0), belt), (1.0, 0.0), rear), (-1.0, 0.0), -front)
        builder.face(shell.on_side(upper, side), paint, (0.0, 0.0, belt))
        count = int(spec.length // 1.45)
        edges = np.linspace(front - 0.45, rear + 0.35, count + 1)
        for a, b in zip(edges[:-1], edges[1:], strict=True):
            pane = np.array([(a - 0.05, belt * 1.02), (a - 0.05, h * 0.83), (b + 0.05, h * 0.83), (b + 0.05, belt * 1.02)])
            builder.decal(shell.on_side(pane, side), _GLASS * rng.uniform(0.9, 1.15))
    _wheels(builder, wheels, half, radius)
