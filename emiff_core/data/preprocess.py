"""From a camera's image to the network's input: rectify, crop, resize, normalise, pad. The same road for every use."""

from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from emiff_core.config import ImageConfig
from emiff_core.errors import EmiffError
from emiff_core.geometry import PinholeCamera


@dataclass(frozen=True, eq=False)
class PreparedImage:
    """An image as the network takes it, and what leads back to the camera.

    Attributes:
        tensor: (3, H, W) float32, normalised; zeros right and below the content.
        camera: what the network looks through: of the image rectified and cropped, but not yet resized.
        scale: (x, y) network pixels per camera pixel.
        content: (height, width) of the image inside `tensor`, pixels.
    """

    tensor: Tensor
    camera: PinholeCamera
    scale: tuple[float, float]
    content: tuple[int, int]


def prepare_image(
    image: NDArray[np.uint8], camera: PinholeCamera, config: ImageConfig, *, mirrored: bool = False
) -> PreparedImage:
    """Make a camera's image the network's input.

    Args:
        image: (H, W, 3) uint8, BGR.
        camera: of this image.
        config: what the network expects.
        mirrored: mirror the image left to right, which comes before the resize as in the authors' training.

    Raises:
        EmiffError: the image is not (H, W, 3) uint8 or not of the camera's size.
    """
    pixels: NDArray[Any] = fit_image(image, camera, config, mirrored=mirrored)
    height, width = pixels.shape[:2]
    view = network_view(camera, config)
    if config.channel_order == 'rgb':
        pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
    tensor = torch.zeros(3, _padded(height, config.pad_divisor), _padded(width, config.pad_divisor))
    for plane, values, mean, std in zip(tensor.numpy(), cv2.split(pixels), config.mean, config.std, strict=True):
        # a plane at a time and in place: copies of the whole image cost more than the arithmetic
        content = plane[:height, :width]
        np.subtract(values, np.float32(mean), out=content, dtype=np.float32)
        np.divide(content, np.float32(std), out=content)
    return PreparedImage(
        tensor=tensor,
        camera=view,
        scale=network_scale(view, config),
        content=(height, width),
    )


def fit_image(
    image: NDArray[np.uint8], camera: PinholeCamera, config: ImageConfig, *, mirrored: bool = False
) -> NDArray[np.uint8]:
    """Rectify, crop, mirror and resize: the pixels of `prepare_image`, (h, w, 3) uint8 BGR, with its arguments.

    Raises:
        EmiffError: as `prepare_image`.
    """
    expected = (camera.height, camera.width, 3)
    if image.shape != expected or image.dtype != np.uint8:
        raise EmiffError(f'expected an image of shape {expected} and type uint8, found {image.shape} {image.dtype}')
    pixels: NDArray[Any] = image
    if camera.is_distorted and not config.ignore_distortion:
        pixels = cv2.undistort(pixels, camera.intrinsics, np.asarray(camera.distortion))
    pixels = pixels[_rows_cropped(camera, config) :]
    if mirrored:
        pixels = pixels[:, ::-1]
    height, width = _content_size(pixels.shape[0], pixels.shape[1], config)
    interpolation = cv2.INTER_AREA if config.interpolation == 'area' else cv2.INTER_LINEAR
    resized = cv2.resize(np.ascontiguousarray(pixels), (width, height), interpolation=interpolation)
    return np.asarray(resized, dtype=np.uint8)


def network_view(camera: PinholeCamera, config: ImageConfig) -> PinholeCamera:
    """Return the camera of the image rectified and without `config.crop_top`: the one that scale factors refer to."""
    rows = _rows_cropped(camera, config)
    return replace(camera, distortion=()).cropped(0, rows, camera.width, camera.height - rows)


def network_scale(view: PinholeCamera, config: ImageConfig) -> tuple[float, float]:
    """Return the (x, y) network pixels per camera pixel for a `network_view`."""
    height, width = _content_size(view.height, view.width, config)
    return width / view.width, height / view.height


def input_size(view: PinholeCamera, config: ImageConfig) -> tuple[int, int]:
    """Return the padded (height, width) of the network's input for a `network_view`, pixels."""
    height, width = _content_size(view.height, view.width, config)
    return _padded(height, config.pad_divisor), _padded(width, config.pad_divisor)


def _rows_cropped(camera: PinholeCamera, config: ImageConfig) -> int:
    return round(config.crop_top * camera.height)


def _content_size(height: int, width: int, config: ImageConfig) -> tuple[int, int]:
    scale = min(config.width / width, config.height / height)
    return max(int(height * scale + 0.5), 1), max(int(width * scale + 0.5), 1)


def _padded(size: int, divisor: int) -> int:
    return -(-size // divisor) * divisor
