"""Which weights a model runs with when nobody says."""

import json
import shutil
from pathlib import Path

import pytest

from emiff_core.config import load_config
from emiff_core.inference.eager import EagerEngine
from emiff_core.resources import config_dir, find_weights, weights_dir

DEMO = 'emiff_demo.yaml'


def test_the_demos_config_has_weights_that_fit_and_a_card_that_names_them():
    weights = find_weights(config_dir() / DEMO, None)
    assert weights == weights_dir() / 'emiff_demo.safetensors'
    engine = EagerEngine(load_config(config_dir() / DEMO), weights, 'cpu')
    card = json.loads(weights.with_suffix('.json').read_text())
    assert card['model_id'] == engine.model_id
    assert weights.stat().st_size <= 20e6


@pytest.mark.parametrize('name', ['emiff_tiny.yaml', 'emiff_r50.yaml', 'emiff_official.yaml'])
def test_other_configs_have_none(name):
    assert find_weights(config_dir() / name, None) is None


def test_what_was_asked_for_is_taken(tmp_path):
    assert find_weights(config_dir() / DEMO, tmp_path / 'mine.safetensors') == tmp_path / 'mine.safetensors'
    assert find_weights(config_dir() / DEMO, Path('random')) is None


def test_a_config_of_the_same_name_elsewhere_is_another_one(tmp_path):
    shutil.copy(config_dir() / DEMO, tmp_path)
    assert find_weights(tmp_path / DEMO, None) is None
    (tmp_path / 'here').mkdir()
    (tmp_path / 'here' / DEMO).symlink_to(config_dir() / DEMO)  # as colcon installs it
    assert find_weights(tmp_path / 'here' / DEMO, None) is not None
