"""Point-sampling voxel fusion: every voxel's centre is looked up in every camera's map.

Source: EMIFF, section III-E, after ImVoxelNet (Rukhovich et al. 2022). The projection is float32 and one matrix product
of homogeneous points with the transposed projection: any other order moves some voxels to a neighbouring pixel.
"""

import functools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from emiff_core.config import FusionConfig, VoxelConfig
from emiff_core.model.anchors import cell_centres
from emiff_core.model.backbone import STRIDE
from emiff_core.model.camera_batch import CameraBatch

MIN_DEPTH = 0.1  # metres; nearer points count as behind the camera where those are masked
_OUTSIDE = 3.0  # a sampling coordinate beyond [-1, 1] in any alignment: grid_sample gives zeros


def voxel_centres(config: VoxelConfig) -> Tensor:
    """Return the (X * Y * Z, 3) float32 centres, metres, detection frame; z runs slowest and x fastest."""
    x, y, z = (
        cell_centres(start, stop, count)
        for (start, stop), count in zip((config.x_range, config.y_range, config.z_range), config.shape, strict=True)
    )
    zz, yy, xx = torch.meshgrid(z, y, x, indexing='ij')
    return torch.stack([xx, yy, zz], dim=-1).reshape(-1, 3)


def project(points: Tensor, camera: CameraBatch) -> tuple[Tensor, Tensor]:
    """Project points of the detection frame into the network's input images.

    Args:
        points: (N, 3) float32, metres.
        camera: B cameras; where one is mirrored, so is the world (y -> -y).

    Returns:
        (B, N, 2) pixels (u, v) of the network's input, mirrored images included, and (B, N) depth in metres. Points
        behind a camera (depth < 0) come out mirrored, as the plain division gives it.
    """
    homogeneous = torch.cat([points, torch.ones_like(points[:, :1])], dim=1)
    pixels, depths = [], []
    for k, extrinsic, scale, mirror_width in zip(
        camera.intrinsics, camera.extrinsics, camera.scale, camera.mirror_width, strict=True
    ):
        mirrored = mirror_width > 0
        with torch.autocast(points.device.type, enabled=False):
            projection = torch.block_diag(k, torch.ones_like(k[:1, :1])) @ extrinsic
            projection[:, 1] = torch.where(mirrored, -projection[:, 1], projection[:, 1])
            uvd = homogeneous @ projection.T
        uv = uvd[:, :2] / uvd[:, 2:3] * scale
        u = torch.where(mirrored, mirror_width - uv[:, 0], uv[:, 0])
        pixels.append(torch.stack([u, uv[:, 1]], dim=1))
        depths.append(uvd[:, 2])
    return torch.stack(pixels), torch.stack(depths)


def sample_volume(
    features: Tensor, camera: CameraBatch, points: Tensor, voxels: VoxelConfig, fusion: FusionConfig
) -> tuple[Tensor, Tensor]:
    """Fill the voxel space with what one camera sees.

    Args:
        features: (B, C, h, w) of the finest level; the padded image is (4 h, 4 w).
        camera: the B cameras.
        points: (X * Y * Z, 3), see `voxel_centres`.
        voxels, fusion: how to sample, and which of the official quirks to keep.

    Returns:
        (B, C, X, Y, Z), zeros where a voxel is not in the image, and which voxels are in it, (B, X, Y, Z) bool.
    """
    grid = _sampling_grid(camera, points, features.shape[-2:], fusion)
    sampled = F.grid_sample(
        features,
        grid[:, None],
        mode=voxels.sampling,
        padding_mode='zeros',
        align_corners=not fusion.align_pixel_centers,
    )
    padded = grid.new_tensor([features.shape[-1] * STRIDE, features.shape[-2] * STRIDE])
    ends = camera.content / padded * 2 - 1
    seen = ((grid > -1) & (grid < ends[:, None])).all(dim=-1)
    x, y, z = voxels.shape
    return (
        sampled.reshape(*features.shape[:2], z, y, x).permute(0, 1, 4, 3, 2),
        seen.reshape(-1, z, y, x).permute(0, 3, 2, 1),
    )


def fuse_volumes(volumes: Sequence[Tensor], seen: Sequence[Tensor], present: Tensor, fusion: FusionConfig) -> Tensor:
    """Merge the cameras' volumes.

    Args:
        volumes, seen: of N cameras, at least one, see `sample_volume`.
        present: (B, N) bool, which cameras a sample has.
        fusion: `mean_over`: 'seen' divides each voxel by the cameras that see it; 'present' by the cameras that a
            sample has; 'two' by two (by N where N is larger), whatever is missing counting as zeros.

    Returns:
        (B, C, X, Y, Z).
    """
    weights = [here.view(-1, 1, 1, 1, 1).to(volumes[0].dtype) for here in present.T]
    if fusion.mean_over == 'seen':
        weights = [weight * inside[:, None] for weight, inside in zip(weights, seen, strict=True)]
    if fusion.mean_over == 'two':
        divisor = torch.full_like(weights[0], max(len(volumes), 2))
    else:
        divisor = functools.reduce(torch.add, weights).clamp(min=1)
    weighted = (volume * (weight / divisor) for volume, weight in zip(volumes, weights, strict=True))
    return functools.reduce(torch.add, weighted)


def _sampling_grid(camera: CameraBatch, points: Tensor, size: torch.Size, fusion: FusionConfig) -> Tensor:
    """Return where each camera's map (h, w) is sampled for N points, (B, N, 2) in [-1, 1] where the map is."""
    pixels, depth = project(points, camera)
    padded = pixels.new_tensor([size[1] * STRIDE, size[0] * STRIDE])
    if fusion.align_pixel_centers:
        grid = (pixels + 0.5) / padded * 2 - 1
    else:
        grid = pixels / padded * 2 - 1
    grid = grid.clamp(-_OUTSIDE, _OUTSIDE).nan_to_num(_OUTSIDE)  # in the camera's plane the division has no answer
    if fusion.mask_points_behind:
        grid = torch.where(depth[..., None] > MIN_DEPTH, grid, _OUTSIDE)
    return grid
