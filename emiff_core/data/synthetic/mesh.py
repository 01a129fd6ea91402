"""Meshes of flat, convex, one-sided faces with decals: windows, lamps and markings that lie exactly on their face."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

Colour = ArrayLike  # blue, green, red in 0..255, as OpenCV orders them


@dataclass(frozen=True, eq=False)
class Mesh:
    """Polygons over one array of vertices, so that a view transforms, projects and shades them all at once.

    A face's own polygon is followed by those of its decals. Polygon p has the vertices starts[p] to starts[p + 1], and
    face f the polygons first_polygon[f] to first_polygon[f + 1].

    Attributes:
        vertices: (V, 3) metres in the mesh's own frame.
        starts: (P + 1,).
        colours: (P, 3) albedo, BGR.
        glows: (P,) whether a polygon shines by itself, by day and at dusk alike.
        first_polygon: (F + 1,).
        normals: (F, 3) unit normals, outwards.
        centre: (3,) metres.
        radius: metres, of the sphere about `centre` that holds every vertex.
        coarse: what stands for the mesh where it is a few pixels large; None where nothing simpler does.
    """

    vertices: NDArray[np.float64]
    starts: NDArray[np.int64]
    colours: NDArray[np.float64]
    glows: NDArray[np.bool_]
    first_polygon: NDArray[np.int64]
    normals: NDArray[np.float64]
    centre: NDArray[np.float64]
    radius: float
    coarse: 'Mesh | None' = None

    @cached_property
    def anchors(self) -> NDArray[np.float64]:
        """(F, 3) metres, one vertex of each face."""
        return self.vertices[self.starts[self.first_polygon[:-1]]]

    @cached_property
    def face_of(self) -> NDArray[np.int64]:
        """(P,) the face on which each polygon lies."""
        return np.repeat(np.arange(len(self.normals)), np.diff(self.first_polygon))


class MeshBuilder:
    """Collects faces into a Mesh; a face is turned outwards, away from the point given as `inside`."""

    def __init__(self) -> None:
        self._polygons: list[NDArray[np.float64]] = []
        self._colours: list[Colour] = []
        self._glows: list[bool] = []
        self._first_polygon: list[int] = []
        self._inside: list[ArrayLike] = []

    def face(self, points: ArrayLike, colour: Colour, inside: ArrayLike) -> None:
        """Add the planar convex polygon `points` (N, 3), metres; fewer than three points add nothing."""
        corners = np.asarray(points, dtype=np.float64)
        if len(corners) >= 3:
            self._first_polygon.append(len(self._polygons))
            self._inside.append(inside)
            self.decal(corners, colour)

    def decal(self, points: ArrayLike, colour: Colour, glows: bool = False) -> None:
        """Paint the polygon `points` (N, 3), metres, on the face added last; later decals cover earlier ones."""
        self._polygons.append(np.asarray(points, dtype=np.float64))
        self._colours.append(colour)
        self._glows.append(glows)

    def box(self, low: ArrayLike, high: ArrayLike, colour: Colour) -> None:
        """Add an upright box between two corners (3,), metres, without its bottom, which nobody sees."""
        (x0, y0, z0), (x1, y1, z1) = np.asarray(low, dtype=np.float64), np.asarray(high, dtype=np.float64)
        inside = ((x0 + x1) / 2, (y0 + y1) / 2, (z0 + z1) / 2)
        ring = [(x0, y0), (x1, y0), (x1, y1), (x0, y1)]
        for (xa, ya), (xb, yb) in zip(ring, ring[1:] + ring[:1], strict=True):
            self.face([(xa, ya, z0), (xb, yb, z0), (xb, yb, z1), (xa, ya, z1)], colour, inside)
        self.face([(x, y, z1) for x, y in ring], colour, inside)

    def build(self) -> Mesh:
        """Return the mesh of what was added, at least one face."""
        vertices = np.concatenate(self._polygons)
        starts = np.cumsum([0, *map(len, self._polygons)])
        first = np.array(self._first_polygon)
        normals = _normals(vertices, starts)[first]
        outwards = (normals * (vertices[starts[first]] - np.array(self._inside))).sum(axis=1) > 0
        centre = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
        return Mesh(
            vertices=vertices,
            starts=starts,
            colours=np.array(self._colours, dtype=np.float64),
            glows=np.array(self._glows),
            first_polygon=np.append(first, len(self._polygons)),
            normals=np.where(outwards[:, None], normals, -normals),
            centre=centre,
            radius=float(np.linalg.norm(vertices - centre, axis=1).max()),
        )


def _normals(vertices: NDArray[np.float64], starts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the unit normals (P, 3) of polygons by Newell's sum over their edges; zero where there is no area."""
    following = np.arange(1, len(vertices) + 1)
    following[starts[1:] - 1] = starts[:-1]
    a, b = vertices, vertices[following]
    sums = np.add.reduceat(a[:, (1, 2, 0)] * b[:, (2, 0, 1)] - a[:, (2, 0, 1)] * b[:, (1, 2, 0)], starts[:-1])
    lengths = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.where(lengths > 1e-9, sums / np.maximum(lengths, 1e-9), 0.0)


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
    return (
        np.asarray(centre) + np.outer(np.cos(angles), np.asarray(axis_a)) + np.outer(np.sin(angles), np.asarray(axis_b))
    )


def jittered(rng: np.random.Generator, colour: Colour, amount: float) -> NDArray[np.float64]:
    """Return the colour, brighter or darker by up to the fraction `amount`."""
    return np.asarray(colour, dtype=np.float64) * rng.uniform(1 - amount, 1 + amount)


def raised(points: ArrayLike, height: float) -> NDArray[np.float64]:
    """Return points (..., 3) moved up by `height` metres."""
    return np.asarray(points) + np.array([0.0, 0.0, height])


def wall(a: ArrayLike, b: ArrayLike, low: float, high: float) -> NDArray[np.float64]:
    """Return the upright rectangle (4, 3) over the line from a to b (3,), from `low` to `high` metres above it."""
    return np.array([raised(a, low), raised(b, low), raised(b, high), raised(a, high)])
