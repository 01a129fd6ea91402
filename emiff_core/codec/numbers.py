"""A latent as bytes: number after number, row by row, little-endian; floats, or integers with a scale per channel."""

import math
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from emiff_core.errors import EmiffError

_SCALE_BYTES = 4  # of a channel's float32
_MAX_NUMBERS = 1 << 26  # 256 MiB as float32: larger than any latent, small enough to refuse before allocating


class NumericType(IntEnum):
    """How the numbers are written; the values are those of FeatureFrame.numeric_type."""

    FLOAT32 = 0
    FLOAT16 = 1
    INT8 = 2
    UINT4 = 3
    UINT2 = 4
    UINT1 = 5

    @property
    def bits(self) -> int:
        """Of each number."""
        return _BITS[self]

    @property
    def steps(self) -> int:
        """From 0 to a channel's largest magnitude; 0 where the numbers are floats, which have no scale."""
        return _STEPS.get(self, 0)


_BITS = {
    NumericType.FLOAT32: 32,
    NumericType.FLOAT16: 16,
    NumericType.INT8: 8,
    NumericType.UINT4: 4,
    NumericType.UINT2: 2,
    NumericType.UINT1: 1,
}
_STEPS = {NumericType.INT8: 127, NumericType.UINT4: 15, NumericType.UINT2: 3, NumericType.UINT1: 1}


def write_numbers(latent: NDArray[np.float32], numeric_type: NumericType) -> bytes:
    """Write a latent.

    Args:
        latent: (C, h, w) float32.
        numeric_type: FLOAT32 is exact; FLOAT16 saturates at +-65504; integers err by half of a step, and a
            step is max|channel| / 127 for INT8 and max|channel| / (2^bits - 1) for UINT.

    Returns:
        The bytes. Integers follow one float32 scale a channel, number = scale x integer. UINT4, UINT2 and UINT1 put
        two, four and eight of them into a byte, the first in its lowest bits; zeros fill up the last byte.

    Raises:
        EmiffError: the latent is not a finite array of three axes, or UINT is to write a negative number.
    """
    if latent.ndim != 3 or latent.size == 0 or not np.isfinite(latent).all():
        raise EmiffError(f'expected a finite latent of shape (C, h, w), found shape {latent.shape}')
    if numeric_type is NumericType.FLOAT32:
        return latent.astype('<f4').tobytes()
    if numeric_type is NumericType.FLOAT16:
        limit = np.finfo(np.float16).max
        return latent.clip(-limit, limit).astype('<f2').tobytes()
    scale = np.abs(latent).max(axis=(1, 2)) / numeric_type.steps
    integers = np.rint(latent / np.where(scale > 0, scale, 1)[:, None, None]).astype(np.int8)
    packed = integers.tobytes() if numeric_type is NumericType.INT8 else _pack(integers, numeric_type)
    return scale.astype('<f4').tobytes() + packed


def read_numbers(payload: bytes, shape: tuple[int, int, int], numeric_type: NumericType) -> NDArray[np.float32]:
    """Read a (C, h, w) latent back.

    Raises:
        EmiffError: the payload has not the length that shape and type imply, or a number is not finite.
    """
    expected = payload_size(shape, numeric_type)
    if len(payload) != expected:
        raise EmiffError(
            f'expected {expected} payload bytes for shape {shape} as {numeric_type.name}, found {len(payload)}'
        )
    if numeric_type.steps:
        scale = np.frombuffer(payload, '<f4', shape[0]).astype(np.float32)
        packed = payload[_SCALE_BYTES * shape[0] :]
        signed = numeric_type is NumericType.INT8
        integers = np.frombuffer(packed, np.int8) if signed else _unpack(packed, math.prod(shape), numeric_type)
        latent = integers.reshape(shape) * scale[:, None, None]
    else:
        dtype = '<f4' if numeric_type is NumericType.FLOAT32 else '<f2'
        latent = np.frombuffer(payload, dtype).astype(np.float32).reshape(shape)
    if not np.isfinite(latent).all():
        raise EmiffError('expected finite numbers in the latent, found inf or nan')
    return latent


def payload_size(shape: tuple[int, int, int], numeric_type: NumericType) -> int:
    """Return the bytes of a (C, h, w) latent.

    Raises:
        EmiffError: an axis is not positive, or the latent would be larger than any real one.
    """
    count = math.prod(int(axis) for axis in shape)
    if min(shape) <= 0 or count > _MAX_NUMBERS:
        raise EmiffError(f'expected a latent of 1 to {_MAX_NUMBERS} numbers, found shape {shape}')
    scales = _SCALE_BYTES * shape[0] if numeric_type.steps else 0
    return scales + -(-count * numeric_type.bits // 8)


def _pack(integers: NDArray[np.int8], numeric_type: NumericType) -> bytes:
    if integers.min() < 0:
        raise EmiffError(f'expected a latent without negative numbers for {numeric_type.name}')
    per_byte = 8 // numeric_type.bits
    filled = np.zeros(-(-integers.size // per_byte) * per_byte, np.uint8)
    filled[: integers.size] = integers.ravel()
    return bytes(np.bitwise_or.reduce(filled.reshape(-1, per_byte) << _shifts(numeric_type), axis=1).tobytes())


def _unpack(packed: bytes, count: int, numeric_type: NumericType) -> NDArray[np.uint8]:
    mask = np.uint8((1 << numeric_type.bits) - 1)
    spread = np.frombuffer(packed, np.uint8)[:, None] >> _shifts(numeric_type) & mask
    return spread.ravel()[:count]


def _shifts(numeric_type: NumericType) -> NDArray[np.uint8]:
    """Return where in a byte each of its numbers begins."""
    return np.arange(0, 8, numeric_type.bits, dtype=np.uint8)
