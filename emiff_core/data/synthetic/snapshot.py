"""Pairs of pictures in memory: what both cameras see, with the sensor's noise, at any size."""

from dataclasses import dataclass, replace
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from emiff_core.data.synthetic.labels import SeenVehicle, seen_vehicles
from emiff_core.data.synthetic.render import Rendering
from emiff_core.data.synthetic.rig import REFERENCE_SIZE
from emiff_core.data.synthetic.scene import EGO, Scene, Side
from emiff_core.data.synthetic.view import View
from emiff_core.data.truth import Truth
from emiff_core.geometry import transforms


@dataclass(frozen=True, eq=False)
class Snapshot:
    """One exposure of one camera.

    Attributes:
        time: seconds of the scene.
        view: the camera, of the picture's size, and its place.
        rendering: the picture, with noise.
        seen: the vehicles that it shows.
    """

    time: float
    view: View
    rendering: Rendering
    seen: list[SeenVehicle]


def take(
    scene: Scene, side: Side, time: float, size: tuple[int, int] = REFERENCE_SIZE, noise_seed: int = 0
) -> Snapshot:
    """Expose one camera.

    Args:
        scene: the scene.
        side: whose camera.
        time: seconds of the scene.
        size: width, height of the picture, pixels.
        noise_seed: of the sensor's noise.
    """
    rendering = scene.render(side, time, size)
    noisy = _expose(rendering.image, np.random.default_rng([noise_seed, int(side == 'vehicle')]))
    view = scene.view(side, time, size)
    return Snapshot(time, view, replace(rendering, image=noisy), seen_vehicles(scene, view, time, rendering))


def render_pair(
    scene: Scene,
    time: float,
    size: tuple[int, int] = REFERENCE_SIZE,
    roadside_earlier_by: float = 0.0,
    noise_seed: int = 0,
) -> tuple[Snapshot, Snapshot]:
    """Expose both cameras.

    Args:
        scene: the scene.
        time: seconds, of the vehicle's exposure.
        size: width, height of both pictures, pixels.
        roadside_earlier_by: seconds by which the roadside exposes before the vehicle.
        noise_seed: of the sensors' noise.

    Returns:
        The vehicle's and the roadside's exposure.
    """
    return (
        take(scene, 'vehicle', time, size, noise_seed),
        take(scene, 'infrastructure', time - roadside_earlier_by, size, noise_seed),
    )


def cooperative_truth(scene: Scene, vehicle: Snapshot, roadside: Snapshot) -> Truth:
    """Return what either camera sees, in the vehicle lidar frame at the vehicle's exposure, without the ego vehicle."""
    seen = {s.index for s in (*vehicle.seen, *roadside.seen)} - {EGO}
    indices, boxes = scene.boxes(vehicle.time)
    rows = [row for row, index in enumerate(indices.tolist()) if index in seen]
    local = boxes[rows].transformed(transforms.inverse(scene.T_scene_lidar(vehicle.time)))
    return Truth(local, tuple(scene.tracks[indices[row]].spec.kind for row in rows))


def _expose(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Add the sensor's noise, the same for the three channels."""
    tile = _sensor_noise()
    height, width = image.shape[:2]
    y, x = rng.integers(0, 256, 2)
    grey = cv2.repeat(np.roll(tile, (y, x), axis=(0, 1)), height // 512 + 1, width // 512 + 1)[:height, :width]
    noisy: NDArray[np.uint8] = cv2.add(image, cv2.merge([grey] * 3), dtype=cv2.CV_8UC3)  # type: ignore[assignment]
    return noisy


@lru_cache(maxsize=1)
def _sensor_noise() -> NDArray[np.int16]:
    return np.random.default_rng(3).normal(0, 2.2, (512, 512)).round().astype(np.int16)
