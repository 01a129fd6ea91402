"""CameraInfo and tf to the core's cameras and transforms."""

import time
from dataclasses import replace

import numpy as np
from builtin_interfaces.msg import Time
from numpy.typing import NDArray
from rclpy.node import Node
from sensor_msgs.msg import CameraInfo
from tf2_ros import Buffer, TransformException, TransformListener

from emiff_core.errors import EmiffError
from emiff_core.geometry import PinholeCamera, transforms

_DISTORTION_MODELS = ('', 'plumb_bob', 'rational_polynomial')
_POLL_S = 0.002


def camera_of(info: CameraInfo) -> PinholeCamera:
    """Return the camera that took the image: K brought to the image's region of interest and binning.

    K of a CameraInfo belongs to the full sensor image; the region of interest is cut out of it first and then binned
    (sensor_msgs/CameraInfo). Coefficients of distortion are passed on; preprocessing undoes them.

    Raises:
        EmiffError: the camera is not calibrated, or its distortion model is not supported.
    """
    if info.distortion_model not in _DISTORTION_MODELS:
        raise EmiffError(
            f'camera_info: expected distortion_model plumb_bob or rational_polynomial, found {info.distortion_model!r}'
        )
    k = np.array(info.k, dtype=np.float64).reshape(3, 3)
    if k[0, 0] == 0:
        raise EmiffError('camera_info: expected a calibrated camera, found k[0] = 0')
    roi = info.roi
    try:
        whole = PinholeCamera(k, info.width, info.height, tuple(info.d))
    except EmiffError as error:
        raise EmiffError(f'camera_info: {error}') from error
    cut = whole.cropped(roi.x_offset, roi.y_offset, roi.width or info.width, roi.height or info.height)
    columns, rows = max(info.binning_x, 1), max(info.binning_y, 1)
    return replace(cut.scaled(1 / columns, 1 / rows), width=cut.width // columns, height=cut.height // rows)


def check_size(camera: PinholeCamera, image: NDArray[np.uint8]) -> None:
    """Raise EmiffError unless the (H, W, 3) image has the size that the camera_info implies."""
    height, width = image.shape[:2]
    if (width, height) != (camera.width, camera.height):
        raise EmiffError(f'camera_info: expected {width}x{height} as the image, found {camera.width}x{camera.height}')


class Transforms:
    """tf as 4 x 4 matrices, looked up at capture times from a worker thread."""

    def __init__(self, node: Node, wait_s: float) -> None:
        """Listen to tf.

        Args:
            node: listens to /tf and /tf_static; its clock's jumps back clear the buffer.
            wait_s: how long after its image a transform may come, seconds.
        """
        self._buffer = Buffer(node=node)
        self._listener = TransformListener(self._buffer, node)
        self._wait_s = wait_s

    def lookup(self, target: str, source: str, stamp: Time, arrived: float) -> NDArray[np.float64]:
        """Return T_target_source, (4, 4) float64, at the stamp of an image that arrived at time.monotonic() `arrived`.

        Call it from a worker thread only: it waits, while the executor's thread has to deliver the transform.

        Raises:
            EmiffError: the stamp is zero, or the transform is not there in time; the line tells what tf said.
        """
        if stamp.sec == 0 and stamp.nanosec == 0:  # by which tf means: whatever is newest
            raise EmiffError('tf: expected the time of capture as the stamp, found 0')
        deadline = arrived + self._wait_s
        while True:
            try:
                found = self._buffer.lookup_transform(target, source, stamp).transform
            except TransformException as error:
                if time.monotonic() > deadline:
                    raise EmiffError(f"tf: expected {target} <- {source} at the image's stamp: {error}") from error
                time.sleep(_POLL_S)
                continue
            t, q = found.translation, found.rotation
            return transforms.from_quaternion([t.x, t.y, t.z], [q.x, q.y, q.z, q.w])
