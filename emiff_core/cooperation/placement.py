"""Where an agent's camera stands as the vehicle sees it at its own exposure."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from emiff_core.cooperation.refusal import Refusal
from emiff_core.geometry import transforms


def place(
    T_world_camera: NDArray[np.float64], T_world_detection: NDArray[np.float64], max_range_m: float
) -> NDArray[np.float64] | Refusal:
    """Return the extrinsics of an agent's camera, or why its feature is of no use.

    The motion of either side between the two exposures is in the poses; that of other objects is not.

    Args:
        T_world_camera: (4, 4) float64, pose of the camera's optical frame in the world at the feature's stamp, metres.
        T_world_detection: (4, 4) float64, pose of the vehicle's detection frame at the image's stamp.
        max_range_m: farthest that the camera may be from the vehicle, metres.

    Returns:
        (4, 4) float64 T_camera_detection; OUT_OF_RANGE.
    """
    if np.linalg.norm(T_world_camera[:3, 3] - T_world_detection[:3, 3]) > max_range_m:
        return Refusal.OUT_OF_RANGE
    return transforms.inverse(T_world_camera) @ T_world_detection


def nearest(T_camera_detection: Sequence[NDArray[np.float64]], count: int) -> list[bool]:
    """Return for each camera whether it is among the `count` nearest to the vehicle; of equals the first.

    Args:
        T_camera_detection: (4, 4) each, as `place` returns them.
        count: at least 0.
    """
    distances = [float(np.linalg.norm(T[:3, 3])) for T in T_camera_detection]
    order = sorted(range(len(distances)), key=lambda k: distances[k])
    kept = set(order[:count])
    return [k in kept for k in range(len(distances))]
