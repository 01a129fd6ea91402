"""Vehicle: camera image and remote features in, boxes out."""

import sys
import threading
import time

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
from emiff_ros import messages, qos
from emiff_ros.calibration import Transforms
from emiff_ros.camera_input import CameraImage, CameraInput
from emiff_ros.model_parameters import make_engine
from emiff_ros.parameters import declare
from emiff_ros.reports import Reports
from emiff_ros.run import RunnableNode, run

_MAX_REFUSALS_KEPT = 256


class VehicleNode(RunnableNode):
    """Detects in each image that it has time for, with whatever remote features are there by then.

    Topics, parameters and failures: docs/vehicle_node.md.
    """

    def __init__(self) -> None:
        """Load the model and start listening.

        Raises:
            EmiffError: a parameter, the config or the weights are not usable.
        """
        super().__init__('vehicle_node')
        self._detection_frame = declare(self, 'detection_frame', 'vehicle_lidar', 'frame of the boxes: x forward, z up')
        self._world_frame = declare(self, 'world_frame', 'map', 'frame that both sides know')
        max_age_ms = declare(self, 'max_age_ms', 300.0, 'oldest feature used, milliseconds', (0.0, 10_000.0))
        max_ahead_ms = declare(self, 'max_ahead_ms', 40.0, 'clocks may differ by, milliseconds', (0.0, 1_000.0))
        wait_ms = declare(self, 'wait_for_features_ms', 0.0, 'wait for features, milliseconds', (0.0, 10_000.0))
        tf_wait_ms = declare(self, 'tf_wait_ms', 500.0, 'wait for transforms, from the image on, ms', (0.0, 60_000.0))
        self._wait_s = wait_ms / 1000
        _, self._engine = make_engine(self, 'vehicle')
        rules = AdmissionRules(
            self._engine.model_id, self._engine.latent_shape, self._world_frame, max_age_ms, max_ahead_ms
        )
        self._admission = Admission(rules)
        self._buffer = FeatureBuffer(max_age_ms, max_ahead_ms)
        self._refusals: list[FeatureUse] = []
        self._refusals_lock = threading.Lock()
        self._reports = Reports(self)

        self._detections = self.create_publisher(Detection3DArray, '~/output/detections', qos.OUTPUT)
        self._markers = self.create_publisher(MarkerArray, '~/output/markers', qos.OUTPUT)
        self._status = self.create_publisher(FusionStatus, '~/output/status', qos.OUTPUT)
        self._times = self.create_publisher(ProcessingTime, '~/debug/processing_time', qos.OUTPUT)
        self._transforms = Transforms(self, tf_wait_ms / 1000)
        profile = qos.declare_input_profile(self)
        self._input = CameraInput(self, self._reports, self._process, self._time_jumped, profile)
        self.create_subscription(FeatureFrameMsg, '~/input/features', self._receive, profile)

    def close(self) -> None:
        """End the worker thread."""
        self._input.close()

    def _time_jumped(self) -> None:
        self._admission.forget()
        self._buffer.clear()

    def _receive(self, message: FeatureFrameMsg) -> None:
        # a simulated clock that has not spoken yet reads 0; the age at use is bounded by the image's stamp in any case
        now_ns = self.get_clock().now().nanoseconds or messages.nanoseconds(message.header.stamp)
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

    def _process(self, image: CameraImage) -> None:
        started = time.monotonic()
        T_camera_detection = self._transforms.lookup(
            image.header.frame_id, self._detection_frame, image.header.stamp, image.arrived
        )
        placed = time.monotonic()
        vehicle = self._engine.encode_vehicle(image.pixels, image.camera)
        encoded = time.monotonic()
        # chosen after the vehicle's own backbone, so that a feature that came meanwhile is used
        chosen = self._buffer.wait(image.stamp_ns, self._wait_s)
        remotes = self._place(chosen, image)
        used = chosen if remotes else []
        ready = time.monotonic()
        result = self._engine.detect(vehicle, T_camera_detection, remotes)
        detected = time.monotonic()

        header = Header(stamp=image.header.stamp, frame_id=self._detection_frame)
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

    def _place(self, chosen: list[AdmittedFrame], image: CameraImage) -> list[RemoteFeature]:
        if not chosen:
            return []
        try:
            T_world_detection = self._transforms.lookup(
                self._world_frame, self._detection_frame, image.header.stamp, image.arrived
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


def main(args: list[str] | None = None) -> int:
    """Run the node; returns the process's exit code."""
    return run(VehicleNode, args)


if __name__ == '__main__':
    sys.exit(main())
