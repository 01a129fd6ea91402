"""Image files."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from emiff_core.errors import EmiffError


def read_image(path: Path) -> NDArray[np.uint8]:
    """Return an image file's pixels, (H, W, 3) uint8 BGR.

    Raises:
        EmiffError: it cannot be read as an image.
    """
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        raise EmiffError(f'{path}: expected an image, found none that can be read')
    return np.asarray(image, dtype=np.uint8)


def write_image(path: Path, pixels: NDArray[np.uint8]) -> None:
    """Write (H, W, 3) uint8 BGR pixels in the format that the file's suffix names.

    Raises:
        EmiffError: the file cannot be written.
    """
    if not cv2.imwrite(str(path), pixels):
        raise EmiffError(f'{path}: cannot write the picture')
