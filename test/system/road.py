"""A made-up road for one vehicle node: publishes what it listens to, collects what it says."""

import array
from dataclasses import replace

import cv2
import numpy as np
import pytest
from geometry_msgs.msg import Quaternion, TransformStamped, Vector3
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import CameraInfo, Image
from tf2_msgs.msg import TFMessage
from vision_msgs.msg import Detection3DArray

from emiff.msg import FeatureFrame as FeatureFrameMsg
from emiff.msg import FusionStatus, ImageRefusal
from emiff_core.bag.cameras import camera_of
from emiff_core.codec import encode
from emiff_core.config import CodecConfig
from emiff_core.cooperation.feature_frame import FeatureFrame
from emiff_core.inference.eager import EagerEngine
from emiff_core.stamps import stamp_of
from emiff_ros import messages

SIZE = (480, 270)
FRAME = 'vehicle_camera'

# optical axes of a camera that looks along x of the frame it stands in
LOOKING_AHEAD = (-0.5, 0.5, -0.5, 0.5)


class Road:
    """Talks to one vehicle node named vehicle_node; remapped inputs are /image, /info and /features."""

    def __init__(self, ros, engine: EagerEngine) -> None:
        self.ros = ros
        self.engine = engine
        self.node = ros.node('road')
        latched = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self._image = self.node.create_publisher(Image, '/image', 10)
        self._info = self.node.create_publisher(CameraInfo, '/info', 10)
        self._features = self.node.create_publisher(FeatureFrameMsg, '/features', 10)
        self._static = self.node.create_publisher(TFMessage, '/tf_static', latched)
        self.detections: dict[int, Detection3DArray] = {}
        self.status: dict[int, FusionStatus] = {}
        self.refusals: dict[int, str] = {}
        self.node.create_subscription(Detection3DArray, '/vehicle_node/output/detections', self._detected, 50)
        self.node.create_subscription(FusionStatus, '/vehicle_node/output/status', self._said, 50)
        self.node.create_subscription(ImageRefusal, '/vehicle_node/output/refusals', self._refused, 50)
        self._boot_id, self._sequence = self.now(), 0
        pixels = np.full((SIZE[1], SIZE[0], 3), 90, np.uint8)
        self._feature = engine.encode_infrastructure(pixels, camera_of(camera_info()))

    def meet(self) -> None:
        """Wait until the vehicle node hears and is heard."""
        publishers = (self._image, self._info, self._features, self._static)
        self.ros.spin_until(lambda: all(p.get_subscription_count() for p in publishers), 60)
        self.ros.spin_until(lambda: self.node.count_publishers('/vehicle_node/output/status'), 60)

    def now(self) -> int:
        return self.node.get_clock().now().nanoseconds

    def stand(self, parent: str, child: str, position=(0.0, 0.0, 0.0), orientation=(0.0, 0.0, 0.0, 1.0)) -> None:
        """Say on /tf_static where `child` stands in `parent`."""
        transform = TransformStamped(child_frame_id=child)
        transform.header.frame_id = parent
        transform.transform.translation = Vector3(**dict(zip('xyz', position, strict=True)))
        transform.transform.rotation = Quaternion(**dict(zip('xyzw', orientation, strict=True)))
        self._static.publish(TFMessage(transforms=[transform]))

    def image(self, stamp: int, cut: int = 0) -> None:
        """Publish an image; `cut` bytes are missing at its end."""
        width, height = SIZE
        pixels = np.random.default_rng(stamp % 2**32).integers(0, 256, (height, width, 3), dtype=np.uint8)
        pixels = cv2.GaussianBlur(pixels, (0, 0), 5)
        data = array.array('B')
        data.frombytes(memoryview(pixels).cast('B')[: pixels.size - cut])
        message = Image(height=height, width=width, encoding='bgr8', step=width * 3, data=data)
        message.header.stamp, message.header.frame_id = messages.time_of(stamp), FRAME
        self._image.publish(message)

    def info(self, stamp: int, **changes: object) -> None:
        """Publish the camera_info of an image."""
        message = camera_info()
        message.header.stamp, message.header.frame_id = messages.time_of(stamp), FRAME
        for name, value in changes.items():
            setattr(message, name, value)
        self._info.publish(message)

    def show(self) -> int:
        """Publish an image with its camera_info, taken now; return its stamp."""
        stamp = self.now()
        self.info(stamp)
        self.image(stamp)
        return stamp

    def feature(self, stamp: int, tampered: bool = False, unreadable: bool = False, **changes: object) -> None:
        """Publish a feature of a roadside camera 30 m ahead that looks back; `changes` are of the frame's fields."""
        frame = FeatureFrame(
            agent_id='pole',
            boot_id=self._boot_id,
            sequence=self._sequence,
            stamp_ns=stamp,
            camera_frame='pole_camera',
            model_id=self.engine.model_id,
            world_frame='map',
            position=(30.0, 0.0, 5.0),
            orientation=(-0.5, -0.5, 0.5, 0.5),
            camera=self._feature.camera,
            scale=self._feature.scale,
            latent=encode(self._feature.latent, CodecConfig('int8')),
        )
        sealed = replace(frame, **changes).sealed()
        self._sequence += 1
        message = messages.feature_frame_to_message(sealed)
        if tampered:
            message.payload[0] ^= 1
        if unreadable:
            message.numeric_type = 9
        self._features.publish(message)

    def answer(self, stamp: int, seconds: float = 30.0) -> FusionStatus:
        """Wait for the detections and the status of an image; return the status."""
        self.ros.spin_until(lambda: stamp in self.detections and stamp in self.status, seconds)
        return self.status[stamp]

    def answered(self, attempts: int = 20) -> FusionStatus:
        """Show images until one is answered: a transform that was just said may arrive after the first."""
        for _ in range(attempts):
            stamp = self.show()
            self.ros.spin_until(lambda stamp=stamp: stamp in self.status or self.now() > stamp + 2_000_000_000)
            if stamp in self.status:
                return self.answer(stamp)
        pytest.fail('no image was answered')

    def _refused(self, message: ImageRefusal) -> None:
        self.refusals[stamp_of(message)] = message.reason

    def _detected(self, message: Detection3DArray) -> None:
        self.detections[stamp_of(message)] = message

    def _said(self, message: FusionStatus) -> None:
        self.status[stamp_of(message)] = message


def camera_info() -> CameraInfo:
    """Return the calibration of this road's cameras, without a stamp."""
    width, height = SIZE
    k = [300.0, 0.0, width / 2, 0.0, 300.0, height / 2, 0.0, 0.0, 1.0]
    return CameraInfo(width=width, height=height, k=k, distortion_model='plumb_bob')
