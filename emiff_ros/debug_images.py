"""The annotated image, for whoever subscribes to it: drawn and sent by a thread of its own."""

import array
import threading
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import Image

from emiff_core.geometry import Detections
from emiff_core.inference.newest import NewestSlot
from emiff_core.rendering.debug_image import FeatureUsed, draw_debug_image
from emiff_ros.camera_input import CameraImage
from emiff_ros.gate import Gate, Paused
from emiff_ros.reports import Reports


@dataclass(frozen=True, eq=False)
class Answer:
    """What is drawn: arguments of `draw_debug_image`."""

    image: CameraImage
    T_camera_detection: NDArray[np.float64]
    detections: Detections
    used: list[FeatureUsed]
    total_ms: float


class DebugImages:
    """Publishes ~/debug/image; nothing is drawn while nobody subscribes, and the newest answer wins."""

    def __init__(self, node: Node, gate: Gate, reports: Reports, profile: QoSProfile) -> None:
        """Offer the topic and start the thread."""
        self._node = node
        self._gate = gate
        self._reports = reports
        self._publisher = node.create_publisher(Image, '~/debug/image', profile)
        self._slot: NewestSlot[Answer] = NewestSlot()
        self._thread = threading.Thread(target=self._work, name='debug image', daemon=True)
        self._thread.start()

    def show(self, answer: Answer) -> None:
        """Leave an answer to be drawn; costs the caller next to nothing."""
        if self._publisher.get_subscription_count():
            self._slot.put(answer)

    def close(self) -> None:
        """End the thread and destroy the topic."""
        self._slot.close()
        self._thread.join()
        self._node.destroy_publisher(self._publisher)

    def _work(self) -> None:
        while (answer := self._slot.get()) is not None:
            try:
                self._gate.send(partial(self._publisher.publish, _draw(answer)), answer.image.session)
            except Paused:
                continue
            except Exception as error:  # whatever fails on one image, the next gets its chance
                self._reports.warn('debug image', f'not drawn: unexpected {type(error).__name__}: {error}')


def _draw(answer: Answer) -> Image:
    image = answer.image
    drawn = draw_debug_image(
        image.pixels, image.camera, answer.T_camera_detection, answer.detections, answer.used, answer.total_ms
    )
    height, width = drawn.shape[:2]
    data = array.array('B')
    data.frombytes(drawn.data.cast('B'))
    return Image(header=image.header, height=height, width=width, encoding='bgr8', step=width * 3, data=data)
