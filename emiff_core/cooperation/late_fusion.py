"""Late fusion: two lists of boxes matched by their centres and merged into one.

Source: DAIR-V2X (arXiv 2204.05575), section 5: boxes of both sides are matched by Euclidean distance; of a pair the
more confident one stays, and so does every box without a partner.
"""

import numpy as np

from emiff_core.geometry import Boxes3D, Detections


def merge_detections(own: Detections, others: Detections, max_distance: float = 2.0) -> Detections:
    """Merge another side's boxes into one's own.

    Args:
        own, others: N and M detections in one frame; boxes of one list are different objects.
        max_distance: metres on the ground between the centres of a pair; nearest pairs are matched first, each box
            once, and only boxes of one class.

    Returns:
        Detections, scores descending; of equal scores, one's own first.
    """
    offsets = own.boxes.centers[:, None, :2] - others.boxes.centers[None, :, :2]
    distances = np.linalg.norm(offsets, axis=2)
    same_class = np.array(own.labels, dtype=object)[:, None] == np.array(others.labels, dtype=object)[None]
    distances = np.where(same_class, distances, np.inf)
    kept_own, kept_others = np.ones(len(own), dtype=bool), np.ones(len(others), dtype=bool)
    while distances.size and distances.min() <= max_distance:
        i, j = np.unravel_index(distances.argmin(), distances.shape)
        distances[i], distances[:, j] = np.inf, np.inf
        own_is_better = own.scores[i] >= others.scores[j]
        kept_own[i], kept_others[j] = own_is_better, not own_is_better
    return _joined(own[kept_own], others[kept_others])


def _joined(a: Detections, b: Detections) -> Detections:
    boxes = [np.concatenate(pair) for pair in zip(vars(a.boxes).values(), vars(b.boxes).values(), strict=True)]
    scores, labels = np.concatenate([a.scores, b.scores]), (*a.labels, *b.labels)
    order = np.argsort(-scores, kind='stable')
    return Detections(Boxes3D(*boxes)[order], scores[order], tuple(labels[i] for i in order))
