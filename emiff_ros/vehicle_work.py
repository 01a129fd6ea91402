"""Vehicle: camera image and remote features in, boxes out."""

import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from std_msgs.msg import Float64, Header
from vision_msgs.msg import Detection3DArray
from visualization_msgs.msg import MarkerArray

from emiff.msg import FeatureFrame as FeatureFrameMsg
from emiff.msg import FeatureUse, FusionStatus, ImageRefusal, ProcessingTime
from emiff_core.cooperation.admission import Admission, AdmissionRules, AdmittedFrame
from emiff_core.cooperation.feature_buffer import FeatureBuffer, age_ms
from emiff_core.cooperation.feature_message import from_message
from emiff_core.cooperation.plausibility import PlausibilityRules
from emiff_core.cooperation.refusal import Refusal
from emiff_core.data.preprocess import network_scale
from emiff_core.errors import EmiffError
from emiff_core.inference.eager import DetectionResult, RemoteFeature, VehicleFeatures
from emiff_core.monitoring.health import SPAN_S, Report
from emiff_core.monitoring.tally import FeatureTally
from emiff_core.rendering.debug_image import FeatureUsed
from emiff_core.stamps import nanoseconds
from emiff_ros import messages
from emiff_ros.calibration import Transforms
from emiff_ros.camera_input import CameraImage, CameraInput
from emiff_ros.debug_images import Answer, DebugImages
from emiff_ros.diagnostics import quantile_values, report_values
from emiff_ros.gate import Gate, Paused
from emiff_ros.model_parameters import ModelChoice, load_engine
from emiff_ros.qos import Profiles, make_publisher
from emiff_ros.remote_poses import RemotePoseRules, RemotePoses
from emiff_ros.reports import Reports

_MAX_REFUSALS_KEPT = 256


