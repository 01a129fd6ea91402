"""3D neck: residual 3D convolutions that fold the height of the voxel volume away.

Source: ImVoxelNet's outdoor neck (Rukhovich et al. 2022), which EMIFF uses.
"""

import torch.nn.functional as F
from torch import Tensor, nn

from emiff_core.config import NeckConfig
from emiff_core.model.bev_unet import BevUNet

Triple = tuple[int, int, int]

# PyTorch leaves a single volume to a kernel several times slower when it has no more numbers than this, its last axis
# not counted; reversed, the demo's volumes would fall below it.
_SLOW_KERNEL_UP_TO = 20480


class ConvBn3d(nn.Module):
    """3x3x3 convolution without bias and batch norm.

    Large volumes are convolved with x running fastest in memory, as the voxels are sampled: where three cells of height
    are left, a CPU is 1.6 times as fast along the long axis. The shapes stay (X, Y, Z).
    """

    def __init__(self, inputs: int, outputs: int, stride: Triple = (1, 1, 1), padding: Triple = (1, 1, 1)) -> None:
        super().__init__()
        self.conv = nn.Conv3d(inputs, outputs, 3, stride, padding, bias=False)
        self.padding = padding
        self.bn = nn.BatchNorm3d(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, X, Y, Z) volumes."""
        if len(x) == 1 and x[:, :, 0].numel() <= _SLOW_KERNEL_UP_TO:
            return self.bn(self.conv(x))
        weight, stride, padding = _reversed(self.conv.weight), self.conv.stride[::-1], self.padding[::-1]
        return _reversed(self.bn(F.conv3d(_reversed(x), weight, None, stride, padding)))


class ConvBnRelu3d(ConvBn3d):
    """The same, followed by ReLU."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, X, Y, Z) volumes."""
        return F.relu(super().forward(x), inplace=True)


class ResidualBlock3d(nn.Module):
    """Two convolutions beside the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv0 = ConvBnRelu3d(channels, channels)
        self.conv1 = ConvBn3d(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, X, Y, Z) to the same shape."""
        return F.relu(x + self.conv1(self.conv0(x)), inplace=True)


class Neck3d(nn.Module):
    """Residual stages, each at half the height of the one before; the last convolution folds three cells into one."""

    def __init__(self, in_channels: int, config: NeckConfig) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        channels = config.channels[0]
        # apart from the layers, whose names are then the same for volumes of any width
        self.entry = nn.Identity() if in_channels == channels else ConvBnRelu3d(in_channels, channels)
        for stage, width in enumerate(config.channels):
            if stage > 0:
                layers.append(ConvBnRelu3d(channels, width, stride=(1, 1, 2)))
            layers.append(ResidualBlock3d(width))
            channels = width
        layers.append(ConvBnRelu3d(channels, config.out_channels, padding=(1, 1, 0)))
        self.layers = nn.Sequential(*layers)
        self.bev = BevUNet(config.out_channels, config.bev_channels) if config.bev_channels else nn.Identity()

    def forward(self, volume: Tensor) -> Tensor:
        """Fold (B, C, X, Y, Z) into the bird's-eye-view map (B, out_channels, Y, X)."""
        flat = self.layers(self.entry(volume)).squeeze(-1)
        return self.bev(flat.transpose(-1, -2))


def _reversed(x: Tensor) -> Tensor:
    """View (..., X, Y, Z) as (..., Z, Y, X), or back."""
    return x.transpose(-3, -1)
