"""A moment on one picture: images with boxes, bird's-eye view, what was sent, and time and bytes so far."""

from collections import defaultdict, deque

import cv2
import numpy as np
from numpy.typing import NDArray

from emiff_core.config import VoxelConfig
from emiff_core.geometry import Boxes3D
from emiff_core.rendering.birds_eye import BirdsEye
from emiff_core.rendering.overlay import DETECTION, SHOWN_SCORE, TRUTH, caption, draw_boxes, shown
from emiff_core.rendering.sheet import View
from emiff_core.viewing.charts import draw_chart
from emiff_core.viewing.moment import Moment, SentFeature

WIDTH, HEIGHT = 1920, 1080
_GROUND = (24, 21, 20)
_BIRDS_EYE = (600, 800)  # width, height, pixels, its legend included
_LEGEND = 68  # pixels, three lines above it
_CHARTS_HEIGHT = HEIGHT - _BIRDS_EYE[1]
_CHARTED = 3000  # moments, five minutes at 10 Hz: a live view has no end


class Dashboard:
    """Draws one moment after the other and remembers what its charts need."""

    def __init__(self, voxels: VoxelConfig) -> None:
        """Begin with empty charts; `voxels` is what the model sees, which the bird's-eye view marks."""
        self._voxels = voxels
        self._forget()

    def _forget(self) -> None:
        self._began_ns: int | None = None
        self._last_ns = 0
        self._latency = _line()
        self._ages: dict[str, deque[tuple[float, float]]] = defaultdict(_line)
        self._sizes: dict[str, deque[tuple[float, float]]] = defaultdict(_line)

    def draw(self, moment: Moment) -> NDArray[np.uint8]:
        """Return (1080, 1920, 3) uint8 BGR; moments are given in the order of time, but for a bag that loops."""
        self.remember(moment)
        picture: NDArray[np.uint8] = np.full((HEIGHT, WIDTH, 3), _GROUND, np.uint8)
        left = WIDTH // 2
        cell = HEIGHT // max(2, len(moment.views))
        for row, view in enumerate(moment.views):
            _put(picture, annotated(view, moment), (0, row * cell), (left, cell))
        _put(picture, birds_eye(moment, self._voxels), (left, _LEGEND), (_BIRDS_EYE[0], _BIRDS_EYE[1] - _LEGEND))
        for row, line in enumerate(_legend(moment)):
            _write(picture, line, (left + 12, 22 + 20 * row), 0.5)
        self._draw_features(picture, moment, left + _BIRDS_EYE[0])
        self._draw_charts(picture, left)
        return picture

    def remember(self, moment: Moment) -> None:
        """Take a moment into the charts without drawing it; they begin anew where time jumps back."""
        if moment.stamp_ns < self._last_ns:
            self._forget()
        self._last_ns = moment.stamp_ns
        self._began_ns = moment.stamp_ns if self._began_ns is None else self._began_ns
        seconds = (moment.stamp_ns - self._began_ns) / 1e9
        if moment.latency_ms is not None:
            self._latency.append((seconds, moment.latency_ms))
        for feature in moment.features:
            self._ages[feature.agent_id].append((seconds, feature.age_ms))
            self._sizes[feature.agent_id].append((seconds, feature.size / 1000))

    def _draw_features(self, picture: NDArray[np.uint8], moment: Moment, left: int) -> None:
        width = WIDTH - left
        row = 0
        for feature in moment.features:
            tile = heat_map(feature.activity, width)
            if row + tile.shape[0] + 60 > _BIRDS_EYE[1]:  # more agents than the column holds
                break
            picture[row + 60 : row + 60 + tile.shape[0], left:] = tile
            _write(picture, feature.agent_id, (left + 8, row + 22))
            _write(picture, told(feature), (left + 8, row + 46), 0.45)
            row += tile.shape[0] + 70
        for number, (stage, ms) in enumerate(moment.stage_ms.items()):
            y = row + 24 + 20 * number
            if y + 10 > _BIRDS_EYE[1]:
                break
            _write(picture, stage.replace('_', ' '), (left + 8, y), 0.45)
            _write(picture, f'{ms:7.1f} ms', (WIDTH - 90, y), 0.45)

    def _draw_charts(self, picture: NDArray[np.uint8], left: int) -> None:
        charts = (
            ('image to boxes', 'ms', {'vehicle': self._latency}),
            ('age of features', 'ms', self._ages),
            ('sent per feature', 'kB', self._sizes),
        )
        width = (WIDTH - left) // len(charts)
        for number, (title, unit, series) in enumerate(charts):
            place = left + number * width
            picture[-_CHARTS_HEIGHT:, place : place + width] = draw_chart(title, unit, series, (width, _CHARTS_HEIGHT))


