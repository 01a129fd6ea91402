"""Meshes of flat, convex, one-sided faces with decals: windows, lamps and markings that lie exactly on their face."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Colour = Sequence[float]  # blue, green, red in 0..255, as OpenCV orders them


@dataclass(frozen=True)
class Decal:
    """A polygon on a face: rows [start, stop) of the mesh's vertices, a colour, and whether it shines by itself."""

    start: int
    stop: int
    colour: NDArray[np.float64]
    glows: bool


@dataclass(frozen=True)
class Face:
    """A planar polygon: rows [start, stop) of the mesh's vertices, its albedo and what is painted on it."""

    start: int
    stop: int
    colour: NDArray[np.float64]
    decals: tuple[Decal, ...]


@dataclass(frozen=True, eq=False)
class Mesh:
    """Faces and decals over one array of vertices, so that a view transforms and projects them all at once.

    Attributes:
        vertices: (V, 3) metres in the mesh's own frame.
        faces: F faces.
        normals: (F, 3) unit normals, outwards.
        anchors: (F, 3) metres, one vertex of each face.
        radius: metres, of the sphere about `centre` that holds every vertex.
        centre: (3,) metres.
    """

    vertices: NDArray[np.float64]
    faces: tuple[Face, ...]
    normals: NDArray[np.float64]
    anchors: NDArray[np.float64]
    centre: NDArray[np.float64]
    radius: float


class MeshBuilder:
    """Collects faces into a Mesh; a face is turned outwards, away from the point given as `inside`."""

    def __init__(self) -> None:
        self._vertices: list[NDArray[np.float64]] = []
        self._count = 0
        self._faces: list[Face] = []
        self._normals: list[NDArray[np.float64]] = []

    def face(self, points: ArrayLike, colour: Colour, inside: ArrayLike) -> None:
        """Add the planar convex polygon `points` (N, 3), metres; fewer than three points or no area add nothing."""
        corners = np.asarray(points, dtype=np.float64)
        if len(corners) < 3:
            return
        normal = np.cross(corners, np.roll(corners, -1, axis=0)).sum(axis=0)  # Newell
        length = np.linalg.norm(normal)
        if length < 1e-9:
            return
        normal /= length
        if normal @ (corners.mean(axis=0) - np.asarray(inside, dtype=np.float64)) < 0:
            normal = -normal
        start, stop = self._append(corners)
        self._faces.append(Face(start, stop, np.asarray(colour, dtype=np.float64), ()))
        self._normals.append(normal)

    def decal(self, points: ArrayLike, colour: Colour, glows: bool = False) -> None:
        """Paint the polygon `points` (N, 3), metres, on the face added last; later decals cover earlier ones."""
        start, stop = self._append(np.asarray(points, dtype=np.float64))
        last = self._faces[-1]
        decal = Decal(start, stop, np.asarray(colour, dtype=np.float64), glows)
        self._faces[-1] = Face(last.start, last.stop, last.colour, (*last.decals, decal))

    def box(
        self, low: ArrayLike, high: ArrayLike, colour: Colour, top_colour: Colour | None = None
    ) -> None:
        """Add an upright box between two corners (3,), metres, without its bottom, which nobody sees."""
        (x0, y0, z0), (x1, y1, z1) = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
        inside = ((x0 + x1) / 2, (y0 + y1) / 2, (z0 + z1) / 2)
        ring = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
        for (xa, ya), (xb, yb) in zip(ring, ring[1:] + ring[:1], strict=True):
            self.face([(xa, ya, z0), (xb, yb, z0), (xb, yb, z1), (xa, ya, z1)], colour, inside)
        self.face([(x, y, z1) for x, y in ring], colour if top_colour is None else top_colour, inside)

    def build(self) -> Mesh:
        """Return the mesh of what was added, at least one face."""
        vertices = np.concatenate(self._vertices)
        centre = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
        return Mesh(
            vertices,
            tuple(self._faces),
            np.stack(self._normals),
            vertices[[face.start for face in self._faces]],
            centre,
            float(np.linalg.norm(vertices - centre, axis=1).max()),
        )

    def _append(self, points: NDArray[np.float64]) -> tuple[int, int]:
        start = self._count
        self._vertices.append(points)
        self._count += len(points)
        return start, self._count


def clip(points: NDArray[np.float64], normal: ArrayLike, offset: float) -> NDArray[np.float64]:
    """Cut a polygon by a half-space (Sutherland and Hodgman).

    Args:
        points: (N, D) corners in order.
        normal: (D,) of the half-space that is kept, normal . p >= offset.
        offset: in the unit of the points.

    Returns:
        (M, D) corners, M = 0 where nothing is left.
    """
    distances = points @ np.asarray(normal, dtype=np.float64) - offset
    if (distances >= 0).all():
        return points
    kept = []
    for i in range(len(points)):
        a, b = distances[i - 1], distances[i]
        if (a >= 0) != (b >= 0):
            kept.append(points[i - 1] + a / (a - b) * (points[i] - points[i - 1]))
        if b >= 0:
            kept.append(points[i])
    return np.array(kept).reshape(-1, points.shape[1])


def disc(centre: ArrayLike, axis_a: ArrayLike, axis_b: ArrayLike, corners: int) -> NDArray[np.float64]:
    """Return a regular polygon (corners, 3) about `centre`, whose radius vectors are `axis_a` and `axis_b` (metres)."""
    angles = np.arange(corners) * 2 * np.pi / corners
    return np.asarray(centre) + np.outer(np.cos(angles), axis_a) + np.outer(np.sin(angles), axis_b)


def jittered(rng: np.random.Generator, colour: Colour, amount: float) -> NDArray[np.float64]:
    """Return the colour, brighter or darker by up to the fraction `amount`."""
    return np.asarray(colour, dtype=np.float64) * rng.uniform(1 - amount, 1 + amount)


def bounds(points: Iterable[ArrayLike]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the lower and the upper corner of all points (N, D) together."""
    stacked = np.concatenate([np.asarray(part, dtype=np.float64) for part in points])
    return stacked.min(axis=0), stacked.max(axis=0)
