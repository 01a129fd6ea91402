"""Average precision of one class, by one of two protocols that are never mixed: every figure names its own.

official: the DAIR-V2X benchmark's (arXiv 2204.05575, OpenDAIRV2X), which published EMIFF figures use. In each frame the
    truth boxes, in the order of the file, take the best prediction left; and the area under the curve starts at the
    best-scored prediction: the step of recall that it makes itself is not counted. A single perfect detection scores 0.
    (The benchmark computes IoUs in float32 from map-sized coordinates and errs by some 1e-4, and by more on identical
    boxes; ours are exact.)
standard: the textbook's (PASCAL VOC since 2010, all points). Predictions, best score first, take the best truth box
    left; the area starts at recall 0. Perfect detections score 100.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from emiff_core.errors import EmiffError
from emiff_core.evaluation.box_iou import Kind, pairwise_box_iou
from emiff_core.geometry import Boxes3D, Detections

Protocol = Literal['official', 'standard']
PROTOCOLS: tuple[Protocol, ...] = ('official', 'standard')


@dataclass(frozen=True, eq=False)
class ScoredFrame:
    """One frame's comparison, computed once and asked at several thresholds.

    Attributes:
        ious: (T, P) of T truth boxes, in the order of the file, with P predictions.
        scores: (P,).
    """

    ious: NDArray[np.float64]
    scores: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Matches:
    """All predictions of all frames, scores descending.

    Attributes:
        hits: (P,) whether each one is a true positive.
        scores: (P,).
        n_truths: truth boxes of all frames.
    """

    hits: NDArray[np.bool_]
    scores: NDArray[np.float64]
    n_truths: int


def average_precision(
    predictions: Sequence[Detections],
    truths: Sequence[Boxes3D],
    iou_threshold: float,
    kind: Kind,
    protocol: Protocol,
) -> float:
    """Return the average precision over all frames, micro-averaged, in percent.

    Args:
        predictions, truths: one entry a frame, in one order; of one class; both in the detection frame.
        iou_threshold: smallest IoU of a true positive, in (0, 1].
        kind: IoU of boxes ('3d') or of their bird's-eye-view rectangles ('bev').
        protocol: see the module's text.

    Returns:
        AP in percent; 0 without predictions; not a number without a truth box, where it is not defined.

    Raises:
        EmiffError: not as many frames of predictions as of truths.
    """
    frames = compare(predictions, truths, kind)
    return area_under_curve(match(frames, iou_threshold, protocol), protocol)


def compare(predictions: Sequence[Detections], truths: Sequence[Boxes3D], kind: Kind) -> list[ScoredFrame]:
    """Compute the IoUs of every frame. Arguments and errors as in `average_precision`."""
    if len(predictions) != len(truths):
        raise EmiffError(
            f'expected one list of predictions per frame of truth, found {len(predictions)} for {len(truths)} frames'
        )
    return [
        ScoredFrame(pairwise_box_iou(truth, found.boxes, kind), found.scores)
        for found, truth in zip(predictions, truths, strict=True)
    ]


def match(frames: Sequence[ScoredFrame], iou_threshold: float, protocol: Protocol) -> Matches:
    """Decide which predictions are true positives, frame by frame; a truth box and a prediction match once at most.

    Predictions of equal scores keep their order; in the official protocol a frame's true positives come first.
    """
    hits_of: list[NDArray[np.bool_]] = [np.zeros(0, dtype=bool)]
    scores_of: list[NDArray[np.float64]] = [np.zeros(0)]
    for frame in frames:
        order = np.argsort(-frame.scores, kind='stable')
        hits = _CHOOSE[protocol](frame.ious[:, order], iou_threshold)
        if protocol == 'official':  # the benchmark lists a frame's true positives first, which orders equal scores
            first = np.argsort(~hits, kind='stable')
            hits, order = hits[first], order[first]
        hits_of.append(hits)
        scores_of.append(frame.scores[order])
    hits, scores = np.concatenate(hits_of), np.concatenate(scores_of)
    order = np.argsort(-scores, kind='stable')
    return Matches(hits[order], scores[order], sum(len(frame.ious) for frame in frames))


def area_under_curve(matches: Matches, protocol: Protocol) -> float:
    """Return the area under precision, made monotone from the right, over recall, as `average_precision` does."""
    if matches.n_truths == 0:
        return float('nan')
    recall, precision = precision_recall(matches)
    steps = np.diff(recall, prepend=0.0)
    if protocol == 'official':
        steps[:1] = 0
    return float(100 * (steps * precision).sum())


def precision_recall(matches: Matches) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return (P,) recall, rising, and (P,) precision, made monotone from the right; recall is 0 without truth."""
    found = np.cumsum(matches.hits)
    precision = found / np.arange(1, len(found) + 1)
    return found / max(matches.n_truths, 1), np.maximum.accumulate(precision[::-1])[::-1]


def chosen_truths(ious: NDArray[np.float64], threshold: float) -> NDArray[np.int64]:
    """Return which truth box each prediction takes in the standard protocol, (P,), -1 for none.

    Each prediction in turn takes the truth box of the highest IoU that is left.

    Args:
        ious: (T, P), predictions best score first.
        threshold: smallest IoU.
    """
    chosen = np.full(ious.shape[1], -1)
    taken = np.zeros(ious.shape[0], dtype=bool)
    for prediction in np.flatnonzero((ious >= threshold).any(axis=0)):
        left = np.where(taken, -1.0, ious[:, prediction])
        best = int(left.argmax())
        if left[best] >= threshold:
            chosen[prediction] = best
            taken[best] = True
    return chosen


def _truths_choose(ious: NDArray[np.float64], threshold: float) -> NDArray[np.bool_]:
    """Official: each truth box in turn takes the prediction of the highest IoU (of equals, the lowest score)."""
    taken = np.zeros(ious.shape[1], dtype=bool)
    for truth in np.flatnonzero((ious >= threshold).any(axis=1)):
        left = np.where(taken, -1.0, ious[truth])
        best = len(left) - 1 - left[::-1].argmax()
        taken[best] |= left[best] >= threshold
    return taken


def _scores_choose(ious: NDArray[np.float64], threshold: float) -> NDArray[np.bool_]:
    return chosen_truths(ious, threshold) >= 0


_CHOOSE = {'official': _truths_choose, 'standard': _scores_choose}
