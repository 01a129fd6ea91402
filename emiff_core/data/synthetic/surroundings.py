"""What stands beside the roads: buildings, trees, hedges, kiosks, lamps, signal posts. All of it hides what is behind."""

import numpy as np
from numpy.typing import NDArray

from emiff_core.data.synthetic.mesh import Mesh, MeshBuilder, disc, jittered
from emiff_core.data.synthetic.roads import Crossing

_WALLS = np.array(
    [[176, 196, 208], [150, 172, 190], [120, 140, 172], [96, 112, 158], [200, 205, 208], [158, 160, 158],
     [168, 188, 176], [182, 170, 150], [110, 120, 130]], dtype=np.float64)  # fmt: skip
_GLASS = np.array([112.0, 96, 82])
_METAL = np.array([92.0, 94, 92])
_LEAVES = np.array([52.0, 98, 62])
_BARK = np.array([52.0, 66, 84])


def build_surroundings(crossing: Crossing, rng: np.random.Generator) -> tuple[Mesh, ...]:
    """Build the four blocks beside the roads, each mesh in the scene frame."""
    meshes: list[Mesh] = []
    for arm in range(4):
        meshes += _block(crossing, arm, rng)
        meshes += _street_furniture(crossing, arm, rng)
        meshes.append(_signal_post(crossing, arm))
    return tuple(meshes)


class _Frame:
    """An oblique frame on a block: u along one arm, v along the next, both in metres from the kerbs' corner."""

    def __init__(self, crossing: Crossing, arm: int) -> None:
        self.a, self.b = crossing.direction(arm), crossing.direction((arm + 1) % 4)
        sine = self.a[0] * self.b[1] - self.a[1] * self.b[0]
        self.corner = (
            self.a * crossing.road_of(arm + 1).half_width + self.b * crossing.road_of(arm).half_width
        ) / sine

    def at(self, u: float, v: float, z: float = 0.0) -> NDArray[np.float64]:
        """Return the (3,) point in the scene frame."""
        return np.append(self.corner + self.a * u + self.b * v, z)


def _block(crossing: Crossing, arm: int, rng: np.random.Generator) -> list[Mesh]:
    """Rows of houses along both of a block's streets, with gaps, and a far row that closes the horizon."""
    frame = _Frame(crossing, arm)
    meshes = []
    setback = rng.uniform(6.5, 12.0)
    for along_first in (True, False):
        start = rng.uniform(7.0, 12.0) if along_first else rng.uniform(24.0, 30.0)
        while start < 150.0:
            length, depth = rng.uniform(10, 26), rng.uniform(9, 14)
            height = rng.choice([rng.uniform(3.6, 7), rng.uniform(9, 22)])
            if rng.random() < 0.86:
                low, high = (start, setback), (start + length, setback + depth)
                if not along_first:
                    low, high = low[::-1], high[::-1]
                meshes.append(_building(frame, low, high, height, rng))
            start += length + (rng.uniform(0.5, 3) if rng.random() < 0.6 else rng.uniform(5, 14))
    for _ in range(5):
        u, v = rng.uniform(60, 190, 2)
        meshes.append(_building(frame, (u, v), (u + rng.uniform(15, 30), v + 20), rng.uniform(18, 45), rng))
    return meshes


def _building(frame: _Frame, low: tuple[float, float], high: tuple[float, float], height: float,
              rng: np.random.Generator) -> Mesh:  # fmt: skip
    builder = MeshBuilder()
    wall = jittered(rng, _WALLS[rng.integers(len(_WALLS))], 0.12).clip(0, 245)
    inside = frame.at((low[0] + high[0]) / 2, (low[1] + high[1]) / 2, height / 2)
    ring = [(low[0], low[1]), (high[0], low[1]), (high[0], high[1]), (low[0], high[1])]
    storey, bay = rng.uniform(3.0, 3.6), rng.uniform(2.6, 4.2)
    is_shop = rng.random() < 0.5
    glass = _GLASS * rng.uniform(0.75, 1.3)
    for (ua, va), (ub, vb) in zip(ring, ring[1:] + ring[:1], strict=True):
        a, b = frame.at(ua, va), frame.at(ub, vb)
        builder.face([a, b, b + (0, 0, height), a + (0, 0, height)], wall, inside)
        _windows(builder, a, b, height, (storey, bay), wall, glass, is_shop, rng)
    builder.face([frame.at(u, v, height) for u, v in ring], wall * 0.7, inside)
    return builder.build()


