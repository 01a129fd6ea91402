"""Small charts of a value over time."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from emiff_core.rendering.overlay import Color

_GROUND, _GRID, _INK = (34, 30, 28), (58, 52, 48), (200, 200, 200)
_PALETTE: tuple[Color, ...] = ((60, 190, 235), (120, 200, 90), (200, 140, 220), (235, 170, 60))  # BGR
_LEFT, _TOP, _BOTTOM, _RIGHT = 58, 34, 26, 12  # margins, pixels

Series = Sequence[tuple[float, float]]


def draw_chart(title: str, unit: str, series: Mapping[str, Series], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Draw lines over time from 0 to a little above the largest value.

    Args:
        title, unit: written above it.
        series: by name, (seconds, value) in the order of time; points are joined.
        size: (width, height), pixels.

    Returns:
        (height, width, 3) uint8 BGR.
    """
    width, height = size
    image: NDArray[np.uint8] = np.full((height, width, 3), _GROUND, np.uint8)
    points = np.array([point for each in series.values() for point in each]).reshape(-1, 2)
    top = _round_up(1.1 * points[:, 1].max()) if len(points) and points[:, 1].max() > 0 else 1.0
    begin, end = (points[:, 0].min(), points[:, 0].max()) if len(points) else (0.0, 1.0)
    span = max(end - begin, 1e-3)

    def pixel(seconds: float, value: float) -> tuple[int, int]:
        x = _LEFT + (seconds - begin) / span * (width - _LEFT - _RIGHT)
        return round(x), round(height - _BOTTOM - value / top * (height - _TOP - _BOTTOM))

    for value in np.linspace(0, top, 5):
        y = pixel(begin, value)[1]
        cv2.line(image, (_LEFT, y), (width - _RIGHT, y), _GRID, 1)
        _write(image, f'{value:g}', (6, y + 4))
    _write(image, f'{title}, {unit}', (_LEFT, 20))
    _write(image, f'{span:.1f} s', (width - 60, height - 8))
    column = width - _RIGHT
    for number, (name, values) in enumerate(series.items()):
        color = _PALETTE[number % len(_PALETTE)]
        line = np.array([pixel(*point) for point in values], np.int32).reshape(-1, 2)
        cv2.polylines(image, [line], False, color, 2, cv2.LINE_AA)
        if len(line):
            cv2.circle(image, tuple(map(int, line[-1])), 4, color, -1, cv2.LINE_AA)
        if len(series) > 1:
            column -= 10 + cv2.getTextSize(name, cv2.FONT_HERSHEY_SIMPLEX, 0.42, 1)[0][0]
            _write(image, name, (column, 20), color)
    return image


def _round_up(value: float) -> float:
    """Return the next of 1, 2, 4 or 8 times a power of ten, so that quarters of it read well."""
    power = 10.0 ** np.floor(np.log10(value))
    return float(next(power * step for step in (1, 2, 4, 8, 10) if power * step >= value))


def _write(image: NDArray[np.uint8], text: str, origin: tuple[int, int], color: Color = _INK) -> None:
    cv2.putText(image, text, origin, cv2.FONT_HERSHEY_SIMPLEX, 0.42, color, 1, cv2.LINE_AA)
