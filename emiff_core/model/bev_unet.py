"""A U-Net over the bird's-eye-view map. Not in the paper: it lets small models see further than their few 3D layers."""

import itertools

import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock


class BevUNet(nn.Module):
    """Residual blocks at halved resolutions, each level added back to the finer one."""

    def __init__(self, channels: int, coarser: tuple[int, ...]) -> None:
        super().__init__()
        widths = (channels, *coarser)
        pairs = list(itertools.pairwise(widths))
        self.down = nn.ModuleList(nn.Sequential(_halving(fine, wide), BasicBlock(wide, wide)) for fine, wide in pairs)
        self.up = nn.ModuleList(nn.Conv2d(wide, fine, 1) for fine, wide in pairs)
        self.merge = nn.ModuleList(BasicBlock(fine, fine) for fine, _ in pairs)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, Y, X) to the same shape."""
        levels = [x]
        for down in self.down:
            levels.append(down(levels[-1]))
        x = levels.pop()
        for up, merge in zip(reversed(self.up), reversed(self.merge), strict=True):
            finer = levels.pop()
            x = merge(finer + F.interpolate(up(x), size=finer.shape[-2:], mode='bilinear', align_corners=False))
        return x


def _halving(inputs: int, outputs: int) -> BasicBlock:
    shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, 2, bias=False), nn.BatchNorm2d(outputs))
    return BasicBlock(inputs, outputs, 2, shortcut)
