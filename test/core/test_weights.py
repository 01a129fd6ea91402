from dataclasses import replace

import pytest
import torch

from emiff_core.errors import EmiffError
from emiff_core.model import weights
from emiff_core.model.emiff import Emiff


@pytest.fixture
def model(tiny_config) -> Emiff:
    model = Emiff(tiny_config)
    weights.initialise(model, seed=0)
    return model


def test_the_id_is_sha256_over_sorted_names_and_bytes():
    tensors = {'b': torch.tensor([1.0, 2.0]), 'a': torch.tensor(3)}
    # sha256(b'a' + int64 3 + b'b' + float32 1 + float32 2), little-endian
    expected = '318c7100806cdd0bbb848cfa34f8653df9e02c57662048a0d2734846e8a7f23d'
    assert weights.model_id(tensors) == weights.model_id(dict(reversed(tensors.items()))) == expected
    assert weights.model_id(tensors | {'a': torch.tensor(4)}) != expected
    assert weights.model_id({'b': tensors['b'], 'c': tensors['a']}) != expected


def test_a_seed_gives_the_same_weights_on_every_machine(tiny_config, model):
    again, other = Emiff(tiny_config), Emiff(tiny_config)
    weights.initialise(again, seed=0)
    weights.initialise(other, seed=1)
    ids = [weights.model_id(m.state_dict()) for m in (model, again, other)]
    assert ids[0] == ids[1] != ids[2]
    assert ids[0] == '85a81e18a90af9530923437a2b478ab45a10737362d64f101ef6b9faf52fc70d'


def test_untrained_scores_are_the_prior(tiny_config, model):
    assert model.head.classes.bias.sigmoid().tolist() == pytest.approx([tiny_config.head.prior] * 2)


def test_a_file_keeps_every_bit_and_the_id(tiny_config, model, tmp_path):
    for name, buffer in model.named_buffers():
        if name.endswith('running_mean'):
            buffer.normal_()
    weights.save(model, tmp_path / 'a.safetensors')
    weights.save(model, tmp_path / 'b.safetensors')
    assert (tmp_path / 'a.safetensors').read_bytes() == (tmp_path / 'b.safetensors').read_bytes()
    copy = Emiff(tiny_config)
    assert weights.load(copy, tmp_path / 'a.safetensors') == weights.model_id(model.state_dict())
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, copy.state_dict()[name]), name


def test_half_precision_files_load(model, tmp_path):
    halved = {k: t.half() if t.is_floating_point() else t for k, t in model.state_dict().items()}
    weights.write(halved, tmp_path / 'half.safetensors')
    assert weights.load(model, tmp_path / 'half.safetensors') == weights.model_id(halved)
    assert model.head.classes.weight.dtype == torch.float32


def test_what_does_not_fit_is_named(model, tmp_path):
    tensors = model.state_dict()
    del tensors['head.boxes.bias']
    tensors['head.extra.bias'] = torch.zeros(1)
    tensors['head.classes.bias'] = torch.zeros(7)
    tensors['head.directions.bias'] = torch.zeros(4, dtype=torch.int64)
    weights.write(tensors, tmp_path / 'bad.safetensors')
    with pytest.raises(EmiffError) as failure:
        weights.load(model, tmp_path / 'bad.safetensors')
    message = str(failure.value)
    assert 'bad.safetensors' in message and '\n' not in message
    assert 'missing (1) head.boxes.bias' in message
    assert 'surplus (1) head.extra.bias' in message
    assert 'misshaped (2) head.classes.bias float[7] instead of float[2]' in message
    assert 'head.directions.bias int[4] instead of float[4]' in message


def test_a_file_of_another_config_is_refused_in_one_line(tiny_config, model, tmp_path):
    weights.save(model, tmp_path / 'a.safetensors')
    wider = Emiff(replace(tiny_config, backbone=replace(tiny_config.backbone, width=16)))
    with pytest.raises(EmiffError, match=r'a\.safetensors: .*misshaped .* and \d+ more$'):
        weights.load(wider, tmp_path / 'a.safetensors')


@pytest.mark.parametrize('damage', ['missing', 'empty', 'truncated', 'text'])
def test_unreadable_files_are_refused_in_one_line(model, tmp_path, damage):
    path = tmp_path / 'a.safetensors'
    weights.save(model, path)
    if damage == 'missing':
        path.unlink()
    else:
        content = {'empty': b'', 'truncated': path.read_bytes()[:-100], 'text': b'no weights here, sorry'}[damage]
        path.write_bytes(content)
    with pytest.raises(EmiffError, match=r'a\.safetensors: expected a [^\n]*$'):
        weights.load(model, path)
