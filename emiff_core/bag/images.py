"""Raw sensor_msgs/Image values to BGR arrays. Written against the fields, so it reads values of bags and of nodes."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from emiff_core.errors import EmiffError

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


def raw_to_bgr(message: Any) -> NDArray[np.uint8]:
    """Convert a raw image message, padded rows (`step`) too.

    Returns:
        (height, width, 3) uint8 BGR; a bgr8 message without padding is not copied.

    Raises:
        EmiffError: the encoding is not supported, or the data are shorter than the header says.
    """
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
