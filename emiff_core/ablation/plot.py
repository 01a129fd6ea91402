"""A study's result drawn: average precision over what is varied, a line a variant, with standard errors."""

from dataclasses import dataclass
from math import log10

import cv2
import numpy as np
from numpy.typing import NDArray

from emiff_core.ablation.result import Result
from emiff_core.ablation.tables import Line, lines_of
from emiff_core.evaluation.ranges import BENCHMARK_RANGES

_SIZE, _MARGIN, _LEGEND_ROW = 480, 56, 18
_COLORS = (  # BGR
    (180, 120, 40), (40, 60, 220), (60, 150, 40), (160, 40, 160), (30, 150, 230), (90, 90, 90), (190, 190, 50),
    (40, 80, 130), (180, 120, 230),
)  # fmt: skip
_INK, _GRID = (60, 60, 60), (220, 220, 220)

Point = tuple[float, float, float]  # x, percent, standard error


@dataclass(frozen=True)
class Panel:
    """One diagram.

    Attributes:
        title: what is varied.
        lines: by variant, its points, x rising.
        logarithmic: whether x is.
    """

    title: str
    lines: dict[str, list[Point]]
    logarithmic: bool = False


def panels_of(result: Result) -> list[Panel]:
    """Return a diagram for each thing that is varied, the others at zero; where nothing is, one over the distance.

    Of compressions there is one over the bytes. Percents are APBEV of the standard protocol in the model's own range;
    over the distance, of the official one.
    """
    lines = lines_of(result)
    if result.name == 'fc':
        title = 'bytes sent (encoded latent)'
        return [Panel(title, {'EMIFF': _points(lines, result, [line.median('payload_bytes') for line in lines])}, True)]
    if not any(line.setting for line in lines):
        by_distance = {
            line.variant: [
                ((extent.near + extent.far) / 2, cell.mean, cell.error or 0.0)
                for extent in BENCHMARK_RANGES[1:]
                for cell in [line.cell('official', 'bev', extent.name)]
                if cell.mean is not None
            ]
            for line in lines
        }
        return [Panel('distance, m (0-30, 30-50, 50-100); official protocol', by_distance)]
    panels = []
    for name in dict.fromkeys(name for line in lines for name, _ in line.setting):
        alone = [line for line in lines if name in dict(line.setting) and not _others(line, name)]
        by_variant = {
            variant: _points(of_it, result, [dict(line.setting)[name] for line in of_it])
            for variant in dict.fromkeys(line.variant for line in alone)
            for of_it in [[line for line in alone if line.variant == variant]]
        }
        panels.append(Panel(name.replace('_', ', '), by_variant))
    return panels


def draw(panels: list[Panel], label: str) -> NDArray[np.uint8]:
    """Draw one panel or more side by side.

    Args:
        panels: what is drawn.
        label: of the vertical axis.

    Returns:
        (h, 480 a panel, 3) uint8 BGR.
    """
    highest = max((p + e for panel in panels for points in panel.lines.values() for _, p, e in points), default=1.0)
    step = next(s for s in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20) if s * 5 >= highest or s == 20)
    rows = max(len(panel.lines) for panel in panels)
    images = [_draw_panel(panel, label, float(step) * 5, rows * _LEGEND_ROW) for panel in panels]
    return np.concatenate(images, axis=1)


def _draw_panel(panel: Panel, label: str, top: float, legend: int) -> NDArray[np.uint8]:
    image = np.full((_SIZE + legend, _SIZE, 3), 255, np.uint8)
    xs = sorted({x for points in panel.lines.values() for x, _, _ in points})
    scaled = [log10(max(x, 1.0)) if panel.logarithmic else x for x in xs]
    low, high = min(scaled, default=0.0), max(scaled, default=1.0)
    extent, bottom = _SIZE - 2 * _MARGIN, _SIZE - _MARGIN

    def pixel(x: float, percent: float) -> tuple[int, int]:
        position = (log10(max(x, 1.0)) if panel.logarithmic else x) - low
        return round(_MARGIN + extent * position / ((high - low) or 1.0)), round(bottom - extent * percent / top)

    for tick in np.linspace(0, top, 6).tolist():
        y = pixel(xs[0] if xs else 0.0, tick)[1]
        cv2.line(image, (_MARGIN, y), (_SIZE - _MARGIN, y), _GRID, 1)
        _write(image, f'{tick:g}', (12, y + 4), _INK)
    for x in xs:
        u = pixel(x, 0)[0]
        cv2.line(image, (u, _MARGIN), (u, bottom), _GRID, 1)
        label_x = f'{x:.3g}' if x < 1000 else f'{x / 1000:.1f}k' if x < 10_000 else f'{x / 1000:.0f}k'
        _write(image, label_x, (u - 10, bottom + 18), _INK)
    _write(image, label, (12, 24), _INK)
    _write(image, panel.title, (_MARGIN, bottom + 38), _INK)
    for row, (name, points) in enumerate(panel.lines.items()):
        color = _COLORS[row % len(_COLORS)]
        path = np.array([pixel(x, p) for x, p, _ in points], np.int32)
        cv2.polylines(image, [path], False, color, 2, cv2.LINE_AA)
        for x, percent, error in points:
            cv2.circle(image, pixel(x, percent), 3, color, -1, cv2.LINE_AA)
            cv2.line(image, pixel(x, max(percent - error, 0.0)), pixel(x, min(percent + error, top)), color, 1)
        _write(image, name, (_MARGIN, _SIZE + row * _LEGEND_ROW), color)
    return image


def _points(lines: list[Line], result: Result, xs: list[float | None]) -> list[Point]:
    points = []
    for line, x in zip(lines, xs, strict=True):
        cell = line.cell('standard', 'bev', result.own_range)
        if x is not None and cell.mean is not None:
            points.append((x, cell.mean, cell.error or 0.0))
    return sorted(points)


def _others(line: Line, name: str) -> bool:
    """Whether a line sets something else than `name` to anything but zero."""
    return any(value for other, value in line.setting if other != name)


def _write(image: NDArray[np.uint8], text: str, origin: tuple[int, int], color: tuple[int, int, int]) -> None:
    cv2.putText(image, text, origin, cv2.FONT_HERSHEY_SIMPLEX, 0.42, color, 1, cv2.LINE_AA)
