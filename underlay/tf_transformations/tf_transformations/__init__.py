"""Stand-in for tf_transformations where no ROS distribution provides it: what emiff uses of it, over transforms3d.

Quaternions are in x, y, z, w order as in ROS messages (transforms3d has w first); angles are in radians.
"""

import numpy as np
import transforms3d


def quaternion_from_euler(ai: float, aj: float, ak: float, axes: str = 'sxyz') -> np.ndarray:
    """Return the quaternion (4,) of three rotations; 'sxyz' is roll, pitch, yaw about fixed axes."""
    return _w_last(transforms3d.euler.euler2quat(ai, aj, ak, axes=axes))


def euler_from_quaternion(quaternion: np.ndarray, axes: str = 'sxyz') -> tuple[float, float, float]:
    """Return the three angles of a quaternion (4,)."""
    return transforms3d.euler.quat2euler(_w_first(quaternion), axes=axes)


def quaternion_matrix(quaternion: np.ndarray) -> np.ndarray:
    """Return the homogeneous rotation matrix (4, 4) of a quaternion (4,)."""
    matrix = np.identity(4)
    matrix[:3, :3] = transforms3d.quaternions.quat2mat(_w_first(quaternion))
    return matrix


def quaternion_from_matrix(matrix: np.ndarray) -> np.ndarray:
    """Return the quaternion (4,) of the rotation in a homogeneous matrix (4, 4)."""
    return _w_last(transforms3d.quaternions.mat2quat(np.asarray(matrix)[:3, :3]))


def translation_matrix(direction: np.ndarray) -> np.ndarray:
    """Return the homogeneous matrix (4, 4) of a translation (3,)."""
    matrix = np.identity(4)
    matrix[:3, 3] = direction[:3]
    return matrix


def concatenate_matrices(*matrices: np.ndarray) -> np.ndarray:
    """Return the product of homogeneous matrices (4, 4); the last is applied first."""
    product = np.identity(4)
    for matrix in matrices:
        product = product @ matrix
    return product


def _w_first(quaternion: np.ndarray) -> np.ndarray:
    return np.roll(np.asarray(quaternion, dtype=float), 1)


def _w_last(quaternion: np.ndarray) -> np.ndarray:
    return np.roll(quaternion, -1)
