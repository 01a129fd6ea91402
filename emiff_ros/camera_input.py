"""One camera's images with their calibration, the newest first in line for the model."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import message_filters
import numpy as np
from numpy.typing import NDArray
from rclpy.clock import JumpThreshold, TimeJump
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from emiff_core.errors import EmiffError
from emiff_core.geometry import PinholeCamera
from emiff_core.inference.newest import NewestSlot
from emiff_ros import calibration, images
from emiff_ros.messages import nanoseconds
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
        arrived: time.monotonic() of its arrival, seconds.
    """

    header: Header
    pixels: NDArray[np.uint8]
    camera: PinholeCamera
    arrived: float

    @property
    def stamp_ns(self) -> int:
        """Capture time, nanoseconds."""
        return nanoseconds(self.header.stamp)


@dataclass
class ImageCounts:
    """Images since the node started; received = processed + skipped + refused + those waiting or in work."""

    received: int = 0
    processed: int = 0
    skipped: int = 0
    refused: int = 0


class CameraInput:
    """Subscribes to an image and its camera_info and hands the newest pair to a worker thread."""

    def __init__(
        self,
        node: Node,
        reports: Reports,
        process: Callable[[CameraImage], None],
        on_time_jump: Callable[[], None],
        profile: QoSProfile,
    ) -> None:
        """Subscribe, and start the worker.

        Args:
            node: the owner; gets the parameter image_transport and the topics ~/input/...
            reports: where troubles are told.
            process: called in the worker thread for each image that was not skipped; EmiffError refuses the image.
            on_time_jump: called in the executor's thread when the clock jumps back.
            profile: quality of service of the subscriptions.
        """
        transport = declare(
            node, 'image_transport', 'raw', 'how images come: raw or compressed', choices=('raw', 'compressed')
        )
        self.counts = ImageCounts()
        self._node = node
        self._reports = reports
        self._process = process
        self._on_time_jump = on_time_jump
        self._slot: NewestSlot[tuple[Image | CompressedImage, CameraInfo, float]] = NewestSlot()
        self._unpaired = 0

        image_type, suffix = (Image, '') if transport == 'raw' else (CompressedImage, '/compressed')
        image = node.create_subscription(image_type, f'~/input/image{suffix}', self._image_arrived, profile)
        info = node.create_subscription(CameraInfo, '~/input/camera_info', self._info_arrived, profile)
        self._image_topic, self._info_topic = image.topic_name, info.topic_name
        self._pair()

        threshold = JumpThreshold(
            min_forward=None, min_backward=Duration(nanoseconds=-1), on_clock_change=False
        )
        self._jump_handle = node.get_clock().create_jump_callback(threshold, post_callback=self._clock_jumped)
        self._check_timer = node.create_timer(_CHECK_S, self._check)
        self._worker = threading.Thread(target=self._work, name='inference', daemon=True)
        self._worker.start()

    def close(self) -> None:
        """End the worker; an image in work is finished first."""
        self._slot.close()
        self._worker.join()

    def _pair(self) -> None:
        self._image_filter, self._info_filter = message_filters.SimpleFilter(), message_filters.SimpleFilter()
        pairs = message_filters.TimeSynchronizer([self._image_filter, self._info_filter], _PAIR_QUEUE)
        pairs.registerCallback(self._paired)

    def _image_arrived(self, image: Image | CompressedImage) -> None:
        self.counts.received += 1
        self._unpaired += 1
        if self._is_from_the_future(image.header):
            self.counts.refused += 1
        else:
            self._image_filter.signalMessage(image)

    def _info_arrived(self, info: CameraInfo) -> None:
        if not self._is_from_the_future(info.header):
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
        self._unpaired = 0
        if self._slot.put((image, info, time.monotonic())) is not None:
            self.counts.skipped += 1

    def _clock_jumped(self, _: TimeJump) -> None:
        # what waits for its partner lies in the future now
        self._pair()
        self._on_time_jump()

    def _check(self) -> None:
        if self._unpaired > 1:
            self._reports.warn(
                'pair',
                f'expected a camera_info of the same stamp with each image, found none for the last {self._unpaired} '
                f'images: is {self._info_topic} published, with the stamps of {self._image_topic}?',
            )

    def _work(self) -> None:
        while (item := self._slot.get()) is not None:
            image, info, arrived = item
            try:
                pixels = images.to_bgr(image)
                camera = calibration.camera_of(info)
                calibration.check_size(camera, pixels)
                self._process(CameraImage(image.header, pixels, camera, arrived))
                self.counts.processed += 1
            except EmiffError as error:
                self.counts.refused += 1
                self._reports.warn('image', f'image refused: {error}')
