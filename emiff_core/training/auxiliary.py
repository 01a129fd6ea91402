"""A loss in the images, not in the paper: where vehicles are, how far, and where they stand on the ground.

It teaches the encoders, FC and MCA depth directly, which a detector that starts from random weights otherwise finds out
slowly. Its small heads are no part of the detector: they are trained beside it and never written.
"""

from collections.abc import Sequence

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from emiff_core.model.anchors import to_boxes3d
from emiff_core.model.backbone import STRIDE
from emiff_core.model.camera_batch import CameraBatch
from emiff_core.model.voxel_fusion import project
from emiff_core.training.batch import Batch

_DEPTH_UNIT = 20.0  # metres
_OFFSET_UNIT = 32.0  # network pixels
_LARGEST_TARGET = 3.0  # in these units: nearer and farther things are told apart no further
_NEAREST = 1.0  # metres before the camera, of every corner of a box that is drawn
_FOREGROUND_WEIGHT = 2.0
_BETA = 0.05  # of the smooth L1 loss


class AuxiliaryHeads(nn.Module):
    """For each side a 1x1 convolution: foreground logit, log depth, and the way to the foot's centre (u, v)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.vehicle = nn.Conv2d(channels, 4, 1)
        self.infrastructure = nn.Conv2d(channels, 4, 1)
        for parameter in self.parameters():
            nn.init.zeros_(parameter)

    def forward(self, maps: Sequence[Tensor]) -> list[Tensor]:
        """Map the vehicle's map (B, C, h, w), and the roadside's if there is one, to (B, 4, h, w) each."""
        return [head(x) for head, x in zip((self.vehicle, self.infrastructure), maps, strict=False)]


def auxiliary_loss(stages: Sequence[Sequence[Tensor]], batch: Batch) -> Tensor:
    """Compare the heads' maps, of one or more stages, with the boxes that each camera sees, as a scalar.

    Args:
        stages: what the heads of each returned; all of one size.
        batch: the truth.
    """
    losses = []
    for side, camera in enumerate(batch.cameras[: len(stages[0])]):
        found = [maps[side].float() for maps in stages]
        wanted = torch.stack(
            [
                draw_boxes(visible.boxes[seen[:, side]], camera[i : i + 1], found[0].shape[-2:])
                for i, (visible, seen) in enumerate(zip(batch.visible, batch.seen, strict=True))
            ]
        ).to(found[0].device)
        # an absent roadside's image shows vehicles that nothing in the sample's truth says anything about
        counted = batch.present if side == 1 else torch.ones_like(batch.present)
        losses += [_side_loss(x, wanted, counted) for x in found]
    return torch.stack(losses).sum()


def draw_boxes(boxes: Tensor, camera: CameraBatch, size: torch.Size | tuple[int, int]) -> Tensor:
    """Draw boxes into a camera's finest feature map, far ones first.

    Args:
        boxes: (N, 7), the head's boxes (see `anchors`).
        camera: one camera.
        size: (h, w) of the map; its pixels are STRIDE network pixels wide.

    Returns:
        (4, h, w) on the CPU: 1 where a box's outline is, then log depth, and the way to its foot's centre in the units
        above; 0 elsewhere.
    """
    height, width = size
    canvas = np.zeros((height, width), dtype=np.int32)
    values = np.zeros((len(boxes) + 1, 3), dtype=np.float32)
    if len(boxes):
        points = torch.cat([boxes[:, None, :3], torch.from_numpy(to_boxes3d(boxes).corners()).to(boxes)], dim=1)
        pixels, depths = (x[0].cpu().numpy().reshape(len(boxes), 9, -1) for x in project(points.flatten(0, 1), camera))
        for box in np.argsort(-depths[:, 0, 0]):
            if depths[box].min() < _NEAREST:
                continue
            outline = cv2.convexHull(((pixels[box, 1:] + 0.5) / STRIDE - 0.5).round().astype(np.int32))
            cv2.fillConvexPoly(canvas, outline, int(box) + 1)
            values[box + 1] = np.log(depths[box, 0, 0] / _DEPTH_UNIT), *pixels[box, 0]
    target = values[canvas]
    rows, columns = (np.arange(n, dtype=np.float32) * STRIDE + (STRIDE - 1) / 2 for n in (height, width))
    target[..., 1] = (target[..., 1] - columns) / _OFFSET_UNIT
    target[..., 2] = (target[..., 2] - rows[:, None]) / _OFFSET_UNIT
    foreground = (canvas > 0).astype(np.float32)
    target = target.clip(-_LARGEST_TARGET, _LARGEST_TARGET) * foreground[..., None]
    return torch.from_numpy(np.concatenate([foreground[..., None], target], axis=2)).permute(2, 0, 1)


def _side_loss(found: Tensor, wanted: Tensor, counted: Tensor) -> Tensor:
    foreground = wanted[:, 0] * counted[:, None, None]
    entropy = F.binary_cross_entropy_with_logits(found[:, 0], wanted[:, 0], reduction='none').mean(dim=(1, 2))
    residual = F.smooth_l1_loss(found[:, 1:], wanted[:, 1:], reduction='none', beta=_BETA).sum(dim=1)
    n_examples, n_pixels = counted.sum().clamp(min=1), foreground.sum().clamp(min=1)
    return _FOREGROUND_WEIGHT * (entropy * counted).sum() / n_examples + (residual * foreground).sum() / n_pixels
