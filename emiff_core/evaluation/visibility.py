"""Average precision of what the vehicle sees by itself, and of what only the roadside can tell it.

Standard protocol. A detection of an object of the other group is neither a hit nor an error; one of nothing is an error
in both groups.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from rich.table import Table

from emiff_core.evaluation.average_precision import Matches, area_under_curve, chosen_truths, compare
from emiff_core.evaluation.box_iou import KINDS, Kind
from emiff_core.evaluation.ranges import Range
from emiff_core.evaluation.run import EvaluatedFrame

IOU_THRESHOLD = 0.5
GROUPS = {'seen by the vehicle': True, 'roadside only': False}


@dataclass(frozen=True)
class GroupScore:
    """One group's figure.

    Attributes:
        group: of GROUPS.
        kind: of the IoU, at IOU_THRESHOLD.
        ap: percent; None where the group is empty.
        n_truths, n_hits: boxes of the group, and how many of them were found at any score.
    """

    group: str
    kind: Kind
    ap: float | None
    n_truths: int
    n_hits: int


def score_groups(frames: Sequence[EvaluatedFrame], extent: Range) -> tuple[GroupScore, ...]:
    """Score each group in each kind, of frames that know what the vehicle sees; nothing if one does not.

    Args:
        frames: at least one.
        extent: truth boxes and detections are both kept where it contains them.
    """
    kept, seen = [], []
    for frame in frames:
        if frame.seen is None:
            return ()
        inside = extent.contains(frame.truth)
        kept.append((frame.detections[extent.contains(frame.detections.boxes)], frame.truth[inside]))
        seen.append(frame.seen[inside])
    scores = []
    for kind in KINDS:
        compared = compare([found for found, _ in kept], [truth for _, truth in kept], kind)
        for group, wanted in GROUPS.items():
            hits, weights = [], []
            for frame_ious, of_group in zip(compared, (flags == wanted for flags in seen), strict=True):
                order = np.argsort(-frame_ious.scores, kind='stable')
                chosen = chosen_truths(frame_ious.ious[:, order], IOU_THRESHOLD)
                counted = np.array([truth < 0 or of_group[truth] for truth in chosen], dtype=bool)
                hits.append(chosen[counted] >= 0)
                weights.append(frame_ious.scores[order][counted])
            flags, values = np.concatenate(hits), np.concatenate(weights)
            best = np.argsort(-values, kind='stable')
            n_truths = int(sum((f == wanted).sum() for f in seen))
            matches = Matches(flags[best], values[best], n_truths)
            ap = area_under_curve(matches, 'standard') if n_truths else None
            scores.append(GroupScore(group, kind, ap, n_truths, int(flags.sum())))
    return tuple(scores)


def group_table(scores: Sequence[GroupScore]) -> Table:
    """Lay the groups out, a row each."""
    result = Table(title=f'AP in percent at {IOU_THRESHOLD:g}, standard protocol, by who sees the object')
    result.add_column('objects')
    for name in ('n', 'BEV', '3D'):
        result.add_column(name, justify='right')
    for group in GROUPS:
        of_kind = {score.kind: score for score in scores if score.group == group}
        cells = ('-' if of_kind[kind].ap is None else f'{of_kind[kind].ap:.2f}' for kind in ('bev', '3d'))
        result.add_row(group, str(of_kind['bev'].n_truths), *cells)
    return result
