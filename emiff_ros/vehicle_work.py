"""Vehicle: camera image and remote features in, boxes out."""

import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass

from rclpy.node import Node
from rclpy.publisher import Publisher
from std_msgs.msg import Header
from vision_msgs.msg import Detection3DArray
from visualization_msgs.msg import MarkerArray

from emiff.msg import FeatureFrame as FeatureFrameMsg
from emiff.msg import FeatureUse, FusionStatus, ProcessingTime
from emiff_core.cooperation.admission import Admission, AdmissionRules, AdmittedFrame, Refusal
from emiff_core.cooperation.feature_buffer import FeatureBuffer
from emiff_core.errors import EmiffError
from emiff_core.geometry import transforms
from emiff_core.inference.eager import RemoteFeature
from emiff_ros import messages
from emiff_ros.calibration import Transforms
from emiff_ros.camera_input import CameraImage, CameraInput
from emiff_ros.gate import Gate
from emiff_ros.model_parameters import ModelChoice, load_engine
from emiff_ros.qos import Profiles
from emiff_ros.reports import Reports

_MAX_REFUSALS_KEPT = 256


@dataclass(frozen=True)
class VehicleSettings:
    """The node's parameters; docs/vehicle_node.md describes them."""

    detection_frame: str
    world_frame: str
    max_age_ms: float
    max_ahead_ms: float
    wait_for_features_ms: float
    model: ModelChoice
    transport: str
    profiles: Profiles


