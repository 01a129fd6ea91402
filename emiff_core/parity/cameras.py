"""Cameras as golden files record them: 4 x 4 matrices, one scale for both, a flag where the image is mirrored."""

from dataclasses import replace
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from emiff_core.model.camera_batch import CameraBatch
from emiff_core.model.voxel_fusion import project


def camera_batch(intrinsics: NDArray[Any], extrinsics: NDArray[Any], metas: list[dict[str, Any]]) -> CameraBatch:
    """Return the cameras of B samples as recorded.

    Args:
        intrinsics, extrinsics: (B, 4, 4) float32.
        metas: B times scale_factor (x, y, x, y, or None), flip (true, or anything else) and img_shape (h, w, 3).
    """
    scales = [(meta.get('scale_factor') or (1.0, 1.0))[:2] for meta in metas]
    widths = [float(meta['img_shape'][1]) if meta.get('flip') is True else 0.0 for meta in metas]
    return CameraBatch(
        torch.as_tensor(intrinsics)[:, :3, :3],
        torch.as_tensor(extrinsics),
        torch.tensor(scales, dtype=torch.float32),
        torch.tensor(widths, dtype=torch.float32),
        torch.tensor([meta['img_shape'][1::-1] for meta in metas], dtype=torch.float32),
    )


def project_unscaled(points: Tensor, camera: CameraBatch) -> tuple[Tensor, Tensor]:
    """Project points as `voxel_fusion.project`, but into the image before it was resized and mirrored.

    Args:
        points: (N, 3), metres, detection frame; mirrored here where the camera is.
        camera: one camera.

    Returns:
        (N, 2) pixels and (N,) depth, metres.
    """
    plain = replace(camera, scale=torch.ones_like(camera.scale), mirror_width=torch.zeros_like(camera.mirror_width))
    uv, depth = project(moved_points(points, camera), plain)
    return uv[0], depth[0]


def moved_points(points: Tensor, camera: CameraBatch) -> Tensor:
    """Return (N, 3) points of the world mirrored left to right (y -> -y) where the camera's image is."""
    return points * points.new_tensor([1.0, -1.0 if bool(camera.mirror_width > 0) else 1.0, 1.0])
