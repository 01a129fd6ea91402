"""The plain codec: numbers row by row, little-endian, as floats or as integers with a scale per channel."""

import math
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from emiff_core.errors import EmiffError

NAME = 'plain'
VERSION = 1

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


@dataclass(frozen=True)
class EncodedLatent:
    """A latent as it goes over the air.

    Attributes:
        codec, version: name and version of the writer.
        numeric_type: how the payload's numbers are written.
        shape: (channels, height, width).
        payload: the bytes. Integers follow one float32 scale a channel, number = scale x integer. UINT4, UINT2 and
            UINT1 put two, four and eight of them into a byte, the first in its lowest bits; the last byte is filled up
            with zeros.
    """

    codec: str
    version: int
    numeric_type: NumericType
    shape: tuple[int, int, int]
    payload: bytes


def encode(latent: NDArray[np.float32], numeric_type: NumericType) -> EncodedLatent:
    """Write a latent.

    Args:
        latent: (C, h, w) float32.
        numeric_type: FLOAT32 is exact; FLOAT16 saturates at +-65504; integers err by half a step, which is
            max|channel| / 127 for INT8 and max|channel| / (2^bits - 1) for UINT.

    Raises:
        EmiffError: the latent is not a finite array of three axes, or UINT is to write a negative number.
    """
    if latent.ndim != 3 or latent.size == 0 or not np.isfinite(latent).all():
        raise EmiffError(f'expected a finite latent of shape (C, h, w), found shape {latent.shape}')
    if numeric_type is NumericType.FLOAT32:
        payload = latent.astype('<f4').tobytes()
    elif numeric_type is NumericType.FLOAT16:
        limit = np.finfo(np.float16).max
        payload = latent.clip(-limit, limit).astype('<f2').tobytes()
    else:
        payload = _encode_integers(latent, numeric_type)
    channels, height, width = latent.shape
    return EncodedLatent(NAME, VERSION, numeric_type, (channels, height, width), payload)


def decode(encoded: EncodedLatent) -> NDArray[np.float32]:
    """Read a latent back.

    Returns:
        (C, h, w) float32.

    Raises:
        EmiffError: another codec or version wrote it, the payload has not the length that shape and type imply, or a
            number is not finite.
    """
    if (encoded.codec, encoded.version) != (NAME, VERSION):
        raise EmiffError(f'expected codec {NAME} version {VERSION}, found {encoded.codec!r} version {encoded.version}')
    expected = payload_size(encoded.shape, encoded.numeric_type)
    if len(encoded.payload) != expected:
        raise EmiffError(
            f'expected {expected} payload bytes for shape {encoded.shape} as {encoded.numeric_type.name}, '
            f'found {len(encoded.payload)}'
        )
    if encoded.numeric_type.steps:
        latent = _decode_integers(encoded)
    else:
        dtype = '<f4' if encoded.numeric_type is NumericType.FLOAT32 else '<f2'
        latent = np.frombuffer(encoded.payload, dtype).astype(np.float32).reshape(encoded.shape)
    if not np.isfinite(latent).all():
        raise EmiffError('expected finite numbers in the latent, found inf or nan')
    return latent


def payload_size(shape: tuple[int, int, int], numeric_type: NumericType) -> int:
    """Return the payload's bytes for a (C, h, w) shape.

    Raises:
        EmiffError: an axis is not positive, or the latent would be larger than any real one.
    """
    count = math.prod(int(axis) for axis in shape)
    if min(shape) <= 0 or count > _MAX_NUMBERS:
        raise EmiffError(f'expected a latent of 1 to {_MAX_NUMBERS} numbers, found shape {shape}')
    scales = _SCALE_BYTES * shape[0] if numeric_type.steps else 0
    return scales + -(-count * numeric_type.bits // 8)


def _encode_integers(latent: NDArray[np.float32], numeric_type: NumericType) -> bytes:
    scale = np.abs(latent).max(axis=(1, 2)) / numeric_type.steps
    integers = np.rint(latent / np.where(scale > 0, scale, 1)[:, None, None]).astype(np.int8)
    if numeric_type is NumericType.INT8:
        packed = integers
    else:
        if integers.min() < 0:
            raise EmiffError(f'expected a latent without negative numbers for {numeric_type.name}')
        per_byte = 8 // numeric_type.bits
        filled = np.zeros(-(-latent.size // per_byte) * per_byte, np.uint8)
        filled[: latent.size] = integers.ravel()
        packed = np.bitwise_or.reduce(filled.reshape(-1, per_byte) << _shifts(numeric_type), axis=1)
    return bytes(scale.astype('<f4').tobytes() + packed.tobytes())


def _decode_integers(encoded: EncodedLatent) -> NDArray[np.float32]:
    channels = encoded.shape[0]
    scale = np.frombuffer(encoded.payload, '<f4', channels).astype(np.float32)
    packed = encoded.payload[_SCALE_BYTES * channels :]
    if encoded.numeric_type is NumericType.INT8:
        integers = np.frombuffer(packed, np.int8)
    else:
        mask = (1 << encoded.numeric_type.bits) - 1
        spread = np.frombuffer(packed, np.uint8)[:, None] >> _shifts(encoded.numeric_type) & mask
        integers = spread.ravel()[: math.prod(encoded.shape)]
    return integers.reshape(encoded.shape) * scale[:, None, None]


def _shifts(numeric_type: NumericType) -> NDArray[np.uint8]:
    """Return where in a byte each of its numbers begins."""
    return np.arange(0, 8, numeric_type.bits, dtype=np.uint8)
