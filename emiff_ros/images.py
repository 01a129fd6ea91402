"""Image messages to BGR arrays."""

import cv2
import numpy as np
from cv_bridge import CvBridge, CvBridgeError
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage, Image

from emiff_core.errors import EmiffError

_JPEG_START, _JPEG_END = b'\xff\xd8', b'\xff\xd9'

# encoding -> channels and the OpenCV conversion to BGR. A Bayer pattern's name in OpenCV is that of its second row.
_ENCODINGS: dict[str, tuple[int, int | None]] = {
    'bgr8': (3, None),
    '8UC3': (3, None),
    'rgb8': (3, cv2.COLOR_RGB2BGR),
    'bgra8': (4, cv2.COLOR_BGRA2BGR),
    'rgba8': (4, cv2.COLOR_RGBA2BGR),
    'mono8': (1, cv2.COLOR_GRAY2BGR),
    '8UC1': (1, cv2.COLOR_GRAY2BGR),
    'bayer_rggb8': (1, cv2.COLOR_BayerBG2BGR),
    'bayer_bggr8': (1, cv2.COLOR_BayerRG2BGR),
    'bayer_gbrg8': (1, cv2.COLOR_BayerGR2BGR),
    'bayer_grbg8': (1, cv2.COLOR_BayerGB2BGR),
}


def to_bgr(message: Image | CompressedImage) -> NDArray[np.uint8]:
    """Convert a raw or compressed image message.

    Raw images are read here and not by cv_bridge, which ignores padded rows (`step`) and scales 16-bit images in
    silence.

    Returns:
        (height, width, 3) uint8 BGR; a bgr8 message without padding is not copied.

    Raises:
        EmiffError: the encoding is not supported, or the data are shorter than the header says or broken.
    """
    if isinstance(message, CompressedImage):
        return _decode(message)
    if message.encoding not in _ENCODINGS:
        raise EmiffError(f'image: expected an encoding out of {", ".join(_ENCODINGS)}, found {message.encoding!r}')
    channels, conversion = _ENCODINGS[message.encoding]
    row = message.width * channels
    needed = message.step * message.height
    if message.step < row or len(message.data) < needed or needed == 0:
        raise EmiffError(
            f'image: expected {message.height} rows of at least {row} bytes for {message.encoding}, '
            f'found step {message.step} and {len(message.data)} bytes: truncated?'
        )
    rows = np.frombuffer(message.data, np.uint8, count=needed).reshape(message.height, message.step)
    pixels = rows[:, :row].reshape(message.height, message.width, channels)
    if conversion is None:
        return pixels
    return np.asarray(cv2.cvtColor(np.ascontiguousarray(pixels), conversion), dtype=np.uint8)


def _decode(message: CompressedImage) -> NDArray[np.uint8]:
    data = bytes(memoryview(message.data))
    # the decoder fills the rest of a cut JPEG with grey and says nothing
    if data.startswith(_JPEG_START) and not data.rstrip(b'\0').endswith(_JPEG_END):
        raise EmiffError(f'image: expected a whole JPEG, found {len(data)} bytes without an end marker: truncated')
    try:
        pixels = CvBridge().compressed_imgmsg_to_cv2(message, 'bgr8') if data else None
    except (CvBridgeError, cv2.error, AttributeError, TypeError):  # what cv_bridge raises on data that do not decode
        pixels = None
    if pixels is None:
        raise EmiffError(f'image: expected JPEG or PNG data, found {len(data)} bytes that do not decode')
    return np.asarray(pixels, dtype=np.uint8)
