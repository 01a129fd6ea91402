"""Which anchor answers for which truth box.

Source: EMIFF's training configuration, which is SECOND's: IoU in the bird's eye view of boxes turned to their nearest
axis, so that two anchors a cell (along x and along y) suffice.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from emiff_core.geometry import Boxes3D
from emiff_core.model import anchors as box_coder

BACKGROUND = -1
IGNORED = -2


@dataclass(frozen=True)
class AssignerConfig:
    """Bird's-eye-view IoUs that decide.

    Attributes:
        positive_iou: an anchor that meets a truth box by this much answers for it.
        negative_iou: an anchor that meets none by this much is background; in between it is ignored.
        best_anchor_iou: a truth box also takes its best anchors when they meet it by this much.
    """

    positive_iou: float = 0.6
    negative_iou: float = 0.45
    best_anchor_iou: float = 0.45


@dataclass(frozen=True, eq=False)
class Targets:
    """What one sample should show.

    Attributes:
        boxes: (M, 7) float32, the head's boxes (see `anchors`), metres and radians, detection frame.
        labels: (M,) int64 class indices.
    """

    boxes: Tensor
    labels: Tensor

    def to(self, device: torch.device | str) -> 'Targets':
        """Return the same targets on another device."""
        return Targets(self.boxes.to(device), self.labels.to(device))

    def mirrored(self) -> 'Targets':
        """Return the targets of the world mirrored left to right (y -> -y), as the images are in training."""
        return Targets(self.boxes * self.boxes.new_tensor([1, -1, 1, 1, 1, 1, -1]), self.labels)


def make_targets(
    truth: Boxes3D,
    names: Sequence[str],
    class_names: Sequence[str],
    x_range: tuple[float, float],
    y_range: tuple[float, float],
) -> Targets:
    """Keep the truth boxes that training can learn from.

    Args:
        truth: M boxes, detection frame.
        names: their M class names; boxes of names outside `class_names` (labels to ignore) are left out, where the
            authors' label -1 crashes their loss.
        class_names: of the head, in its order.
        x_range, y_range: metres; a box stays when its centre lies strictly inside (the authors: 0-92.16, +-40).
    """
    x, y = truth.centers[:, 0], truth.centers[:, 1]
    inside = (x > x_range[0]) & (x < x_range[1]) & (y > y_range[0]) & (y < y_range[1])
    kept = [i for i, name in enumerate(names) if name in class_names and inside[i]]
    labels = torch.tensor([class_names.index(names[i]) for i in kept], dtype=torch.int64)
    return Targets(box_coder.from_boxes3d(truth[kept]), labels)


def assign(anchors: Tensor, boxes: Tensor, config: AssignerConfig) -> Tensor:
    """Match anchors with truth boxes.

    Args:
        anchors: (N, 7) boxes.
        boxes: (M, 7) truth boxes, M from 0.
        config: the deciding IoUs.

    Returns:
        (N,) int64: the index of the truth box, or BACKGROUND, or IGNORED.
    """
    assigned = torch.full((len(anchors),), BACKGROUND, dtype=torch.int64, device=anchors.device)
    if len(boxes) == 0:
        return assigned
    ious = _pairwise_iou(_nearest_upright(boxes), _nearest_upright(anchors))
    best, best_box = ious.max(dim=0)
    assigned[best >= config.negative_iou] = IGNORED
    positive = best >= config.positive_iou
    assigned[positive] = best_box[positive]
    # In the boxes' order: where two claim one anchor, the later has it.
    for index, of_box in enumerate(ious):
        highest = of_box.max()
        if highest >= config.best_anchor_iou:
            assigned[of_box == highest] = index
    return assigned


def _nearest_upright(boxes: Tensor) -> Tensor:
    """Return (N, 4) x0, y0, x1, y1 of the boxes turned to the nearest multiple of a right angle."""
    yaws = boxes[:, 6]
    off_axis = (yaws - (yaws / math.pi + 0.5).floor() * math.pi).abs()
    along_y = (off_axis > math.pi / 4)[:, None]
    sizes = torch.where(along_y, boxes[:, [4, 3]], boxes[:, 3:5])
    return torch.cat([boxes[:, :2] - sizes / 2, boxes[:, :2] + sizes / 2], dim=1)


def _pairwise_iou(a: Tensor, b: Tensor) -> Tensor:
    low = torch.maximum(a[:, None, :2], b[None, :, :2])
    high = torch.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = (high - low).clamp(min=0).prod(dim=2)
    areas = [(boxes[:, 2:] - boxes[:, :2]).prod(dim=1) for boxes in (a, b)]
    return shared / (areas[0][:, None] + areas[1][None] - shared).clamp(min=1e-6)
