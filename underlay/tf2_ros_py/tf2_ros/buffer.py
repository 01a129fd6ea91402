"""The transform buffer: stores what was received, answers at any stored time. Safe to use from several threads."""

import math
import threading
import time as wall

from builtin_interfaces.msg import Time as TimeMsg
from geometry_msgs.msg import TransformStamped
from rclpy.clock import JumpThreshold
from rclpy.duration import Duration
from rclpy.logging import get_logger
from rclpy.node import Node
from rclpy.time import Time

from tf2_ros.exceptions import TransformException
from tf2_ros.history import Link
from tf2_ros.rigid import Rigid, compose
from tf2_ros.tree import FrameTree

DEFAULT_CACHE = Duration(seconds=10)
NORM_TOLERANCE = 1e-3  # on the squared length of a quaternion


def _nanoseconds(time: Time | TimeMsg) -> int:
    return time.nanoseconds if isinstance(time, Time) else time.sec * 1_000_000_000 + time.nanosec


class Buffer:
    """Transforms between named frames over the last `cache_time`.

    The part of the tf2_ros API that is here: lookup_transform, lookup_transform_full, can_transform, set_transform,
    set_transform_static, clear. A time is an rclpy Time or a stamp message; Time() asks for the latest common time.
    A timeout blocks the calling thread in wall time until the data has come, so another thread must receive it.
    """

    def __init__(self, cache_time: Duration | None = None, node: Node | None = None) -> None:
        """Keep `cache_time` (10 s if None) of data.

        With a `node`, the buffer is cleared when the clock of the node jumps back, or changes its source.
        """
        self._tree = FrameTree((cache_time or DEFAULT_CACHE).nanoseconds)
        self._changed = threading.Condition()
        self._logger = node.get_logger() if node else get_logger('tf2_ros')
        self._jump = node.get_clock().create_jump_callback(
            JumpThreshold(min_forward=None, min_backward=Duration(seconds=-1), on_clock_change=True),
            post_callback=self._on_jump) if node else None

    def clear(self) -> None:
        """Forget all moving transforms; static ones stay."""
        with self._changed:
            self._tree.clear()

    def set_transform(self, transform: TransformStamped, authority: str) -> None:
        """Store a moving transform; what is not a transform, is too old or is there already is left out."""
        self._set(transform, authority, static=False)

    def set_transform_static(self, transform: TransformStamped, authority: str) -> None:
        """Store a transform that holds at any time."""
        self._set(transform, authority, static=True)

    def lookup_transform(self, target_frame: str, source_frame: str, time: Time | TimeMsg,
                         timeout: Duration = Duration()) -> TransformStamped:  # noqa: B008 - as in tf2_ros
        """Return the transform that maps points of `source_frame` into `target_frame` at `time`.

        Raises a TransformException: which one, exceptions.py says.
        """
        stamp = _nanoseconds(time)
        transform, found = self._wait(lambda: self._tree.lookup(target_frame, source_frame, stamp), timeout)
        return _to_message(target_frame, source_frame, transform, found)

    def lookup_transform_full(self, target_frame: str, target_time: Time | TimeMsg, source_frame: str,
                              source_time: Time | TimeMsg, fixed_frame: str,
                              timeout: Duration = Duration()) -> TransformStamped:  # noqa: B008 - as in tf2_ros
        """Return the transform from `source_frame` at one time to `target_frame` at another.

        `fixed_frame` is the frame that is taken to stand still between the two. Raises like lookup_transform.
        """
        source_stamp, target_stamp = _nanoseconds(source_time), _nanoseconds(target_time)

        def lookup() -> tuple[Rigid, int]:
            for frame in (target_frame, source_frame, fixed_frame):
                self._tree.check_name(frame)
            T_fixed_source, _ = self._tree.lookup(fixed_frame, source_frame, source_stamp)
            T_target_fixed, found = self._tree.lookup(target_frame, fixed_frame, target_stamp)
            return compose(T_target_fixed, T_fixed_source), found

        transform, found = self._wait(lookup, timeout)
        return _to_message(target_frame, source_frame, transform, found)

    def can_transform(self, target_frame: str, source_frame: str, time: Time | TimeMsg,
                      timeout: Duration = Duration()) -> int:  # noqa: B008 - as in tf2_ros
        """Return 1 if lookup_transform would answer, 0 if it would raise."""
        try:
            self.lookup_transform(target_frame, source_frame, time, timeout)
        except TransformException:
            return 0
        return 1

    def _wait(self, lookup, timeout: Duration):
        """Return lookup() as soon as it stops raising; raise its reason when the timeout is over."""
        deadline = wall.monotonic() + timeout.nanoseconds / 1e9
        with self._changed:
            while True:
                try:
                    return lookup()
                except TransformException:
                    left = deadline - wall.monotonic()
                    if left <= 0.0:
                        raise
                self._changed.wait(left)

    def _set(self, message: TransformStamped, authority: str, static: bool) -> None:
        child, parent = message.child_frame_id.removeprefix('/'), message.header.frame_id.removeprefix('/')
        translation, rotation = message.transform.translation, message.transform.rotation
        transform = Rigid((translation.x, translation.y, translation.z),
                          (rotation.x, rotation.y, rotation.z, rotation.w))
        reason = _reason_to_ignore(child, parent, transform)
        if reason:
            self._logger.error(f'Ignoring transform {parent!r} <- {child!r} from {authority!r}: {reason}')
            return
        with self._changed:
            stamp = _nanoseconds(message.header.stamp)
            if self._tree.insert(child, stamp, Link(parent, transform), static):
                self._changed.notify_all()

    def _on_jump(self, _jump) -> None:
        self._logger.warning('Detected jump back in time, clearing the transform buffer')
        self.clear()


def _reason_to_ignore(child: str, parent: str, transform: Rigid) -> str | None:
    if not child or not parent:
        return 'a frame name is empty'
    if child == parent:
        return 'a frame cannot be its own parent'
    if not all(map(math.isfinite, transform.translation + transform.rotation)):
        return 'a value is not finite'
    if abs(sum(each * each for each in transform.rotation) - 1.0) > NORM_TOLERANCE:
        return 'the quaternion is not of unit length'
    return None


def _to_message(target: str, source: str, transform: Rigid, stamp: int) -> TransformStamped:
    message = TransformStamped()
    message.header.stamp = Time(nanoseconds=stamp).to_msg()
    message.header.frame_id = target
    message.child_frame_id = source
    translation, rotation = message.transform.translation, message.transform.rotation
    translation.x, translation.y, translation.z = transform.translation
    rotation.x, rotation.y, rotation.z, rotation.w = transform.rotation
    return message
