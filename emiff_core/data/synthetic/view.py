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

    def visible_polygon(self, points: NDArray[np.float64]) -> NDArray[np.int32] | None:
        """Project a polygon.

        Args:
            points: (N, 3) metres in the optical frame.

        Returns:
            (M, 2) pixels in fixed point with SHIFT fractional bits, or None where nothing of it is before the camera.
        """
        k = self.camera.intrinsics
        if points[:, 2].min() < NEAR:
            points = clip(points, (0.0, 0.0, 1.0), NEAR)
            if len(points) < 3:
                return None
        pixels = points[:, :2] / points[:, 2:] * (k[0, 0], k[1, 1]) + (k[0, 2], k[1, 2])
        limit = _GUARD * max(self.camera.width, self.camera.height)
        if np.abs(pixels).max() > limit:
            slope_x, slope_y = limit / k[0, 0] / 2, limit / k[1, 1] / 2
            for normal in ((1, 0, slope_x), (-1, 0, slope_x), (0, 1, slope_y), (0, -1, slope_y)):
                points = clip(points, normal, 0.0)
                if len(points) < 3:
                    return None
            pixels = points[:, :2] / points[:, 2:] * (k[0, 0], k[1, 1]) + (k[0, 2], k[1, 2])
        u, v = pixels[:, 0], pixels[:, 1]
        if u.max() < -1 or v.max() < -1 or u.min() > self.camera.width or v.min() > self.camera.height:
            return None
        return np.round(pixels * (1 << SHIFT)).astype(np.int32)

    def plane_homography(self, height: float) -> NDArray[np.float64]:
        """Return the (3, 3) homography from pixels to x, y (metres) on the scene's plane z = height."""
        T = self.T_camera_scene
        plane_to_camera = np.stack([T[:3, 0], T[:3, 1], T[:3, 2] * height + T[:3, 3]], axis=1)
        return np.linalg.inv(self.camera.intrinsics @ plane_to_camera)

    def row_distances(self) -> NDArray[np.float64]:
        """Return (height,) metres to the ground plane along the viewing ray of each row's middle, inf above the horizon."""
        k, T = self.camera.intrinsics, self.T_camera_scene
        slopes = (np.arange(self.camera.height) - k[1, 2]) / k[1, 1]
        falling = -(T[1, 2] * slopes + T[2, 2])  # minus the z component, in the scene, of each row's middle ray
        with np.errstate(divide='ignore'):
            return np.where(falling > 1e-5, self.position[2] / np.maximum(falling, 1e-5), np.inf)
