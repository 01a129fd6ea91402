"""Ground and sky: everything that has no height, painted back to front without a depth test."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from emiff_core.data.synthetic.light import Light
from emiff_core.data.synthetic.mesh import Colour, disc
from emiff_core.data.synthetic.roads import LANE_WIDTH, REACH, Crossing
from emiff_core.data.synthetic.view import SHIFT, View

_WHITE, _YELLOW = (225.0, 225, 222), (70.0, 185, 228)
_FAR = 3000.0  # metres: the ground's edge, beyond the haze


@dataclass(frozen=True, eq=False)
class GroundPatch:
    """A convex polygon on z = 0.

    Attributes:
        outline: (N, 2) metres in the scene frame.
        colour: albedo, BGR.
    """

    outline: NDArray[np.float64]
    colour: NDArray[np.float64]


def paint_crossing(crossing: Crossing, rng: np.random.Generator) -> tuple[GroundPatch, ...]:
    """Lay asphalt, kerbs, pavements, green and markings, in painting order."""
    asphalt = np.full(3, rng.uniform(82, 118)) * (1.02, 1.0, 0.98)
    pavement = np.full(3, rng.uniform(140, 178)) * (0.96, 0.99, 1.0)
    green = np.array([(72, 118, 92), (80, 112, 106), (128, 138, 142)][rng.integers(3)], dtype=np.float64)
    patches = [GroundPatch(np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * _FAR, asphalt)]
    for arm in range(4):
        for inset, colour in ((0.0, pavement * 1.12), (0.28, pavement), (4.6, green)):
            patches.append(GroundPatch(_block_outline(crossing, arm, inset), np.asarray(colour)))
    for arm in range(4):
        patches += _worn_patches(crossing, arm, asphalt, rng)
        patches += _arm_markings(crossing, arm)
    return tuple(patches)


def _block_outline(crossing: Crossing, arm: int, inset: float) -> NDArray[np.float64]:
    """Return the block between an arm and the next, its corner rounded, `inset` metres inside its kerb."""
    a, b = crossing.direction(arm), crossing.direction((arm + 1) % 4)
    offset_a = crossing.road_of(arm).half_width + inset
    offset_b = crossing.road_of(arm + 1).half_width + inset
    sine = a[0] * b[1] - a[1] * b[0]
    corner = a * offset_b / sine + b * offset_a / sine
    radius = max(6.0 - inset, 1.5)
    t = np.linspace(0, 1, 9)[:, None]
    start, stop = corner + b * radius, corner + a * radius
    arc = (1 - t) ** 2 * start + 2 * t * (1 - t) * corner + t**2 * stop
    return np.concatenate([arc, [corner + a * _FAR, corner + (a + b) * _FAR, corner + b * _FAR]])


def _stripe(
    crossing: Crossing, arm: int, along: tuple[float, float], across: tuple[float, float], colour: Colour
) -> GroundPatch:
    """A rectangle on an arm: from and to in metres outwards, and to the left of the outward direction."""
    d = crossing.direction(arm)
    left = np.array([-d[1], d[0]])
    corners = [(along[0], across[0]), (along[1], across[0]), (along[1], across[1]), (along[0], across[1])]
    return GroundPatch(np.array([d * x + left * y for x, y in corners]), np.asarray(colour, dtype=np.float64))


def _arm_markings(crossing: Crossing, arm: int) -> list[GroundPatch]:
    road, start = crossing.road_of(arm), crossing.setback(arm)
    edge = road.lanes * LANE_WIDTH
    marks = [_stripe(crossing, arm, (start, REACH), (y - 0.07, y + 0.07), _YELLOW) for y in (-0.16, 0.16)]
    marks.append(_stripe(crossing, arm, (start, start + 0.4), (0.3, edge), _WHITE))
    for lane in range(1, road.lanes):
        y = lane * LANE_WIDTH
        marks.append(_stripe(crossing, arm, (start, start + 22.0), (y - 0.07, y + 0.07), _WHITE))
        for side in (-1, 1):
            for x in np.arange(start + (28.0 if side > 0 else 2.0), 120.0, 6.0):
                marks.append(_stripe(crossing, arm, (x, x + 2.6), (side * y - 0.07, side * y + 0.07), _WHITE))
    if road.has_parking:
        for side in (-1, 1):
            marks.append(_stripe(crossing, arm, (start + 9.0, 95.0), (side * edge - 0.06, side * edge + 0.06), _WHITE))
    for y in np.arange(-road.half_width + 0.5, road.half_width - 0.5, 1.15):
        marks.append(_stripe(crossing, arm, (start - 4.6, start - 1.4), (y, y + 0.55), _WHITE))
    for lane in range(road.lanes):
        marks += _arrow(crossing, arm, start + 7.0, (lane + 0.5) * LANE_WIDTH)
    return marks


def _arrow(crossing: Crossing, arm: int, x: float, y: float) -> list[GroundPatch]:
    """A straight arrow towards the crossing in the middle of an inbound lane."""
    d = crossing.direction(arm)
    left = np.array([-d[1], d[0]])
    head = np.array([d * x + left * y, d * (x + 1.6) + left * (y + 0.42), d * (x + 1.6) + left * (y - 0.42)])
    return [
        GroundPatch(head, np.array(_WHITE)),
        _stripe(crossing, arm, (x + 1.6, x + 4.4), (y - 0.09, y + 0.09), _WHITE),
    ]


def _worn_patches(
    crossing: Crossing, arm: int, asphalt: NDArray[np.float64], rng: np.random.Generator
) -> list[GroundPatch]:
    """Repairs, manhole covers and the darker wheel tracks of each lane."""
    road, patches = crossing.road_of(arm), []
    for side in (-1, 1):
        for lane in range(road.lanes):
            y = side * (lane + 0.5) * LANE_WIDTH
            for track in (-0.85, 0.85):
                patches.append(_stripe(crossing, arm, (6.0, REACH), (y + track - 0.3, y + track + 0.3), asphalt * 0.95))
    for _ in range(5):
        x, y = rng.uniform(4, 80), rng.uniform(-road.half_width + 2, road.half_width - 3)
        length, width = rng.uniform(1.5, 9), rng.uniform(0.8, 2.4)
        patches.append(_stripe(crossing, arm, (x, x + length), (y, y + width), asphalt * rng.uniform(0.82, 1.1)))
    d = crossing.direction(arm)
    for _ in range(3):
        x, y = rng.uniform(2, 60), rng.uniform(-road.half_width + 1, road.half_width - 1)
        centre = np.array([d[0] * x - d[1] * y, d[1] * x + d[0] * y, 0.0])
        patches.append(GroundPatch(disc(centre, (0.33, 0, 0), (0, 0.33, 0), 12)[:, :2], asphalt * 0.6))
    return patches


@lru_cache(maxsize=1)
def _noise_tile() -> NDArray[np.uint8]:
    """A seamless 512 x 512 tile of grey noise about 128 with fine and coarse grain."""
    rng = np.random.default_rng(7)
    white = rng.standard_normal((512, 512)).astype(np.float32)
    wide = np.tile(white, (3, 3))
    layers = [white * 10]
    for sigma, strength in ((1.5, 9.0), (6.0, 9.0), (20.0, 8.0)):
        blurred = cv2.GaussianBlur(wide, (0, 0), sigma)[512:1024, 512:1024]
        layers.append(blurred / blurred.std() * strength)
    return np.clip(128 + sum(layers), 0, 255).astype(np.uint8)


@lru_cache(maxsize=1)
def _cloud_tile() -> NDArray[np.uint8]:
    """A seamless 512 x 512 tile of cloud density, soft clouds on nothing."""
    rng = np.random.default_rng(11)
    wide = np.tile(rng.standard_normal((512, 512)).astype(np.float32), (3, 3))
    density = np.zeros((512, 512), dtype=np.float32)
    for sigma, strength in ((40.0, 1.0), (16.0, 0.55), (6.0, 0.25), (2.5, 0.12)):
        blurred = cv2.GaussianBlur(wide, (0, 0), sigma)[512:1024, 512:1024]
        density += blurred / blurred.std() * strength
    return np.clip((density - 0.1) * 130, 0, 255).astype(np.uint8)


def draw_background(
    view: View, light: Light, patches: Sequence[GroundPatch], shadows: Sequence[NDArray[np.float64]]
) -> NDArray[np.uint8]:
    """Paint sky, ground and the shadows on it.

    Args:
        view: the camera.
        light: sun, sky and haze.
        patches: what lies on the ground, in painting order.
        shadows: convex outlines (N, 2) metres on the ground that the sun does not reach.

    Returns:
        (H, W, 3) uint8 BGR.
    """
    width, height = view.camera.width, view.camera.height
    distances = view.row_distances()
    image = _sky(view, light, distances)
    T = view.T_camera_scene
    brightness = light.shade(np.array([[0.0, 0.0, 1.0]]), False)[0]
    ground = np.zeros((height, width), dtype=np.uint8)
    for i, patch in enumerate(patches):
        pixels = view.outline(patch.outline @ T[:3, :2].T + T[:3, 3])
        if pixels is None:
            continue
        if i == 0:
            cv2.fillConvexPoly(ground, pixels, 255, cv2.LINE_8, SHIFT)
        span = (pixels.max(axis=0) - pixels.min(axis=0)) / (1 << SHIFT)
        if span.min() < 0.35 or span.max() < 1.0:  # a line that is drawn at least a pixel wide would be too bold
            continue
        colour = (patch.colour * brightness).clip(0, 255)
        cv2.fillConvexPoly(image, pixels, colour.tolist(), cv2.LINE_AA, SHIFT)
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
    for outline in shadows:
        pixels = view.outline(outline @ T[:3, :2].T + T[:3, 3])
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
