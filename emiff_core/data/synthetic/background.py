"""Sky, ground and shadows: everything that has no height, painted back to front without a depth test."""

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from emiff_core.data.synthetic.light import Light
from emiff_core.data.synthetic.mesh import Mesh
from emiff_core.data.synthetic.view import SHIFT, ProjectedPolygons, View
from emiff_core.geometry import transforms


@lru_cache(maxsize=1)
def _noise_tile() -> NDArray[np.uint8]:
    """A seamless 512 x 512 tile of grey noise about 128 with fine and coarse grain."""
    rng = np.random.default_rng(7)
    white = rng.standard_normal((512, 512)).astype(np.float32)
    layers = [white * 10]
    for sigma, strength in ((1.5, 9.0), (6.0, 9.0), (20.0, 8.0)):
        blurred = _seamless_blur(white, sigma)
        layers.append(blurred / blurred.std() * strength)
    return np.clip(128 + sum(layers), 0, 255).astype(np.uint8)


@lru_cache(maxsize=1)
def _cloud_tile() -> NDArray[np.uint8]:
    """A seamless 512 x 512 tile of cloud density, soft clouds on nothing."""
    rng = np.random.default_rng(11)
    white = rng.standard_normal((512, 512)).astype(np.float32)
    density = np.zeros((512, 512), dtype=np.float32)
    for sigma, strength in ((40.0, 1.0), (16.0, 0.55), (6.0, 0.25), (2.5, 0.12)):
        blurred = _seamless_blur(white, sigma)
        density += blurred / blurred.std() * strength
    return np.clip((density - 0.1) * 130, 0, 255).astype(np.uint8)


