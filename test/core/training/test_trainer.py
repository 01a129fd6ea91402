"""Steps of the optimizer: accumulation, several processes, frozen parts, the average, the learning rate's course."""

import os
import pickle
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
import torch

import emiff_core
from emiff_core.model import weights
from emiff_core.model.emiff import Emiff
from emiff_core.training.batch import Batch, Draw, DrawOrder, Examples
from emiff_core.training.config import ScheduleConfig
from emiff_core.training.network import TrainingNetwork
from emiff_core.training.processes import Processes
from emiff_core.training.schedule import rate_factor, total_steps
from emiff_core.training.trainer import Trainer

ALONE = Processes(0, 1, torch.device('cpu'))


def new_detector(config) -> Emiff:
    model = Emiff(config)
    weights.initialise(model, 0)
    return model


def batches(detector, training, samples, first: int, last: int, rank: int = 0, world: int = 1) -> list[Batch]:
    examples = Examples(samples, detector, training.augmentation, training.seed)
    order = DrawOrder(len(samples), training.seed, training.optimizer.batch_size, first, last, rank, world)
    return [Batch.collate([examples[draw] for draw in draws]) for draws in order]


def test_two_processes_learn_what_one_learns_from_both_their_batches(detector, training, samples, tmp_path):
    accumulating = replace(training, optimizer=replace(training.optimizer, accumulate=2, learning_rate=1e-3))
    alone = Trainer(new_detector(detector), accumulating, 2, ALONE)
    all_batches = batches(detector, training, samples, 0, 4)
    for step in range(2):
        alone.train_step(all_batches[2 * step : 2 * step + 2])

    of_rank = [batches(detector, training, samples, 0, 2, rank, 2) for rank in range(2)]
    (tmp_path / 'input.pkl').write_bytes(pickle.dumps((detector, accumulating, of_rank)))
    torchrun = [sys.executable, '-m', 'torch.distributed.run', '--standalone', '--nproc-per-node=2']
    environment = {**os.environ, 'PYTHONPATH': str(Path(emiff_core.__file__).parents[1]), 'OMP_NUM_THREADS': '1'}
    script = Path(__file__).with_name('two_steps.py')
    subprocess.run([*torchrun, str(script), str(tmp_path)], check=True, env=environment, timeout=120)

    states = [torch.load(tmp_path / f'{rank}.pt', weights_only=True) for rank in range(2)]
    for name, expected in alone.network.named_parameters():
        torch.testing.assert_close(states[0][name], expected.data, rtol=0, atol=1e-5)
    for name in states[0]:  # batch norms' statistics included
        assert torch.equal(states[0][name], states[1][name]), name


