"""Golden kind `modules_ccm`: camera-aware channel masking of both cameras, resized and mirrored in several ways."""

from typing import Any

import torch

from emiff_core.model.channel_masking import CameraChannelMasking
from emiff_core.parity.cameras import camera_batch
from emiff_core.parity.golden import GoldenFile, normal
from emiff_core.parity.official import filled, official_config
from emiff_core.parity.report import Report


def compare_modules_ccm(report: Report) -> None:
    """Run the block on the file's cameras; rows alternate between vehicle and roadside."""
    golden = report.golden
    shape = golden.shape(golden.text('x_v'))
    config = official_config().channel_masking
    with torch.inference_mode():
        block = filled(CameraChannelMasking(shape[1], config), 'channel_masking.')
        cameras = [camera_batch(golden['intrinsic'][:, k], golden['extrinsic'][:, k], _metas(golden)) for k in (0, 1)]
        maps = [normal(golden.seed(golden.text(name)), shape) for name in ('x_v', 'x_i')]
        parameters = [camera.parameters() for camera in cameras]

        rows = _alternate(*parameters)
        normed = block.camera_bn(rows)
        report.add('mlp_input', rows)
        report.add('bn', normed)
        report.add('mlp', block.camera_mlp(normed))
        report.add('gate', block.gate(rows))
        report.add('reduce', block.reduce(_alternate(*maps)))
        report.add('out_v', block(maps[0], parameters[0]))
        report.add('out_i', block(maps[1], parameters[1]))


def _metas(golden: GoldenFile) -> list[dict[str, Any]]:
    return list(golden.info['metas'])


def _alternate(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    return torch.stack([first, second], dim=1).flatten(0, 1)
