"""The detection loss: classification, box and direction, over the positives of the batch.

Source: EMIFF, section 3.5, with the weights of the authors' configuration: focal loss (Lin et al. 2017) x 1, smooth L1
on residuals x 2 with the yaw compared by its sine (Yan et al. 2018), cross-entropy of the direction x 0.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import sigmoid_focal_loss

from emiff_core.model import anchors as box_coder
from emiff_core.training.assigner import BACKGROUND, IGNORED, AssignerConfig, Targets, assign


@dataclass(frozen=True)
class LossConfig:
    """Weights and shapes of the three terms.

    Attributes:
        focal_alpha, focal_gamma: weight of the positives and focus of the focal loss.
        smooth_l1_beta: residual below which the box loss is quadratic.
        box_weight, direction_weight: of their terms; the classification has 1.
        count_empty_samples: official: a sample without positives counts 1 in the divisor, which halves the loss of
            its neighbour in a batch of sparse scenes. False: the positives of the batch are counted, 1 at least.
    """

    focal_alpha: float = 0.25
    focal_gamma: float = 2.0
    smooth_l1_beta: float = 1 / 9
    box_weight: float = 2.0
    direction_weight: float = 0.2
    count_empty_samples: bool = False


@dataclass(frozen=True, eq=False)
class DetectionLoss:
    """The weighted terms, scalars that carry gradients, and how many anchors were positive."""

    classification: Tensor
    box: Tensor
    direction: Tensor
    n_positives: int

    @property
    def total(self) -> Tensor:
        """The sum that is minimised."""
        return self.classification + self.box + self.direction


def detection_loss(
    cls_logits: Tensor,
    residuals: Tensor,
    direction_logits: Tensor,
    anchors: Tensor,
    targets: Sequence[Targets],
    assigner: AssignerConfig,
    config: LossConfig,
) -> DetectionLoss:
    """Compare the head's maps with the truth.

    Args:
        cls_logits: (B, A * classes, Y, X).
        residuals: (B, A * 7, Y, X).
        direction_logits: (B, A * 2, Y, X).
        anchors: (Y * X * A, 7), see `anchors.make_anchors`.
        targets: B samples' truth.
        assigner, config: what is positive, and what it weighs.
    """
    assigned = torch.stack([assign(anchors, target.boxes, assigner) for target in targets])
    positive = assigned >= 0
    per_sample = positive.sum(dim=1)
    n_positives = int(per_sample.sum())
    divisor = int(per_sample.clamp(min=1).sum()) if config.count_empty_samples else max(n_positives, 1)

    sample, anchor = positive.nonzero(as_tuple=True)
    matched = assigned[positive]
    counts = torch.tensor([len(target.labels) for target in targets], device=matched.device)
    truth = (counts.cumsum(0) - counts)[sample] + matched  # index into the samples' boxes laid end to end
    boxes = torch.cat([target.boxes for target in targets])[truth]
    labels = torch.cat([target.labels for target in targets])[truth]

    per_cell = direction_logits.shape[1] // 2
    return DetectionLoss(
        _classification(box_coder.per_anchor(cls_logits, per_cell), assigned, labels, config) / divisor,
        _box(box_coder.per_anchor(residuals, per_cell)[sample, anchor], anchors[anchor], boxes, config) / divisor,
        _direction(box_coder.per_anchor(direction_logits, per_cell)[sample, anchor], boxes, config) / divisor,
        n_positives,
    )


def _classification(logits: Tensor, assigned: Tensor, labels: Tensor, config: LossConfig) -> Tensor:
    wanted = torch.zeros_like(logits)
    sample, anchor = (assigned > BACKGROUND).nonzero(as_tuple=True)
    wanted[sample, anchor, labels] = 1
    counted = assigned != IGNORED
    return sigmoid_focal_loss(
        logits[counted], wanted[counted], alpha=config.focal_alpha, gamma=config.focal_gamma, reduction='sum'
    )


def _box(residuals: Tensor, anchors: Tensor, boxes: Tensor, config: LossConfig) -> Tensor:
    wanted = box_coder.encode(anchors, boxes)
    # sin(a - b), written so that only the prediction's side carries gradients: a half turn costs nothing.
    yaw, wanted_yaw = residuals[:, 6:], wanted[:, 6:]
    left = torch.cat([residuals[:, :6], yaw.sin() * wanted_yaw.cos()], dim=1)
    right = torch.cat([wanted[:, :6], yaw.cos() * wanted_yaw.sin()], dim=1)
    return config.box_weight * F.smooth_l1_loss(left, right, reduction='sum', beta=config.smooth_l1_beta)


def _direction(logits: Tensor, boxes: Tensor, config: LossConfig) -> Tensor:
    wanted = box_coder.direction_of(boxes[:, 6])
    return config.direction_weight * F.cross_entropy(logits, wanted, reduction='sum')
