"""The plain codec: numbers row by row, little-endian, as float32, float16 or int8 with a scale per channel."""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from emiff_core.errors import EmiffError

NAME = 'plain'
VERSION = 1

_INT8_LIMIT = 127
_MAX_NUMBERS = 1 << 26  # 256 MiB as float32: larger than any latent, small enough to refuse before allocating


class NumericType(IntEnum):
    """How the numbers are written; the values are those of FeatureFrame.numeric_type."""

    FLOAT32 = 0
    FLOAT16 = 1
    INT8 = 2


@dataclass(frozen=True)
class EncodedLatent:
    """A latent as it goes over the air.

    Attributes:
        codec, version: name and version of the writer.
        numeric_type: how the payload's numbers are written.
        shape: (channels, height, width).
        payload: the bytes. INT8 puts one float32 scale a channel before the numbers.
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
        numeric_type: FLOAT32 is exact; FLOAT16 saturates at +-65504; INT8 errs by half a step, max|channel| / 254.

    Raises:
        EmiffError: the latent is not a finite array of three axes.
    """
    if latent.ndim != 3 or latent.size == 0 or not np.isfinite(latent).all():
        raise EmiffError(f'expected a finite latent of shape (C, h, w), found shape {latent.shape}')
    if numeric_type is NumericType.FLOAT32:
        payload = latent.astype('<f4').tobytes()
    elif numeric_type is NumericType.FLOAT16:
        limit = np.finfo(np.float16).max
        payload = latent.clip(-limit, limit).astype('<f2').tobytes()
    else:
        scale = np.abs(latent).max(axis=(1, 2)) / _INT8_LIMIT
        steps = latent / np.where(scale > 0, scale, 1)[:, None, None]
        payload = scale.astype('<f4').tobytes() + np.rint(steps).astype(np.int8).tobytes()
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
        raise EmiffError(
            f'expected codec {NAME} version {VERSION}, found {encoded.codec!r} version {encoded.version}'
        )
    expected = payload_size(encoded.shape, encoded.numeric_type)
    if len(encoded.payload) != expected:
        raise EmiffError(
            f'expected {expected} payload bytes for shape {encoded.shape} as {encoded.numeric_type.name}, '
            f'found {len(encoded.payload)}'
        )
    if encoded.numeric_type is NumericType.INT8:
        scale_bytes = 4 * encoded.shape[0]
        scale = np.frombuffer(encoded.payload[:scale_bytes], '<f4').astype(np.float32)
        steps = np.frombuffer(encoded.payload[scale_bytes:], np.int8).reshape(encoded.shape)
        latent = steps * scale[:, None, None]
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
    count = int(np.prod([int(axis) for axis in shape], dtype=object))
    if min(shape) <= 0 or count > _MAX_NUMBERS:
        raise EmiffError(f'expected a latent of 1 to {_MAX_NUMBERS} numbers, found shape {shape}')
    if numeric_type is NumericType.INT8:
        return 4 * shape[0] + count
    return count * (4 if numeric_type is NumericType.FLOAT32 else 2)
