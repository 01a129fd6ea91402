"""One cooperative frame on the road that the nodes take: encode, codec, feature frame, place, detect."""

import time
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from emiff_core.bag.feature_frames import FeatureFrameSerializer
from emiff_core.codec import decode, encode
from emiff_core.config import CodecConfig
from emiff_core.cooperation.feature_frame import FeatureFrame
from emiff_core.data.cooperative_frame import CooperativeFrame
from emiff_core.data.images import read_image
from emiff_core.data.preprocess import network_view
from emiff_core.evaluation.frame_result import FrameResult, Sent
from emiff_core.geometry import transforms
from emiff_core.inference.eager import EagerEngine, InfrastructureFeature, RemoteFeature, VehicleFeatures

_AGENT, _CAMERA_FRAME, _WORLD_FRAME = 'infrastructure', 'infrastructure_camera', 'map'


class Road(Protocol):
    """Both sides in one process, in two steps: what the images are, then where their cameras are said to stand.

    So one pair of images can be answered under several poses without being encoded again.
    """

    def run(self, frame: CooperativeFrame, content: CooperativeFrame | None) -> FrameResult:
        """Detect in one frame.

        Args:
            frame: whose vehicle detects, and whose roadside camera gives pose and intrinsics.
            content: whose roadside image is encoded: `frame` itself, another as a control; None: nothing is sent.

        Raises:
            EmiffError: an image cannot be read or does not fit its camera, or `content`'s gives a latent of another
                shape than `frame`'s would.
        """
        return self.answer(frame, self.see(frame, content))

    def see(self, frame: CooperativeFrame, content: CooperativeFrame | None) -> Any:
        """Encode the vehicle's image of `frame` and the roadside's of `content` (None: nothing is sent)."""

    def answer(self, frame: CooperativeFrame, seen: Any) -> FrameResult:
        """Detect in what `see` returned, with the poses and cameras of `frame`."""


@dataclass(frozen=True, eq=False)
class Seen:
    """A frame's images, encoded.

    Attributes:
        vehicle: of the vehicle.
        roadside: None where nothing is sent.
        roadside_ms, vehicle_ms: what it took, milliseconds.
    """

    vehicle: VehicleFeatures
    roadside: InfrastructureFeature | None
    roadside_ms: float
    vehicle_ms: float


class CooperativeRoad(Road):
    """EMIFF's road. What is sent passes the config's codec, as on the air."""

    def __init__(self, engine: EagerEngine, codec: CodecConfig | None = None) -> None:
        """Take an engine that holds both halves, and a codec if not that of its config."""
        self._engine = engine
        self._codec = engine.config.codec if codec is None else codec
        self._serializer = FeatureFrameSerializer()

    def see(self, frame: CooperativeFrame, content: CooperativeFrame | None) -> Seen:
        """Encode both images; see `run`."""
        roadside, roadside_ms = None, 0.0
        if content is not None:
            image = read_image(content.infrastructure_image)
            start = time.perf_counter()
            roadside = self._engine.encode_infrastructure(image, content.infrastructure_camera)
            roadside_ms = milliseconds_since(start)
        image = read_image(frame.vehicle_image)
        start = time.perf_counter()
        vehicle = self._engine.encode_vehicle(image, frame.vehicle_camera)
        return Seen(vehicle, roadside, roadside_ms, milliseconds_since(start))

    def answer(self, frame: CooperativeFrame, seen: Seen) -> FrameResult:
        """Send, place and detect; see `run`."""
        roadside_ms, vehicle_ms = seen.roadside_ms, seen.vehicle_ms
        remotes, sent = [], None
        if seen.roadside is not None:
            start = time.perf_counter()
            message = self._message(frame, seen.roadside)
            size = len(self._serializer.serialize(message))
            roadside_ms += milliseconds_since(start)
            channels, height, width = message.latent.shape
            sent = Sent(size, len(message.latent.payload), channels * height * width, frame.age_ms)
        start = time.perf_counter()
        if seen.roadside is not None:
            remotes = [_place(message, frame)]
        detections = self._engine.detect(seen.vehicle, frame.T_vehicle_camera_lidar, remotes).detections
        return FrameResult(frame.vehicle_id, detections, sent, roadside_ms, vehicle_ms + milliseconds_since(start))

    def _message(self, frame: CooperativeFrame, feature: InfrastructureFeature) -> FeatureFrame:
        T_world_camera = frame.T_world_infrastructure_lidar @ transforms.inverse(frame.T_infrastructure_camera_lidar)
        # another frame's image, as a control, is placed by this frame's camera
        placed = replace(feature, camera=network_view(frame.infrastructure_camera, self._engine.config.image))
        return sealed(self._engine, placed, T_world_camera, frame.infrastructure_stamp_ns, self._codec)


def sealed(
    engine: EagerEngine,
    feature: InfrastructureFeature,
    T_world_camera: NDArray[np.float64],
    stamp_ns: int,
    codec: CodecConfig,
) -> FeatureFrame:
    """Return a feature as a roadside node sends it.

    Args:
        engine: that encoded it.
        feature: the latent, with its camera.
        T_world_camera: (4, 4) of that camera.
        stamp_ns: of its image.
        codec: writes the latent.
    """
    return FeatureFrame.sealed_at(
        T_world_camera,
        agent_id=_AGENT,
        boot_id=0,
        sequence=0,
        stamp_ns=stamp_ns,
        camera_frame=_CAMERA_FRAME,
        model_id=engine.model_id,
        world_frame=_WORLD_FRAME,
        camera=feature.camera,
        scale=feature.scale,
        latent=encode(feature.latent, codec),
    )


def _place(message: FeatureFrame, frame: CooperativeFrame) -> RemoteFeature:
    T_camera_detection = transforms.inverse(message.T_world_camera()) @ frame.T_world_lidar
    return RemoteFeature(decode(message.latent), message.camera, message.scale, T_camera_detection)


def milliseconds_since(start: float) -> float:
    """Return the milliseconds since `start`, a time of `time.perf_counter`."""
    return (time.perf_counter() - start) * 1e3
