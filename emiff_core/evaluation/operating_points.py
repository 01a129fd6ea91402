"""What a smallest score costs and spares: the choice of `score_threshold`, which average precision leaves open."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from emiff_core.evaluation.average_precision import compare, match
from emiff_core.evaluation.ranges import Range
from emiff_core.geometry import Boxes3D, Detections

IOU_THRESHOLD = 0.5
_SMALLEST_SCORES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8)


@dataclass(frozen=True)
class OperatingPoint:
    """The boxes that score more than a threshold, in the bird's eye view.

    Attributes:
        score: they score more than this.
        n_hits: how many of them are true positives by the standard protocol, at IOU_THRESHOLD.
        n_false: how many are not.
        precision, recall: percent; None without such a box, or without a truth box.
    """

    score: float
    n_hits: int
    n_false: int
    precision: float | None
    recall: float | None


def operating_points(
    predictions: Sequence[Detections], truths: Sequence[Boxes3D], extent: Range
) -> tuple[OperatingPoint, ...]:
    """Count hits and false boxes above scores of 0.1 to 0.8.

    Args:
        predictions, truths: one entry a frame, of one class, in the detection frame.
        extent: truth boxes and predictions are both kept where it contains them.

    Raises:
        EmiffError: not as many frames of predictions as of truths.
    """
    found = [frame[extent.contains(frame.boxes)] for frame in predictions]
    there = [frame[extent.contains(frame)] for frame in truths]
    matches = match(compare(found, there, 'bev'), IOU_THRESHOLD, 'standard')
    points = []
    for score in _SMALLEST_SCORES:
        hits = matches.hits[matches.scores > score]
        n_hits = int(hits.sum())
        precision = 100 * n_hits / len(hits) if len(hits) else None
        recall = 100 * n_hits / matches.n_truths if matches.n_truths else None
        points.append(OperatingPoint(score, n_hits, len(hits) - n_hits, precision, recall))
    return tuple(points)


def operating_table(points: Sequence[OperatingPoint], range_name: str) -> Table:
    """Lay the points out, a row each."""
    result = Table(title=f'boxes above a score, BEV @ {IOU_THRESHOLD:g}, standard protocol, {range_name} m')
    for name in ('score >', 'true', 'false', 'precision', 'recall'):
        result.add_column(name, justify='right')
    for point in points:
        shares = ('-' if share is None else f'{share:.1f}' for share in (point.precision, point.recall))
        result.add_row(f'{point.score:g}', str(point.n_hits), str(point.n_false), *shares)
    return result
