"""The vehicle's image with what was found in it and with whose help, for people who watch a running node."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from emiff_core.geometry import Detections, PinholeCamera
from emiff_core.rendering.colors import detection_color
from emiff_core.rendering.overlay import caption, draw_boxes

_WIDTH = 960


@dataclass(frozen=True)
class FeatureUsed:
    """A remote feature that was fused: its agent, and its age in milliseconds."""

    agent_id: str
    age_ms: float


def draw_debug_image(
    image: NDArray[np.uint8],
    camera: PinholeCamera,
    T_camera_detection: NDArray[np.float64],
    detections: Detections,
    used: Sequence[FeatureUsed],
    total_ms: float,
) -> NDArray[np.uint8]:
    """Draw one answer of the vehicle.

    Args:
        image: (H, W, 3) uint8 BGR as captured; stays as it is.
        camera: that took it.
        T_camera_detection: (4, 4) from the detection frame to the optical frame.
        detections: in the detection frame; coloured like the markers, the best on top.
        used: what was fused; empty: the vehicle was alone.
        total_ms: from image to answer, milliseconds.

    Returns:
        (h, w, 3) uint8 BGR, rectified, 960 pixels wide at most.
    """
    scale = min(1.0, _WIDTH / camera.width)
    view = camera.scaled(scale, scale)
    drawn = cv2.resize(image, (view.width, view.height), interpolation=cv2.INTER_LINEAR)
    if camera.is_distorted:  # after the resize: coefficients do not depend on it, and there are fewer pixels
        drawn = cv2.undistort(drawn, view.intrinsics, np.asarray(camera.distortion))
    pixels = np.asarray(drawn, dtype=np.uint8)
    if drawn is image:
        pixels = image.copy()
    for i in reversed(range(len(detections))):
        color = detection_color(float(detections.scores[i]), bool(used)).bgr()
        draw_boxes(pixels, detections.boxes[[i]], view, T_camera_detection, color)
    caption(pixels, status_lines(len(detections), used, total_ms))
    return pixels


def status_lines(boxes: int, used: Sequence[FeatureUsed], total_ms: float) -> list[str]:
    """Return the text of a debug image: boxes and latency, then the agents with the age of their features."""
    agents = '   '.join(f'{one.agent_id} {one.age_ms:.0f} ms old' for one in used)
    return [f'{boxes} boxes   {total_ms:.0f} ms', f'with {agents}' if used else 'alone']
