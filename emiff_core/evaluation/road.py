"""One cooperative frame on the road that the nodes take: encode, codec, feature frame, place, detect."""

import time
from dataclasses import dataclass

from emiff_core.bag.feature_frames import FeatureFrameSerializer
from emiff_core.codec import NumericType, decode, encode
from emiff_core.cooperation.feature_frame import FeatureFrame
from emiff_core.data.dair_v2x import CooperativeFrame
from emiff_core.data.images import read_image
from emiff_core.data.preprocess import network_view
from emiff_core.evaluation.frame_result import FrameResult, Sent
from emiff_core.geometry import transforms
from emiff_core.inference.eager import EagerEngine, RemoteFeature

_AGENT, _CAMERA_FRAME, _WORLD_FRAME = 'infrastructure', 'infrastructure_camera', 'map'


@dataclass(frozen=True, eq=False)
class _Transmission:
    """A message, its size as sent, and how long it took to make, milliseconds."""

    message: FeatureFrame
    size: int
    ms: float


class CooperativeRoad:
    """Both sides of the road in one process. What is sent passes the config's codec, as on the air."""

    def __init__(self, engine: EagerEngine) -> None:
        """Take an engine that holds both halves."""
        self._engine = engine
        self._numeric_type = NumericType[engine.config.codec.name.upper()]
        self._serializer = FeatureFrameSerializer()

    def run(self, frame: CooperativeFrame, content: CooperativeFrame | None) -> FrameResult:
        """Detect in one frame.

        Args:
            frame: whose vehicle detects, and whose roadside camera gives pose and intrinsics.
            content: whose roadside image is encoded: `frame` itself, another as a control; None: nothing is sent.

        Raises:
            EmiffError: an image cannot be read or does not fit its camera, or `content`'s gives a latent of another
                shape than `frame`'s would.
        """
        transmission = None if content is None else self._send(frame, content)
        image = read_image(frame.vehicle_image)
        start = time.perf_counter()
        remotes = [] if transmission is None else [_place(transmission.message, frame)]
        vehicle = self._engine.encode_vehicle(image, frame.vehicle_camera)
        detections = self._engine.detect(vehicle, frame.T_vehicle_camera_lidar, remotes).detections
        vehicle_ms = (time.perf_counter() - start) * 1e3
        if transmission is None:
            return FrameResult(frame.vehicle_id, detections, None, 0.0, vehicle_ms)
        latent = transmission.message.latent
        channels, height, width = latent.shape
        sent = Sent(
            message_bytes=transmission.size,
            payload_bytes=len(latent.payload),
            numbers=channels * height * width,
            age_ms=(frame.vehicle_stamp_ns - frame.infrastructure_stamp_ns) / 1e6,
        )
        return FrameResult(frame.vehicle_id, detections, sent, transmission.ms, vehicle_ms)

    def _send(self, frame: CooperativeFrame, content: CooperativeFrame) -> _Transmission:
        image = read_image(content.infrastructure_image)
        start = time.perf_counter()
        feature = self._engine.encode_infrastructure(image, content.infrastructure_camera)
        T_world_camera = frame.T_world_infrastructure_lidar @ transforms.inverse(frame.T_infrastructure_camera_lidar)
        message = FeatureFrame.sealed_at(
            T_world_camera,
            agent_id=_AGENT,
            boot_id=0,
            sequence=0,
            stamp_ns=frame.infrastructure_stamp_ns,
            camera_frame=_CAMERA_FRAME,
            model_id=self._engine.model_id,
            world_frame=_WORLD_FRAME,
            camera=network_view(frame.infrastructure_camera, self._engine.config.image),
            scale=feature.scale,
            latent=encode(feature.latent, self._numeric_type),
        )
        size = len(self._serializer.serialize(message))
        return _Transmission(message, size, (time.perf_counter() - start) * 1e3)


def _place(message: FeatureFrame, frame: CooperativeFrame) -> RemoteFeature:
    T_camera_detection = transforms.inverse(message.T_world_camera()) @ frame.T_world_lidar
    return RemoteFeature(decode(message.latent), message.camera, message.scale, T_camera_detection)
