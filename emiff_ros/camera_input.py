"""One camera's images with their calibration, the newest first in line for the model."""

import threading
import time
import traceback
from dataclasses import dataclass
from typing import Literal, Protocol

import message_filters
import numpy as np
from numpy.typing import NDArray
from rclpy.clock import Clock, ClockType, JumpThreshold, TimeJump
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from emiff_core.bag.cameras import camera_of
from emiff_core.errors import EmiffError
from emiff_core.geometry import PinholeCamera
from emiff_core.inference.newest import NewestSlot
from emiff_core.monitoring.health import Health
from emiff_core.stamps import nanoseconds
from emiff_ros import images
from emiff_ros.calibration import check_size
from emiff_ros.gate import Gate, Paused
from emiff_ros.parameters import declare
from emiff_ros.reports import Reports

_PAIR_QUEUE = 10
_CHECK_S = 1.0
_MAX_AHEAD_S = 1.0


@dataclass(frozen=True, eq=False)
class CameraImage:
    """An image ready for the model.

    Attributes:
        header: of the image message.
        pixels: (H, W, 3) uint8 BGR.
        camera: what took it.
        arrived: time.monotonic() when image and camera_info were both there, seconds.
        taken: time.monotonic() when the worker took them.
        session: of the gate, at that time.
    """

    header: Header
    pixels: NDArray[np.uint8]
    camera: PinholeCamera
    arrived: float
    taken: float
    session: int

    @property
    def stamp_ns(self) -> int:
        """Capture time, nanoseconds."""
        return nanoseconds(self.header.stamp)


class ImageCounts:
    """Images since the node started; received = processed + skipped + refused + those waiting or in work."""

    def __init__(self) -> None:
        self.received = self.processed = self.skipped = self.refused = 0
        self._lock = threading.Lock()

    def values(self) -> dict[str, str]:
        """Return the counts as diagnostics tell them."""
        return {f'images_{fate}': str(getattr(self, fate)) for fate in ('received', 'processed', 'skipped', 'refused')}

    def add(self, fate: Literal['received', 'processed', 'skipped', 'refused'], images: int = 1) -> None:
        """Count images; callbacks and worker do so at the same time."""
        with self._lock:
            setattr(self, fate, getattr(self, fate) + images)


class ImageUser(Protocol):
    """What is done with the images."""

    def process(self, image: CameraImage) -> None:
        """Answer an image, in the worker thread. An exception refuses the image, but for Paused, which drops it."""

    def refused(self, header: Header, reason: str) -> None:
        """Tell that an image gets no answer, from whatever thread."""

    def time_jumped(self) -> None:
        """Forget what is known, in the executor's thread: the clock has jumped back."""


def declare_transport(node: Node) -> str:
    """Declare image_transport and return it.

    Raises:
        EmiffError: it is neither raw nor compressed.
    """
    return declare(node, 'image_transport', 'raw', 'how images come: raw or compressed', choices=('raw', 'compressed'))


