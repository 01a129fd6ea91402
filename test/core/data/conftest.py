"""One small synthetic data set for all tests of data and bags."""

from pathlib import Path

import pytest

from emiff_core.data.synthetic import generate

FRAMES, SEED, SIZE = 4, 7, (320, 180)


@pytest.fixture(scope='session')
def synthetic_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp('synthetic')
    generate(root, FRAMES, SEED, asynchrony_ms=40.0, size=SIZE)
    return root