@dataclass(frozen=True)
class VehicleSettings:
    """The node's parameters; docs/vehicle_node.md describes them. Those that may change are read anew for each use."""

    detection_frame: str
    world_frame: str
    max_age_ms: Callable[[], float]
    max_ahead_ms: Callable[[], float]
    wait_for_features_ms: Callable[[], float]
    score_threshold: Callable[[], float]
    model: ModelChoice
    transport: str
    profiles: Profiles
    remote_pose_source: str
    max_range_m: float
    max_agents: int
    plausibility: PlausibilityRules


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
        self._engine = load_engine(node, settings.model, 'vehicle')
        max_age_ms, max_ahead_ms = settings.max_age_ms(), settings.max_ahead_ms()
        rules = AdmissionRules(
            model_id=self._engine.model_id,
            latent_shape=self._engine.latent_shape,
            scale=lambda view: network_scale(view, self._engine.config.image),
            world_frame=settings.world_frame,
            max_age_ms=max_age_ms,
            max_ahead_ms=max_ahead_ms,
            plausibility=settings.plausibility,
        )
        self._admission = Admission(rules)
        self._buffer = FeatureBuffer(max_age_ms, max_ahead_ms)
        self._tally = FeatureTally(SPAN_S)
        self._last_start_s: float | None = None
        self._refusals: list[FeatureUse] = []
        self._refusals_lock = threading.Lock()
        self._reports = Reports(node)
        self._transforms = tf
        self._remote_poses = RemotePoses(
            RemotePoseRules(
                settings.remote_pose_source,
                settings.world_frame,
                settings.detection_frame,
                settings.max_range_m,
                settings.max_agents,
            ),
            tf,
            self._reports,
            self._refuse_frame,
        )
        with ExitStack() as undo:  # closes in the opposite order, also what was made before something failed
            self._make_publishers(undo)
            self._debug_images = DebugImages(node, gate, self._reports, settings.profiles.outputs)
            undo.callback(self._debug_images.close)
            tf.listen()
            undo.callback(tf.stop)
            inputs = settings.profiles.inputs
            self._input = CameraInput(node, gate, self._reports, self, settings.transport, inputs)
            undo.callback(self._input.close)
            self.health = self._input.health
            profile = settings.profiles.features
            features = node.create_subscription(FeatureFrameMsg, '~/input/features', self._receive, profile)
            undo.callback(node.destroy_subscription, features)
            self._closing = undo.pop_all()

    def _make_publishers(self, undo: ExitStack) -> None:
        make = partial(make_publisher, self._node, undo, profile=self._settings.profiles.outputs)
        self._detections = make(Detection3DArray, '~/output/detections')
        self._markers = make(MarkerArray, '~/output/markers')
        self._status = make(FusionStatus, '~/output/status')
        self._image_refusals = make(ImageRefusal, '~/output/refusals')
        self._times = make(ProcessingTime, '~/debug/processing_time')
        self._processing_ms = make(Float64, '~/debug/processing_time_ms')
        self._cyclic_ms = make(Float64, '~/debug/cyclic_time_ms')
        self._age_ms = make(Float64, '~/debug/feature_age_ms')

    def values(self, report: Report) -> dict[str, str]:
        """Return the figures of the diagnostics."""
        return {
            'model_id': self._engine.model_id,
            'weights': self._engine.weights_name,
            **report_values(report),
            **quantile_values('feature_age', report.feature_age_ms),
            **self._input.counts.values(),
            'agents': ' '.join(self._tally.agents(time.monotonic())),
            **{f'features_refused_{reason}': str(count) for reason, count in self._tally.refusals().items()},
        }

    def pause(self) -> None:
        """Drop what waits: images and features."""
        self._input.pause()
        self._buffer.clear()

    def close(self) -> None:
        """End the worker thread and destroy the topics."""
        self._closing.close()

    def time_jumped(self) -> None:
        """Forget all features and transforms: their stamps are those of another time."""
        self._transforms.forget()
        self._remote_poses.forget()
        self._admission.forget()
        self._buffer.clear()

    def refused(self, header: Header, reason: str) -> None:
        """Tell that an image gets no detections."""
        with suppress(Paused):
            self._gate.send(lambda: self._image_refusals.publish(ImageRefusal(header=header, reason=reason)))

    def _follow_parameters(self) -> None:
        limits = self._settings.max_age_ms(), self._settings.max_ahead_ms()
        if limits != (self._buffer.max_age_ms, self._buffer.max_ahead_ms):
            self._buffer.max_age_ms, self._buffer.max_ahead_ms = limits
            self._admission.rules = replace(self._admission.rules, max_age_ms=limits[0], max_ahead_ms=limits[1])

    def _receive(self, message: FeatureFrameMsg) -> None:
        if not self._gate.is_open:
            return
        self._follow_parameters()
        # a simulated clock that has not spoken yet reads 0; the age at use is bounded by the image's stamp in any case
        now_ns = self._node.get_clock().now().nanoseconds or nanoseconds(message.header.stamp)
        try:
            frame = from_message(message)
        except EmiffError as error:
            self._reports.warn('feature', str(error))
            self._refuse(messages.malformed_feature(message, now_ns))
            return
        verdict = self._admission.admit(frame, now_ns)
        if isinstance(verdict, AdmittedFrame):
            self._buffer.add(verdict)
            self._tally.admitted(frame.agent_id, time.monotonic())
        else:
            self._refuse(messages.refused_feature(frame, verdict, now_ns))

    def _refuse(self, use: FeatureUse) -> None:
        self._reports.warn(
            f'feature {use.reason}', f'feature {use.sequence} of {use.agent_id} refused: {use.reason}'
        )
        self._tally.refused(use.reason)
        with self._refusals_lock:
            if len(self._refusals) < _MAX_REFUSALS_KEPT:
                self._refusals.append(use)

    def _refuse_frame(self, admitted: AdmittedFrame, reason: Refusal, image: CameraImage) -> None:
        self._refuse(messages.refused_feature(admitted.frame, reason, image.stamp_ns))

    def process(self, image: CameraImage) -> None:
        """Detect in one image and publish what was found."""
        self._follow_parameters()
        detection_frame = self._settings.detection_frame
        started = time.monotonic()
        T_camera_detection = self._transforms.lookup(
            image.header.frame_id, detection_frame, image.header.stamp, image.arrived
        )
        placed = time.monotonic()
        vehicle = self._engine.encode_vehicle(image.pixels, image.camera)
        encoded = time.monotonic()
        # chosen after the vehicle's own backbone, so that a feature that came meanwhile is used
        chosen = self._buffer.wait(image.stamp_ns, self._settings.wait_for_features_ms() / 1000)
        placed_features = self._remote_poses.place(chosen, image)
        ready = time.monotonic()
        used, result = self._detect(vehicle, T_camera_detection, placed_features, image)
        detections = result.detections[result.detections.scores > self._settings.score_threshold()]
        detected = time.monotonic()

        def publish() -> None:
            header = Header(stamp=image.header.stamp, frame_id=detection_frame)
            self._status.publish(self._status_message(header, used, image))
            self._detections.publish(messages.detections_to_message(detections, header))
            if self._markers.get_subscription_count():  # as dear as the detections, and for people only
                self._markers.publish(messages.markers(detections, header, bool(used)))
            sent = time.monotonic()
            stages = {
                'wait': (image.taken - image.arrived) * 1e3,
                'convert': (started - image.taken) * 1e3,
                'tf': (placed - started + ready - encoded) * 1e3,
                **vehicle.stage_ms,
                **result.stage_ms,
                'publish': (sent - detected) * 1e3,
            }
            total_ms = (sent - image.arrived) * 1e3
            self._times.publish(messages.processing_time(image.header, total_ms, stages))
            ages = [FeatureUsed(one.frame.agent_id, age_ms(one, image.stamp_ns)) for one in used]
            self._debug_images.show(Answer(image, T_camera_detection, detections, ages, total_ms))
            self._publish_plots(ages, started, sent)
            self.health.answered(sent, total_ms)

        self._gate.send(publish, image.session)

    def _detect(
        self,
        vehicle: VehicleFeatures,
        T_camera_detection: NDArray[np.float64],
        placed: list[tuple[AdmittedFrame, RemoteFeature]],
        image: CameraImage,
    ) -> tuple[list[AdmittedFrame], DetectionResult]:
        """Return what was fused, and what was found: where the model fails with the features, by the vehicle alone."""
        try:
            result = self._engine.detect(vehicle, T_camera_detection, [remote for _, remote in placed])
            return [admitted for admitted, _ in placed], result
        except Exception as error:
            if not placed:
                raise
            self._reports.warn('fusion', f'detecting alone: fusing {len(placed)} features failed: {error!r}')
        for admitted, _ in placed:  # only here, where the failed attempt's tensors are free again
            self._refuse_frame(admitted, Refusal.FUSION_FAILED, image)
        return [], self._engine.detect(vehicle, T_camera_detection, [])

    def _publish_plots(self, used: list[FeatureUsed], started: float, sent: float) -> None:
        self._processing_ms.publish(Float64(data=(sent - started) * 1e3))
        if self._last_start_s is not None:
            self._cyclic_ms.publish(Float64(data=(started - self._last_start_s) * 1e3))
        self._last_start_s = started
        if used:
            self._age_ms.publish(Float64(data=max(one.age_ms for one in used)))
        for one in used:
            self.health.used(sent, one.age_ms)

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
