"""What EMIFF is compared with sees what its name says, and learns from nothing else."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from emiff_core.config import CompressionConfig, CrossAttentionConfig, EmiffConfig
from emiff_core.errors import EmiffError
from emiff_core.geometry import PinholeCamera
from emiff_core.inference.eager import EagerEngine, RemoteFeature
from emiff_core.model import weights
from emiff_core.model.baselines import build_detector
from emiff_core.model.camera_batch import CameraBatch
from emiff_core.model.deformable import DeformableConv2d
from emiff_core.model.emiff import RemoteBatch


@pytest.fixture
def single(tiny_config) -> EmiffConfig:
    return replace(tiny_config, design='single_side')


@pytest.fixture
def early(tiny_config) -> EmiffConfig:
    return replace(tiny_config, design='early_fusion', compression=CompressionConfig(1, 0))


def detector_of(config: EmiffConfig):
    model = build_detector(config)
    weights.initialise(model, 0)
    return model.eval().requires_grad_(False)


def names(model) -> set[str]:
    return {name.split('.')[0] for name in model.state_dict()}


def test_a_single_side_holds_nothing_that_could_take_in_another_cameras_features(single, tiny_config):
    model = detector_of(single)
    assert names(model) == names(build_detector(tiny_config)) - {'infrastructure', 'compression'}
    assert not [name for name in model.state_dict() if name.startswith('cross_attention.infrastructure')]
    engine = EagerEngine(single, device='cpu')
    assert engine.side == 'vehicle'


def test_a_single_side_is_emiff_without_remotes(single, tiny_config):
    emiff, model = detector_of(tiny_config), detector_of(single)
    model.load_state_dict({k: v for k, v in emiff.state_dict().items() if k in model.state_dict()})
    image, camera = torch.rand(1, 3, 64, 128), CameraBatch.single(
        PinholeCamera(np.eye(3), 128, 64), np.eye(4), (1.0, 1.0)
    )
    expected = emiff.detect(emiff.encode_vehicle(image), camera, [])
    found = model.detect(model.encode_vehicle(image), camera, [])
    assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def test_no_half_of_a_baseline_sends_features(single, early):
    for config in (single, early):
        with pytest.raises(EmiffError, match='expected emiff for a side that sends features'):
            EagerEngine(config, device='cpu', side='infrastructure')


def test_a_single_side_refuses_to_encode_a_roadside_image(single, image, camera):
    with pytest.raises(EmiffError, match='infrastructure half'):
        EagerEngine(single, device='cpu').encode_infrastructure(image, camera)


def test_early_fusion_has_none_of_the_papers_blocks_and_samples_the_images_own_features(
    early, image, camera, T_camera_detection, T_roadside_detection
):
    engine = EagerEngine(early, device='cpu')
    assert not names(engine.model) & {'compression', 'cross_attention', 'channel_masking'}
    roadside = engine.encode_infrastructure(image, camera)
    assert roadside.latent.shape == engine.latent_shape(roadside.camera) == (16, 16, 32)
    levels = engine.model.infrastructure(engine._prepare(image, camera, _clock())[1], levels=1)
    assert torch.equal(torch.from_numpy(roadside.latent), levels[0][0])
    vehicle = engine.encode_vehicle(image, camera)
    remote = RemoteFeature(roadside.latent, roadside.camera, roadside.scale, T_roadside_detection)
    both = engine.detect(vehicle, T_camera_detection, [remote]).logits
    alone = engine.detect(vehicle, T_camera_detection, []).logits
    assert not torch.equal(both.classes, alone.classes)


def test_early_fusion_weighs_both_cameras_alike(early):
    model = detector_of(early)
    maps = model.attend([torch.ones(1, 16, 16, 32)], [RemoteBatch(torch.zeros(1, 16, 16, 32), None)])
    assert [float(x.mean()) for x in model.mask_channels(maps, [])] == [1.0, 0.0]


def test_early_fusion_with_compression_is_refused(tiny_config):
    with pytest.raises(EmiffError, match='early_fusion compresses nothing'):
        replace(tiny_config, design='early_fusion')


def test_reach_spreads_the_taps_and_keeps_the_weights(tiny_config):
    near, far = DeformableConv2d(2, 3), DeformableConv2d(2, 3, reach=2)
    far.load_state_dict(near.state_dict())
    x = torch.rand(1, 2, 9, 11)
    none = torch.zeros(1, 18, 9, 11)
    wide = torch.nn.functional.conv2d(x, near.weight, padding=2, dilation=2)
    assert torch.allclose(far(x, none), wide, atol=1e-5)
    assert not torch.allclose(near(x, none), wide, atol=1e-2)
    plain = replace(tiny_config, cross_attention=CrossAttentionConfig(deformable=False, reach=3))
    assert detector_of(plain).cross_attention.vehicle.correct[0](torch.rand(1, 16, 8, 8)).shape == (1, 16, 8, 8)


def _clock():
    from emiff_core.inference.stages import StageClock

    return StageClock(torch.device('cpu'))
