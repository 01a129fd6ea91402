"""Boxes over a camera image."""

import cv2
import numpy as np
from numpy.typing import NDArray

from emiff_core.geometry import Boxes3D, Detections, PinholeCamera, transforms

Color = tuple[int, int, int]

TRUTH: Color = (90, 200, 60)  # BGR
DETECTION: Color = (40, 60, 235)
SHOWN_SCORE = 0.3  # average precision needs the weak boxes, a person is misled by them: see docs/weights.md

_NEAR = 0.3  # metres; lines are cut here, before the division by depth
# corner pairs, in the order of Boxes3D.corners: bottom, top, uprights
_EDGES = ((0, 1), (1, 2), (2, 3), (3, 0), (4, 5), (5, 6), (6, 7), (7, 4), (0, 4), (1, 5), (2, 6), (3, 7))
_FRONT = ((0, 5), (1, 4))  # a cross on the face that looks ahead


def shown(detections: Detections) -> Detections:
    """Return the detections that pictures show, those that score above SHOWN_SCORE."""
    return detections[detections.scores > SHOWN_SCORE]


def draw_boxes(
    image: NDArray[np.uint8],
    boxes: Boxes3D,
    camera: PinholeCamera,
    T_camera_boxes: NDArray[np.float64],
    color: Color,
    thickness: int = 2,
) -> None:
    """Draw wire frames into an image, in place; a cross marks each box's front.

    Args:
        image: (H, W, 3) uint8 BGR as captured by `camera`.
        boxes: N boxes.
        camera: distortion is ignored.
        T_camera_boxes: (4, 4) from the boxes' frame to the camera's optical frame.
        color: BGR.
        thickness: pixels.
    """
    for corners in transforms.apply(T_camera_boxes, boxes.corners()):
        for first, second in _EDGES + _FRONT:
            _line(image, corners[first], corners[second], camera, color, thickness)


def caption(image: NDArray[np.uint8], lines: list[str], color: Color = (255, 255, 255)) -> None:
    """Write lines into the upper left corner of an image, in place, on a dark ground; 1 % of the width high."""
    size = image.shape[1] / 1600
    step = round(36 * size)
    width = max(cv2.getTextSize(line, cv2.FONT_HERSHEY_SIMPLEX, size, 1)[0][0] for line in lines)
    image[: step * len(lines) + step // 2, : width + step] //= 3
    for row, line in enumerate(lines):
        origin = (step // 2, step * (row + 1))
        cv2.putText(image, line, origin, cv2.FONT_HERSHEY_SIMPLEX, size, color, max(1, round(size * 2)), cv2.LINE_AA)


def _line(
    image: NDArray[np.uint8],
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    camera: PinholeCamera,
    color: Color,
    thickness: int,
) -> None:
    if max(start[2], end[2]) <= _NEAR:
        return
    if min(start[2], end[2]) < _NEAR:
        cut = start + (end - start) * (_NEAR - start[2]) / (end[2] - start[2])
        start, end = (cut, end) if start[2] < _NEAR else (start, cut)
    pixels, _ = camera.project(np.stack([start, end]))
    height, width = image.shape[:2]
    # far outside the image OpenCV's fixed-point coordinates would overflow
    inside, first, second = cv2.clipLine((0, 0, width, height), *(tuple(map(int, p.clip(-1e8, 1e8))) for p in pixels))
    if inside:
        cv2.line(image, first, second, color, thickness, cv2.LINE_AA)
