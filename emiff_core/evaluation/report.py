"""The benchmark's table: average precision by range, IoU threshold and kind, with its protocol in its title."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rich.table import Table

from emiff_core.evaluation.average_precision import Protocol, ScoredFrame, area_under_curve, compare, match
from emiff_core.evaluation.box_iou import KINDS, Kind
from emiff_core.evaluation.ranges import BENCHMARK_RANGES, Range
from emiff_core.geometry import Boxes3D, Detections

IOU_THRESHOLDS = (0.3, 0.5, 0.7)


@dataclass(frozen=True)
class Score:
    """One cell of the table.

    Attributes:
        kind, iou_threshold, range: what was asked; the range in metres, near-far.
        ap: percent, or None where the range holds no truth box.
        n_truths, n_predictions, n_hits: boxes in the range, and how many predictions are true positives.
    """

    kind: Kind
    iou_threshold: float
    range: str
    ap: float | None
    n_truths: int
    n_predictions: int
    n_hits: int


@dataclass(frozen=True)
class Evaluation:
    """All scores of one run under one protocol."""

    protocol: Protocol
    n_frames: int
    scores: tuple[Score, ...]

    def ap(self, kind: Kind, iou_threshold: float, range_name: str) -> float | None:
        """Return one score's AP in percent; None where the range holds no truth box.

        Raises:
            KeyError: it was not evaluated.
        """
        for score in self.scores:
            if (score.kind, score.iou_threshold, score.range) == (kind, iou_threshold, range_name):
                return score.ap
        raise KeyError(f'{kind} AP at {iou_threshold} in {range_name}')


def evaluate(
    predictions: Sequence[Detections],
    truths: Sequence[Boxes3D],
    protocol: Protocol,
    ranges: Sequence[Range] = BENCHMARK_RANGES,
    iou_thresholds: Sequence[float] = IOU_THRESHOLDS,
) -> Evaluation:
    """Score every kind, threshold and range.

    Args:
        predictions, truths: one entry a frame, of one class, in the detection frame (see `average_precision`).
        protocol: 'official' or 'standard'.
        ranges: truth boxes and predictions are both kept where the range contains them.
        iou_thresholds: smallest IoUs of a true positive.

    Raises:
        EmiffError: not as many frames of predictions as of truths.
    """
    inside = {
        extent: [
            (extent.contains(truth), extent.contains(found.boxes))
            for truth, found in zip(truths, predictions, strict=False)
        ]
        for extent in ranges
    }
    scores = []
    for kind in KINDS:
        frames = compare(predictions, truths, kind)
        for extent in ranges:
            kept = [
                ScoredFrame(frame.ious[of_truths][:, of_found], frame.scores[of_found])
                for frame, (of_truths, of_found) in zip(frames, inside[extent], strict=True)
            ]
            for threshold in iou_thresholds:
                matches = match(kept, threshold, protocol)
                ap = area_under_curve(matches, protocol)
                scores.append(
                    Score(
                        kind,
                        threshold,
                        extent.name,
                        None if math.isnan(ap) else ap,
                        matches.n_truths,
                        len(matches.hits),
                        int(matches.hits.sum()),
                    )
                )
    return Evaluation(protocol, len(truths), tuple(scores))


def table(evaluation: Evaluation) -> Table:
    """Lay the scores out: a row for each kind and threshold, a column for each range."""
    columns = list(dict.fromkeys(score.range for score in evaluation.scores))
    rows = list(dict.fromkeys((score.kind, score.iou_threshold) for score in evaluation.scores))
    result = Table(title=f'AP in percent, {evaluation.protocol} protocol, {evaluation.n_frames} frames')
    result.add_column('AP')
    for name in columns:
        result.add_column(f'{name} m', justify='right')
    for kind, threshold in rows:
        cells = [evaluation.ap(kind, threshold, name) for name in columns]
        label = '3D' if kind == '3d' else 'BEV'
        result.add_row(f'{label} @ {threshold:g}', *('-' if ap is None else f'{ap:.2f}' for ap in cells))
    return result