def _windows(builder: MeshBuilder, a: NDArray[np.float64], b: NDArray[np.float64], height: float,
             grid: tuple[float, float], wall: NDArray[np.float64], glass: NDArray[np.float64], is_shop: bool,
             rng: np.random.Generator) -> None:  # fmt: skip
    """Paint windows, shop fronts, plinth and cornice on the wall added last, which stands on the line from a to b."""
    length = float(np.linalg.norm(b - a))
    along = (b - a) / length

    def rectangle(x0: float, x1: float, z0: float, z1: float) -> list[NDArray[np.float64]]:
        return [a + along * x + (0, 0, z) for x, z in ((x0, z0), (x1, z0), (x1, z1), (x0, z1))]

    builder.decal(rectangle(0, length, 0, 0.6), wall * 0.66)
    builder.decal(rectangle(0, length, height - 0.35, height), wall * 1.1)
    storey, bay = grid
    bays = max(1, int((length - 0.8) // bay))
    width = length / bays
    for floor in range(int((height - 0.6) // storey)):
        z = floor * storey
        if floor == 0 and is_shop:
            sign = np.array([rng.uniform(40, 200), rng.uniform(40, 180), rng.uniform(60, 220)])
            builder.decal(rectangle(0.3, length - 0.3, storey - 0.75, storey - 0.1), sign)
        elif floor:
            builder.decal(rectangle(0, length, z - 0.08, z + 0.04), wall * 0.86)
        for k in range(bays):
            margin = 0.10 if floor == 0 and is_shop else 0.24
            x0, x1 = (k + margin) * width, (k + 1 - margin) * width
            z0, z1 = (z + 0.45, z + storey - 0.9) if floor == 0 and is_shop else (z + 0.95, z + storey - 0.55)
            builder.decal(rectangle(x0 - 0.09, x1 + 0.09, z0 - 0.12, z1 + 0.09), wall * 1.16)
            builder.decal(rectangle(x0, x1, z0, z1), glass * rng.uniform(0.75, 1.35))
            if width < 4.5:
                middle = (x0 + x1) / 2
                builder.decal(rectangle(middle - 0.03, middle + 0.03, z0, z1), wall * 1.1)


def _street_furniture(crossing: Crossing, arm: int, rng: np.random.Generator) -> list[Mesh]:
    """Trees, lamps, hedges and kiosks along both kerbs of a block."""
    frame = _Frame(crossing, arm)
    meshes = []
    for along_first in (True, False):

        def place(u: float, v: float, first: bool = along_first) -> NDArray[np.float64]:
            return frame.at(u, v) if first else frame.at(v, u)

        spacing, first = rng.uniform(8, 14), rng.uniform(9, 14)
        for u in np.arange(first, 120.0, spacing):
            if rng.random() < 0.62:
                meshes.append(_tree(place(u + rng.uniform(-1, 1), rng.uniform(1.4, 2.2)), rng))
        for u in np.arange(first + spacing / 2, 140.0, 32.0):
            meshes.append(_lamp(place(u, 0.8), place(u, -1.6)))
        u = rng.uniform(10, 18)
        while u < 70.0:
            length = rng.uniform(3, 9)
            if rng.random() < 0.55:
                meshes.append(_hedge(place(u, 4.7), place(u + length, 5.6), rng.uniform(0.8, 1.5), rng))
            elif rng.random() < 0.3:
                meshes.append(_kiosk(place(u, 3.0), place(u + 2.6, 4.9), rng))
            u += length + rng.uniform(2, 12)
    return meshes


def _upright_prism(builder: MeshBuilder, foot: NDArray[np.float64], radius: float, z: tuple[float, float],
                   colour: NDArray[np.float64], sides: int = 6) -> None:  # fmt: skip
    ring = disc(foot, (radius, 0, 0), (0, radius, 0), sides)
    inside = foot + (0, 0, sum(z) / 2)
    for a, b in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        builder.face([a + (0, 0, z[0]), b + (0, 0, z[0]), b + (0, 0, z[1]), a + (0, 0, z[1])], colour, inside)


def _tree(foot: NDArray[np.float64], rng: np.random.Generator) -> Mesh:
    """A trunk and a few leafy blobs."""
    builder = MeshBuilder()
    trunk, crown = rng.uniform(1.9, 2.6), rng.uniform(1.3, 2.1)
    _upright_prism(builder, foot, 0.13, (0.0, trunk + 0.6), _BARK)
    leaves = jittered(rng, _LEAVES * rng.uniform(0.9, 1.15, 3), 0.15)
    for k in range(3):
        centre = foot + (*rng.uniform(-0.55, 0.55, 2) * crown, trunk + crown * (0.55 + 0.5 * k))
        _blob(builder, centre, crown * (1.0 - 0.16 * k), leaves, rng)
    return builder.build()


def _blob(builder: MeshBuilder, centre: NDArray[np.float64], radius: float, colour: NDArray[np.float64],
          rng: np.random.Generator) -> None:  # fmt: skip
    """A lumpy icosahedron, each face of its own shade and speckled with leaves."""
    golden = (1 + 5**0.5) / 2
    corners = np.array(
        [(-1, golden, 0), (1, golden, 0), (-1, -golden, 0), (1, -golden, 0), (0, -1, golden), (0, 1, golden),
         (0, -1, -golden), (0, 1, -golden), (golden, 0, -1), (golden, 0, 1), (-golden, 0, -1), (-golden, 0, 1)]
    )  # fmt: skip
    triangles = (
        (0, 11, 5), (0, 5, 1), (0, 1, 7), (0, 7, 10), (0, 10, 11), (1, 5, 9), (5, 11, 4), (11, 10, 2), (10, 7, 6), (7, 1, 8),
        (3, 9, 4), (3, 4, 2), (3, 2, 6), (3, 6, 8), (3, 8, 9), (4, 9, 5), (2, 4, 11), (6, 2, 10), (8, 6, 7), (9, 8, 1),
    )  # fmt: skip
    points = centre + corners / np.hypot(1, golden) * radius * rng.uniform(0.8, 1.12, (12, 1))
    for triangle in triangles:
        face = points[list(triangle)]
        builder.face(face, jittered(rng, colour, 0.10), centre)
        for _ in range(4):
            weights = rng.dirichlet((1.2, 1.2, 1.2))
            leaf = weights @ face
            size = radius * rng.uniform(0.10, 0.22)
            edges = (face[1] - face[0], face[2] - face[0])
            axes = [edge / np.linalg.norm(edge) * size for edge in edges]
            builder.decal(disc(leaf, axes[0], axes[1], 5), jittered(rng, colour, 0.28))


def _lamp(foot: NDArray[np.float64], reach: NDArray[np.float64]) -> Mesh:
    """A street lamp whose arm points over the road."""
    builder = MeshBuilder()
    _upright_prism(builder, foot, 0.09, (0.0, 8.2), _METAL)
    tip = foot + (reach - foot) * 0.8
    sideways = np.array([-(tip - foot)[1], (tip - foot)[0], 0.0])
    sideways /= np.linalg.norm(sideways)
    for z0, z1 in ((8.0, 8.12),):
        corners = [foot - sideways * 0.06, tip - sideways * 0.16, tip + sideways * 0.16, foot + sideways * 0.06]
        inside = (foot + tip) / 2 + (0, 0, (z0 + z1) / 2)
        for a, b in zip(corners, corners[1:] + corners[:1], strict=True):
            builder.face([a + (0, 0, z0), b + (0, 0, z0), b + (0, 0, z1), a + (0, 0, z1)], _METAL, inside)
        builder.face([c + (0, 0, z0) for c in corners], _METAL * 0.7, inside)
    return builder.build()


def _oblong(builder: MeshBuilder, low: NDArray[np.float64], high: NDArray[np.float64], z: tuple[float, float],
            colour: NDArray[np.float64]) -> None:  # fmt: skip
    """A box in the scene frame between two opposite corners on the ground, its sides along x and y."""
    a, b = np.minimum(low, high), np.maximum(low, high)
    builder.box((a[0], a[1], z[0]), (b[0], b[1], z[1]), colour)


def _hedge(low: NDArray[np.float64], high: NDArray[np.float64], height: float, rng: np.random.Generator) -> Mesh:
    builder = MeshBuilder()
    a, b = np.minimum(low, high), np.maximum(low, high)
    along = 0 if b[0] - a[0] > b[1] - a[1] else 1
    cuts = np.arange(a[along], b[along] + 0.6, 0.8)
    colour = jittered(rng, _LEAVES, 0.2)
    for start in cuts[:-1]:
        low_corner, high_corner = a.copy(), b.copy()
        low_corner[along], high_corner[along] = start, start + 0.8
        _oblong(builder, low_corner, high_corner, (0.0, height * rng.uniform(0.9, 1.08)), jittered(rng, colour, 0.1))
    return builder.build()


def _kiosk(low: NDArray[np.float64], high: NDArray[np.float64], rng: np.random.Generator) -> Mesh:
    builder = MeshBuilder()
    paint = rng.uniform(60, 210, 3)
    _oblong(builder, low, high, (0.0, 2.3), paint)
    _oblong(builder, low - (0.25, 0.25, 0), high + (0.25, 0.25, 0), (2.3, 2.5), paint * 0.7)
    return builder.build()


def _signal_post(crossing: Crossing, arm: int) -> Mesh:
    """A mast at the stop line of an arm, on the right of those who come in, its arm over their lanes."""
    builder = MeshBuilder()
    road, d = crossing.road_of(arm), crossing.direction(arm)
    left = np.array([-d[1], d[0]])  # seen outwards; inbound lanes lie here
    where = crossing.setback(arm) - 0.8
    foot = np.append(d * where + left * (road.half_width + 0.9), 0.0)
    _upright_prism(builder, foot, 0.11, (0.0, 6.0), _METAL)
    reach = road.half_width * 0.75
    tip = foot - np.append(left * reach, 0.0)
    outwards = np.append(d, 0.0)
    inside = (foot + tip) / 2 + (0, 0, 5.8)
    for side in (-1, 1):
        a, b = foot + outwards * 0.06 * side, tip + outwards * 0.06 * side
        builder.face([a + (0, 0, 5.73), b + (0, 0, 5.73), b + (0, 0, 5.87), a + (0, 0, 5.87)], _METAL, inside)
    under = [foot - outwards * 0.06, tip - outwards * 0.06, tip + outwards * 0.06, foot + outwards * 0.06]
    builder.face([p + (0, 0, 5.73) for p in under], _METAL * 0.7, inside)
    for share in (0.45, 0.95):
        _signal_head(builder, foot + (tip - foot) * share + (0, 0, 5.15), outwards, np.append(left, 0.0))
    _signal_head(builder, foot + (0, 0, 2.6), outwards, np.append(left, 0.0))
    return builder.build()


def _signal_head(builder: MeshBuilder, foot: NDArray[np.float64], outwards: NDArray[np.float64],
                 left: NDArray[np.float64]) -> None:  # fmt: skip
    """A box of three lamps that face those who come in; the lamps are dark, for the plan is not drawn."""
    inside = foot + (0, 0, 0.5)
    ring = [outwards * x + left * y for x, y in ((0.2, -0.18), (0.2, 0.18), (-0.12, 0.18), (-0.12, -0.18))]
    black = np.array([34.0, 34, 34])
    for a, b in zip(ring[1:] + ring[:1], ring[2:] + ring[:2], strict=True):
        builder.face([foot + a, foot + b, foot + b + (0, 0, 1.0), foot + a + (0, 0, 1.0)], black, inside)
    for k, colour in enumerate(((60, 190, 60), (40, 150, 200), (50, 45, 215))):
        centre = foot + outwards * 0.2 + (0, 0, 0.18 + 0.32 * k)
        builder.decal(disc(centre, left * 0.12, (0, 0, 0.12), 10), np.array(colour) * (0.9 if k == 2 else 0.35))
