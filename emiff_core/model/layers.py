"""The small stacks that several blocks are made of."""

from torch import nn


def conv_bn_relu(in_channels: int, out_channels: int, stride: int = 1, eps: float = 1e-5) -> nn.Sequential:
    """Return a 3x3 convolution with bias, batch norm and ReLU, (B, in, H, W) -> (B, out, H / stride, W / stride)."""
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 3, stride, 1),
        nn.BatchNorm2d(out_channels, eps=eps),
        nn.ReLU(inplace=True),
    )


def double_conv(in_channels: int, out_channels: int, stride: int = 1, eps: float = 1e-5) -> nn.Sequential:
    """Return two `conv_bn_relu` in one flat stack; the first has the stride."""
    return nn.Sequential(
        *conv_bn_relu(in_channels, out_channels, stride, eps), *conv_bn_relu(out_channels, out_channels, 1, eps)
    )