class VehicleWork:
    """A detector with its topics, its buffer of features and its threads, from configure to cleanup."""

    def __init__(self, node: Node, gate: Gate, tf: Transforms, settings: VehicleSettings) -> None:
        """Load the model and make the topics.

        Raises:
            EmiffError: config or weights are not usable.
        """
        self._node = node
        self._gate = gate
        self._settings = settings
        _, self._engine = load_engine(node, settings.model, 'vehicle')
        max_age_ms, max_ahead_ms = settings.max_age_ms, settings.max_ahead_ms
        rules = AdmissionRules(
            self._engine.model_id, self._engine.latent_shape, settings.world_frame, max_age_ms, max_ahead_ms
        )
        self._admission = Admission(rules)
        self._buffer = FeatureBuffer(max_age_ms, max_ahead_ms)
        self._refusals: list[FeatureUse] = []
        self._refusals_lock = threading.Lock()
        self._reports = Reports(node)
        self._transforms = tf
        with ExitStack() as undo:  # closes in the opposite order, also what was made before something failed
            self._make_publishers(undo)
            tf.listen()
            undo.callback(tf.stop)
            inputs = settings.profiles.inputs
            self._input = CameraInput(node, gate, self._reports, self, settings.transport, inputs)
            undo.callback(self._input.close)
            features = node.create_subscription(FeatureFrameMsg, '~/input/features', self._receive, inputs)
            undo.callback(node.destroy_subscription, features)
            self._closing = undo.pop_all()

    def _make_publishers(self, undo: ExitStack) -> None:
        def make(message_type: type, topic: str) -> Publisher:
            publisher: Publisher = self._node.create_publisher(message_type, topic, self._settings.profiles.outputs)
            undo.callback(self._node.destroy_publisher, publisher)
            return publisher

        self._detections = make(Detection3DArray, '~/output/detections')
        self._markers = make(MarkerArray, '~/output/markers')
        self._status = make(FusionStatus, '~/output/status')
        self._times = make(ProcessingTime, '~/debug/processing_time')

    def resume(self) -> None:
        """Begin to work."""

    def pause(self) -> None:
        """Drop what waits: images and features."""
        self._input.pause()
        self._buffer.clear()

    def close(self) -> None:
        """End the worker thread and destroy the topics."""
        self._closing.close()

    def time_jumped(self) -> None:
        """Forget all features: their stamps are those of another time."""
        self._admission.forget()
        self._buffer.clear()

    def _receive(self, message: FeatureFrameMsg) -> None:
        if not self._gate.is_open:
            return
        # a simulated clock that has not spoken yet reads 0; the age at use is bounded by the image's stamp in any case
        now_ns = self._node.get_clock().now().nanoseconds or messages.nanoseconds(message.header.stamp)
        try:
            frame = messages.feature_frame_from_message(message)
        except EmiffError as error:
            self._reports.warn('feature', str(error))
            self._refuse(messages.malformed_feature(message, now_ns))
            return
        verdict = self._admission.admit(frame, now_ns)
        if isinstance(verdict, AdmittedFrame):
            self._buffer.add(verdict)
        else:
            self._refuse(messages.refused_feature(frame, verdict, now_ns))

    def _refuse(self, use: FeatureUse) -> None:
        self._reports.warn(
            f'feature {use.reason}', f'feature {use.sequence} of {use.agent_id} refused: {use.reason}'
        )
        with self._refusals_lock:
            if len(self._refusals) < _MAX_REFUSALS_KEPT:
                self._refusals.append(use)

    def process(self, image: CameraImage) -> None:
        """Detect in one image and publish what was found."""
        detection_frame = self._settings.detection_frame
        started = time.monotonic()
        T_camera_detection = self._transforms.lookup(
            image.header.frame_id, detection_frame, image.header.stamp, image.arrived
        )
        placed = time.monotonic()
        vehicle = self._engine.encode_vehicle(image.pixels, image.camera)
        encoded = time.monotonic()
        # chosen after the vehicle's own backbone, so that a feature that came meanwhile is used
        chosen = self._buffer.wait(image.stamp_ns, self._settings.wait_for_features_ms / 1000)
        remotes = self._place(chosen, image)
        used = chosen if remotes else []
        ready = time.monotonic()
        result = self._engine.detect(vehicle, T_camera_detection, remotes)
        detected = time.monotonic()

        def publish() -> None:
            header = Header(stamp=image.header.stamp, frame_id=detection_frame)
            self._status.publish(self._status_message(header, used, image))
            self._markers.publish(messages.markers(result.detections, header, bool(used)))
            self._detections.publish(messages.detections_to_message(result.detections, header))
            sent = time.monotonic()
            stages = {
                'wait': (started - image.arrived) * 1e3,
                'tf': (placed - started + ready - encoded) * 1e3,
                **vehicle.stage_ms,
                **result.stage_ms,
                'publish': (sent - detected) * 1e3,
            }
            self._times.publish(messages.processing_time(image.header, (sent - image.arrived) * 1e3, stages))

        self._gate.send(publish)

    def _place(self, chosen: list[AdmittedFrame], image: CameraImage) -> list[RemoteFeature]:
        if not chosen:
            return []
        try:
            T_world_detection = self._transforms.lookup(
                self._settings.world_frame, self._settings.detection_frame, image.header.stamp, image.arrived
            )
        except EmiffError as error:
            self._reports.warn('pose', f'detecting alone: {error}')
            for admitted in chosen:
                self._refuse(messages.refused_feature(admitted.frame, Refusal.NO_VEHICLE_POSE, image.stamp_ns))
            return []
        return [
            RemoteFeature(
                admitted.latent,
                admitted.frame.camera,
                admitted.frame.scale,
                transforms.inverse(admitted.T_world_camera) @ T_world_detection,
            )
            for admitted in chosen
        ]

    def _status_message(self, header: Header, used: list[AdmittedFrame], image: CameraImage) -> FusionStatus:
        with self._refusals_lock:
            refusals, self._refusals = self._refusals, []
        counts = self._input.counts
        return FusionStatus(
            header=header,
            features=[messages.used_feature(admitted, image.stamp_ns) for admitted in used] + refusals,
            images_received=counts.received,
            images_processed=counts.processed + 1,  # this one
            images_skipped=counts.skipped,
            images_refused=counts.refused,
        )
