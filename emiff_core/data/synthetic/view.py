"""What one camera sees: projection with exact near and side clipping, shared by the ground and the objects above it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emiff_core.data.synthetic.mesh import clip
from emiff_core.geometry import PinholeCamera, transforms

NEAR = 0.25  # metres
_GUARD = 4.0  # sides of the clipping pyramid, in half image widths: keeps OpenCV's fixed-point pixels small
SHIFT = 4  # fractional bits of the pixel coordinates given to OpenCV


@dataclass(frozen=True, eq=False)
class View:
    """A camera at a place.

    Attributes:
        camera: rectified camera; its size is the size of the picture.
        T_camera_scene: (4, 4) from the scene frame to the camera's optical frame.
    """

    camera: PinholeCamera
    T_camera_scene: NDArray[np.float64]

    @property
    def position(self) -> NDArray[np.float64]:
        """(3,) the camera's place in the scene frame, metres."""
        return transforms.inverse(self.T_camera_scene)[:3, 3]

    def project(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Project points (N, 3) of the optical frame, metres, before the camera: (N, 2) pixels."""
        k = self.camera.intrinsics
        return points[:, :2] / points[:, 2:] * (k[0, 0], k[1, 1]) + (k[0, 2], k[1, 2])

    @property
    def guard(self) -> float:
        """Pixels beyond which coordinates are clipped, so that OpenCV's fixed point holds them."""
        return _GUARD * max(self.camera.width, self.camera.height)

    def clipped(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Cut a polygon to what the camera could see.

        Args:
            points: (N, 3) metres in the optical frame.

        Returns:
            (M, 3) metres before the camera, projected within the guard; M < 3 where nothing is left.
        """
        if points[:, 2].max() < NEAR:
            return points[:0]
        points = clip(points, (0.0, 0.0, 1.0), NEAR)
        if len(points) < 3 or np.abs(self.project(points)).max() <= self.guard:
            return points
        k = self.camera.intrinsics
        slope_x, slope_y = self.guard / k[0, 0] / 2, self.guard / k[1, 1] / 2
        for normal in ((1, 0, slope_x), (-1, 0, slope_x), (0, 1, slope_y), (0, -1, slope_y)):
            if len(points) >= 3:
                points = clip(points, normal, 0.0)
        return points

    def outline(self, points: NDArray[np.float64]) -> NDArray[np.int32] | None:
        """Clip and project a polygon.

        Args:
            points: (N, 3) metres in the optical frame.

        Returns:
            (M, 2) pixels in fixed point with SHIFT fractional bits, or None where the picture shows nothing of it.
        """
        points = self.clipped(points)
        if len(points) < 3:
            return None
        pixels = self.project(points)
        if self.is_outside(pixels.min(axis=0), pixels.max(axis=0)):
            return None
        return fixed_point(pixels)

    def is_outside(self, low: NDArray[np.float64], high: NDArray[np.float64]) -> NDArray[np.bool_] | np.bool_:
        """Whether bounding boxes (..., 2) of pixels lie beside the picture."""
        size = (self.camera.width, self.camera.height)
        return np.logical_or((high < -1).any(axis=-1), (low > size).any(axis=-1))

    def sees(self, centres: NDArray[np.float64], radii: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Whether spheres at `centres` (N, 3), metres in the optical frame, may show in the picture."""
        k = self.camera.intrinsics
        result = centres[:, 2] + radii > NEAR
        for axis, size in ((0, self.camera.width), (1, self.camera.height)):
            low, high = -k[axis, 2] / k[axis, axis], (size - k[axis, 2]) / k[axis, axis]
            result &= (centres[:, axis] - low * centres[:, 2]) / np.hypot(1, low) > -radii
            result &= (high * centres[:, 2] - centres[:, axis]) / np.hypot(1, high) > -radii
        return result

    def windows(self, centres: NDArray[np.float64], radii: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return (N, 4) x0, y0, x1, y1 of pixels, the last ones exclusive, that hold what shows of spheres.

        Args:
            centres: (N, 3) metres in the optical frame.
            radii: (N,) metres. A sphere that reaches behind the camera gets the whole picture.
        """
        k, size = self.camera.intrinsics, np.array([self.camera.width, self.camera.height])
        depths = np.stack([centres[:, 2] - radii, centres[:, 2] + radii])  # nearest, farthest
        is_before = depths[0] > NEAR
        edges = np.stack([centres[:, :2] - radii[:, None], centres[:, :2] + radii[:, None]])
        slopes = edges[:, None] / np.maximum(depths, NEAR)[None, :, :, None]  # (2 edges, 2 depths, N, 2)
        pixels = slopes * (k[0, 0], k[1, 1]) + (k[0, 2], k[1, 2])
        low = np.where(is_before[:, None], np.floor(pixels.min(axis=(0, 1))).clip(0, size), 0)
        high = np.where(is_before[:, None], (np.ceil(pixels.max(axis=(0, 1))) + 2).clip(0, size), size)
        return np.concatenate([low, high], axis=1).astype(np.int64)

    def plane_homography(self, height: float) -> NDArray[np.float64]:
        """Return the (3, 3) homography from pixels to x, y (metres) on the scene's plane z = height."""
        T = self.T_camera_scene
        plane_to_camera = np.stack([T[:3, 0], T[:3, 1], T[:3, 2] * height + T[:3, 3]], axis=1)
        return np.asarray(np.linalg.inv(self.camera.intrinsics @ plane_to_camera), dtype=np.float64)

    def row_distances(self) -> NDArray[np.float64]:
        """Return (height,) metres to the ground along the ray of each row's middle pixel, inf above the horizon."""
        k, T = self.camera.intrinsics, self.T_camera_scene
        slopes = (np.arange(self.camera.height) - k[1, 2]) / k[1, 1]
        falling = -(T[1, 2] * slopes + T[2, 2])  # minus the z component, in the scene, of each row's middle ray
        with np.errstate(divide='ignore'):
            return np.where(falling > 1e-5, self.position[2] / np.maximum(falling, 1e-5), np.inf)


def fixed_point(pixels: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return pixels with SHIFT fractional bits, as OpenCV's drawing functions take them."""
    return np.round(pixels * (1 << SHIFT)).astype(np.int32)


class ProjectedPolygons:
    """Many polygons in a view, projected together; the few that reach behind the camera or far out are clipped."""

    def __init__(self, view: View, points: NDArray[np.float64], starts: NDArray[np.int64]) -> None:
        """Project polygons.

        Args:
            view: the camera.
            points: (V, 3) metres in the optical frame.
            starts: (P + 1,); polygon p has the points starts[p] to starts[p + 1].
        """
        self._view, self._points, self._starts = view, points, starts
        is_before = np.minimum.reduceat(points[:, 2], starts[:-1]) > NEAR
        pixels = view.project(np.column_stack([points[:, :2], np.maximum(points[:, 2], NEAR)]))
        low, high = np.minimum.reduceat(pixels, starts[:-1]), np.maximum.reduceat(pixels, starts[:-1])
        self._is_plain = is_before & (np.maximum(-low, high).max(axis=1) <= view.guard)
        is_outside = self._is_plain & view.is_outside(low, high)
        self._pixels = fixed_point(pixels.clip(-view.guard, view.guard))
        span = high - low
        # smaller ones would be drawn too bold: OpenCV's lines are a pixel wide at least
        is_too_small = self._is_plain & ((span.min(axis=1) <= 0.3) | (span.max(axis=1) <= 1.5))
        is_behind = np.maximum.reduceat(points[:, 2], starts[:-1]) < NEAR
        self.is_worth_drawing = ~is_behind & ~is_outside & ~is_too_small

    def outline(self, polygon: int) -> NDArray[np.int32] | None:
        """Return (M, 2) pixels in fixed point, or None where the picture shows nothing of the polygon."""
        rows = slice(self._starts[polygon], self._starts[polygon + 1])
        return self._pixels[rows] if self._is_plain[polygon] else self._view.outline(self._points[rows])
