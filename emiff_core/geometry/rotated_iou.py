"""Overlap of rotated rectangles in the plane, for non-maximum suppression and for evaluation. NumPy, float64.

A rectangle is [x, y, length, width, yaw]: centre and full size in metres, yaw in radians from +x to the length axis.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]

_CORNER_SIGNS = np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) / 2  # counter-clockwise
_PAIRS_AT_ONCE = 1 << 16  # bounds the scratch memory to some 100 MB


def pairwise_overlap(a: ArrayLike, b: ArrayLike) -> Array:
    """Return the (N, M) areas, square metres, that each of N rectangles shares with each of M.

    Args:
        a, b: (N, 5) and (M, 5) rectangles; sizes are not negative.
    """
    a, b = _rectangles(a), _rectangles(b)
    areas = np.zeros((len(a), len(b)))
    i, j = np.nonzero(_circles_meet(a, b))
    areas[i, j] = overlap(a[i], b[j])
    return areas


def pairwise_iou(a: ArrayLike, b: ArrayLike) -> Array:
    """Return the (N, M) intersections over union, in [0, 1], of (N, 5) and (M, 5) rectangles; empty ones give 0."""
    a, b = _rectangles(a), _rectangles(b)
    shared = pairwise_overlap(a, b)
    union = (a[:, 2] * a[:, 3])[:, None] + (b[:, 2] * b[:, 3])[None] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def overlap(a: ArrayLike, b: ArrayLike) -> Array:
    """Return the (P,) areas, square metres, that P pairs of rectangles share.

    Args:
        a, b: (P, 5) rectangles, in pairs.
    """
    a, b = _rectangles(a), _rectangles(b)
    chunks = [
        _overlap(a[start : start + _PAIRS_AT_ONCE], b[start : start + _PAIRS_AT_ONCE])
        for start in range(0, len(a), _PAIRS_AT_ONCE)
    ]
    return np.concatenate([np.zeros(0), *chunks])


def suppress(rectangles: ArrayLike, scores: ArrayLike, max_iou: float) -> NDArray[np.intp]:
    """Greedy non-maximum suppression.

    Args:
        rectangles: (N, 5).
        scores: (N,); equal ones are taken in their order.
        max_iou: a rectangle is dropped when its IoU with one that is kept exceeds this.

    Returns:
        Indices of those kept, scores descending.
    """
    order = np.argsort(-np.asarray(scores, dtype=np.float64), kind='stable')
    candidates = _rectangles(rectangles)[order]
    better, worse = np.nonzero(np.triu(_circles_meet(candidates, candidates), k=1))
    shared = overlap(candidates[better], candidates[worse])
    areas = candidates[:, 2] * candidates[:, 3]
    rivals = np.zeros((len(candidates), len(candidates)), dtype=bool)
    rivals[better, worse] = shared > max_iou * (areas[better] + areas[worse] - shared)
    alive = np.ones(len(candidates), dtype=bool)
    for i in range(len(candidates)):
        if alive[i]:
            alive[i + 1 :] &= ~rivals[i, i + 1 :]
    return order[alive]


def _rectangles(values: ArrayLike) -> Array:
    return np.asarray(values, dtype=np.float64).reshape(-1, 5)


def _circles_meet(a: Array, b: Array) -> NDArray[np.bool_]:
    """Return (N, M), whether circumscribed circles meet: most pairs are far apart, and need no clipping."""
    reach = np.hypot(a[:, 2], a[:, 3])[:, None] / 2 + np.hypot(b[:, 2], b[:, 3])[None] / 2
    return np.hypot(a[:, None, 0] - b[None, :, 0], a[:, None, 1] - b[None, :, 1]) < reach


def _overlap(a: Array, b: Array) -> Array:
    """Area shared by each pair: walk around `a`, clamp every point into `b`, and take the area that the walk encloses.

    Clamping moves points outside `b` onto its boundary, where going to and fro encloses nothing, so that what is
    enclosed is the intersection. The clamped walk is a polygon: along an edge of `a` it bends only where it crosses a
    side of `b`. Unlike clipping by intersection points, nothing here has to be sorted around a centre, and coincident
    or parallel edges need no tolerance.
    """
    half = b[:, None, 2:4] / 2
    start = _in_frame_of(b, _corners(a))
    edge = np.roll(start, -1, axis=1) - start
    with np.errstate(divide='ignore', invalid='ignore'):
        bends = [(side * half - start) / edge for side in (-1, 1)]
    along = np.concatenate([np.zeros_like(edge[..., :1]), *bends, np.ones_like(edge[..., :1])], axis=2)
    along = np.sort(np.clip(np.nan_to_num(along, nan=0.0), 0, 1), axis=2)
    walk = start[:, :, None] + along[..., None] * edge[:, :, None]
    walk = np.clip(walk, -half[:, None], half[:, None])
    here, there = walk[:, :, :-1], walk[:, :, 1:]
    crosses = here[..., 0] * there[..., 1] - here[..., 1] * there[..., 0]
    return np.maximum(crosses.sum(axis=(1, 2)) / 2, 0)


def _corners(rectangles: Array) -> Array:
    local = _CORNER_SIGNS * rectangles[:, None, 2:4]
    c, s = np.cos(rectangles[:, None, 4]), np.sin(rectangles[:, None, 4])
    x, y = local[..., 0], local[..., 1]
    return np.stack([c * x - s * y, s * x + c * y], axis=-1) + rectangles[:, None, :2]


def _in_frame_of(rectangles: Array, points: Array) -> Array:
    offset = points - rectangles[:, None, :2]
    c, s = np.cos(rectangles[:, None, 4]), np.sin(rectangles[:, None, 4])
    return np.stack([c * offset[..., 0] + s * offset[..., 1], c * offset[..., 1] - s * offset[..., 0]], axis=-1)
