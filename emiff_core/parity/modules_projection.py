"""Golden kind `modules_projection`: voxel centres, their projection, and the pixels that they sample."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from emiff_core.model.backbone import STRIDE
from emiff_core.model.camera_batch import CameraBatch
from emiff_core.model.voxel_fusion import sample_volume, voxel_centres
from emiff_core.parity.cameras import camera_batch, moved_points, project_unscaled
from emiff_core.parity.golden import GoldenFile, normal
from emiff_core.parity.official import official_config
from emiff_core.parity.report import EXACT, RELATIVE, Report

_CAMERAS = 2
_TRANSFORMED = 50  # points of the index that are recorded after the mirroring


def compare_modules_projection(report: Report) -> None:
    """Lay the voxels, then look them up in every case's two cameras, whose projections the file holds."""
    golden = report.golden
    nx, ny, nz = (int(n) for n in golden['n_voxels'])
    voxels = replace(official_config().voxels, shape=(nx, ny, nz))
    points = voxel_centres(voxels)
    grid = points.reshape(*voxels.shape[::-1], 3)
    report.whole('n_points', len(points), EXACT)
    report.whole('grid_shape_zyx', grid.shape[:3], EXACT)
    for axis, line in enumerate((grid[0, 0, :], grid[0, :, 0], grid[:, 0, 0])):
        report.whole(f'{"xyz"[axis]}_centres', line[:, axis])
    report.whole('xyz', points[golden['index']])
    for case, meta in golden.info['cases'].items():
        for camera in range(_CAMERAS):
            _compare_camera(report, f'{case}.cam{camera}', meta, points)
    if 'degenerate.points' in golden:
        _compare_degenerate(report)


def _compare_camera(report: Report, place: str, meta: dict[str, Any], points: Tensor) -> None:
    golden = report.golden
    camera = _camera(golden[f'{place}.P'], meta)
    moved = moved_points(points, camera)
    uv, depth = project_unscaled(points, camera)
    sampled = _sample(_features(golden, meta['pad']), camera, points)

    index = torch.from_numpy(golden['index'])
    inside = (sampled[:, 2] != 0).numpy()
    behind = (depth < 0).numpy()
    report.whole(f'{place}.pts_after_3d_transform', moved[index[:_TRANSFORMED]])
    report.whole(f'{place}.uvd', torch.cat([uv, depth[:, None]], dim=1)[index], RELATIVE)
    report.whole(f'{place}.sampled', sampled[index])
    step = golden.number(r'\[::(\d+)\]', golden.text('strided'))
    report.whole(f'{place}.sampled_strided', sampled[::step])
    counts = {
        'in_image_packed': np.packbits(inside),
        'n_in_image': inside.sum(),
        'n_behind': behind.sum(),
        'n_behind_in_image': (inside & behind).sum(),
        'sum_col_row': sampled[:, :2].double().sum(dim=0),
    }
    for name, value in counts.items():
        report.whole(f'{place}.{name}', value, EXACT)


def _compare_degenerate(report: Report) -> None:
    """Points at, behind and beside the camera; the network's input is as large as the feature map says."""
    golden = report.golden
    camera = _camera(golden['degenerate.P'], {'img_shape': (1, 1, 3)})
    points = torch.from_numpy(golden['degenerate.points'])
    report.whole('degenerate.out', _sample(torch.from_numpy(golden['degenerate.feat']), camera, points))


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
    return sample_volume(features, camera, points, line, config.fusion)[0][0, :, :, 0, 0].T
