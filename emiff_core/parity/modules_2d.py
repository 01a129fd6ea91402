"""Golden kind `modules_2d`: the multi-scale block, deformable alignment, cross attention over the scales."""

import re

import torch

from emiff_core.model.compression import FeatureCompression
from emiff_core.model.cross_attention import MultiScaleCrossAttention, ScaleAlignment
from emiff_core.parity.golden import GoldenFile, normal
from emiff_core.parity.official import filled, official_config
from emiff_core.parity.recording import recorded
from emiff_core.parity.report import Report


def compare_modules_2d(report: Report) -> None:
    """Run each block on the file's inputs."""
    golden = report.golden
    config = official_config()
    with torch.inference_mode():
        x = golden.normal(golden.text('ms_input'))
        block = FeatureCompression(x.shape[1], config.compression).multi_scale
        for k, stage in enumerate(filled(block, 'compression.multi_scale.')):
            x = stage(x)
            report.add(f'ms.{k}', x)

        levels = _levels(golden)
        alignment = filled(ScaleAlignment(levels[0].shape[1], config.cross_attention), 'cross_attention.vehicle.')
        parts = [f'correct.{k}{part}' for k in range(len(levels)) for part in ('', '.offset', '.convolution')]
        with recorded(alignment, parts) as seen:
            aligned = alignment(levels)
        for k in range(len(levels)):
            report.add(f'dcn{k}.offset', seen[f'correct.{k}.offset'])
            report.add(f'dcn{k}.raw', seen[f'correct.{k}.convolution'])
            report.add(f'dcn{k}.out', seen[f'correct.{k}'])
            report.add(f'up{k}', aligned[:, k])

        vehicle = _vehicle_map(golden)
        weights = MultiScaleCrossAttention.scale_weights(aligned, vehicle)
        report.add('att.query', vehicle.mean(dim=(2, 3))[:, None])
        report.add('att.key', aligned.mean(dim=(3, 4)))
        report.add('att.weights', weights)
        report.add('att.fused', torch.einsum('bs,bschw->bchw', weights, aligned))
        report.add('veh_mean', aligned.mean(dim=1))


def _levels(golden: GoldenFile) -> list[torch.Tensor]:
    """Read 'level k: RandomState(1010+k) (2,64,32>>k,48>>k), ...'."""
    text = golden.text('dcn_inputs')
    first = golden.seed(text)
    batch, channels, height, width = (
        golden.number(pattern, text)
        for pattern in (r'\((\d+),\s*\d+,', r'\(\d+,\s*(\d+),', r'(\d+)>>k,', r'(\d+)>>k\)')
    )
    return [normal(first + k, (batch, channels, height >> k, width >> k)) for k in range(4)]


def _vehicle_map(golden: GoldenFile) -> torch.Tensor:
    """Read 'x_v = RandomState(1020)(2,64,32,48)*0.3+0.4 (float32); ...'."""
    text = golden.text('att')
    x = golden.normal(text)
    if found := re.search(r'\)\*([\d.]+)\+([\d.]+)', text):
        x = x * float(found[1]) + float(found[2])
    return x
