from dataclasses import replace

import pytest
import torch
import torchvision
from torchvision.models.feature_extraction import create_feature_extractor

from emiff_core.config import BackboneConfig
from emiff_core.model.backbone import ImageEncoder, ResNet


@pytest.mark.parametrize('depth', [18, 34, 50])
@torch.no_grad()
def test_resnet_is_torchvisions(depth):
    theirs = getattr(torchvision.models, f'resnet{depth}')(weights=None).eval()
    ours = ResNet(depth, 64).eval()
    ours.load_state_dict({k: v for k, v in theirs.state_dict().items() if not k.startswith('fc.')})
    image = torch.randn(1, 3, 64, 96)
    features = create_feature_extractor(theirs, [f'layer{i}' for i in (1, 2, 3, 4)])(image)
    for ours_map, their_map in zip(ours(image), features.values(), strict=True):
        torch.testing.assert_close(ours_map, their_map)


@torch.no_grad()
def test_pyramid_levels_halve_and_the_first_alone_is_the_same():
    encoder = ImageEncoder(BackboneConfig(depth=18, width=8, fpn_channels=12)).eval()
    image = torch.randn(2, 3, 64, 96)
    levels = encoder(image)
    assert [level.shape for level in levels] == [(2, 12, 64 // s, 96 // s) for s in (4, 8, 16, 32)]
    (alone,) = encoder(image, levels=1)
    torch.testing.assert_close(alone, levels[0], rtol=0, atol=0)


def test_width_scales_the_whole_network():
    narrow, wide = (ImageEncoder(replace(BackboneConfig(depth=18), width=w)).resnet.channels for w in (8, 16))
    assert narrow == (8, 16, 32, 64) and wide == (16, 32, 64, 128)
