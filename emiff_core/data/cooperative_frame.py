"""One frame of a cooperative data set: an exposure of each side, with its calibrations."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emiff_core.data.truth import Truth, read_truth
from emiff_core.geometry import PinholeCamera, transforms


@dataclass(frozen=True, eq=False)
class CooperativeFrame:
    """A vehicle's exposure and the roadside's that belongs to it.

    Attributes:
        vehicle_id, infrastructure_id: six digits each; the frame is known by the vehicle's.
        vehicle_image, infrastructure_image: files.
        vehicle_stamp_ns, infrastructure_stamp_ns: nanoseconds since 1970, of the images.
        vehicle_camera, infrastructure_camera: cameras of the images as stored.
        T_vehicle_camera_lidar: (4, 4) from the vehicle lidar frame to its camera's optical frame.
        T_novatel_lidar: (4, 4) from the vehicle lidar frame to the navigation unit's.
        T_world_novatel: (4, 4) from the navigation unit's frame to the world, thousands of metres.
        T_infrastructure_camera_lidar: (4, 4) from the roadside's virtual lidar frame to its camera's optical frame.
        T_world_infrastructure_lidar: (4, 4) from the virtual lidar frame to the world, system_error_offset applied.
        label: file of the cooperative label.
    """

    vehicle_id: str
    infrastructure_id: str
    vehicle_image: Path
    infrastructure_image: Path
    vehicle_stamp_ns: int
    infrastructure_stamp_ns: int
    vehicle_camera: PinholeCamera
    infrastructure_camera: PinholeCamera
    T_vehicle_camera_lidar: NDArray[np.float64]
    T_novatel_lidar: NDArray[np.float64]
    T_world_novatel: NDArray[np.float64]
    T_infrastructure_camera_lidar: NDArray[np.float64]
    T_world_infrastructure_lidar: NDArray[np.float64]
    label: Path

    @property
    def age_ms(self) -> float:
        """By how many milliseconds the roadside exposed before the vehicle."""
        return (self.vehicle_stamp_ns - self.infrastructure_stamp_ns) / 1e6

    @property
    def T_world_lidar(self) -> NDArray[np.float64]:
        """(4, 4) from the vehicle lidar frame to the world, at the vehicle's exposure."""
        return self.T_world_novatel @ self.T_novatel_lidar

    @property
    def T_infrastructure_camera_vehicle_lidar(self) -> NDArray[np.float64]:
        """(4, 4) from the vehicle lidar frame at its exposure to the roadside camera's optical frame."""
        T_lidar_world = transforms.inverse(self.T_world_infrastructure_lidar)
        return self.T_infrastructure_camera_lidar @ T_lidar_world @ self.T_world_lidar

    @cached_property
    def truth(self) -> Truth:
        """The cooperative label in the vehicle lidar frame, read when it is first asked for.

        Raises:
            EmiffError: the file is missing, or an entry lacks a key or is no box.
        """
        return read_truth(self.label, transforms.inverse(self.T_world_lidar))

    def inputs(self) -> bytes:
        """Return what a detector is given, for a digest: ids, stamps, cameras, poses, and the images' sizes.

        Raises:
            OSError: an image is gone.
        """
        cameras = self.vehicle_camera, self.infrastructure_camera
        numbers = (
            (self.vehicle_id, self.vehicle_stamp_ns, self.vehicle_image.stat().st_size),
            (self.infrastructure_id, self.infrastructure_stamp_ns, self.infrastructure_image.stat().st_size),
            *((camera.width, camera.height, camera.distortion) for camera in cameras),
        )
        matrices = (
            *(camera.intrinsics for camera in cameras),
            self.T_vehicle_camera_lidar,
            self.T_world_lidar,
            self.T_infrastructure_camera_lidar,
            self.T_world_infrastructure_lidar,
        )
        return repr(numbers).encode() + b''.join(matrix.tobytes() for matrix in matrices)
