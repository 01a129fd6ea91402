"""Average precision with a standard error: by resampling places, where there is one training, else over trainings.

Frames of one place look alike, so whole places are drawn with replacement (Efron, 1979), not frames.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from emiff_core.ablation.result import Score
from emiff_core.data.dair_v2x import DairV2xDataset
from emiff_core.evaluation.average_precision import (
    PROTOCOLS,
    Matches,
    Protocol,
    ScoredFrame,
    area_under_curve,
    compare,
    match,
)
from emiff_core.evaluation.box_iou import KINDS
from emiff_core.evaluation.ranges import BENCHMARK_RANGES, ModelRange
from emiff_core.evaluation.run import EvaluatedFrame

IOU_THRESHOLD = 0.5
_RESAMPLES = 100
_PLACE_M = 5.0  # masts are farther apart


def places_of(dataset: DairV2xDataset, frames: int) -> NDArray[np.int64]:
    """Return for each of the first `frames` frames the number (N,) of the place where its roadside unit stands."""
    xy = [dataset.frames[i].T_world_infrastructure_lidar[:2, 3] for i in range(frames)]
    _, numbers = np.unique(np.round(np.array(xy) / _PLACE_M), axis=0, return_inverse=True)
    return np.asarray(numbers.reshape(-1), dtype=np.int64)


def score(frames: Sequence[EvaluatedFrame], places: NDArray[np.int64], own: ModelRange) -> list[Score]:
    """Score at IoU 0.5 by both protocols, in space and in the bird's eye view, in every range.

    Args:
        frames: what was found, N frames.
        places: (N,) see `places_of`.
        own: what the model can show.
    """
    predictions, truths = [f.detections for f in frames], [f.truth for f in frames]
    groups = [np.flatnonzero(places == place) for place in np.unique(places)]
    scores = []
    for kind in KINDS:
        compared = compare(predictions, truths, kind)
        for extent in (*BENCHMARK_RANGES, own):
            kept = []
            for frame, found, truth in zip(compared, predictions, truths, strict=True):
                inside = extent.contains(found.boxes)
                kept.append(ScoredFrame(frame.ious[extent.contains(truth)][:, inside], frame.scores[inside]))
            for protocol in PROTOCOLS:
                single = [match([frame], IOU_THRESHOLD, protocol) for frame in kept]
                ap, se = _with_error(single, groups, protocol)
                n_truths = sum(m.n_truths for m in single)
                scores.append(Score(protocol, kind, extent.name, ap, se, n_truths))
    return scores


def _with_error(
    single: Sequence[Matches], groups: Sequence[NDArray[np.int64]], protocol: Protocol
) -> tuple[float | None, float | None]:
    """Return the AP of all frames, and its standard error if there are two places or more; None without truth."""
    ap = _pooled(single, protocol)
    if ap is None or len(groups) < 2:
        return ap, None
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(_RESAMPLES):
        chosen = np.concatenate([groups[k] for k in rng.integers(0, len(groups), len(groups))])
        value = _pooled([single[i] for i in chosen], protocol)
        if value is not None:
            drawn.append(value)
    return ap, float(np.std(drawn, ddof=1)) if len(drawn) > 1 else None


def _pooled(single: Sequence[Matches], protocol: Protocol) -> float | None:
    n_truths = sum(m.n_truths for m in single)
    if n_truths == 0:
        return None
    scores = np.concatenate([m.scores for m in single])
    order = np.argsort(-scores, kind='stable')
    hits = np.concatenate([m.hits for m in single])[order]
    return area_under_curve(Matches(hits, scores[order], n_truths), protocol)
