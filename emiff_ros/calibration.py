"""CameraInfo and tf to the core's cameras and transforms."""

import time

import numpy as np
from builtin_interfaces.msg import Time
from numpy.typing import NDArray
from rclpy.node import Node
from tf2_ros import Buffer, TransformException, TransformListener

from emiff_core.errors import EmiffError
from emiff_core.geometry import PinholeCamera, transforms
from emiff_core.stamps import nanoseconds
from emiff_ros.gate import Gate

_POLL_S = 0.002


def check_size(camera: PinholeCamera, image: NDArray[np.uint8]) -> None:
    """Raise EmiffError unless the (H, W, 3) image has the size that the camera_info implies."""
    height, width = image.shape[:2]
    if (width, height) != (camera.width, camera.height):
        raise EmiffError(f'camera_info: expected {width}x{height} as the image, found {camera.width}x{camera.height}')


class Transforms:
    """tf as 4 x 4 matrices, looked up at capture times from a worker thread."""

    def __init__(self, node: Node, gate: Gate, wait_s: float) -> None:
        """Make the buffer, without the node: what tf2_ros does when a node's clock jumps differs by distribution.

        Args:
            node: listens to /tf and /tf_static from `listen` to `stop`.
            gate: nobody waits for a transform behind a closed one.
            wait_s: how long after its image a transform may come, seconds.
        """
        self._node = node
        self._gate = gate
        self._buffer = Buffer()
        self._listener: TransformListener | None = None
        self._wait_s = wait_s

    def listen(self) -> None:
        """Begin to take in transforms."""
        self._listener = TransformListener(self._buffer, self._node)

    def stop(self) -> None:
        """Listen no more, and forget what moved."""
        if self._listener is not None:
            self._listener.unregister()
            self._listener = None
        self._buffer.clear()

    def forget(self) -> None:
        """Forget what moved: the clock has jumped back, and what is newer than now would be taken for old data."""
        self._buffer.clear()

    def newest_ns(self, target: str, source: str) -> int | None:
        """Return the newest stamp of a transform, nanoseconds; 0 if it never changes, None if it is not known."""
        try:
            return nanoseconds(self._buffer.lookup_transform(target, source, Time()).header.stamp)
        except TransformException:
            return None

    def lookup(self, target: str, source: str, stamp: Time, arrived: float) -> NDArray[np.float64]:
        """Return T_target_source, (4, 4) float64, at the stamp of an image that arrived at time.monotonic() `arrived`.

        Call it from a worker thread only: it waits, while the executor's thread has to deliver the transform.

        Raises:
            Paused: the gate is closed.
            EmiffError: the stamp is zero, or the transform is not there in time; the line tells what tf said.
        """
        if stamp.sec == 0 and stamp.nanosec == 0:  # by which tf means: whatever is newest
            raise EmiffError('tf: expected the time of capture as the stamp, found 0')
        deadline = arrived + self._wait_s
        while True:
            self._gate.check()
            try:
                found = self._buffer.lookup_transform(target, source, stamp).transform
            except TransformException as error:
                if time.monotonic() > deadline:
                    raise EmiffError(f"tf: expected {target} <- {source} at the image's stamp: {error}") from error
                time.sleep(_POLL_S)
                continue
            t, q = found.translation, found.rotation
            return transforms.from_quaternion([t.x, t.y, t.z], [q.x, q.y, q.z, q.w])
