"""A small data set and small detectors with random weights, which find boxes all the same."""

from dataclasses import replace
from pathlib import Path

import pytest

from emiff_core.config import CompressionConfig, HeadConfig
from emiff_core.data.dair_v2x import DairV2xDataset
from emiff_core.data.synthetic import generate
from emiff_core.inference.eager import EagerEngine
from test.core.threads import one_thread

__all__ = ['one_thread']


@pytest.fixture(scope='session')
def data_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp('ablation')
    generate(root, 4, 7, asynchrony_ms=40.0, size=(320, 180))
    return root


@pytest.fixture
def dataset(data_root) -> DairV2xDataset:
    return DairV2xDataset(data_root)


@pytest.fixture
def small(tiny_config):
    """Few boxes, so that suppression and messages stay quick."""
    return replace(tiny_config, head=HeadConfig(score_threshold=0.0, max_boxes=8))


@pytest.fixture
def engine(small) -> EagerEngine:
    return EagerEngine(small, device='cpu')


@pytest.fixture
def vehicle(small) -> EagerEngine:
    return EagerEngine(replace(small, design='single_side'), device='cpu')


@pytest.fixture
def roadside(small) -> EagerEngine:
    return EagerEngine(replace(small, design='single_side'), device='cpu', seed=1)


@pytest.fixture
def early(small) -> EagerEngine:
    return EagerEngine(replace(small, design='early_fusion', compression=CompressionConfig(1, 0)), device='cpu')
