"""Rigid transforms as plain tuples: for single transforms this is several times faster than small arrays."""

import math
from typing import NamedTuple

Vector = tuple[float, float, float]
Quaternion = tuple[float, float, float, float]  # x, y, z, w; unit length


class Rigid(NamedTuple):
    """Maps p to rotation * p + translation [m]."""

    translation: Vector
    rotation: Quaternion


IDENTITY = Rigid((0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 1.0))


def multiply(a: Quaternion, b: Quaternion) -> Quaternion:
    """Return the rotation that applies b first and a then (Hamilton product a b)."""
    ax, ay, az, aw = a
    bx, by, bz, bw = b
    return (
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
        aw * bw - ax * bx - ay * by - az * bz,
    )


def rotate(q: Quaternion, v: Vector) -> Vector:
    """Return q v q^-1, written as v + 2 w (u x v) + 2 u x (u x v) with q = (u, w)."""
    x, y, z, w = q
    tx, ty, tz = 2 * (y * v[2] - z * v[1]), 2 * (z * v[0] - x * v[2]), 2 * (x * v[1] - y * v[0])
    return (
        v[0] + w * tx + y * tz - z * ty,
        v[1] + w * ty + z * tx - x * tz,
        v[2] + w * tz + x * ty - y * tx,
    )


def compose(outer: Rigid, inner: Rigid) -> Rigid:
    """Return the transform that applies `inner` first and `outer` then."""
    x, y, z = rotate(outer.rotation, inner.translation)
    moved = (x + outer.translation[0], y + outer.translation[1], z + outer.translation[2])
    return Rigid(moved, multiply(outer.rotation, inner.rotation))


def inverse(transform: Rigid) -> Rigid:
    """Return the transform that undoes `transform`."""
    x, y, z, w = transform.rotation
    back = (-x, -y, -z, w)
    tx, ty, tz = rotate(back, transform.translation)
    return Rigid((-tx, -ty, -tz), back)


def interpolate(start: Rigid, end: Rigid, ratio: float) -> Rigid:
    """Return the transform at `ratio` in [0, 1]: translation linear, rotation slerp along the shorter arc."""
    translation = tuple(a + ratio * (b - a) for a, b in zip(start.translation, end.translation, strict=True))
    return Rigid(translation, _slerp(start.rotation, end.rotation, ratio))


def _slerp(start: Quaternion, end: Quaternion, ratio: float) -> Quaternion:
    cosine = sum(a * b for a, b in zip(start, end, strict=True))
    if cosine < 0.0:  # q and -q are one rotation: take the nearer of the two
        cosine, end = -cosine, tuple(-each for each in end)
    angle = math.acos(min(cosine, 1.0))
    if angle < 1e-9:
        return start
    from_start, from_end = math.sin((1.0 - ratio) * angle), math.sin(ratio * angle)
    return tuple((from_start * a + from_end * b) / math.sin(angle) for a, b in zip(start, end, strict=True))
