"""What is done to a detector that is trained already: false poses, false calibrations, coarser numbers."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emiff_core.codec import NumericType
from emiff_core.data.dair_v2x import CooperativeFrame
from emiff_core.data.synthetic.calibration import CalibrationNoise, calibration_errors
from emiff_core.evaluation.frame_result import FrameResult
from emiff_core.evaluation.road import CooperativeRoad, Seen
from emiff_core.geometry import transforms
from emiff_core.inference.eager import EagerEngine

_SCALE_BYTES = 4  # of each channel's step
_SIMULATED_BITS = (6, 4, 3, 2, 1)
_CODEC_BITS = {NumericType.FLOAT32: 32, NumericType.FLOAT16: 16, NumericType.INT8: 8}


@dataclass(frozen=True)
class Setting:
    """One point of a sweep.

    Attributes:
        values: what is set, by name with its unit.
        answer: called with a frame and with what the road saw in it.
    """

    values: tuple[tuple[str, float], ...]
    answer: Callable[[CooperativeFrame, Any], FrameResult]

    @property
    def name(self) -> str:
        """Of its folder."""
        return '_'.join(f'{name}_{value:g}' for name, value in self.values) or 'plain'


Answer = Callable[[CooperativeFrame, Any], FrameResult]


def pose_errors(answer: Answer) -> list[Setting]:
    """Return known errors of the roadside's pose, 0-2 m and 0-2 degrees, one at a time and then together."""
    metres, degrees = (0.25, 0.5, 1.0, 1.5, 2.0), (0.25, 0.5, 1.0, 1.5, 2.0)
    points = [(0.0, 0.0), *((m, 0.0) for m in metres), *((0.0, d) for d in degrees), (0.5, 0.5), (1.0, 1.0), (2.0, 2.0)]

    def misplaced(error_m: float, error_deg: float) -> Answer:
        return lambda frame, seen: answer(with_pose_error(frame, error_m, error_deg), seen)

    return [Setting((('position_m', m), ('heading_deg', d)), misplaced(m, d)) for m, d in points]


def calibration_noises(answer: Answer) -> list[Setting]:
    """Return noise of both cameras' extrinsics, standard deviations, on top of what the data set has."""
    points = [(0.0, 0.0), *((d, 0.0) for d in (0.1, 0.2, 0.5, 1.0)), *((0.0, m) for m in (0.05, 0.1, 0.2, 0.5))]

    def falsified(noise: CalibrationNoise) -> Answer:
        return lambda frame, seen: answer(with_calibration_noise(frame, noise), seen)

    return [
        Setting((('rotation_deg', d), ('translation_m', m)), falsified(CalibrationNoise(d, m))) for d, m in points
    ]


def quantisations(engine: EagerEngine) -> list[Setting]:
    """Return the codecs' numbers of 32, 16 and 8 bits, and fewer bits, whose bytes are counted and not written."""
    settings = [Setting((('bits', float(b)),), CooperativeRoad(engine, t).answer) for t, b in _CODEC_BITS.items()]
    exact = CooperativeRoad(engine, NumericType.FLOAT32)

    def coarse(bits: int) -> Answer:
        return lambda frame, seen: _answer_quantised(exact, frame, seen, bits)

    return [*settings, *(Setting((('bits', float(bits)),), coarse(bits)) for bits in _SIMULATED_BITS)]


def with_pose_error(frame: CooperativeFrame, error_m: float, error_deg: float) -> CooperativeFrame:
    """Return the frame with a roadside camera that is said to stand elsewhere.

    Args:
        frame: as it is.
        error_m: metres on the ground, exactly, in a direction of the frame's own, the same for every size.
        error_deg: degrees about the vertical through the camera, exactly; left or right is the frame's own too.
    """
    rng = np.random.default_rng([_number(frame), 6])
    direction = rng.uniform(-np.pi, np.pi)
    turn = np.deg2rad(error_deg) * rng.choice([-1.0, 1.0])
    T_world_lidar = frame.T_world_infrastructure_lidar
    T_lidar_camera = transforms.inverse(frame.T_infrastructure_camera_lidar)
    camera = (T_world_lidar @ T_lidar_camera)[:3, 3]
    offset = error_m * np.array([np.cos(direction), np.sin(direction), 0.0])
    rotation = transforms.rotation_z(turn)
    error = transforms.rigid(rotation, camera + offset - rotation @ camera)
    return replace(frame, T_world_infrastructure_lidar=error @ T_world_lidar)


def with_calibration_noise(frame: CooperativeFrame, noise: CalibrationNoise) -> CooperativeFrame:
    """Return the frame with false extrinsics of both cameras, drawn for each frame; the same draw for every size."""
    vehicle, roadside = calibration_errors(noise, _number(frame))
    return replace(
        frame,
        T_vehicle_camera_lidar=vehicle @ frame.T_vehicle_camera_lidar,
        T_infrastructure_camera_lidar=roadside @ frame.T_infrastructure_camera_lidar,
    )


def quantised(latent: NDArray[np.float32], bits: int) -> NDArray[np.float32]:
    """Round a latent (C, h, w), never negative, to 2^bits steps from 0 to each channel's maximum."""
    steps = (1 << bits) - 1
    scale = latent.max(axis=(1, 2), keepdims=True) / steps
    return (np.rint(latent / np.where(scale > 0, scale, 1)) * scale).astype(np.float32)


def _answer_quantised(road: CooperativeRoad, frame: CooperativeFrame, seen: Seen, bits: int) -> FrameResult:
    assert seen.roadside is not None
    latent = seen.roadside.latent
    coarse = replace(seen.roadside, latent=quantised(latent, bits))
    result = road.answer(frame, replace(seen, roadside=coarse))
    assert result.sent is not None
    payload = -(-latent.size * bits // 8) + _SCALE_BYTES * latent.shape[0]
    envelope = result.sent.message_bytes - result.sent.payload_bytes
    return replace(result, sent=replace(result.sent, payload_bytes=payload, message_bytes=envelope + payload))


def _number(frame: CooperativeFrame) -> int:
    """Return what a frame's errors are drawn from."""
    return int.from_bytes(frame.vehicle_id.encode(), 'big')