def test_processes_share_the_batches_that_one_would_see():
    alone = list(DrawOrder(7, 3, 2, 0, 6, 0, 1))
    shared = [list(DrawOrder(7, 3, 2, 0, 3, rank, 2)) for rank in range(2)]
    assert alone == [shared[k % 2][k // 2] for k in range(6)]
    assert list(DrawOrder(7, 3, 2, 4, 6, 0, 1)) == alone[4:]


def test_every_epoch_shows_every_sample_once_in_another_order():
    draws = [draw for batch in DrawOrder(10, 0, 5, 0, 4, 0, 1) for draw in batch]
    first, second = draws[:10], draws[10:]
    assert {draw.index for draw in first} == {draw.index for draw in second} == set(range(10))
    assert {draw.epoch for draw in first} == {0}
    assert [draw.index for draw in first] != [draw.index for draw in second]


def test_an_example_depends_on_seed_epoch_and_sample_alone(detector, training, samples):
    once, again = (Examples(samples, detector, training.augmentation, 1) for _ in range(2))
    _ = once[Draw(0, 1)]
    assert torch.equal(once[Draw(2, 0)].images[0], again[Draw(2, 0)].images[0])
    assert not torch.equal(once[Draw(2, 0)].images[0], once[Draw(3, 0)].images[0])


def test_the_loss_falls_on_a_batch_that_is_seen_again(detector, training, samples):
    trainer = Trainer(new_detector(detector), training, 8, ALONE)
    [batch] = batches(detector, training, samples, 0, 1)
    losses = [sum(trainer.train_step([batch]).terms.values()) for _ in range(8)]
    assert losses[-1] < 0.8 * losses[0]


def test_bfloat16_gives_nearly_the_same_loss(detector, training, samples):
    [batch] = batches(detector, training, samples, 0, 1)
    exact = TrainingNetwork(new_detector(detector), training)
    rounded = TrainingNetwork(
        new_detector(detector), replace(training, optimizer=replace(training.optimizer, precision='bfloat16'))
    )
    with torch.no_grad():
        torch.testing.assert_close(rounded(batch.to(ALONE.device)), exact(batch), rtol=0.05, atol=0.05)


def test_frozen_parts_keep_their_weights_and_statistics(detector, training, samples):
    frozen = replace(training, optimizer=replace(training.optimizer, frozen_stages=1, frozen_norms=True))
    model = new_detector(detector)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    trainer = Trainer(model, frozen, 1, ALONE)
    trainer.train_step(batches(detector, frozen, samples, 0, 1))
    changed = {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}
    resnet = {name.removeprefix('vehicle.resnet.') for name in changed if name.startswith('vehicle.resnet.')}
    assert resnet
    assert all(name.startswith(('layer2', 'layer3', 'layer4')) for name in resnet)
    assert not any('running' in name for name in resnet)
    assert any('running' in name for name in changed)  # those outside the ResNets follow


def test_the_average_lags_behind_the_weights(detector, training, samples):
    averaged = replace(training, optimizer=replace(training.optimizer, average_decay=0.99))
    model = new_detector(detector)
    start = model.head.boxes.weight.detach().clone()
    trainer = Trainer(model, averaged, 2, ALONE)
    for batch in batches(detector, averaged, samples, 0, 2):
        trainer.train_step([batch])
    moved = float((model.head.boxes.weight.detach() - start).norm())
    followed = float((trainer.weights()['head.boxes.weight'] - start).norm())
    assert 0 < followed < moved
    assert trainer.weights()['vehicle.resnet.bn1.num_batches_tracked'] == 2


def test_the_backbone_learns_at_its_own_rate(detector, training, samples):
    slow = replace(training, optimizer=replace(training.optimizer, backbone_factor=0.0, weight_decay=0.0))
    model = new_detector(detector)
    backbone, head = (model.get_parameter(name) for name in ('vehicle.resnet.conv1.weight', 'head.boxes.weight'))
    before = backbone.detach().clone(), head.detach().clone()
    Trainer(model, slow, 1, ALONE).train_step(batches(detector, slow, samples, 0, 1))
    assert torch.equal(backbone, before[0])
    assert not torch.equal(head, before[1])


def test_the_rate_in_steps_is_the_authors():
    config = ScheduleConfig(epochs=12.0, shape='steps', milestones=(8 / 12, 11 / 12))
    factors = [rate_factor(step, 12, config) for step in range(12)]
    assert factors[:8] == [1.0] * 8
    assert factors[8:11] == pytest.approx([0.1] * 3)
    assert factors[11:] == pytest.approx([0.01])


def test_the_cosine_rises_holds_and_sinks():
    config = ScheduleConfig(shape='cosine', hold=0.5, warmup_steps=9)
    factors = [rate_factor(step, 100, config) for step in range(100)]
    assert factors[:10] == pytest.approx([0.1 * k for k in range(1, 11)])
    assert factors[10:50] == [1.0] * 40
    assert all(a > b > 0 for a, b in pairwise(factors[51:]))
    assert factors[-1] < 0.01


def test_epochs_are_rounded_up_to_whole_steps():
    assert total_steps(ScheduleConfig(epochs=1.5), 10, 4) == 4
    assert total_steps(ScheduleConfig(epochs=1e-6), 10, 4) == 1
