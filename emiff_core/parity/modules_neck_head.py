"""Golden kind `modules_neck_head`: the 3D neck, layer by layer, and the anchor head."""

import torch

from emiff_core.model.anchor_head import AnchorHead
from emiff_core.model.neck3d import Neck3d
from emiff_core.parity.official import filled, official_config
from emiff_core.parity.report import Report


def compare_modules_neck_head(report: Report) -> None:
    """Run both blocks on the file's inputs."""
    golden = report.golden
    config = official_config()
    with torch.inference_mode():
        volume = golden.normal(golden.text('neck_input'))
        neck = filled(Neck3d(volume.shape[1], config.neck), 'neck.')
        x = volume
        for k, layer in enumerate(neck.layers):
            x = layer(x)
            report.add(f'stage{k}', x)
        report.add('out', neck(volume))

        bev = golden.normal(golden.text('head_input'))
        head = filled(AnchorHead(bev.shape[1], config.head), 'head.')
        for name, maps in zip(('cls', 'reg', 'dir'), head(bev), strict=True):
            report.add(f'head.{name}', maps)
