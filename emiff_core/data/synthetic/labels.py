"""Labels of a synthetic frame, from what was drawn: which vehicles are seen, how far hidden, how far cut off."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emiff_core.data.synthetic.render import Rendering
from emiff_core.data.synthetic.rig import REFERENCE_SIZE
from emiff_core.data.synthetic.scene import EGO, Scene
from emiff_core.data.synthetic.view import NEAR, View
from emiff_core.geometry import Boxes3D, transforms

MIN_PIXELS = 400  # of a picture of REFERENCE_SIZE; as much of a smaller one
MIN_SHARE = 0.2  # of the vehicle's pixels inside the picture


@dataclass(frozen=True, eq=False)
class SeenVehicle:
    """A vehicle that a camera sees well enough to be labelled.

    Attributes:
        index: of its track.
        box_2d: x0, y0, x1, y1 pixels, around its whole outline inside the picture.
        occluded: 0 where nothing hides it, 1 up to half, 2 more.
        truncated: 0 where the picture holds all of it, 1 cut off by a side, 2 by the top or the bottom edge.
    """

    index: int
    box_2d: tuple[int, int, int, int]
    occluded: int
    truncated: int


def seen_vehicles(scene: Scene, view: View, time: float, rendering: Rendering) -> list[SeenVehicle]:
    """Return the vehicles that a picture shows: MIN_PIXELS of them, and MIN_SHARE of what the picture could show."""
    height, width = rendering.instances.shape
    least = MIN_PIXELS * width * height / (REFERENCE_SIZE[0] * REFERENCE_SIZE[1])
    indices, boxes = scene.boxes(time)
    result = []
    for row, index in enumerate(indices.tolist()):
        silhouette = rendering.silhouettes.get(index)
        if silhouette is None or silhouette.visible_pixels < least:
            continue
        visible = silhouette.visible_pixels / silhouette.total_pixels
        if visible >= MIN_SHARE:
            # edges that two vehicles share are drawn once each: a few pixels are no occlusion
            occluded = 0 if visible > 0.97 else 1 if visible >= 0.5 else 2
            result.append(SeenVehicle(index, silhouette.box, occluded, _truncation(view, boxes[[row]])))
    return result


def _truncation(view: View, box: Boxes3D) -> int:
    """Return 0 where the picture holds the box's whole projection, 1 where a side cuts it, 2 where top or bottom do."""
    points = transforms.apply(view.T_camera_scene, box.corners()[0])
    if points[:, 2].min() < NEAR:
        return 1
    pixels, _ = view.camera.project(points)
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    if low[0] < 0 or high[0] > view.camera.width - 1:
        return 1
    return 2 if low[1] < 0 or high[1] > view.camera.height - 1 else 0


def side_label(
    scene: Scene, time: float, seen: list[SeenVehicle], T_lidar_scene: NDArray[np.float64]
) -> list[dict[str, object]]:
    """Return the entries of a single-side label: seen vehicles in the side's lidar frame at the side's exposure."""
    indices, boxes = scene.boxes(time)
    rows = {index: row for row, index in enumerate(indices.tolist())}
    local = boxes.transformed(T_lidar_scene)
    return [
        {
            'type': scene.tracks[vehicle.index].spec.kind,
            'truncated_state': vehicle.truncated,
            'occluded_state': vehicle.occluded,
            '2d_box': dict(zip(('xmin', 'ymin', 'xmax', 'ymax'), map(float, vehicle.box_2d), strict=True)),
            **_box_entries(local, rows[vehicle.index]),
        }
        for vehicle in seen
    ]


def cooperative_label(
    scene: Scene, time: float, seen: set[int], offset: dict[str, float] | str
) -> list[dict[str, object]]:
    """Return the entries of a cooperative label: boxes in the world at the vehicle's exposure, without the ego vehicle.

    Args:
        scene: the scene.
        time: seconds, of the vehicle's exposure.
        seen: indices of the vehicles that either camera sees.
        offset: the frame's system_error_offset, repeated in each entry as in the real data.
    """
    indices, boxes = scene.boxes(time)
    world = boxes.transformed(scene.T_world_scene)
    corners = world.corners()
    return [
        {
            'type': scene.tracks[index].spec.kind,
            **_box_entries(world, row),
            'world_8_points': corners[row].tolist(),
            'system_error_offset': offset,
        }
        for row, index in enumerate(indices.tolist())
        if index in seen and index != EGO
    ]


def _box_entries(boxes: Boxes3D, row: int) -> dict[str, object]:
    length, width, height = boxes.sizes[row].tolist()
    return {
        '3d_dimensions': {'h': height, 'w': width, 'l': length},
        '3d_location': dict(zip('xyz', boxes.centers[row].tolist(), strict=True)),
        'rotation': float(boxes.yaws[row]),
    }
