"""Multi-scale cross attention (MCA): deformable convolutions correct where features lie, attention weighs the scales.

Source: EMIFF, section III-C; the layers are those of the authors' implementation.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from emiff_core.config import CrossAttentionConfig
from emiff_core.model.backbone import LEVELS
from emiff_core.model.deformable import DeformableConv2d
from emiff_core.model.layers import double_conv


class DeformableBlock(nn.Module):
    """3x3 deformable convolution (Dai et al. 2017) with offsets from its own input, batch norm, ReLU."""

    def __init__(self, channels: int, config: CrossAttentionConfig) -> None:
        super().__init__()
        self.offset = nn.Conv2d(channels, 2 * 9, 3, padding=1) if config.deformable else None
        self.convolution = DeformableConv2d(channels, channels, config.reach)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, h, w) to the same shape; the offsets are (dy, dx) for each of the nine taps, in pixels."""
        if self.offset is None:
            reach = self.convolution.reach
            x = F.conv2d(x, self.convolution.weight, padding=reach, dilation=reach)
        else:
            x = self.convolution(x, self.offset(x))
        return F.relu(self.bn(x))


class ScaleAlignment(nn.Module):
    """One side's four scales, spatially corrected and brought to the finest one's size."""

    def __init__(self, channels: int, config: CrossAttentionConfig) -> None:
        super().__init__()
        self.correct = nn.ModuleList(DeformableBlock(channels, config) for _ in range(LEVELS))
        self.refine = nn.ModuleList(_refinement(channels, level) for level in range(LEVELS))

    def forward(self, levels: list[Tensor]) -> Tensor:
        """Stack four levels (B, C, h / 2^k, w / 2^k) into (B, 4, C, h, w)."""
        stages = zip(self.correct, self.refine, levels, strict=True)
        return torch.stack([refine(correct(level)) for correct, refine, level in stages], dim=1)


class MultiScaleCrossAttention(nn.Module):
    """Both sides' alignment, and the vehicle's say in which of the roadside's scales count."""

    def __init__(self, channels: int, config: CrossAttentionConfig) -> None:
        super().__init__()
        self.attention = config.attention
        self.vehicle = ScaleAlignment(channels, config)
        self.infrastructure = ScaleAlignment(channels, config)

    def fuse_vehicle(self, levels: list[Tensor]) -> Tensor:
        """Return the (B, C, h, w) mean of the vehicle's aligned scales."""
        return self.vehicle(levels).mean(dim=1)

    def fuse_infrastructure(self, levels: list[Tensor], vehicle: Tensor) -> Tensor:
        """Return the (B, C, h, w) weighted sum of the roadside's aligned scales.

        Args:
            levels: four maps (B, C, h / 2^k, w / 2^k).
            vehicle: (B, C, h', w') what `fuse_vehicle` returned.
        """
        aligned = self.infrastructure(levels)
        weights = self.scale_weights(aligned, vehicle) if self.attention else aligned.new_full(aligned.shape[:2], 0.25)
        return torch.einsum('bs,bschw->bchw', weights, aligned)

    @staticmethod
    def scale_weights(aligned: Tensor, vehicle: Tensor) -> Tensor:
        """Return (B, 4) weights that sum to 1: softmax(q k^T / sqrt(C)), q and k the maps' spatial means."""
        query = vehicle.mean(dim=(2, 3))
        keys = aligned.mean(dim=(3, 4))
        return torch.einsum('bc,bsc->bs', query, keys).div(query.shape[1] ** 0.5).softmax(dim=1)


def _refinement(channels: int, level: int) -> nn.Sequential:
    """Two convolutions for the finest level; for level k, k times doubled size and two convolutions."""
    if level == 0:
        return nn.Sequential(double_conv(channels, channels))
    layers: list[nn.Module] = []
    for _ in range(level):
        layers += [nn.Upsample(scale_factor=2, mode='bilinear', align_corners=True), double_conv(channels, channels)]
    return nn.Sequential(*layers)
