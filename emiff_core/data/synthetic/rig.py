"""Where the sensors stand: the vehicle's lidar, navigation unit and camera; the roadside's camera and virtual lidar."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emiff_core.geometry import PinholeCamera, transforms

LIDAR_HEIGHT = 1.8  # metres above the road: the ground lies at z = -1.8 in the vehicle lidar frame
REFERENCE_SIZE = (1920, 1080)  # pixels, the size that the intrinsics are drawn for

# the optical frame's axes (right, down, forward) in a frame that looks along x with z up
_OPTICAL = np.array([[0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]])


@dataclass(frozen=True, eq=False)
class VehicleRig:
    """The sensors of the ego vehicle.

    Attributes:
        camera: rectified, REFERENCE_SIZE.
        T_camera_lidar: (4, 4) from the lidar frame (x forward, y left, z up) to the optical frame.
        T_novatel_lidar: (4, 4) from the lidar frame to the navigation unit's (x right, y forward, z up, nearly).
        T_vehicle_lidar: (4, 4) from the lidar frame to the vehicle's footprint (x forward, z = 0 on the road).
    """

    camera: PinholeCamera
    T_camera_lidar: NDArray[np.float64]
    T_novatel_lidar: NDArray[np.float64]
    T_vehicle_lidar: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class RoadsideRig:
    """The sensors of the roadside unit.

    Attributes:
        camera: rectified, REFERENCE_SIZE.
        T_camera_lidar: (4, 4) from the virtual lidar frame to the optical frame.
        T_scene_lidar: (4, 4) from the virtual lidar frame (level, z up, at the camera) to the scene.
    """

    camera: PinholeCamera
    T_camera_lidar: NDArray[np.float64]
    T_scene_lidar: NDArray[np.float64]


def looking(yaw: float, pitch: float, roll: float) -> NDArray[np.float64]:
    """Return the (3, 3) rotation from a level frame to the optical frame of a camera turned by yaw, then down by pitch.

    Args:
        yaw: radians about +z.
        pitch: radians, positive looks down.
        roll: radians about the optical axis.
    """
    c, s = np.cos(pitch), np.sin(pitch)
    tilt = np.array([[c, 0.0, -s], [0.0, 1.0, 0.0], [s, 0.0, c]])
    c, s = np.cos(roll), np.sin(roll)
    twist = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])
    return twist @ _OPTICAL @ tilt @ transforms.rotation_z(-yaw)


def camera_pose(position: NDArray[np.float64], yaw: float, pitch: float, roll: float) -> NDArray[np.float64]:
    """Return T_camera_frame (4, 4) for a camera at `position` (3,) metres of the frame, turned as in `looking`."""
    rotation = looking(yaw, pitch, roll)
    return transforms.rigid(rotation, -rotation @ position)


def draw_vehicle_rig(rng: np.random.Generator) -> VehicleRig:
    """Draw the vehicle's sensors: a camera of 66 to 74 degrees at 1.5 to 1.75 m, the lidar on the roof."""
    focal = REFERENCE_SIZE[0] / 2 / np.tan(np.deg2rad(rng.uniform(66, 74)) / 2)
    camera = _draw_camera(rng, focal, 1.0)
    position = np.array([rng.uniform(0.5, 0.9), rng.uniform(-0.06, 0.06), rng.uniform(1.5, 1.75) - LIDAR_HEIGHT])
    yaw, pitch, roll = np.deg2rad([rng.normal(0, 0.5), rng.uniform(-0.8, 1.6), rng.normal(0, 0.3)])
    mount = transforms.rotation_z(np.pi / 2 + np.deg2rad(rng.normal(0, 0.4)))
    tilt = _small_rotation(np.deg2rad(rng.normal(0, 0.4, 2)))
    return VehicleRig(
        camera,
        camera_pose(position, yaw, pitch, roll),
        transforms.rigid(tilt @ mount, (rng.normal(0, 0.02), 1.3 + rng.normal(0, 0.05), 1.4)),
        transforms.rigid(np.eye(3), (0.0, 0.0, LIDAR_HEIGHT)),
    )


def draw_roadside_rig(
    rng: np.random.Generator, position: NDArray[np.float64], target: NDArray[np.float64]
) -> RoadsideRig:
    """Draw the roadside's sensors.

    Args:
        rng: all randomness comes from it.
        position: (3,) of the camera in the scene frame, metres.
        target: (2,) point on the ground at which it looks.
    """
    focal = rng.uniform(1150, 1750)
    camera = _draw_camera(rng, focal, float(rng.choice([1.0, 2329.3 / 2183.4])))
    offset = target - position[:2]
    yaw = float(np.arctan2(offset[1], offset[0]))
    pitch = float(np.arctan2(position[2], np.linalg.norm(offset)))
    T_camera_lidar = camera_pose(np.zeros(3), np.deg2rad(rng.normal(0, 0.5)), pitch, np.deg2rad(rng.normal(0, 0.4)))
    return RoadsideRig(camera, T_camera_lidar, transforms.rigid(transforms.rotation_z(yaw), position))


def _draw_camera(rng: np.random.Generator, focal: float, aspect: float) -> PinholeCamera:
    width, height = REFERENCE_SIZE
    cx, cy = width / 2 + rng.normal(0, 12), height / 2 + rng.normal(0, 12)
    k = np.array([[focal, 0.0, cx], [0.0, focal * aspect * rng.uniform(0.997, 1.003), cy], [0.0, 0.0, 1.0]])
    return PinholeCamera(k, width, height)


def _small_rotation(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the (3, 3) rotation about x, then y, by `angles` (2,) radians."""
    (cx, cy), (sx, sy) = np.cos(angles), np.sin(angles)
    about_x = np.array([[1.0, 0.0, 0.0], [0.0, cx, -sx], [0.0, sx, cx]])
    about_y = np.array([[cy, 0.0, sy], [0.0, 1.0, 0.0], [-sy, 0.0, cy]])
    return about_y @ about_x
