"""Calibration that is not exact: what is written about where a camera is differs from where it is."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from emiff_core.geometry import transforms


@dataclass(frozen=True)
class CalibrationNoise:
    """How far written extrinsics are from the true ones, both standard deviations; by default they are exact.

    Attributes:
        rotation: degrees about each axis of the camera.
        translation: metres along each of them.
    """

    rotation: float = 0.0
    translation: float = 0.0


def calibration_errors(noise: CalibrationNoise, scene_seed: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Draw a crossing's errors, which stay as long as its cameras do.

    Returns:
        T_written_true of the vehicle's and of the roadside's camera, (4, 4) each, between their true optical frame and
        the one that is written: the extrinsic that is written is T_written_true @ T_camera_lidar.
    """
    rng = np.random.default_rng([scene_seed, 5])
    vehicle, roadside = (
        transforms.rigid(
            cv2.Rodrigues(np.deg2rad(rng.normal(0, 1, 3) * noise.rotation))[0], rng.normal(0, 1, 3) * noise.translation
        )
        for _ in range(2)
    )
    return vehicle, roadside
