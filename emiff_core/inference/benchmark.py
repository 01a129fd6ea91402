"""How long a frame takes on this machine, stage by stage, on a made-up scene, since time does not depend on content."""

import time
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch

from emiff_core.geometry import PinholeCamera, transforms
from emiff_core.inference.eager import EagerEngine, RemoteFeature

_CAMERA = PinholeCamera(np.array([[1400.0, 0.0, 960.0], [0.0, 1400.0, 540.0], [0.0, 0.0, 1.0]]), 1920, 1080)

_CALIBRATIONS = 5


@dataclass(frozen=True)
class FrameTimes:
    """Milliseconds of one frame.

    Attributes:
        roadside_ms, vehicle_ms: by stage.
        total_ms: both sides, one after the other.
        latent_numbers: how many numbers the roadside sends.
        boxes: how many came out.
    """

    roadside_ms: dict[str, float]
    vehicle_ms: dict[str, float]
    total_ms: float
    latent_numbers: int
    boxes: int


def calibrate(threads: int) -> float:
    """Return what a float32 product of two 2048 x 2048 matrices takes, milliseconds: by it machines compare."""
    torch.set_num_threads(threads)
    matrix = torch.rand(2048, 2048, generator=torch.Generator().manual_seed(0))
    took = []
    for _ in range(_CALIBRATIONS + 1):
        start = time.perf_counter()
        matrix @ matrix
        took.append((time.perf_counter() - start) * 1e3)
    return median(took[1:])


def measure(engine: EagerEngine, frames: int) -> list[FrameTimes]:
    """Run both sides on `frames` frames, after one that is not counted (allocations, kernel choice)."""
    generator = np.random.default_rng(0)
    image = generator.integers(0, 256, (_CAMERA.height, _CAMERA.width, 3), dtype=np.uint8)
    return [_frame(engine, image) for _ in range(frames + 1)][1:]


def _frame(engine: EagerEngine, image: np.ndarray) -> FrameTimes:
    T_vehicle = _camera_pose([1.2, 0.0, -0.3], yaw=0.0, pitch=0.02)
    T_roadside = _camera_pose([40.0, -12.0, 4.2], yaw=2.9, pitch=0.1)
    start = time.perf_counter()
    sent = engine.encode_infrastructure(image, _CAMERA)
    vehicle = engine.encode_vehicle(image, _CAMERA)
    remote = RemoteFeature(sent.latent, sent.camera, sent.scale, T_roadside)
    result = engine.detect(vehicle, T_vehicle, [remote])
    total = (time.perf_counter() - start) * 1e3
    return FrameTimes(sent.stage_ms, result.stage_ms, total, sent.latent.size, len(result.detections))


def _camera_pose(position: list[float], yaw: float, pitch: float) -> np.ndarray:
    """Return the (4, 4) T_camera_detection of a camera at `position`, turned by yaw and tilted down by pitch."""
    forward = np.array([np.cos(pitch) * np.cos(yaw), np.cos(pitch) * np.sin(yaw), -np.sin(pitch)])
    right = np.array([np.sin(yaw), -np.cos(yaw), 0.0])
    rotation = np.stack([right, np.cross(forward, right), forward])
    return transforms.rigid(rotation, -rotation @ np.array(position))
