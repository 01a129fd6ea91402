"""EMIFF, assembled: the road from two images to the anchor head's predictions.

    roadside  image -> encoder -> compression.encode -> latent
    vehicle   image -> encoder ----------------------.
              latent -> compression.decode -----------+-> MCA -> CCM -> voxel fusion -> 3D neck -> head

Source: EMIFF (arXiv 2402.15272), figure 2.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn

from emiff_core.config import EmiffConfig
from emiff_core.model import voxel_fusion
from emiff_core.model.anchor_head import AnchorHead, HeadOutput
from emiff_core.model.backbone import ImageEncoder
from emiff_core.model.camera_batch import CameraBatch
from emiff_core.model.channel_masking import CameraChannelMasking
from emiff_core.model.compression import FeatureCompression
from emiff_core.model.cross_attention import MultiScaleCrossAttention
from emiff_core.model.neck3d import Neck3d

Side = Literal['both', 'vehicle', 'infrastructure']
Stage = Callable[[str], AbstractContextManager[None]]


@dataclass(frozen=True, eq=False)
class RemoteBatch:
    """One remote camera of each of B samples.

    Attributes:
        latent: (B, C / c, h, w).
        camera: B cameras.
        present: (B,) bool where the samples differ in having it; None: all have it.
    """

    latent: Tensor
    camera: CameraBatch
    present: Tensor | None = None


def untimed(name: str) -> AbstractContextManager[None]:
    """Open nothing around a stage."""
    return nullcontext()


class Emiff(nn.Module):
    """The whole detector, or after `keep` one side's half of it."""

    voxel_centres: Tensor

    def __init__(self, config: EmiffConfig) -> None:
        super().__init__()
        channels = config.backbone.fpn_channels
        self.config = config
        self.vehicle = ImageEncoder(config.backbone)
        self.infrastructure = ImageEncoder(config.backbone)
        self.compression = FeatureCompression(channels, config.compression)
        self.cross_attention = MultiScaleCrossAttention(channels, config.cross_attention)
        self.channel_masking = CameraChannelMasking(channels, config.channel_masking)
        self.neck = Neck3d(config.channel_masking.out_channels, config.neck)
        self.head = AnchorHead(config.neck.out_channels, config.head)
        self.register_buffer('voxel_centres', voxel_fusion.voxel_centres(config.voxels), persistent=False)

    @property
    def encoders(self) -> tuple[ImageEncoder, ...]:
        """Of the cameras that it is made for."""
        return self.vehicle, self.infrastructure

    def keep(self, side: Side) -> 'Emiff':
        """Drop the weights that a side does not need; calling the other side's methods fails afterwards."""
        if side == 'vehicle':
            del self.infrastructure, self.compression.encoder
        if side == 'infrastructure':
            del self.vehicle, self.compression.decoder, self.compression.multi_scale
            del self.cross_attention, self.channel_masking, self.neck, self.head, self.voxel_centres
        return self

    def encode_infrastructure(self, image: Tensor, stage: Stage = untimed) -> Tensor:
        """Return the latent (B, C / c, H / (4 2^s), W / (4 2^s)) of roadside images (B, 3, H, W)."""
        with stage('backbone'):
            level0 = self.infrastructure(image, levels=1)[0]
        with stage('compression'):
            return self.compress(level0)

    def compress(self, level0: Tensor) -> Tensor:
        """Return what is sent of the roadside's finest level (B, C, h, w)."""
        return self.compression.encode(level0)

    def encode_vehicle(self, image: Tensor, stage: Stage = untimed) -> list[Tensor]:
        """Return the four levels (B, C, H / s, W / s), s = 4..32, of vehicle images (B, 3, H, W)."""
        with stage('backbone'):
            return self.vehicle(image)

    def detect(
        self, levels: list[Tensor], camera: CameraBatch, remotes: Sequence[RemoteBatch], stage: Stage = untimed
    ) -> HeadOutput:
        """Fuse the vehicle's levels with any number of remote latents and predict.

        Args:
            levels: what `encode_vehicle` returned.
            camera: of the vehicle.
            remotes: zero or more roadside cameras.
            stage: opened with each stage's name around it, to time it.

        Returns:
            The head's dense predictions over the voxel space's columns.
        """
        return self.predict(self.attend(levels, remotes, stage), camera, remotes, stage)

    def attend(self, levels: list[Tensor], remotes: Sequence[RemoteBatch], stage: Stage = untimed) -> list[Tensor]:
        """Return the maps (B, C, h, w) that MCA makes of the vehicle's levels and of each remote latent, in order."""
        with stage('cross_attention'):
            vehicle_map = self.cross_attention.fuse_vehicle(levels)
        maps = [vehicle_map]
        for remote in remotes:
            with stage('compression'):
                decoded = self.compression.decode(remote.latent)
            with stage('cross_attention'):
                maps.append(self.cross_attention.fuse_infrastructure(decoded, vehicle_map))
        return maps

    def predict(
        self, maps: Sequence[Tensor], camera: CameraBatch, remotes: Sequence[RemoteBatch], stage: Stage = untimed
    ) -> HeadOutput:
        """Predict from what `attend` returned; the other arguments are those of `detect`."""
        fusion = self.config.fusion
        cameras = [camera]
        for remote in remotes:
            remote_camera = remote.camera
            if not fusion.per_camera_scale:
                remote_camera = replace(remote_camera, scale=camera.scale, mirror_width=camera.mirror_width)
            cameras.append(remote_camera)
        with stage('channel_masking'):
            maps = self.mask_channels(maps, cameras)
        with stage('voxel_fusion'):
            sampled = [
                voxel_fusion.sample_volume(x, c, self.voxel_centres, self.config.voxels, fusion)
                for x, c in zip(maps, cameras, strict=True)
            ]
            everywhere = torch.ones(len(maps[0]), dtype=torch.bool, device=maps[0].device)
            present = [everywhere, *(everywhere if r.present is None else r.present for r in remotes)]
            volumes, seen = zip(*sampled, strict=True)
            volume = voxel_fusion.fuse_volumes(volumes, seen, torch.stack(present, dim=1), fusion)
        with stage('neck'):
            bev = self.neck(volume)
        with stage('head'):
            return self.head(bev)

    def mask_channels(self, maps: Sequence[Tensor], cameras: Sequence[CameraBatch]) -> list[Tensor]:
        """Return the cameras' maps (B, out_channels, h, w), enhanced; their batch norms see all cameras at once."""
        if len({x.shape for x in maps}) > 1:  # cameras of different proportions cannot share one batch
            return [self.channel_masking(x, c.parameters()) for x, c in zip(maps, cameras, strict=True)]
        parameters = CameraBatch.stack(cameras).parameters()
        return list(self.channel_masking(torch.cat(list(maps)), parameters).chunk(len(maps)))

    def forward(
        self,
        vehicle_image: Tensor,
        vehicle_camera: CameraBatch,
        infrastructure_image: Tensor,
        infrastructure_camera: CameraBatch,
        present: Tensor | None = None,
    ) -> HeadOutput:
        """Predict from both images at once; training takes the same steps apart.

        Args:
            vehicle_image, infrastructure_image: (B, 3, H, W) normalised.
            vehicle_camera, infrastructure_camera: B cameras each.
            present: (B,) bool: samples that have their roadside; None: all.
        """
        latent = self.encode_infrastructure(infrastructure_image)
        remote = RemoteBatch(latent, infrastructure_camera, present)
        return self.detect(self.encode_vehicle(vehicle_image), vehicle_camera, [remote])
