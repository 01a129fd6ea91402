"""The cameras of a batch, as the network needs them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from emiff_core.geometry import PinholeCamera


@dataclass(frozen=True, eq=False)
class CameraBatch:
    """One camera of each of B samples.

    World poses are composed in float64 before they come here; this is where they become float32, once.

    Attributes:
        intrinsics: (B, 3, 3) K of the image before it was resized, pixels.
        extrinsics: (B, 4, 4) T_camera_detection: from the detection frame to the camera's optical frame.
        scale: (B, 2) network pixels per camera pixel, x and y.
        mirror_width: (B,) width in network pixels of an image that was mirrored left to right, together with the
            detection frame (y -> -y); 0 where nothing was mirrored.
        content: (B, 2) width and height of the image in network pixels; what lies right of it and below is padding.
    """

    intrinsics: Tensor
    extrinsics: Tensor
    scale: Tensor
    mirror_width: Tensor
    content: Tensor

    @classmethod
    def single(
        cls,
        camera: PinholeCamera,
        T_camera_detection: NDArray[np.float64],
        scale: tuple[float, float],
        mirror_width: float = 0.0,
    ) -> 'CameraBatch':
        """Return a batch of one camera, on the CPU."""
        return cls(
            torch.as_tensor(camera.intrinsics, dtype=torch.float32)[None],
            torch.as_tensor(T_camera_detection, dtype=torch.float32)[None],
            torch.tensor([scale], dtype=torch.float32),
            torch.tensor([mirror_width], dtype=torch.float32),
            torch.tensor([[camera.width * scale[0], camera.height * scale[1]]], dtype=torch.float32),
        )

    @classmethod
    def stack(cls, batches: Sequence['CameraBatch']) -> 'CameraBatch':
        """Return the batches' samples one after another in one batch."""
        return cls(*(torch.cat(tensors) for tensors in zip(*(batch._tensors() for batch in batches), strict=True)))

    def __getitem__(self, rows: slice) -> 'CameraBatch':
        """Return some of the samples' cameras."""
        return CameraBatch(*(tensor[rows] for tensor in self._tensors()))

    def to(self, device: torch.device | str) -> 'CameraBatch':
        """Return the batch on `device`."""
        return CameraBatch(*(tensor.to(device) for tensor in self._tensors()))

    def parameters(self) -> Tensor:
        """Return the (B, 16) vector of channel masking: fx, fy, cx, cy after the resize, then E[:3] row by row.

        In a mirrored image fx and cx change their sign; the shift by the image's width that would follow for cx is left
        out, as the authors leave it out.
        """
        scale = self.scale.clone()
        scale[:, 0] = torch.where(self.mirror_width > 0, -scale[:, 0], scale[:, 0])
        k = self.intrinsics
        pinhole = torch.stack([k[:, 0, 0], k[:, 1, 1], k[:, 0, 2], k[:, 1, 2]], dim=1) * scale.repeat(1, 2)
        return torch.cat([pinhole, self.extrinsics[:, :3].flatten(1)], dim=1)

    def _tensors(self) -> tuple[Tensor, ...]:
        return self.intrinsics, self.extrinsics, self.scale, self.mirror_width, self.content
