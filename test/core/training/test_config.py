"""The training's configuration: the files that come along, and what is refused."""

from pathlib import Path

import pytest

from emiff_core.errors import EmiffError
from emiff_core.resources import config_dir
from emiff_core.training.assigner import AssignerConfig
from emiff_core.training.config import TrainingConfig, load_training_config


def refused(tmp_path: Path, text: str) -> str:
    path = tmp_path / 'training.yaml'
    path.write_text(text)
    with pytest.raises(EmiffError) as error:
        load_training_config(path)
    assert str(error.value).startswith(f'{path}: ')
    return str(error.value).removeprefix(f'{path}: ')


def test_the_defaults_are_the_authors_training():
    official, default = load_training_config(config_dir() / 'training_official.yaml'), TrainingConfig()
    assert official.optimizer == default.optimizer
    assert official.assigner == AssignerConfig()
    assert official.schedule.milestones == pytest.approx((8 / 12, 11 / 12))
    assert official.auxiliary_weight == 0


@pytest.mark.parametrize('name', ['demo', 'short'])
def test_the_demo_is_trained_with_every_part_learning(name):
    demo = load_training_config(config_dir() / f'training_{name}.yaml')
    assert demo.optimizer.frozen_stages == 0
    assert demo.augmentation.roadside_dropout > 0


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('optimizer: {learning_rat: 1}', 'optimizer.learning_rat: unknown key; did you mean learning_rate?'),
        ('schedule: {shape: linear}', "schedule.shape: expected one of steps, cosine, found 'linear'"),
        ('optimizer: {batch_size: 0}', 'optimizer.batch_size: expected at least 1, found 0'),
        ('augmentation: {resize: [1.2, 0.8]}', 'augmentation.resize: expected [low, high], found [1.2, 0.8]'),
        ('augmentation: {flip: yes}', 'augmentation.flip: expected a number, found True'),
        ('crossings: {scenes: 2.5}', 'crossings.scenes: expected a whole number, found 2.5'),
        ('- a list', 'expected a mapping'),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, text, message):
    assert refused(tmp_path, text).startswith(message)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(EmiffError, match=r'none\.yaml: cannot read'):
        load_training_config(tmp_path / 'none.yaml')
