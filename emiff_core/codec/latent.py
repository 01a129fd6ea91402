"""The codecs by name: `plain` sends a latent's bytes as they are, `deflate` without their repetitions (RFC 1951).

Most of a latent is zero, and coarse numbers repeat; deflating loses nothing.
"""

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emiff_core.codec.numbers import NumericType, payload_size, read_numbers, write_numbers
from emiff_core.config import CodecConfig
from emiff_core.errors import EmiffError

_VERSIONS = {'plain': 1, 'deflate': 1}
_RAW = -15  # no zlib header and no Adler-32: the feature frame has a checksum of its own


@dataclass(frozen=True)
class EncodedLatent:
    """A latent as it goes over the air.

    Attributes:
        codec, version: name and version of the writer.
        numeric_type: how the numbers are written.
        shape: (channels, height, width).
        payload: the bytes of `numbers.write_numbers`, as the codec leaves them.
    """

    codec: str
    version: int
    numeric_type: NumericType
    shape: tuple[int, int, int]
    payload: bytes


def encode(latent: NDArray[np.float32], config: CodecConfig) -> EncodedLatent:
    """Write a (C, h, w) float32 latent.

    Raises:
        EmiffError: see `numbers.write_numbers`.
    """
    numeric_type = NumericType[config.numbers.upper()]
    payload = write_numbers(latent, numeric_type)
    if config.coding == 'deflate':
        payload = zlib.compress(payload, 9, _RAW)
    channels, height, width = latent.shape
    return EncodedLatent(config.coding, _VERSIONS[config.coding], numeric_type, (channels, height, width), payload)


def decode(encoded: EncodedLatent) -> NDArray[np.float32]:
    """Read a latent back.

    Returns:
        (C, h, w) float32.

    Raises:
        EmiffError: an unknown codec or version wrote it, the payload has not the length that shape and type imply, or a
            number is not finite.
    """
    if _VERSIONS.get(encoded.codec) != encoded.version:
        known = ' or '.join(f'{name} version {version}' for name, version in _VERSIONS.items())
        raise EmiffError(f'expected codec {known}, found {encoded.codec!r} version {encoded.version}')
    payload = encoded.payload
    if encoded.codec == 'deflate':
        payload = _inflate(payload, payload_size(encoded.shape, encoded.numeric_type))
    return read_numbers(payload, encoded.shape, encoded.numeric_type)


def _inflate(payload: bytes, expected: int) -> bytes:
    """Inflate to `expected` bytes and never more, whatever the stream would become."""
    stream = zlib.decompressobj(_RAW)
    try:
        content = stream.decompress(payload, expected + 1)
    except zlib.error as error:
        raise EmiffError(f'expected a deflated payload, found what cannot be inflated: {error}') from None
    if len(content) != expected or not stream.eof or stream.unused_data:
        raise EmiffError(f'expected a payload that inflates to {expected} bytes, found one that does not')
    return content
