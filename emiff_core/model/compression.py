"""Feature compression (FC): what the roadside sends, and the scales that the vehicle makes of it.

Source: EMIFF, section III-B; the layers are those of the authors' implementation.
"""

from torch import Tensor, nn

from emiff_core.config import CompressionConfig
from emiff_core.model.backbone import LEVELS
from emiff_core.model.layers import conv_bn_relu, double_conv

_EPS = 1e-3  # of the authors' batch norms here, except in the strided ones


class FeatureEncoder(nn.Module):
    """The roadside's half: fewer channels, then fewer pixels."""

    def __init__(self, channels: int, config: CompressionConfig) -> None:
        super().__init__()
        latent = channels // config.channel_ratio
        self.reduce = conv_bn_relu(channels, latent, eps=_EPS)
        self.down = nn.Sequential(*(conv_bn_relu(latent, latent, stride=2) for _ in range(config.spatial_stages)))

    def forward(self, level0: Tensor) -> Tensor:
        """Compress (B, C, h, w) to the latent (B, C / c, h / 2^s, w / 2^s), which is never negative."""
        return self.down(self.reduce(level0))


class FeatureDecoder(nn.Module):
    """The vehicle's half: back to the pyramid's finest level."""

    def __init__(self, channels: int, config: CompressionConfig) -> None:
        super().__init__()
        latent = channels // config.channel_ratio
        self.up = nn.Sequential(
            *(
                nn.ConvTranspose2d(latent, latent, 4, stride=2, padding=1, bias=False)
                for _ in range(config.spatial_stages)
            )
        )
        self.expand = double_conv(latent, channels, eps=_EPS)

    def forward(self, latent: Tensor) -> Tensor:
        """Return (B, C, h, w) of a latent (B, C / c, h / 2^s, w / 2^s)."""
        return self.expand(self.up(latent))


class FeatureCompression(nn.Module):
    """Encoder, decoder, and the block that makes four scales of the decoded map."""

    def __init__(self, channels: int, config: CompressionConfig) -> None:
        super().__init__()
        self.encoder = FeatureEncoder(channels, config)
        self.decoder = FeatureDecoder(channels, config)
        self.multi_scale = nn.ModuleList(
            double_conv(channels, channels, stride=1 if level == 0 else 2) for level in range(LEVELS)
        )

    def encode(self, level0: Tensor) -> Tensor:
        """Return the latent of (B, C, h, w), see `FeatureEncoder.forward`."""
        return self.encoder(level0)

    def decode(self, latent: Tensor) -> list[Tensor]:
        """Return four levels (B, C, h / 2^k, w / 2^k), k = 0..3, of a latent."""
        x = self.decoder(latent)
        levels = []
        for stage in self.multi_scale:
            x = stage(x)
            levels.append(x)
        return levels
