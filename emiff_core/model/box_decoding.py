"""From the head's dense maps to a short list of boxes: best anchors, decode, threshold, suppress, face forward.

Source: EMIFF's head decodes as SECOND does (Yan et al. 2018); the order of the steps is part of the result, because the
suppression sees the yaws before the direction class turns them.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from emiff_core.config import HeadConfig
from emiff_core.geometry import Detections, rotated_iou
from emiff_core.model import anchors as box_coder


class DecodedBoxes(NamedTuple):
    """Boxes of one sample, scores descending.

    Attributes:
        boxes: (N, 7) float32 [x, y, z of the bottom, length, width, height, yaw], metres and radians, detection frame.
        scores: (N,) float32 in [0, 1].
        labels: (N,) int64 class indices.
    """

    boxes: Tensor
    scores: Tensor
    labels: Tensor

    def to_detections(self, class_names: Sequence[str]) -> Detections:
        """Return the boxes by their centres and the labels by their names."""
        return Detections(
            box_coder.to_boxes3d(self.boxes),
            self.scores.double().cpu().numpy(),
            tuple(class_names[label] for label in self.labels.tolist()),
        )


def decode_detections(
    cls_logits: Tensor,
    residuals: Tensor,
    direction_logits: Tensor,
    anchors: Tensor,
    head: HeadConfig,
) -> list[DecodedBoxes]:
    """Decode the head's maps.

    Args:
        cls_logits: (B, A * classes, Y, X), A anchors a cell.
        residuals: (B, A * 7, Y, X), see `anchors.encode`.
        direction_logits: (B, A * 2, Y, X).
        anchors: (Y * X * A, 7), see `anchors.make_anchors`.
        head: says how many anchors are decoded, and which boxes of them stay (nms_pre, score_threshold, nms_iou within
            each class, max_boxes).

    Returns:
        One `DecodedBoxes` a sample.
    """
    per_cell = direction_logits.shape[1] // 2
    maps = [box_coder.per_anchor(each, per_cell) for each in (cls_logits, residuals, direction_logits)]
    result = []
    for cls, reg, direction in zip(*maps, strict=True):
        scores = cls.sigmoid()
        best = scores.max(dim=1).values.topk(min(head.nms_pre, len(scores))).indices
        boxes = box_coder.decode(anchors[best], reg[best])
        result.append(_select(boxes, scores[best], direction[best].argmax(dim=1), head))
    return result


def _select(boxes: Tensor, scores: Tensor, directions: Tensor, head: HeadConfig) -> DecodedBoxes:
    rectangles = boxes[:, [0, 1, 3, 4, 6]].double().cpu().numpy()
    kept: list[Tensor] = []
    labels: list[Tensor] = []
    for label in range(scores.shape[1]):
        candidates = (scores[:, label] > head.score_threshold).nonzero()[:, 0]
        on_host = candidates.cpu().numpy()
        survivors = rotated_iou.suppress(
            rectangles[on_host], scores[candidates, label].double().cpu().numpy(), head.nms_iou
        )
        kept.append(candidates[torch.from_numpy(survivors).to(candidates.device)])
        labels.append(torch.full_like(kept[-1], label))
    index, label_of = torch.cat(kept), torch.cat(labels)
    score_of = scores[index, label_of]
    order = score_of.argsort(descending=True, stable=True)[: head.max_boxes]
    index = index[order]
    selected = boxes[index].clone()
    selected[:, 6] = box_coder.with_direction(selected[:, 6], directions[index])
    return DecodedBoxes(selected, score_of[order], label_of[order])
