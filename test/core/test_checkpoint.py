import json
import os
import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from typer.testing import CliRunner

from emiff_core.cli.convert_checkpoint import convert_checkpoint
from emiff_core.config import load_config, save_config
from emiff_core.errors import EmiffError
from emiff_core.model import checkpoint, weights
from emiff_core.model.emiff import Emiff
from emiff_core.model.official_names import from_official, to_official
from emiff_core.resources import config_dir

GOLDEN = Path(__file__).parents[1] / 'golden'


@pytest.fixture
def tensors(tiny_config) -> dict[str, torch.Tensor]:
    """A checkpoint of the authors' kind, small."""
    model = Emiff(tiny_config)
    weights.initialise(model, seed=0)
    return {to_official(name): tensor for name, tensor in model.state_dict().items()}


def test_the_table_covers_the_authors_names_and_shapes_one_to_one():
    with torch.device('meta'):
        ours = Emiff(load_config(config_dir() / 'emiff_official.yaml')).state_dict()
    official = json.loads((GOLDEN / 'official_state_dict.json').read_text())
    theirs = {entry['name']: (entry['shape'], entry['dtype']) for entry in official}
    assert len(theirs) == 1095
    translated = {to_official(n): (list(t.shape), str(t.dtype).removeprefix('torch.')) for n, t in ours.items()}
    assert translated == theirs
    assert all(from_official(to_official(name)) == name for name in ours)


def test_unknown_names_are_refused():
    for translate, name in ((to_official, 'neck.bev.up.0.weight'), (from_official, 'bbox_head.conv_iou.weight')):
        with pytest.raises(EmiffError, match=f'^{name}: expected a tensor that'):
            translate(name)


def run(*arguments: object):
    import typer

    app = typer.Typer()
    app.command()(convert_checkpoint)
    return CliRunner().invoke(app, [str(a) for a in arguments])


@pytest.mark.parametrize('wrapped', [False, True])
def test_there_and_back_is_bit_equal(tensors, tiny_config, tmp_path, wrapped):
    source, config = tmp_path / 'theirs.pth', tmp_path / 'tiny.yaml'
    save_config(tiny_config, config)
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(2))]).state_dict()
    meta = {'epoch': 12, 'best': np.float64(15.6), 'classes': ('Car',)}
    content = {'meta': meta, 'optimizer': optimizer, 'state_dict': tensors} if wrapped else tensors
    torch.save(content, source)
    ours, back = tmp_path / 'ours.safetensors', tmp_path / 'back.pth'
    assert run(source, ours, '--config', config).exit_code == 0
    assert load_config(tmp_path / 'ours.yaml') == tiny_config
    weights.load(Emiff(tiny_config), ours)
    assert run(ours, back, '--reverse').exit_code == 0  # its config lies beside it
    returned = torch.load(back, weights_only=True)['state_dict']
    assert returned.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert returned[name].dtype == tensor.dtype and torch.equal(returned[name], tensor), name


def test_nothing_is_overwritten(tensors, tmp_path):
    source, target = tmp_path / 'theirs.pth', tmp_path / 'ours.safetensors'
    torch.save(tensors, source)
    target.write_text('precious')
    failure = run(source, target).exception
    assert isinstance(failure, EmiffError) and 'ours.safetensors: expected a file that does not exist yet' in str(
        failure
    )
    assert target.read_text() == 'precious'


def test_weights_are_not_written_where_their_config_goes(tensors, tmp_path):
    torch.save(tensors, tmp_path / 'theirs.pth')
    failure = run(tmp_path / 'theirs.pth', tmp_path / 'ours.yaml').exception
    assert isinstance(failure, EmiffError) and 'ours.yaml: expected a name' in str(failure)


def test_entries_that_do_not_fit_are_listed_by_the_authors_names(tensors, tiny_config, tmp_path):
    del tensors['ccmnet.bn.weight']
    tensors['bbox_head.conv_iou.weight'] = torch.zeros(1)
    tensors['bbox_head.conv_cls.bias'] = torch.zeros(3)
    torch.save(tensors, tmp_path / 'bad.pth')
    with pytest.raises(EmiffError) as failure:
        checkpoint.from_official_checkpoint(tmp_path / 'bad.pth', tiny_config)
    message = str(failure.value)
    assert 'bad.pth' in message and '\n' not in message
    assert 'missing (1) ccmnet.bn.weight' in message
    assert 'surplus (1) bbox_head.conv_iou.weight' in message
    assert 'misshaped (1) bbox_head.conv_cls.bias float[3] instead of float[2]' in message


