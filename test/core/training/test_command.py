"""`emiff train` from the command line."""

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from emiff_core.cli.train import train
from emiff_core.config import save_config
from emiff_core.data.synthetic import generate
from emiff_core.errors import EmiffError

TRAINING = """
optimizer: {batch_size: 2, frozen_stages: 0, frozen_norms: false}
schedule: {epochs: 1.0}
crossings: {scenes: 1, validation_scenes: 1, picture_width: 240}
validations: 1
"""


@pytest.fixture
def run(tmp_path: Path, detector):
    save_config(detector, tmp_path / 'detector.yaml')
    (tmp_path / 'training.yaml').write_text(TRAINING)
    app = typer.Typer()
    app.command()(train)

    def invoke(*arguments: str):
        fixed = ['--config', str(tmp_path / 'detector.yaml'), '--training', str(tmp_path / 'training.yaml')]
        fixed += ['--threads', '1', '--device', 'cpu', '--render-workers', '1', '--out', str(tmp_path / 'out')]
        return CliRunner().invoke(app, [*fixed, *arguments])

    return invoke


def test_it_trains_on_crossings_and_says_how_well(run, tmp_path):
    result = run('--cache', str(tmp_path / 'cache'))
    assert result.exit_code == 0, result.output
    assert 'step 2 of 2' in result.output
    assert 'AP at IoU 0.5' in result.output
    card = json.loads((tmp_path / 'out/card.json').read_text())
    assert card['settings']['samples']['part'] == 'training'
    assert card['settings']['validation']['samples'] == 4
    other = run('--cache', str(tmp_path / 'cache'), '--workers', '1', '--out', str(tmp_path / 'other'))
    assert other.exit_code == 0, other.output
    first, second = (tmp_path / name / 'weights.safetensors' for name in ('out', 'other'))
    assert first.read_bytes() == second.read_bytes()  # whoever prepares the samples


def test_it_trains_on_a_data_set_and_goes_on(run, tmp_path):
    generate(tmp_path / 'data', 6, seed=1, size=(240, 135))
    assert run('--data', str(tmp_path / 'data')).exit_code == 0
    again = run('--data', str(tmp_path / 'data'), '--resume')
    assert again.exit_code == 0, again.output
    assert 'going on after step 2 of 2' in again.output
    assert json.loads((tmp_path / 'out/card.json').read_text())['settings']['samples']['split'] == 'train'


def test_it_asks_for_one_source(run, tmp_path):
    for arguments in ([], ['--cache', 'a', '--data', 'b']):
        result = run(*arguments)
        assert isinstance(result.exception, EmiffError)
        assert 'either --cache' in str(result.exception)


@pytest.mark.parametrize('workers', [0, 1])
def test_a_picture_that_is_missing_is_named_in_one_line_whoever_reads_it(run, tmp_path, workers):
    generate(tmp_path / 'data', 6, seed=1, size=(240, 135))
    for picture in (tmp_path / 'data/vehicle-side/image').iterdir():
        picture.unlink()
    result = run('--data', str(tmp_path / 'data'), '--workers', str(workers))
    assert isinstance(result.exception, EmiffError)
    assert 'vehicle-side/image' in str(result.exception) and '\n' not in str(result.exception)


def test_random_backbones_are_not_frozen(run, tmp_path):
    generate(tmp_path / 'data', 6, seed=1, size=(240, 135))
    (tmp_path / 'training.yaml').write_text('optimizer: {frozen_stages: 1}')
    result = run('--data', str(tmp_path / 'data'))
    assert isinstance(result.exception, EmiffError) and 'backbone.pretrained' in str(result.exception)
