"""One frame on one sheet: both cameras' images with boxes, and the bird's-eye view."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from emiff_core.geometry import Boxes3D, Detections, PinholeCamera
from emiff_core.rendering.birds_eye import BirdsEye
from emiff_core.rendering.overlay import DETECTION, SHOWN_SCORE, TRUTH, caption, draw_boxes, shown

_IMAGE_WIDTH = 960

Range = tuple[float, float]


@dataclass(frozen=True, eq=False)
class View:
    """One camera's image of a frame.

    Attributes:
        name: written on it.
        image: (H, W, 3) uint8 BGR.
        camera: that took it.
        T_camera_detection: (4, 4) from the detection frame to the optical frame.
    """

    name: str
    image: NDArray[np.uint8]
    camera: PinholeCamera
    T_camera_detection: NDArray[np.float64]


def draw_sheet(
    views: list[View], truth: Boxes3D, detections: Detections, x_range: Range, y_range: Range, notes: list[str]
) -> NDArray[np.uint8]:
    """Draw the views one below the other, and the bird's-eye view to their right.

    Args:
        views: of one frame, at least one.
        truth: drawn green.
        detections: drawn red where they score above SHOWN_SCORE.
        x_range, y_range: what the model sees, metres in the detection frame.
        notes: lines under the names of the colours.

    Returns:
        (H, W, 3) uint8 BGR.
    """
    found = shown(detections).boxes
    left = np.concatenate([_annotated(view, truth, found) for view in views])
    above = BirdsEye(x_range, y_range)
    for view in views:
        above.camera(view.T_camera_detection, view.camera, view.name)
    above.boxes(truth, TRUTH)
    above.boxes(found, DETECTION)
    scale = left.shape[0] / above.image.shape[0]
    size = round(above.image.shape[1] * scale), left.shape[0]
    right = np.asarray(cv2.resize(above.image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    caption(right, [f'green: truth   red: detections above {SHOWN_SCORE}', *notes])
    return np.concatenate([left, right], axis=1)


def _annotated(view: View, truth: Boxes3D, found: Boxes3D) -> NDArray[np.uint8]:
    image = view.image.copy()
    draw_boxes(image, truth, view.camera, view.T_camera_detection, TRUTH)
    draw_boxes(image, found, view.camera, view.T_camera_detection, DETECTION)
    height = round(image.shape[0] * _IMAGE_WIDTH / image.shape[1])
    image = np.asarray(cv2.resize(image, (_IMAGE_WIDTH, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    caption(image, [view.name])
    return image
