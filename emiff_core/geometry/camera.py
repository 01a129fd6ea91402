"""The pinhole camera: optical frame x right, y down, z forward (REP-103); pixel centres at integers (OpenCV)."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emiff_core.errors import EmiffError

_DISTORTION_COUNTS = (0, 4, 5, 8, 12, 14)  # what OpenCV undoes


@dataclass(frozen=True, eq=False)
class PinholeCamera:
    """A rectified or distorted pinhole camera.

    Attributes:
        intrinsics: (3, 3) float64 K, pixels.
        width, height: size of the image that K belongs to, pixels.
        distortion: plumb-bob coefficients k1 k2 p1 p2 k3 (k3 may be left out) or rational ones (8, with further terms
            12 or 14) in OpenCV's order; empty where the image is rectified.

    Raises:
        EmiffError: K is no pinhole's, the size is not positive, or the coefficients are no such number of numbers.
    """

    intrinsics: NDArray[np.float64]
    width: int
    height: int
    distortion: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        k = np.asarray(self.intrinsics, dtype=np.float64)
        if k.shape != (3, 3) or not np.isfinite(k).all() or k[0, 0] <= 0 or k[1, 1] <= 0:
            raise EmiffError(f'expected 3x3 intrinsics with positive focal lengths, found {k.tolist()}')
        if len(self.distortion) not in _DISTORTION_COUNTS or not np.isfinite(self.distortion).all():
            found = list(self.distortion)
            raise EmiffError(f'expected 0, 4, 5, 8, 12 or 14 finite distortion coefficients, found {found}')
        if self.width <= 0 or self.height <= 0:
            raise EmiffError(f'expected a positive image size, found {self.width}x{self.height}')
        object.__setattr__(self, 'intrinsics', k)

    @property
    def is_distorted(self) -> bool:
        """Whether any distortion coefficient differs from zero."""
        return any(self.distortion)

    def scaled(self, scale_x: float, scale_y: float) -> 'PinholeCamera':
        """Return the camera of the image resized by (scale_x, scale_y), u' = u scale_x (the authors' convention)."""
        k = self.intrinsics.copy()
        k[0] *= scale_x
        k[1] *= scale_y
        return replace(
            self, intrinsics=k, width=round(self.width * scale_x), height=round(self.height * scale_y)
        )

    def cropped(self, left: int, top: int, width: int, height: int) -> 'PinholeCamera':
        """Return the camera of the width x height pixels cut out at column `left` and row `top`."""
        k = self.intrinsics.copy()
        k[0, 2] -= left
        k[1, 2] -= top
        return replace(self, intrinsics=k, width=width, height=height)

    def project(self, points: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Project points of the optical frame, ignoring distortion.

        Args:
            points: (..., 3) metres.

        Returns:
            (..., 2) pixels (u, v), not a number where the depth is zero, and (...,) depth in metres. Points behind the
            camera (depth < 0) are mirrored: callers mask by depth.
        """
        homogeneous = np.asarray(points, dtype=np.float64) @ self.intrinsics.T
        depth = homogeneous[..., 2]
        with np.errstate(divide='ignore', invalid='ignore'):
            return homogeneous[..., :2] / depth[..., None], depth
