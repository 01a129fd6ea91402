"""Image encoder: ResNet (He et al. 2016) and feature pyramid (Lin et al. 2017), one of its own for each side."""

import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck

from emiff_core.config import BackboneConfig

LEVELS = 4
STRIDE = 4  # of the first level; each further one doubles it

_STAGES: dict[int, tuple[type[BasicBlock | Bottleneck], tuple[int, ...]]] = {
    18: (BasicBlock, (2, 2, 2, 2)),
    34: (BasicBlock, (3, 4, 6, 3)),
    50: (Bottleneck, (3, 4, 6, 3)),
}


class ResNet(nn.Module):
    """The four stages of a ResNet under torchvision's names, without its classifier; `width` scales all of it."""

    def __init__(self, depth: int, width: int) -> None:
        super().__init__()
        block, counts = _STAGES[depth]
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        planes = [width * 2**stage for stage in range(LEVELS)]
        self.channels = tuple(p * block.expansion for p in planes)
        inputs = (width, *self.channels[:-1])
        self.layer1 = _stage(block, inputs[0], planes[0], counts[0], stride=1)
        self.layer2 = _stage(block, inputs[1], planes[1], counts[1], stride=2)
        self.layer3 = _stage(block, inputs[2], planes[2], counts[2], stride=2)
        self.layer4 = _stage(block, inputs[3], planes[3], counts[3], stride=2)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return the stages' maps c2 to c5, strides 4 to 32, of (B, 3, H, W) images."""
        x = self.maxpool(self.relu(self.bn1(self.conv1(image))))
        maps = []
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
            maps.append(x)
        return maps


class FeaturePyramid(nn.Module):
    """1x1 laterals, nearest-neighbour top-down sums, 3x3 outputs; no norm and no activation."""

    def __init__(self, in_channels: tuple[int, ...], out_channels: int) -> None:
        super().__init__()
        self.lateral = nn.ModuleList(nn.Conv2d(c, out_channels, 1) for c in in_channels)
        self.output = nn.ModuleList(nn.Conv2d(out_channels, out_channels, 3, padding=1) for _ in in_channels)

    def forward(self, maps: list[Tensor], levels: int = LEVELS) -> list[Tensor]:
        """Return the finest `levels` levels, (B, C, H / stride, W / stride) each."""
        summed = [lateral(x) for lateral, x in zip(self.lateral, maps, strict=True)]
        for i in range(len(summed) - 1, 0, -1):
            summed[i - 1] = summed[i - 1] + F.interpolate(summed[i], size=summed[i - 1].shape[-2:], mode='nearest')
        return [self.output[i](summed[i]) for i in range(levels)]


class ImageEncoder(nn.Module):
    """ResNet and pyramid of one side."""

    def __init__(self, config: BackboneConfig) -> None:
        super().__init__()
        self.resnet = ResNet(config.depth, config.width)
        self.fpn = FeaturePyramid(self.resnet.channels, config.fpn_channels)

    def forward(self, image: Tensor, levels: int = LEVELS) -> list[Tensor]:
        """Encode (B, 3, H, W) images.

        Args:
            image: normalised, H and W multiples of 32.
            levels: how many are needed; the roadside sends the first alone.

        Returns:
            `levels` maps (B, C, H / s, W / s), s = 4, 8, 16, 32.
        """
        return self.fpn(self.resnet(image), levels)


def _stage(block: type[BasicBlock | Bottleneck], inputs: int, planes: int, count: int, stride: int) -> nn.Sequential:
    outputs = planes * block.expansion
    downsample = None
    if stride != 1 or inputs != outputs:
        downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))
    first = block(inputs, planes, stride, downsample)
    return nn.Sequential(first, *(block(outputs, planes) for _ in range(count - 1)))
