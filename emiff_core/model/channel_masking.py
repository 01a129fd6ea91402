"""Camera-aware channel masking (CCM): the camera's geometry decides how much each channel counts.

Source: EMIFF, section III-D; the layers are those of the authors' implementation. All cameras share the weights.
"""

from torch import Tensor, nn

from emiff_core.config import ChannelMaskingConfig
from emiff_core.model.layers import conv_bn_relu

CAMERA_PARAMETERS = 16


class CameraChannelMasking(nn.Module):
    """MLP over the camera's parameters -> gate over the channels of the reduced map -> 1x1 convolution."""

    def __init__(self, channels: int, config: ChannelMaskingConfig) -> None:
        super().__init__()
        hidden = config.hidden_channels
        self.gated = config.gate
        self.reduce = conv_bn_relu(channels, hidden)
        self.camera_bn = nn.BatchNorm1d(CAMERA_PARAMETERS)
        self.camera_mlp = nn.Sequential(
            nn.Linear(CAMERA_PARAMETERS, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, hidden)
        )
        self.excite = nn.Sequential(nn.Linear(hidden, hidden), nn.ReLU(inplace=True), nn.Linear(hidden, hidden))
        self.output = nn.Conv2d(hidden, config.out_channels, 1)

    def forward(self, features: Tensor, camera_parameters: Tensor) -> Tensor:
        """Enhance one camera's map.

        Args:
            features: (B, C, h, w).
            camera_parameters: (B, 16), see `CameraBatch.parameters`.

        Returns:
            (B, out_channels, h, w).
        """
        x = self.reduce(features)
        if self.gated:
            x = x * self.gate(camera_parameters)[:, :, None, None]
        return self.output(x)

    def gate(self, camera_parameters: Tensor) -> Tensor:
        """Return the (B, hidden_channels) mask in (0, 1)."""
        return self.excite(self.camera_mlp(self.camera_bn(camera_parameters))).sigmoid()