def _seamless_blur(tile: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """Blur a tile as if it went on for ever; OpenCV's own filters cannot wrap around."""
    margin = int(4 * sigma) + 2
    blurred = cv2.GaussianBlur(np.pad(tile, margin, mode='wrap'), (0, 0), sigma)
    return blurred[margin:-margin, margin:-margin]  # type: ignore[return-value]


def draw_background(
    view: View, light: Light, ground: Mesh, shadows: Sequence[NDArray[np.float64]]
) -> NDArray[np.uint8]:
    """Paint sky, ground and the shadows on it.

    Args:
        view: the camera.
        light: sun, sky and haze.
        ground: faces on z = 0 of the scene frame, in painting order.
        shadows: convex outlines (N, 2) metres on the ground that the sun does not reach.

    Returns:
        (H, W, 3) uint8 BGR.
    """
    height = view.camera.height
    distances = view.row_distances()
    image = _sky(view, light, distances)
    polygons = ProjectedPolygons(view, transforms.apply(view.T_camera_scene, ground.vertices), ground.starts)
    colours = (ground.colours * light.shade(np.array([[0.0, 0.0, 1.0]]), False)).clip(0, 255).tolist()
    for i in np.flatnonzero(polygons.is_worth_drawing).tolist():
        pixels = polygons.outline(i)
        if pixels is not None:
            cv2.fillConvexPoly(image, pixels, colours[i], cv2.LINE_AA, SHIFT)
    first = int(np.argmax(np.isfinite(distances))) if np.isfinite(distances).any() else height
    if first < height:
        shadow = _shadow_map(view, shadows, light.shadow_factor())[first:]
        factor = cv2.multiply(_grain(view, distances, first), shadow, scale=1 / 255)
        below = image[first:]
        cv2.multiply(below, cv2.merge([factor] * 3), dst=below, scale=1 / 128)
        _fade_rows(below, light, distances[first:])
    return image


def _sky(view: View, light: Light, distances: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Rows from the haze at the horizon to the zenith's colour, with clouds on a plane far above."""
    width, height = view.camera.width, view.camera.height
    k = view.camera.intrinsics
    slopes = (np.arange(height) - k[1, 2]) / k[1, 1]
    T = view.T_camera_scene
    rising = (T[1, 2] * slopes + T[2, 2]) / np.hypot(slopes, 1.0)
    share = 1 - np.exp(-np.maximum(rising, 0.0) * 4.0)[:, None]
    rows = light.haze + share * (light.zenith - light.haze)
    image = np.repeat(rows.clip(0, 255).astype(np.uint8)[:, None], width, axis=1)
    above = int(np.argmin(rising > 0.01)) if not (rising > 0.01).all() else height
    if above > 0:
        scale = np.diag([0.25, 0.25, 1.0])  # pixels of the tile a metre, for clouds 300 m up
        density = cv2.warpPerspective(
            _cloud_tile(), scale @ view.plane_homography(300.0), (width, above),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_WRAP,
        )  # fmt: skip
        strength = (light.cloudiness * 0.7 * np.clip(rising[:above] * 6, 0, 1)).astype(np.float32)[:, None]
        alpha = (density * strength).astype(np.uint8)
        white = cv2.subtract(np.full_like(image[:above], 250), image[:above])
        image[:above] += cv2.multiply(white, cv2.merge([alpha] * 3), scale=1 / 255).astype(np.uint8)
    return image


def _grain(view: View, distances: NDArray[np.float64], first: int) -> NDArray[np.uint8]:
    """The ground's texture as a factor about 128: fine grain near the camera, broad stains farther away."""
    width, height = view.camera.width, view.camera.height
    pixels_to_ground = view.plane_homography(0.0) @ _row_shift(first)
    focal = view.camera.intrinsics[0, 0]
    rows = distances[first:]
    footprint = rows**2 / (focal * view.position[2])  # metres that a pixel covers along the view
    total = np.zeros((height - first, width), dtype=np.float32)
    for metres, strength in ((0.012, 0.32), (0.11, 0.26)):  # of a pixel of the tile
        weights = (strength / (1 + (footprint / (metres * 4)) ** 2)).astype(np.float32)
        used = int(np.argmax(weights > 0.02))
        tile = cv2.warpPerspective(
            _noise_tile(),
            np.diag([1 / metres, 1 / metres, 1.0]) @ pixels_to_ground @ _row_shift(used),
            (width, height - first - used),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_WRAP,
        )  # fmt: skip
        total[used:] += (tile.astype(np.float32) - 128) * weights[used:, None]
    return (total + 128).clip(0, 255).astype(np.uint8)


def _row_shift(rows: int) -> NDArray[np.float64]:
    """The homography from a picture whose first `rows` rows are cut off to the whole one."""
    return np.array([[1.0, 0, 0], [0, 1, rows], [0, 0, 1]])


def _shadow_map(view: View, shadows: Sequence[NDArray[np.float64]], factor: float) -> NDArray[np.uint8]:
    """A map of the light on the ground, 255 in the sun, with soft edges."""
    T = view.T_camera_scene
    result = np.full((view.camera.height, view.camera.width), 255, dtype=np.uint8)
    if shadows:
        starts = np.cumsum([0, *map(len, shadows)])
        polygons = ProjectedPolygons(view, np.concatenate(shadows) @ T[:3, :2].T + T[:3, 3], starts)
        for i in np.flatnonzero(polygons.is_worth_drawing).tolist():
            pixels = polygons.outline(i)
            if pixels is not None:
                cv2.fillConvexPoly(result, pixels, 255 * factor, cv2.LINE_AA, SHIFT)
    side = max(3, view.camera.width // 480 * 2 + 1)
    cv2.blur(result, (side, side), dst=result)
    return result


def _fade_rows(image: NDArray[np.uint8], light: Light, distances: NDArray[np.float64]) -> None:
    """Blend the haze into the rows of far ground, in place."""
    share = light.fade(distances)
    rows = int(np.sum(share > 0.03))
    alpha = share[:rows, None, None].astype(np.float32)
    image[:rows] = (image[:rows] * (1 - alpha) + light.haze.astype(np.float32) * alpha).astype(np.uint8)
