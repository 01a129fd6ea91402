"""What the tests of the model share: a detector of the demo's kind that runs in milliseconds."""

from dataclasses import replace

import numpy as np
import pytest

from emiff_core.config import (
    BackboneConfig,
    ChannelMaskingConfig,
    CompressionConfig,
    EmiffConfig,
    HeadConfig,
    ImageConfig,
    NeckConfig,
    VoxelConfig,
)
from emiff_core.geometry import PinholeCamera, transforms


@pytest.fixture
def tiny_config() -> EmiffConfig:
    """Every block of EMIFF, as small as it gets, quirks mended."""
    return EmiffConfig(
        image=ImageConfig(width=128, height=64),
        voxels=VoxelConfig((0.0, 40.0), (-16.0, 16.0), (-2.4, 1.2), (20, 16, 6), sampling='bilinear'),
        backbone=BackboneConfig(depth=18, width=8, fpn_channels=16),
        compression=CompressionConfig(channel_ratio=4, spatial_stages=1),
        channel_masking=ChannelMaskingConfig(hidden_channels=16, out_channels=8),
        neck=NeckConfig(channels=(8, 8), out_channels=16),
        head=HeadConfig(score_threshold=0.0),
    )


@pytest.fixture
def tiny_official_config(tiny_config: EmiffConfig, official_fusion) -> EmiffConfig:
    """The same with the authors' quirks."""
    return replace(tiny_config, fusion=official_fusion, voxels=replace(tiny_config.voxels, sampling='nearest'))


@pytest.fixture
def official_fusion():
    from emiff_core.config import FusionConfig

    return FusionConfig(mask_points_behind=False, mean_over='two', per_camera_scale=False, align_pixel_centers=False)


@pytest.fixture
def camera() -> PinholeCamera:
    return PinholeCamera(np.array([[200.0, 0.0, 128.0], [0.0, 210.0, 60.0], [0.0, 0.0, 1.0]]), 256, 128)


@pytest.fixture
def T_camera_detection() -> np.ndarray:
    """A camera at the detection frame's origin that looks along +x."""
    return transforms.rigid([[0, -1, 0], [0, 0, -1], [1, 0, 0]], [0, 0, 0])


@pytest.fixture
def T_roadside_detection() -> np.ndarray:
    """A camera 25 m ahead, 4 m up, looking back along -x."""
    rotation = np.array([[0, 1, 0], [0, 0, -1], [-1, 0, 0]])
    return transforms.rigid(rotation, -rotation @ [25.0, 0.0, 4.0])


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (128, 256, 3), dtype=np.uint8)
