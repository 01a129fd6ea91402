"""What is done to a detector that is trained already: false poses, false calibrations, coarser numbers."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, get_args

import numpy as np

from emiff_core.codec import NumericType
from emiff_core.config import Numbers
from emiff_core.data.cooperative_frame import CooperativeFrame
from emiff_core.data.synthetic.calibration import CalibrationNoise, calibration_errors
from emiff_core.evaluation.frame_result import FrameResult
from emiff_core.evaluation.road import CooperativeRoad
from emiff_core.geometry import transforms
from emiff_core.inference.eager import EagerEngine


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

    return [Setting((('rotation_deg', d), ('translation_m', m)), falsified(CalibrationNoise(d, m))) for d, m in points]


def quantisations(engine: EagerEngine) -> list[Setting]:
    """Return the codec's numbers, from the finest to the coarsest."""
    settings = []
    for numbers in get_args(Numbers):
        road = CooperativeRoad(engine, replace(engine.config.codec, numbers=numbers))
        settings.append(Setting((('bits', float(NumericType[numbers.upper()].bits)),), road.answer))
    return settings


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


def _number(frame: CooperativeFrame) -> int:
    """Return what a frame's errors are drawn from."""
    return int.from_bytes(frame.vehicle_id.encode(), 'big')