def _line() -> deque[tuple[float, float]]:
    return deque(maxlen=_CHARTED)


def annotated(view: View, moment: Moment) -> NDArray[np.uint8]:
    """Return a view's image, (H, W, 3) uint8 BGR, with truth in green, detections in red, and its name."""
    image = view.image.copy()
    thickness = max(2, round(view.camera.width / 640))
    for boxes, color in ((moment.truth, TRUTH), (found_boxes(moment), DETECTION)):
        if boxes is not None:
            draw_boxes(image, boxes, view.camera, view.T_camera_detection, color, thickness)
    caption(image, [view.name])
    return image


def birds_eye(moment: Moment, voxels: VoxelConfig) -> NDArray[np.uint8]:
    """Return the view from above, (H, W, 3) uint8 BGR: boxes, the cameras with images, and the agents that sent."""
    above = BirdsEye(voxels.x_range, voxels.y_range)
    vehicle = [view for view in moment.views if view.name == 'vehicle']
    for view in vehicle:
        above.camera(view.T_camera_detection, view.camera, view.name)
    for feature in moment.features:
        if feature.T_camera_detection is not None:
            above.camera(feature.T_camera_detection, feature.camera, feature.agent_id)
    for boxes, color in ((moment.truth, TRUTH), (found_boxes(moment), DETECTION)):
        if boxes is not None:
            above.boxes(boxes, color)
    return above.image


def heat_map(activity: NDArray[np.float32], width: int) -> NDArray[np.uint8]:
    """Return (h, w) numbers of 0 to 1 as colours, `width` pixels wide and as high at most, (H, W, 3) uint8 BGR."""
    height = min(max(1, round(activity.shape[0] * width / activity.shape[1])), width)
    colors = cv2.applyColorMap(np.uint8(255 * activity), cv2.COLORMAP_INFERNO)  # type: ignore[call-overload]
    return np.asarray(cv2.resize(colors, (width, height), interpolation=cv2.INTER_NEAREST), dtype=np.uint8)


def found_boxes(moment: Moment) -> Boxes3D | None:
    """Return the boxes that the vehicle found and pictures show, None where it did not say."""
    return None if moment.detections is None else shown(moment.detections).boxes


def told(feature: SentFeature) -> str:
    """Return one line on a feature frame."""
    return f'{feature.size / 1000:.1f} kB, {feature.age_ms:.0f} ms old, {"fused" if feature.used else "not fused"}'


def _legend(moment: Moment) -> list[str]:
    red = f'red: detections above {SHOWN_SCORE}'
    lines = [red if moment.truth is None else f'green: truth   {red}']
    count = 'no word from the node'
    if moment.detections is not None:
        count = f'{len(shown(moment.detections))} of {len(moment.detections)} boxes'
    lines.append(f'{count}, {sum(feature.used for feature in moment.features)} features fused')
    if moment.refused:
        lines.append(f'refused: {", ".join(sorted(set(moment.refused)))}')
    return lines


def _put(
    picture: NDArray[np.uint8], image: NDArray[np.uint8], origin: tuple[int, int], size: tuple[int, int]
) -> None:
    """Put an image into a cell, as large as fits, in its middle."""
    scale = min(size[0] / image.shape[1], size[1] / image.shape[0])
    width, height = round(image.shape[1] * scale), round(image.shape[0] * scale)
    x, y = origin[0] + (size[0] - width) // 2, origin[1] + (size[1] - height) // 2
    picture[y : y + height, x : x + width] = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)


def _write(picture: NDArray[np.uint8], text: str, origin: tuple[int, int], size: float = 0.55) -> None:
    cv2.putText(picture, text, origin, cv2.FONT_HERSHEY_SIMPLEX, size, (210, 210, 210), 1, cv2.LINE_AA)