class CameraInput:
    """Subscribes to an image and its camera_info and hands the newest pair to a worker thread.

    What comes while the gate is closed is dropped uncounted.

    Attributes:
        counts: of the images.
        health: knows of each image that came; its user tells of each answer.
    """

    def __init__(
        self, node: Node, gate: Gate, reports: Reports, user: ImageUser, transport: str, profile: QoSProfile
    ) -> None:
        """Subscribe, and start the worker.

        Args:
            node: the owner; gets the topics ~/input/...
            gate: whether images are wanted.
            reports: where troubles are told.
            user: of the images that were not skipped.
            transport: raw or compressed.
            profile: quality of service of the subscriptions.
        """
        self.counts = ImageCounts()
        self.health = Health()
        self._node = node
        self._gate = gate
        self._reports = reports
        self._user = user
        self._slot: NewestSlot[tuple[Image | CompressedImage, CameraInfo, float]] = NewestSlot()
        self._unpaired: dict[int, Header] = {}  # by stamp, of images whose camera_info has not come

        image_type, suffix = (Image, '') if transport == 'raw' else (CompressedImage, '/compressed')
        self._image = node.create_subscription(image_type, f'~/input/image{suffix}', self._image_arrived, profile)
        self._info = node.create_subscription(CameraInfo, '~/input/camera_info', self._info_arrived, profile)
        self._image_topic, self._info_topic = self._image.topic_name, self._info.topic_name
        self._pair()

        threshold = JumpThreshold(
            min_forward=None, min_backward=Duration(nanoseconds=-1), on_clock_change=False
        )
        self._jump_handle = node.get_clock().create_jump_callback(threshold, post_callback=self._clock_jumped)
        # on steady time: a simulated clock that says nothing is a reason to speak
        self._check_timer = node.create_timer(_CHECK_S, self._check, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self._worker = threading.Thread(target=self._work, name='inference', daemon=True)
        self._worker.start()

    def pause(self) -> None:
        """Drop the images that wait, for the model or for their camera_info; they count as skipped."""
        self.counts.add('skipped', self._slot.clear() + len(self._unpaired))
        self._unpaired.clear()
        self._pair()

    def close(self) -> None:
        """End the worker and the subscriptions; an image in work is finished first."""
        self._slot.close()
        self._worker.join()
        self._jump_handle.unregister()
        self._node.destroy_timer(self._check_timer)
        self._node.destroy_subscription(self._image)
        self._node.destroy_subscription(self._info)

    def _pair(self) -> None:
        self._image_filter, self._info_filter = message_filters.SimpleFilter(), message_filters.SimpleFilter()
        pairs = message_filters.TimeSynchronizer([self._image_filter, self._info_filter], _PAIR_QUEUE)
        pairs.registerCallback(self._paired)

    def _image_arrived(self, image: Image | CompressedImage) -> None:
        if not self._gate.is_open:
            return
        self.counts.add('received')
        self.health.arrived(time.monotonic())
        stamp_ns = nanoseconds(image.header.stamp)
        if image.header.stamp.sec < 0:  # rclpy's Time, by which pairs are made, knows no such time
            self._refuse(image.header, 'its stamp lies before 1970')
        elif self._is_from_the_future(image.header):
            self._refuse(image.header, 'its stamp lies in the future')
        elif stamp_ns in self._unpaired:
            self._refuse(image.header, 'an image of this stamp came before')
        else:
            self._unpaired[stamp_ns] = image.header
            self._image_filter.signalMessage(image)
            if len(self._unpaired) > _PAIR_QUEUE:  # the synchroniser has dropped it too
                self._give_up(min(self._unpaired))

    def _info_arrived(self, info: CameraInfo) -> None:
        if self._gate.is_open and info.header.stamp.sec >= 0 and not self._is_from_the_future(info.header):
            self._info_filter.signalMessage(info)

    def _is_from_the_future(self, header: Header) -> bool:
        # a synchroniser drops its SMALLEST stamp when full: ten stamps of next year would starve it for good
        now_ns = self._node.get_clock().now().nanoseconds
        if now_ns == 0:  # a simulated clock that has not spoken yet
            return False
        ahead_s = (nanoseconds(header.stamp) - now_ns) / 1e9
        if ahead_s > _MAX_AHEAD_S:
            self._reports.warn('ahead', f'expected stamps of now or before, found one {ahead_s:.1f} s in the future')
        return ahead_s > _MAX_AHEAD_S

    def _paired(self, image: Image | CompressedImage, info: CameraInfo) -> None:
        stamp_ns = nanoseconds(image.header.stamp)
        if stamp_ns not in self._unpaired:  # a newer image has gone before it
            return
        del self._unpaired[stamp_ns]
        self._give_up(stamp_ns)
        if self._slot.put((image, info, time.monotonic())) is not None:
            self.counts.add('skipped')

    def _give_up(self, until_ns: int) -> None:
        for stamp_ns in [stamp_ns for stamp_ns in self._unpaired if stamp_ns <= until_ns]:
            self._refuse(self._unpaired.pop(stamp_ns), 'no camera_info of its stamp came')

    def _clock_jumped(self, _: TimeJump) -> None:
        for header in self._unpaired.values():  # what waits for its partner lies in the future now
            self._refuse(header, 'the clock has jumped back')
        self._unpaired.clear()
        self._pair()
        self.counts.add('skipped', self._slot.clear())
        self._gate.renew()  # nor does the image in work leave: its stamp is one of another time
        self._user.time_jumped()

    def _check(self) -> None:
        if not self._gate.is_open:
            return
        if not self._node.count_publishers(self._image_topic):
            self._reports.warn('topic', f'expected images on {self._image_topic}, found nobody who publishes there')
        if len(self._unpaired) > 1:
            self._reports.warn(
                'pair',
                f'expected a camera_info of the same stamp with each image, found none for {len(self._unpaired)} '
                f'images: is {self._info_topic} published, with the stamps of {self._image_topic}?',
            )

    def _work(self) -> None:
        while (item := self._slot.get()) is not None:
            image, info, arrived = item
            taken, session = time.monotonic(), self._gate.session
            try:
                pixels = images.to_bgr(image)
                camera = camera_of(info)
                check_size(camera, pixels)
                self._user.process(CameraImage(image.header, pixels, camera, arrived, taken, session))
                self.counts.add('processed')
            except Paused:
                self.counts.add('skipped')
            except EmiffError as error:
                self._fail(image.header, str(error))
            except Exception as error:  # a GPU out of memory, say: the next image gets its chance
                self._fail(image.header, f'unexpected {type(error).__name__}: {error}')
                self._node.get_logger().debug(traceback.format_exc())

    def _fail(self, header: Header, reason: str) -> None:
        self._reports.warn('image', f'image refused: {reason}')
        self._refuse(header, reason)

    def _refuse(self, header: Header, reason: str) -> None:
        self.counts.add('refused')
        self._user.refused(header, reason)
