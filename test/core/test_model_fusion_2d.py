"""Feature compression, cross attention and channel masking: what happens to the maps before the voxels."""

from dataclasses import replace

import pytest
import torch
from torchvision.ops import deform_conv2d

from emiff_core.config import ChannelMaskingConfig, CompressionConfig, CrossAttentionConfig
from emiff_core.model.channel_masking import CameraChannelMasking
from emiff_core.model.compression import FeatureCompression
from emiff_core.model.cross_attention import MultiScaleCrossAttention
from emiff_core.model.deformable import DeformableConv2d

CHANNELS = 16


def pyramid(batch: int = 1) -> list[torch.Tensor]:
    return [torch.randn(batch, CHANNELS, 16 >> k, 24 >> k) for k in range(4)]


@pytest.mark.parametrize('ratio', [1, 4, 16])
@pytest.mark.parametrize('stages', [0, 1, 2])
@torch.no_grad()
def test_the_latent_shrinks_as_configured_and_comes_back_in_four_scales(ratio, stages):
    block = FeatureCompression(CHANNELS, CompressionConfig(ratio, stages)).eval()
    latent = block.encode(torch.randn(2, CHANNELS, 16, 24))
    assert latent.shape == (2, CHANNELS // ratio, 16 >> stages, 24 >> stages)
    assert (latent >= 0).all()
    assert [x.shape for x in block.decode(latent)] == [(2, CHANNELS, 16 >> k, 24 >> k) for k in range(4)]


@pytest.mark.parametrize('spread', [0.0, 0.7, 30.0])  # 30 pixels: most taps leave the map
@pytest.mark.parametrize('size', [(16, 24), (5, 3), (1, 7)])
def test_deformable_convolution_is_torchvisions(spread, size):
    layer = DeformableConv2d(6, 10)
    x = torch.randn(2, 6, *size, requires_grad=True)
    offset = (torch.randn(2, 18, *size) * spread).requires_grad_()
    ours, theirs = layer(x, offset), deform_conv2d(x, offset, layer.weight, padding=1)
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
    if spread > 0 and min(size) > 1:  # at whole offsets the two take different one-sided derivatives
        weights = torch.randn_like(ours)
        gradients = [torch.autograd.grad((y * weights).sum(), (x, offset, layer.weight)) for y in (ours, theirs)]
        for mine, reference in zip(*gradients, strict=True):
            torch.testing.assert_close(mine, reference, rtol=1e-3, atol=1e-3)


@torch.no_grad()
def test_attention_prefers_the_scale_that_resembles_the_vehicles_map():
    aligned = torch.zeros(1, 4, CHANNELS, 4, 6)
    vehicle = torch.zeros(1, CHANNELS, 4, 6)
    aligned[:, 2, 3], vehicle[:, 3] = 2.0, 3.0
    weights = MultiScaleCrossAttention.scale_weights(aligned, vehicle)
    torch.testing.assert_close(weights.sum(), torch.tensor(1.0))
    expected = torch.tensor([[0.0, 0.0, 2.0 * 3.0 / CHANNELS**0.5, 0.0]]).softmax(1)
    torch.testing.assert_close(weights, expected)


@torch.no_grad()
def test_without_attention_all_scales_count_the_same():
    block = MultiScaleCrossAttention(CHANNELS, CrossAttentionConfig(attention=False)).eval()
    levels, vehicle = pyramid(), torch.randn(1, CHANNELS, 16, 24)
    torch.testing.assert_close(block.fuse_infrastructure(levels, vehicle), block.infrastructure(levels).mean(1))
    torch.testing.assert_close(block.fuse_vehicle(levels), block.vehicle(levels).mean(1))


@torch.no_grad()
def test_without_deformation_the_taps_stay_in_place():
    block = MultiScaleCrossAttention(CHANNELS, CrossAttentionConfig(deformable=False)).eval()
    assert not any('offset' in name for name in block.state_dict())
    deformable = MultiScaleCrossAttention(CHANNELS, CrossAttentionConfig()).eval()
    deformable.load_state_dict(block.state_dict(), strict=False)
    for part in (deformable.vehicle, deformable.infrastructure):
        for correct in part.correct:
            correct.offset.weight.zero_()
            correct.offset.bias.zero_()
    levels = pyramid(2)
    torch.testing.assert_close(block.fuse_vehicle(levels), deformable.fuse_vehicle(levels), rtol=1e-4, atol=1e-4)


@torch.no_grad()
def test_the_gate_depends_on_the_camera_and_can_be_left_out():
    config = ChannelMaskingConfig(hidden_channels=12, out_channels=8)
    block = CameraChannelMasking(CHANNELS, config).eval()
    features, cameras = torch.randn(2, CHANNELS, 4, 6), torch.randn(2, 16)
    gate = block.gate(cameras)
    assert gate.shape == (2, 12) and (gate > 0).all() and (gate < 1).all()
    assert not torch.allclose(gate[0], gate[1])
    assert block(features, cameras).shape == (2, 8, 4, 6)
    block.excite[2].weight.zero_()
    block.excite[2].bias.fill_(100.0)  # a gate of ones
    without = CameraChannelMasking(CHANNELS, replace(config, gate=False)).eval()
    without.load_state_dict(block.state_dict())
    torch.testing.assert_close(block(features, cameras), without(features, cameras))
