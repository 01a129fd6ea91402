"""The pose of a camera that stands still: from numbers, from a YAML file, or from the calibration files of DAIR-V2X."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emiff_core import schema
from emiff_core.data.json_files import rigid_of
from emiff_core.errors import EmiffError
from emiff_core.geometry import transforms

_UNIT_TOLERANCE = 1e-3


@dataclass(frozen=True)
class CameraPose:
    """The pose of a camera's optical frame (x right, y down, z forward) in the world.

    Attributes:
        position: (x, y, z) metres.
        orientation: unit quaternion (x, y, z, w), or roll, pitch and yaw: radians about the world's x, y and z axes, in
            this order (URDF's rpy).

    Raises:
        EmiffError: there are not so many numbers, one is not finite, or the quaternion is no unit one.
    """

    position: tuple[float, ...]
    orientation: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.position) != 3 or not np.isfinite(self.position).all():
            raise EmiffError(f'position: expected 3 numbers, found {list(self.position)}')
        if len(self.orientation) not in (3, 4) or not np.isfinite(self.orientation).all():
            raise EmiffError(f'orientation: expected x y z w or roll pitch yaw, found {list(self.orientation)}')
        if len(self.orientation) == 4 and abs(np.linalg.norm(self.orientation) - 1) > _UNIT_TOLERANCE:
            raise EmiffError(f'orientation: expected a quaternion of length 1, found {list(self.orientation)}')

    def matrix(self) -> NDArray[np.float64]:
        """Return the (4, 4) T_world_camera."""
        if len(self.orientation) == 4:
            return transforms.from_quaternion(self.position, self.orientation)
        return transforms.rigid(transforms.rotation_rpy(*self.orientation), self.position)


def read_camera_pose(files: Sequence[Path]) -> NDArray[np.float64]:
    """Return the (4, 4) T_world_camera of calibration files.

    Args:
        files: one YAML file with the keys of `CameraPose`, or DAIR-V2X's virtuallidar_to_world and
            virtuallidar_to_camera of one frame, in this order.

    Raises:
        EmiffError: there are more or fewer files, one is missing, or a key is missing or malformed.
    """
    if len(files) == 1:
        return schema.load(CameraPose, files[0]).matrix()
    if len(files) != 2:
        found = ', '.join(map(str, files)) or 'none'
        raise EmiffError(
            f'expected one YAML file, or virtuallidar_to_world and virtuallidar_to_camera of DAIR-V2X, found {found}'
        )
    T_world_lidar, T_camera_lidar = (rigid_of(path) for path in files)
    return T_world_lidar @ transforms.inverse(T_camera_lidar)
