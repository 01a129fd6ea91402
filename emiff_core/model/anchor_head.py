"""Anchor head: three 1x1 convolutions over the bird's-eye-view map.

Source: SECOND (Yan et al. 2018), which ImVoxelNet and EMIFF use. What the numbers mean: `anchors`, `box_decoding`.
"""

import math
from typing import NamedTuple

from torch import Tensor, nn

from emiff_core.config import HeadConfig


class HeadOutput(NamedTuple):
    """Dense predictions for A anchors a cell.

    Attributes:
        classes: (B, A * classes, Y, X) logits.
        boxes: (B, A * 7, Y, X) residuals.
        directions: (B, A * 2, Y, X) logits.
    """

    classes: Tensor
    boxes: Tensor
    directions: Tensor


class AnchorHead(nn.Module):
    """Class, box and direction of every anchor."""

    def __init__(self, in_channels: int, config: HeadConfig) -> None:
        super().__init__()
        per_cell = len(config.anchor_sizes) * len(config.anchor_yaws)
        self.classes = nn.Conv2d(in_channels, per_cell * len(config.class_names), 1)
        self.boxes = nn.Conv2d(in_channels, per_cell * 7, 1)
        self.directions = nn.Conv2d(in_channels, per_cell * 2, 1)
        self.prior_logit = -math.log((1 - config.prior) / config.prior)

    def forward(self, bev: Tensor) -> HeadOutput:
        """Predict from (B, C, Y, X)."""
        return HeadOutput(self.classes(bev), self.boxes(bev), self.directions(bev))
