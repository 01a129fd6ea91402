from dataclasses import replace

import pytest
import torch

from emiff_core.config import HeadConfig, NeckConfig
from emiff_core.model.anchor_head import AnchorHead
from emiff_core.model.neck3d import Neck3d


@pytest.mark.parametrize(('height', 'channels'), [(3, (8,)), (6, (8, 12)), (5, (8, 12)), (12, (8, 12, 16))])
@torch.no_grad()
def test_the_neck_folds_the_height_away_and_turns_x_y_into_rows_of_y(height, channels):
    neck = Neck3d(8, NeckConfig(channels, out_channels=10)).eval()
    volume = torch.randn(2, 8, 4, 24, height)
    bev = neck(volume)
    assert bev.shape == (2, 10, 24, 4)
    changed = volume.clone()
    changed[0, :, 3, 0] += 10.0  # the far corner on the right
    difference = (neck(changed) - bev).abs().sum((0, 1))
    assert difference[0, 3] > 0 and difference[23].max() == 0


@torch.no_grad()
def test_the_head_predicts_for_every_anchor_and_class():
    config = replace(
        HeadConfig(), class_names=('car', 'truck'), anchor_sizes=((4.0, 1.6, 1.5), (8.0, 2.5, 3.0)), anchor_yaws=(0.0,)
    )
    output = AnchorHead(16, config)(torch.randn(3, 16, 4, 5))
    assert output.classes.shape == (3, 2 * 2, 4, 5)
    assert output.boxes.shape == (3, 2 * 7, 4, 5)
    assert output.directions.shape == (3, 2 * 2, 4, 5)
