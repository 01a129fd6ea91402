"""Rigid transforms as 4 x 4 float64 matrices.

`T_dst_src` maps points: p_dst = T_dst_src p_src. Chains read inwards: T_a_c = T_a_b @ T_b_c. World coordinates are
thousands of metres, so everything here is float64; a result is cast once, where it enters the network.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emiff_core.errors import EmiffError

Matrix = NDArray[np.float64]

_RIGID_TOLERANCE = 1e-3  # published calibrations carry six digits or so


def rigid(rotation: ArrayLike, translation: ArrayLike) -> Matrix:
    """Compose a transform.

    Args:
        rotation: (3, 3) rotation matrix.
        translation: three numbers of any shape, metres.

    Returns:
        (4, 4) transform.

    Raises:
        EmiffError: a shape is wrong, a number is not finite, or the rotation is not one.
    """
    matrix = np.eye(4)
    try:
        matrix[:3, :3] = np.asarray(rotation, dtype=np.float64).reshape(3, 3)
        matrix[:3, 3] = np.asarray(translation, dtype=np.float64).reshape(3)
    except (TypeError, ValueError) as error:
        raise EmiffError(f'expected a 3x3 rotation and 3 numbers of translation: {error}') from error
    return checked(matrix)


def checked(matrix: ArrayLike) -> Matrix:
    """Return `matrix` as a (4, 4) float64 rigid transform.

    Raises:
        EmiffError: it is not finite, not 4 x 4, or its rotation is not orthonormal with determinant 1.
    """
    result = np.asarray(matrix, dtype=np.float64)
    if result.shape != (4, 4) or not np.isfinite(result).all():
        raise EmiffError(f'expected a finite 4x4 transform, found shape {result.shape}')
    rotation = result[:3, :3]
    if np.abs(rotation @ rotation.T - np.eye(3)).max() > _RIGID_TOLERANCE or np.linalg.det(rotation) < 0:
        raise EmiffError(f'expected a rotation matrix, found {rotation.round(4).tolist()}')
    return result


def inverse(matrix: Matrix) -> Matrix:
    """Invert a rigid (4, 4) transform exactly: the rotation is transposed, not solved for."""
    result = np.eye(4)
    result[:3, :3] = matrix[:3, :3].T
    result[:3, 3] = -matrix[:3, :3].T @ matrix[:3, 3]
    return result


def apply(matrix: Matrix, points: ArrayLike) -> Matrix:
    """Map points (..., 3) of the source frame into the destination frame, metres."""
    return np.asarray(points, dtype=np.float64) @ matrix[:3, :3].T + matrix[:3, 3]


def rotation_z(yaw: float) -> Matrix:
    """Return the (3, 3) rotation by `yaw` radians about +z."""
    c, s = np.cos(yaw), np.sin(yaw)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def rotation_rpy(roll: float, pitch: float, yaw: float) -> Matrix:
    """Return the (3, 3) rotation by roll, pitch and yaw radians about the fixed axes x, y and z, in this order."""
    (cr, cp), (sr, sp) = np.cos([roll, pitch]), np.sin([roll, pitch])
    about_x = np.array([[1.0, 0.0, 0.0], [0.0, cr, -sr], [0.0, sr, cr]])
    about_y = np.array([[cp, 0.0, sp], [0.0, 1.0, 0.0], [-sp, 0.0, cp]])
    return rotation_z(yaw) @ about_y @ about_x


def level_frame(T_camera_detection: Matrix) -> Matrix:
    """Return T_detection_level (4, 4): a frame below or above a camera, at the detection frame's height, z up.

    Its x axis points where the camera looks, in the detection frame's x-y plane. However the detection frame is moved
    or turned on level ground, the level frame stays where it is in the world.
    """
    T_detection_camera = inverse(T_camera_detection)
    forward = T_detection_camera[:3, 2]
    x, y = T_detection_camera[:2, 3]
    return rigid(rotation_z(float(np.arctan2(forward[1], forward[0]))), (x, y, 0.0))


def from_quaternion(translation: ArrayLike, quaternion: ArrayLike) -> Matrix:
    """Compose a transform from a translation (3) in metres and a quaternion (x, y, z, w) of any positive norm.

    Raises:
        EmiffError: the quaternion is zero or a number is not finite.
    """
    q = np.asarray(quaternion, dtype=np.float64)
    norm = np.linalg.norm(q)
    if q.shape != (4,) or not np.isfinite(norm) or norm < 1e-9:
        raise EmiffError(f'expected a quaternion (x, y, z, w) that is not zero, found {q.tolist()}')
    x, y, z, w = q / norm
    rotation = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return rigid(rotation, translation)


def to_quaternion(matrix: Matrix) -> Matrix:
    """Return the unit quaternion (x, y, z, w), w >= 0, of a transform's rotation.

    The largest component is found first (Shepperd's method), so that no rotation divides by a small number.
    """
    m = matrix[:3, :3]
    trace = np.trace(m)
    # four times the square of each component, x, y, z, w
    squares = np.array([1 - trace + 2 * m[0, 0], 1 - trace + 2 * m[1, 1], 1 - trace + 2 * m[2, 2], 1 + trace])
    largest = int(squares.argmax())
    products = {
        0: (squares[0], m[1, 0] + m[0, 1], m[0, 2] + m[2, 0], m[2, 1] - m[1, 2]),
        1: (m[1, 0] + m[0, 1], squares[1], m[2, 1] + m[1, 2], m[0, 2] - m[2, 0]),
        2: (m[0, 2] + m[2, 0], m[2, 1] + m[1, 2], squares[2], m[1, 0] - m[0, 1]),
        3: (m[2, 1] - m[1, 2], m[0, 2] - m[2, 0], m[1, 0] - m[0, 1], squares[3]),
    }[largest]
    quaternion = np.asarray(products, dtype=np.float64)
    quaternion /= np.linalg.norm(quaternion)
    return quaternion if quaternion[3] >= 0 else -quaternion
