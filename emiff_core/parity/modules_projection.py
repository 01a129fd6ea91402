"""Golden kind `modules_projection`: voxel centres, their projection, and the pixels that they sample."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from emiff_core.model.backbone import STRIDE
from emiff_core.model.camera_batch import CameraBatch
from emiff_core.model.voxel_fusion import project, sample_volume, voxel_centres
from emiff_core.parity.golden import GoldenFile, normal
from emiff_core.parity.modules_ccm import camera_batch
from emiff_core.parity.official import official_config
from emiff_core.parity.report import EXACT, RELATIVE, Report

_CAMERAS = 2


def compare_modules_projection(report: Report) -> None:
    """Lay the voxels, then look them up in every case's two cameras, whose projections the file holds."""
    golden = report.golden
    voxels = replace(official_config().voxels, shape=tuple(int(n) for n in golden['n_voxels']))
    points = voxel_centres(voxels)
    grid = points.reshape(*voxels.shape[::-1], 3)
    report.add_pair('n_points', len(points), golden['n_points'], EXACT)
    report.add_pair('grid_shape_zyx', grid.shape[:3], golden['grid_shape_zyx'], EXACT)
    for axis, line in enumerate((grid[0, 0, :], grid[0, :, 0], grid[:, 0, 0])):
        report.add_pair(f'{"xyz"[axis]}_centres', line[:, axis], golden[f'{"xyz"[axis]}_centres'])
    report.add_pair('xyz', points[golden['index']], golden['xyz'])
    for case, meta in golden.info['cases'].items():
        for camera in range(_CAMERAS):
            _compare_camera(report, f'{case}.cam{camera}', meta, points)
    if 'degenerate.points' in golden:
        _compare_degenerate(report)


def _compare_camera(report: Report, place: str, meta: dict[str, Any], points: Tensor) -> None:
    golden = report.golden
    camera = _camera(golden[f'{place}.P'], meta)
    mirrored = bool(camera.mirror_width > 0)
    moved = points * torch.tensor([1.0, -1.0 if mirrored else 1.0, 1.0])
    uv, depth = (each[0] for each in project(moved, _camera(golden[f'{place}.P'], {'img_shape': meta['img_shape']})))
    sampled = _sample(_features(golden, meta['pad']), camera, points)

    index = torch.from_numpy(golden['index'])
    transformed = golden[f'{place}.pts_after_3d_transform']
    inside = (sampled[:, 2] != 0).numpy()
    behind = (depth < 0).numpy()
    report.add_pair(f'{place}.pts_after_3d_transform', moved[index[: len(transformed)]], transformed)
    report.add_pair(f'{place}.uvd', torch.cat([uv, depth[:, None]], dim=1)[index], golden[f'{place}.uvd'], RELATIVE)
    report.add_pair(f'{place}.sampled', sampled[index], golden[f'{place}.sampled'])
    strided = golden[f'{place}.sampled_strided']
    step = golden.number(r'\[::(\d+)\]', golden.text('strided'))
    report.add_pair(f'{place}.sampled_strided', sampled[::step], strided)
    counts = {
        'in_image_packed': np.packbits(inside),
        'n_in_image': inside.sum(),
        'n_behind': behind.sum(),
        'n_behind_in_image': (inside & behind).sum(),
        'sum_col_row': sampled[:, :2].double().sum(dim=0),
    }
    for name, value in counts.items():
        report.add_pair(f'{place}.{name}', value, golden[f'{place}.{name}'], EXACT)


def _compare_degenerate(report: Report) -> None:
    """Points at, behind and beside the camera; the network's input is as large as the feature map says."""
    golden = report.golden
    camera = _camera(golden['degenerate.P'], {'img_shape': (1, 1, 3)})
    points = torch.from_numpy(golden['degenerate.points'])
    report.add_pair(
        'degenerate.out', _sample(torch.from_numpy(golden['degenerate.feat']), camera, points), golden['degenerate.out']
    )


def _camera(projection: np.ndarray, meta: dict[str, Any]) -> CameraBatch:
    """Return a camera of the given 4 x 4 projection: its intrinsics stand in the extrinsics' place."""
    return camera_batch(np.eye(4, dtype=np.float32)[None], projection[None], [meta])


def _features(golden: GoldenFile, pad: list[int]) -> Tensor:
    """Return (1, 4, h, w): column, row, ones, noise; 0 in all of them means outside."""
    height, width = (size // STRIDE for size in pad)
    rows, columns = torch.meshgrid(torch.arange(height).float(), torch.arange(width).float(), indexing='ij')
    noise = normal(golden.seed(golden.text('feat')), (height, width))
    return torch.stack([columns, rows, torch.ones(height, width), noise])[None]


def _sample(features: Tensor, camera: CameraBatch, points: Tensor) -> Tensor:
    """Return the (N, C) samples of N points."""
    config = official_config()
    line = replace(config.voxels, shape=(len(points), 1, 1))
    return sample_volume(features, camera, points, line, config.fusion)[0, :, :, 0, 0].T
