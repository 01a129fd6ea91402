"""What stands on pavements: trees, lamps, hedges, kiosks, signal posts. Poles and leaves hide parts of vehicles.

Things of several parts come as several meshes, for each mesh casts one convex shadow.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from emiff_core.data.synthetic.mesh import Mesh, MeshBuilder, disc, jittered, raised, wall
from emiff_core.data.synthetic.roads import Crossing

_METAL = np.array([92.0, 94, 92])
_LEAVES = np.array([52.0, 98, 62])
_BARK = np.array([52.0, 66, 84])
_BLACK = np.array([36.0, 36, 36])
_LAMPS = np.array([(120.0, 220, 70), (40, 170, 235), (50, 50, 235)])  # of a signal, from below
_GOLDEN = (1 + 5**0.5) / 2
_ICOSAHEDRON = np.array(
    [(-1, _GOLDEN, 0), (1, _GOLDEN, 0), (-1, -_GOLDEN, 0), (1, -_GOLDEN, 0), (0, -1, _GOLDEN), (0, 1, _GOLDEN),
     (0, -1, -_GOLDEN), (0, 1, -_GOLDEN), (_GOLDEN, 0, -1), (_GOLDEN, 0, 1), (-_GOLDEN, 0, -1), (-_GOLDEN, 0, 1)]
) / np.hypot(1, _GOLDEN)  # fmt: skip
_TRIANGLES = np.array([
    (0, 11, 5), (0, 5, 1), (0, 1, 7), (0, 7, 10), (0, 10, 11), (1, 5, 9), (5, 11, 4), (11, 10, 2), (10, 7, 6),
    (7, 1, 8), (3, 9, 4), (3, 4, 2), (3, 2, 6), (3, 6, 8), (3, 8, 9), (4, 9, 5), (2, 4, 11), (6, 2, 10), (8, 6, 7),
    (9, 8, 1),
])  # fmt: skip
_PENTAGON = disc((0.0, 0, 0), (1.0, 0, 0), (0, 1.0, 0), 5)[:, :2]


def build_tree(foot: NDArray[np.float64], rng: np.random.Generator) -> tuple[Mesh, Mesh]:
    """Build a trunk on the ground at `foot` (3,) and a crown of leafy blobs; one blob stands for it far away."""
    stem, leafage, outline = MeshBuilder(), MeshBuilder(), MeshBuilder()
    trunk, crown = rng.uniform(1.9, 2.6), rng.uniform(1.3, 2.0)
    _post(stem, foot, 0.13, trunk + 0.6, _BARK)
    leaves = jittered(rng, _LEAVES * rng.uniform(0.9, 1.15, 3), 0.15)
    turn = rng.uniform(0, 2 * np.pi)
    for k in range(4):  # three around and one on top
        angle = turn + k * 2 * np.pi / 3
        spread = np.array([np.cos(angle), np.sin(angle), 0.0]) * crown * (0.0 if k == 3 else 0.5)
        centre = raised(foot + spread, trunk + crown * (1.45 if k == 3 else rng.uniform(0.5, 0.85)))
        _blob(leafage, centre, crown * rng.uniform(0.68, 0.82), leaves, rng, leaves_a_face=3)
    _blob(outline, raised(foot, trunk + crown * 0.95), crown * 1.15, leaves, rng, leaves_a_face=0)
    return stem.build(), replace(leafage.build(), coarse=outline.build())


def build_hedge(low: NDArray[np.float64], high: NDArray[np.float64], height: float, rng: np.random.Generator) -> Mesh:
    """Build a trimmed hedge between two opposite corners (3,) on the ground, `height` metres tall."""
    builder = MeshBuilder()
    a, b = np.minimum(low, high), np.maximum(low, high)
    along = 0 if b[0] - a[0] > b[1] - a[1] else 1
    colour = jittered(rng, _LEAVES, 0.2)
    for start in np.arange(a[along], b[along] - 0.2, 0.8):
        first, last = a.copy(), b.copy()
        first[along], last[along] = start, start + 0.8
        builder.box(first, raised(last, height * rng.uniform(0.9, 1.08)), jittered(rng, colour, 0.1))
    return builder.build()


def build_kiosk(low: NDArray[np.float64], high: NDArray[np.float64], rng: np.random.Generator) -> Mesh:
    """Build a kiosk between two opposite corners (3,) on the ground."""
    builder = MeshBuilder()
    a, b = np.minimum(low, high), np.maximum(low, high)
    paint = rng.uniform(60, 210, 3)
    builder.box(a, raised(b, 2.3), paint)
    eaves = np.array([0.25, 0.25, 0.0])
    builder.box(raised(a - eaves, 2.3), raised(b + eaves, 2.5), paint * 0.7)
    return builder.build()


def build_lamp(foot: NDArray[np.float64], over: NDArray[np.float64]) -> tuple[Mesh, Mesh]:
    """Build a street lamp: a post at `foot` (3,) and an arm that points to above `over` (3,), both on the ground."""
    post, arm = MeshBuilder(), MeshBuilder()
    _post(post, foot, 0.09, 8.2, _METAL)
    _arm(arm, raised(foot, 8.0), raised(foot + (over - foot) * 0.8, 8.0), 0.12)
    return post.build(), arm.build()


def build_signal_post(crossing: Crossing, arm: int, is_green: bool) -> Mesh:
    """Build a mast at the stop line of an arm, on the right of those who come in, its arm over their lanes."""
    builder = MeshBuilder()
    road, outwards = crossing.road_of(arm), np.append(crossing.direction(arm), 0.0)
    left = np.array([-outwards[1], outwards[0], 0.0])  # seen outwards; inbound lanes lie here
    foot = outwards * (crossing.setback(arm) - 0.8) + left * (road.half_width + 0.9)
    tip = foot - left * road.half_width * 0.75
    _post(builder, foot, 0.11, 6.0, _METAL)
    _arm(builder, raised(foot, 5.73), raised(tip, 5.73), 0.12)
    for where in (
        raised(foot + (tip - foot) * 0.45, 5.15),
        raised(foot + (tip - foot) * 0.95, 5.15),
        raised(foot, 2.6),
    ):
        _signal_head(builder, where, outwards, left, is_green)
    return builder.build()


def _signal_head(
    builder: MeshBuilder,
    foot: NDArray[np.float64],
    outwards: NDArray[np.float64],
    left: NDArray[np.float64],
    is_green: bool,
) -> None:
    """Add a box of three lamps, of which one is lit, that face those who come in."""
    inside = raised(foot, 0.5)
    corners = ((-0.12, -0.18), (-0.12, 0.18), (0.2, 0.18), (0.2, -0.18))
    ring = np.array([foot + outwards * x + left * y for x, y in corners])
    builder.face(ring, _BLACK, inside)
    for a, b in ((0, 1), (1, 2), (3, 0), (2, 3)):  # the front comes last, to carry the lamps
        builder.face(wall(ring[a], ring[b], 0, 1.0), _BLACK, inside)
    lit = 0 if is_green else 2
    for k, colour in enumerate(_LAMPS):
        centre = raised(foot + outwards * 0.2, 0.18 + 0.32 * k)
        lamp = disc(centre, left * 0.12, (0, 0, 0.12), 10)
        builder.decal(lamp, colour * (1.0 if k == lit else 0.22), glows=k == lit)


def _post(
    builder: MeshBuilder, foot: NDArray[np.float64], radius: float, height: float, colour: NDArray[np.float64]
) -> None:
    """Add an upright post of six sides."""
    ring = disc(foot, (radius, 0, 0), (0, radius, 0), 6)
    for a, b in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        builder.face(wall(a, b, 0, height), colour, raised(foot, height / 2))


def _arm(builder: MeshBuilder, start: NDArray[np.float64], stop: NDArray[np.float64], thickness: float) -> None:
    """Add a level bar from `start` to `stop` (3,), its underside at their height."""
    along = (stop - start) / np.linalg.norm(stop - start)
    aside = np.array([-along[1], along[0], 0.0]) * thickness / 2
    ring = np.array([start - aside, stop - aside, stop + aside, start + aside])
    inside = raised((start + stop) / 2, thickness / 2)
    for a, b in zip(ring, np.roll(ring, -1, axis=0), strict=True):
        builder.face(wall(a, b, 0, thickness), _METAL, inside)
    builder.face(ring, _METAL * 0.7, inside)


def _blob(
    builder: MeshBuilder,
    centre: NDArray[np.float64],
    radius: float,
    colour: NDArray[np.float64],
    rng: np.random.Generator,
    leaves_a_face: int,
) -> None:
    """Add a lumpy icosahedron, each face of its own shade and speckled with leaves."""
    points = centre + _ICOSAHEDRON * radius * rng.uniform(0.8, 1.12, (12, 1))
    faces = points[_TRIANGLES]  # (20, 3, 3)
    shades = rng.uniform(0.9, 1.1, len(faces))
    edges = faces[:, 1:] - faces[:, :1]
    edges /= np.linalg.norm(edges, axis=2, keepdims=True)
    places = rng.dirichlet((1.2, 1.2, 1.2), (len(faces), leaves_a_face)) @ faces
    sizes = radius * rng.uniform(0.12, 0.24, (len(faces), leaves_a_face))
    leaves = places[:, :, None] + sizes[:, :, None, None] * (_PENTAGON @ edges)[:, None]  # (20, leaves, 5, 3)
    leaf_shades = rng.uniform(0.72, 1.28, sizes.shape)
    for face, shade, leaves_here, shades_here in zip(faces, shades, leaves, leaf_shades, strict=True):
        builder.face(face, colour * shade, centre)
        for leaf, leaf_shade in zip(leaves_here, shades_here, strict=True):
            builder.decal(leaf, colour * leaf_shade)
