"""The bird's-eye view of a detection frame: x forward is up, y left is left."""

import cv2
import numpy as np
from numpy.typing import NDArray

from emiff_core.geometry import Boxes3D, PinholeCamera, transforms
from emiff_core.rendering.overlay import Color

_GROUND: Color = (34, 30, 28)
_GRID: Color = (58, 52, 48)
_TEXT: Color = (150, 150, 150)
_VEHICLE: Color = (235, 170, 60)
_ROADSIDE: Color = (60, 190, 235)
_GRID_M = 10
_MARGIN_M = 4.0
_FRUSTUM_M = 12.0


class BirdsEye:
    """A canvas in metres."""

    def __init__(
        self, x_range: tuple[float, float], y_range: tuple[float, float], pixels_per_metre: float = 10.0
    ) -> None:
        """Make an empty canvas with a 10 m grid.

        Args:
            x_range, y_range: what the model sees, metres in the detection frame; a frame marks it.
            pixels_per_metre: scale.
        """
        self._scale = pixels_per_metre
        self._x1, self._y1 = x_range[1] + _MARGIN_M, y_range[1] + _MARGIN_M
        height = (self._x1 - x_range[0] + 2 * _MARGIN_M) * pixels_per_metre
        width = (self._y1 - y_range[0] + _MARGIN_M) * pixels_per_metre
        self.image: NDArray[np.uint8] = np.full((round(height), round(width), 3), _GROUND, np.uint8)
        for x in range(int(x_range[0]) // _GRID_M * _GRID_M, int(self._x1) + 1, _GRID_M):
            self._polyline([[x, self._y1], [x, y_range[0] - _MARGIN_M]], _GRID, 1, closed=False)
            self._write([x + 0.5, self._y1 - 0.5], f'{x} m')
        for y in range(int(y_range[0]) // _GRID_M * _GRID_M, int(self._y1) + 1, _GRID_M):
            self._polyline([[self._x1, y], [x_range[0] - 2 * _MARGIN_M, y]], _GRID, 1, closed=False)
        outline = [[x_range[i], y_range[j]] for i, j in ((0, 0), (1, 0), (1, 1), (0, 1))]
        self._polyline(outline, _TEXT, 1)
        self._polyline([[2.5, 0.9], [2.5, -0.9], [-2.0, -0.9], [-2.0, 0.9]], _VEHICLE, 2)

    def boxes(self, boxes: Boxes3D, color: Color, thickness: int = 2) -> None:
        """Draw outlines, with a line from the centre to the front."""
        for corners, center in zip(boxes.corners(), boxes.centers, strict=True):
            self._polyline(corners[:4, :2], color, thickness)
            self._polyline([center[:2], (corners[0, :2] + corners[1, :2]) / 2], color, thickness, closed=False)

    def camera(self, T_camera_detection: NDArray[np.float64], camera: PinholeCamera, name: str) -> None:
        """Draw a camera as a wedge of its horizontal field of view.

        Args:
            T_camera_detection: (4, 4), gives its place and its heading.
            camera: its intrinsics.
            name: written beside it.
        """
        half_view = np.arctan2(camera.width / 2, camera.intrinsics[0, 0])
        T_detection_camera = transforms.inverse(T_camera_detection)
        center = T_detection_camera[:2, 3]
        heading = np.arctan2(T_detection_camera[1, 2], T_detection_camera[0, 2])
        rays = [
            center + _FRUSTUM_M * np.array([np.cos(heading + side * half_view), np.sin(heading + side * half_view)])
            for side in (-1, 1)
        ]
        self._polyline([rays[0], center, rays[1]], _ROADSIDE, 2, closed=False)
        self._write([center[0] - 2.5, center[1]], name)

    def _polyline(self, points: object, color: Color, thickness: int, closed: bool = True) -> None:
        pixels = np.rint([self._pixel(p) for p in np.asarray(points, dtype=np.float64)]).astype(np.int32)
        cv2.polylines(self.image, [pixels], closed, color, thickness, cv2.LINE_AA)

    def _write(self, point: object, text: str) -> None:
        x, y = self._pixel(np.asarray(point, dtype=np.float64))
        cv2.putText(self.image, text, (round(x), round(y)), cv2.FONT_HERSHEY_SIMPLEX, 0.4, _TEXT, 1, cv2.LINE_AA)

    def _pixel(self, point: NDArray[np.float64]) -> tuple[float, float]:
        return (self._y1 - point[1]) * self._scale, (self._x1 - point[0]) * self._scale
