"""A small training: four snapshots of one crossing, and a detector that sees them coarsely."""

from dataclasses import replace

import pytest
import torch

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
from emiff_core.training.assigner import AssignerConfig
from emiff_core.training.config import (
    AugmentationConfig,
    CrossingsConfig,
    OptimizerConfig,
    ScheduleConfig,
    TrainingConfig,
)
from emiff_core.training.crossings import draw_samples
from emiff_core.training.run import Plan
from test.core.threads import one_thread

__all__ = ['one_thread']


class ListedSamples:
    """Samples in memory."""

    def __init__(self, samples):
        self._samples = samples
        self.description = {'samples': len(samples)}

    def __len__(self):
        return len(self._samples)

    def __getitem__(self, index):
        return self._samples[index]


@pytest.fixture(scope='session')
def detector() -> EmiffConfig:
    return EmiffConfig(
        image=ImageConfig(width=240, height=96, crop_top=0.289, interpolation='area'),
        voxels=VoxelConfig((0.0, 64.0), (-24.0, 24.0), (-2.1, 1.2), (64, 48, 3), sampling='bilinear'),
        backbone=BackboneConfig(depth=18, width=16, fpn_channels=16),
        compression=CompressionConfig(channel_ratio=2, spatial_stages=0),
        channel_masking=ChannelMaskingConfig(hidden_channels=16, out_channels=16),
        neck=NeckConfig(channels=(16,), out_channels=32, bev_channels=(32,)),
        head=HeadConfig(anchor_sizes=((4.6, 1.9, 1.7),), anchor_bottom=-1.8, nms_iou=0.1),
    )


@pytest.fixture(scope='session')
def training() -> TrainingConfig:
    return TrainingConfig(
        optimizer=OptimizerConfig(
            learning_rate=3e-3,
            backbone_factor=1.0,
            clip_norm=10.0,
            batch_size=2,
            frozen_stages=0,
            frozen_norms=False,
        ),
        schedule=ScheduleConfig(epochs=2.0, shape='cosine'),
        augmentation=AugmentationConfig(flip=0.5, contrast=0.2, roadside_dropout=0.25),
        assigner=AssignerConfig(positive_iou=0.5, negative_iou=0.35, best_anchor_iou=0.2),
        auxiliary_weight=0.1,
        validations=1,
        crossings=CrossingsConfig(scenes=2, validation_scenes=1, picture_width=480),
    )


@pytest.fixture(scope='session')
def samples(detector, training) -> ListedSamples:
    return ListedSamples(draw_samples('training', 1, training.crossings, detector.image))


@pytest.fixture
def plan(detector, training, samples, tmp_path) -> Plan:
    return Plan(detector, training, samples, samples, tmp_path / 'out', torch.device('cpu'))


@pytest.fixture
def without_chance(training) -> TrainingConfig:
    """The same training without augmentation."""
    return replace(training, augmentation=AugmentationConfig(flip=0.0))