def test_a_config_with_additions_cannot_be_written_back(tiny_config, tmp_path):
    config = replace(tiny_config, neck=replace(tiny_config.neck, bev_channels=(8,)))
    weights.save(Emiff(config), tmp_path / 'a.safetensors')
    with pytest.raises(EmiffError, match=r"neck\.bev.* expected a tensor that the authors' model has too"):
        checkpoint.to_official_checkpoint(tmp_path / 'a.safetensors', config)


class Code:
    """Would create a file if it were unpickled."""

    def __init__(self, trace: Path):
        self.trace = trace

    def __reduce__(self):
        return os.system, (f'touch {self.trace}',)


def damaged_files(folder: Path) -> dict[str, bytes]:
    torch.save({'a': torch.arange(5000.0)}, folder / 'whole.pth')
    whole = (folder / 'whole.pth').read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    return {
        'truncated': whole[: len(whole) // 2],
        'without its last bytes': whole[:-20],
        'with one flipped bit': bytes(flipped),
        'empty': b'',
        'text': b'not a checkpoint\n' * 100,
        'noise': np.random.default_rng(0).bytes(4000),
        'a plain pickle': pickle.dumps([1, 2]),
    }


def test_damaged_and_foreign_files_are_refused_in_one_line(tmp_path):
    path = tmp_path / 'a.pth'
    for kind, content in damaged_files(tmp_path).items():
        path.write_bytes(content)
        with pytest.raises(EmiffError, match=r'a\.pth: expected a [^\n]*$'):
            pytest.fail(f'{kind}: read as {checkpoint.read_checkpoint(path)}')


def test_code_in_a_checkpoint_is_refused_and_not_run(tensors, tmp_path):
    path, trace = tmp_path / 'a.pth', tmp_path / 'trace'
    torch.save({'state_dict': tensors, 'hook': Code(trace)}, path)
    with pytest.raises(
        EmiffError, match=r'a\.pth: expected tensors and plain values only, found a reference to \w+\.system'
    ):
        checkpoint.read_checkpoint(path)
    assert not trace.exists()
    torch.save(torch.nn.Linear(2, 2), path)
    with pytest.raises(EmiffError, match=r'found a reference to torch\.nn\.modules\.linear\.Linear'):
        checkpoint.read_checkpoint(path)


def test_a_checkpoint_of_something_else_is_refused(tmp_path):
    path = tmp_path / 'a.pth'
    for content, message in (
        ([1, 2], 'expected a state_dict, found list'),
        ({}, 'expected a state_dict, found dict'),
        ({'a': 1.0}, "expected tensors by name, found 'a': float"),
    ):
        torch.save(content, path)
        with pytest.raises(EmiffError, match=message):
            checkpoint.read_checkpoint(path)
    with pytest.raises(EmiffError, match=r'gone\.pth: expected a checkpoint \(.pth\), found none'):
        checkpoint.read_checkpoint(tmp_path / 'gone.pth')


def test_backbones_start_from_torchvisions_file(tiny_config, tmp_path):
    config = replace(tiny_config, backbone=replace(tiny_config.backbone, width=64))
    theirs = torchvision.models.resnet18(weights=None).state_dict()
    torch.save(theirs, tmp_path / 'resnet18.pth')
    model = Emiff(config)
    checkpoint.load_backbone(model, tmp_path / 'resnet18.pth')
    for encoder in (model.vehicle, model.infrastructure):
        assert torch.equal(encoder.resnet.layer4[1].conv2.weight, theirs['layer4.1.conv2.weight'])
    torch.save(torchvision.models.resnet34(weights=None).state_dict(), tmp_path / 'resnet34.pth')
    with pytest.raises(EmiffError, match=r'resnet34\.pth: .*surplus'):
        checkpoint.load_backbone(model, tmp_path / 'resnet34.pth')
