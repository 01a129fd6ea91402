"""Image messages to BGR arrays."""

import cv2
import numpy as np
from cv_bridge import CvBridge, CvBridgeError
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage, Image

from emiff_core.bag.images import raw_to_bgr
from emiff_core.errors import EmiffError

_JPEG_START, _JPEG_END = b'\xff\xd8', b'\xff\xd9'


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
    return raw_to_bgr(message)


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
    if pixels.ndim == 2:  # cv_bridge leaves grey pictures as they are
        pixels = cv2.cvtColor(pixels, cv2.COLOR_GRAY2BGR)
    return np.asarray(pixels, dtype=np.uint8)
