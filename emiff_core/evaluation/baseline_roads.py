"""The roads of what EMIFF is compared with: boxes are sent, or images."""

import time
from dataclasses import dataclass
from functools import partial

import numpy as np

from emiff_core.bag import detections as detection_messages
from emiff_core.bag.definitions import make_message, make_typestore
from emiff_core.cooperation.late_fusion import merge_detections
from emiff_core.data.cooperative_frame import CooperativeFrame
from emiff_core.data.images import read_image
from emiff_core.data.preprocess import network_view
from emiff_core.evaluation.frame_result import FrameResult, Sent
from emiff_core.evaluation.road import Road, milliseconds_since
from emiff_core.geometry import Boxes3D, Detections, transforms
from emiff_core.inference.eager import EagerEngine, InfrastructureFeature, RemoteFeature, VehicleFeatures
from emiff_core.stamps import make_header

_NUMBERS_A_BOX = 8  # centre, size, yaw, score
_NO_DETECTIONS = Detections(Boxes3D.empty(), np.zeros(0), ())


@dataclass(frozen=True, eq=False)
class SeenAlone:
    """What each side sees by itself, None where it does not look; milliseconds."""

    vehicle: VehicleFeatures | None
    roadside: VehicleFeatures | None
    roadside_ms: float
    vehicle_ms: float


class BoxRoad(Road):
    """Late fusion: each side detects by itself, the roadside sends its boxes in the world, the vehicle merges them."""

    def __init__(self, vehicle: EagerEngine | None, roadside: EagerEngine | None, own_frame: bool = False) -> None:
        """Take single-side detectors.

        Args:
            vehicle: of the vehicle; None: the roadside's boxes alone count.
            roadside: of the roadside; None: the vehicle alone.
            own_frame: the roadside detects in its own level frame (`transforms.level_frame`), as a unit does that knows
                of no vehicle; False: in the vehicle's, as EMIFF's authors train theirs.
        """
        self._vehicle = vehicle
        self._roadside = roadside
        self._own_frame = own_frame
        self._types = make_typestore()
        self._make = partial(make_message, self._types)

    def see(self, frame: CooperativeFrame, content: CooperativeFrame | None) -> SeenAlone:
        """Encode the images of the sides that have a detector."""
        vehicle = roadside = None
        vehicle_ms = roadside_ms = 0.0
        if self._roadside is not None and content is not None:
            image = read_image(content.infrastructure_image)
            start = time.perf_counter()
            roadside = self._roadside.encode_vehicle(image, content.infrastructure_camera)
            roadside_ms = milliseconds_since(start)
        if self._vehicle is not None:
            image = read_image(frame.vehicle_image)
            start = time.perf_counter()
            vehicle = self._vehicle.encode_vehicle(image, frame.vehicle_camera)
            vehicle_ms = milliseconds_since(start)
        return SeenAlone(vehicle, roadside, roadside_ms, vehicle_ms)

    def answer(self, frame: CooperativeFrame, seen: SeenAlone) -> FrameResult:
        """Detect on each side, send the roadside's boxes, and merge."""
        start = time.perf_counter()
        message = None if seen.roadside is None else self._send(frame, seen.roadside)
        roadside_ms = seen.roadside_ms + milliseconds_since(start)
        start = time.perf_counter()
        found = _NO_DETECTIONS
        if self._vehicle is not None and seen.vehicle is not None:
            found = self._vehicle.detect(seen.vehicle, frame.T_vehicle_camera_lidar, []).detections
        sent = None
        if message is not None:
            others = self._receive(message, frame)
            found = merge_detections(found, others)
            numbers = _NUMBERS_A_BOX * len(others)
            sent = Sent(len(message), 4 * numbers, numbers, frame.age_ms)
        vehicle_ms = seen.vehicle_ms + milliseconds_since(start)
        return FrameResult(frame.vehicle_id, found, sent, roadside_ms if sent else 0.0, vehicle_ms)

    def _send(self, frame: CooperativeFrame, features: VehicleFeatures) -> bytes:
        """Return the Detection3DArray of the roadside, boxes in the world, as DDS carries it."""
        assert self._roadside is not None
        T_camera_vehicle = frame.T_infrastructure_camera_vehicle_lidar
        T_vehicle_detection = transforms.level_frame(T_camera_vehicle) if self._own_frame else np.eye(4)
        found = self._roadside.detect(features, T_camera_vehicle @ T_vehicle_detection, []).detections
        in_world = found.transformed(frame.T_world_lidar @ T_vehicle_detection)
        header = make_header(self._make, frame.infrastructure_stamp_ns, 'map')
        message = detection_messages.to_message(in_world, header, self._make)
        return bytes(self._types.serialize_cdr(message, detection_messages.TYPE))

    def _receive(self, message: bytes, frame: CooperativeFrame) -> Detections:
        in_world = detection_messages.detections_of(self._types.deserialize_cdr(message, detection_messages.TYPE))
        return in_world.transformed(transforms.inverse(frame.T_world_lidar))


@dataclass(frozen=True, eq=False)
class SeenImages:
    """Both images, encoded by the vehicle; milliseconds."""

    vehicle: VehicleFeatures
    roadside: InfrastructureFeature | None
    bytes_sent: int
    vehicle_ms: float


class ImageRoad(Road):
    """Early fusion: the roadside sends its image as it was stored, the vehicle does all the rest."""

    def __init__(self, engine: EagerEngine) -> None:
        """Take an engine of an early-fusion detector."""
        self._engine = engine

    def see(self, frame: CooperativeFrame, content: CooperativeFrame | None) -> SeenImages:
        """Encode both images on the vehicle."""
        other = None if content is None else read_image(content.infrastructure_image)
        image = read_image(frame.vehicle_image)
        start = time.perf_counter()
        roadside, size = None, 0
        if content is not None and other is not None:
            roadside = self._engine.encode_infrastructure(other, content.infrastructure_camera)
            size = content.infrastructure_image.stat().st_size
        vehicle = self._engine.encode_vehicle(image, frame.vehicle_camera)
        return SeenImages(vehicle, roadside, size, milliseconds_since(start))

    def answer(self, frame: CooperativeFrame, seen: SeenImages) -> FrameResult:
        """Place both images' features and detect."""
        start = time.perf_counter()
        remotes, sent = [], None
        if seen.roadside is not None:
            T_camera_detection = frame.T_infrastructure_camera_vehicle_lidar
            # another frame's image, as a control, is placed by this frame's camera
            camera = network_view(frame.infrastructure_camera, self._engine.config.image)
            remotes = [RemoteFeature(seen.roadside.latent, camera, seen.roadside.scale, T_camera_detection)]
            sent = Sent(seen.bytes_sent, seen.bytes_sent, 0, frame.age_ms)
        detections = self._engine.detect(seen.vehicle, frame.T_vehicle_camera_lidar, remotes).detections
        vehicle_ms = seen.vehicle_ms + milliseconds_since(start)
        return FrameResult(frame.vehicle_id, detections, sent, 0.0, vehicle_ms)
