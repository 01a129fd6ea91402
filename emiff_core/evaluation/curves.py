"""Precision over recall, drawn."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from emiff_core.evaluation.average_precision import area_under_curve, compare, match, precision_recall
from emiff_core.evaluation.box_iou import KINDS
from emiff_core.evaluation.ranges import OVERALL
from emiff_core.evaluation.report import IOU_THRESHOLDS
from emiff_core.geometry import Boxes3D, Detections

_SIZE = 480  # pixels of a panel
_MARGIN = 48
_COLORS = ((180, 120, 40), (60, 150, 40), (40, 60, 220))  # BGR, by IoU threshold
_INK, _GRID = (60, 60, 60), (220, 220, 220)


def draw_precision_recall(predictions: Sequence[Detections], truths: Sequence[Boxes3D]) -> NDArray[np.uint8]:
    """Draw the curves of the standard protocol, in space on the left and in the bird's eye view on the right.

    Args:
        predictions, truths: one entry a frame, of one class, in the detection frame; those within 100 m count, as in
            the tables' first column.

    Returns:
        (480, 960, 3) uint8 BGR.
    """
    predictions = [found[OVERALL.contains(found.boxes)] for found in predictions]
    truths = [truth[OVERALL.contains(truth)] for truth in truths]
    panels = []
    for kind in KINDS:
        panel = _empty_panel('3D' if kind == '3d' else 'BEV')
        frames = compare(predictions, truths, kind)
        for row, (threshold, color) in enumerate(zip(IOU_THRESHOLDS, _COLORS, strict=True)):
            matches = match(frames, threshold, 'standard')
            recall, precision = precision_recall(matches)
            _steps(panel, recall, precision, color)
            area = area_under_curve(matches, 'standard')
            _write(panel, f'IoU {threshold:g}: AP {area:.1f}', (_SIZE - 190, _MARGIN + 20 * (row + 1)), color)
        panels.append(panel)
    return np.concatenate(panels, axis=1)


def _empty_panel(title: str) -> NDArray[np.uint8]:
    panel = np.full((_SIZE, _SIZE, 3), 255, np.uint8)
    for tick in np.linspace(0, 1, 6):
        (x, _), (_, y) = _pixel(tick, 0), _pixel(0, tick)
        cv2.line(panel, (x, _MARGIN), (x, _SIZE - _MARGIN), _GRID, 1)
        cv2.line(panel, (_MARGIN, y), (_SIZE - _MARGIN, y), _GRID, 1)
        _write(panel, f'{tick:.1f}', (x - 10, _SIZE - _MARGIN + 18), _INK)
        _write(panel, f'{tick:.1f}', (_MARGIN - 34, y + 5), _INK)
    _write(panel, f'{title}, {OVERALL.name} m: precision over recall', (_MARGIN, _MARGIN - 16), _INK)
    return panel


def _steps(
    panel: NDArray[np.uint8],
    recall: NDArray[np.float64],
    precision: NDArray[np.float64],
    color: tuple[int, int, int],
) -> None:
    """Draw precision as it holds up to each recall, which is the area that is counted."""
    previous = 0.0
    points = []
    for r, p in zip(recall.tolist(), precision.tolist(), strict=True):
        if r > previous:
            points += [_pixel(previous, p), _pixel(r, p)]
            previous = r
    if points:
        cv2.polylines(panel, [np.array(points, np.int32)], False, color, 2, cv2.LINE_AA)


def _pixel(recall: float, precision: float) -> tuple[int, int]:
    extent = _SIZE - 2 * _MARGIN
    return round(_MARGIN + recall * extent), round(_SIZE - _MARGIN - precision * extent)


def _write(panel: NDArray[np.uint8], text: str, origin: tuple[int, int], color: tuple[int, int, int]) -> None:
    cv2.putText(panel, text, origin, cv2.FONT_HERSHEY_SIMPLEX, 0.45, color, 1, cv2.LINE_AA)
