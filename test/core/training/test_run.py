"""A whole training: it learns, goes on where it stopped, and leaves weights that the engine takes."""

import json
import os
import signal
from dataclasses import replace

import pytest
import torch

from emiff_core.config import ChannelMaskingConfig, CompressionConfig, FusionConfig, VoxelConfig, load_config
from emiff_core.errors import EmiffError
from emiff_core.inference.eager import EagerEngine
from emiff_core.model import weights
from emiff_core.training.config import CrossingsConfig, ScheduleConfig
from emiff_core.training.crossings import draw_samples
from emiff_core.training.run import CHECKPOINT, WEIGHTS, train
from test.core.training.conftest import ListedSamples


def silent(line: str) -> None:
    pass


def stop_after(step: int):
    """Return a listener that asks this process to stop once it hears of a step."""

    def listen(line: str) -> None:
        if line.startswith(f'step {step} '):
            os.kill(os.getpid(), signal.SIGTERM)

    return listen


def test_eight_frames_are_learnt_by_heart(plan, detector, without_chance):
    """Two crossings, four looks each: some twenty vehicles, a few of which only the roadside sees."""
    able = replace(
        detector,
        voxels=VoxelConfig((0.0, 51.2), (-25.6, 25.6), (-2.1, 1.4), (64, 64, 3), sampling='bilinear'),
        backbone=replace(detector.backbone, fpn_channels=24),
        channel_masking=ChannelMaskingConfig(hidden_channels=24, out_channels=24),
        neck=replace(detector.neck, bev_channels=(48, 64)),
        head=replace(detector.head, score_threshold=0.02),
        fusion=FusionConfig(mean_over='seen'),
    )
    crossings = CrossingsConfig(picture_width=640)
    frames = ListedSamples([frame for k in (5, 11) for frame in draw_samples('training', k, crossings, able.image)])
    optimizer = replace(
        without_chance.optimizer, learning_rate=4e-3, betas=(0.9, 0.99), batch_size=8, average_decay=0.8
    )
    schedule = ScheduleConfig(epochs=220.0, shape='cosine', hold=0.6, warmup_steps=10)
    learning = replace(without_chance, optimizer=optimizer, schedule=schedule)
    train(replace(plan, detector=able, training=learning, samples=frames, validation=frames), silent)
    card = json.loads((plan.out / 'card.json').read_text())
    assert card['ap_standard_iou50_percent']['both_bev'] >= 95  # random weights: 0


@pytest.mark.parametrize('average_decay', [0.0, 0.9])
def test_a_stopped_training_goes_on_as_if_nothing_had_happened(plan, training, tmp_path, average_decay):
    longer = replace(training, schedule=replace(training.schedule, epochs=6.0))
    longer = replace(longer, optimizer=replace(longer.optimizer, average_decay=average_decay))
    plan = replace(plan, training=longer)
    whole, parts = replace(plan, out=tmp_path / 'whole'), replace(plan, out=tmp_path / 'parts', resume=True)
    train(whole, silent)
    train(parts, stop_after(10))
    assert not (parts.out / WEIGHTS).exists()  # it did stop early
    train(parts, silent)
    assert (parts.out / WEIGHTS).read_bytes() == (whole.out / WEIGHTS).read_bytes()


def test_the_results_are_a_detector_with_its_card_and_log(plan):
    train(replace(plan, half_precision=True), silent)
    engine = EagerEngine(load_config(plan.out / 'config.yaml'), plan.out / WEIGHTS, 'cpu')
    card = json.loads((plan.out / 'card.json').read_text())
    assert card['model_id'] == engine.model_id
    assert card['steps'] == 4
    assert card['settings']['training']['schedule']['epochs'] == 2
    events = [json.loads(line) for line in (plan.out / 'log.jsonl').read_text().splitlines()]
    assert [event['event'] for event in events] == ['step', 'validation']
    assert events[0]['loss'] > 0
    stored = weights.read(plan.out / WEIGHTS)
    assert stored['head.boxes.weight'].dtype == torch.float16
    assert stored['vehicle.resnet.bn1.running_var'].dtype == torch.float32


def test_training_starts_from_given_weights(plan, detector):
    train(plan, silent)
    start = plan.out / WEIGHTS
    # a rate of next to nothing leaves all but the batch norms' statistics as they were
    still = replace(plan.training, optimizer=replace(plan.training.optimizer, learning_rate=1e-12))
    train(replace(plan, training=still, initial=start, out=plan.out.parent / 'again'), silent)
    before, after = weights.read(start), weights.read(plan.out.parent / 'again' / WEIGHTS)
    assert torch.allclose(before['head.boxes.weight'], after['head.boxes.weight'], atol=1e-8)


def test_an_earlier_training_is_neither_overwritten_nor_mixed_with_another(plan):
    train(plan, silent)
    with pytest.raises(EmiffError, match='--resume'):
        train(plan, silent)
    other = replace(plan.training, seed=5)
    with pytest.raises(EmiffError, match=r'training\.seed 0 instead of 5'):
        train(replace(plan, training=other, resume=True), silent)


def test_a_damaged_checkpoint_is_refused_by_name(plan):
    train(plan, silent)
    path = plan.out / CHECKPOINT
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(EmiffError, match=r'checkpoint\.pt: expected a checkpoint of emiff train'):
        train(replace(plan, resume=True), silent)


def test_a_diverging_training_ends_with_one_line(plan):
    wild = replace(plan.training, optimizer=replace(plan.training.optimizer, learning_rate=1e30))
    with pytest.raises(EmiffError, match='no longer finite'):
        train(replace(plan, training=wild), silent)


def test_a_checkpoint_from_before_an_option_existed_has_its_default(plan):
    train(plan, silent)
    path = plan.out / CHECKPOINT
    content = torch.load(path, weights_only=True)
    del content['settings']['detector']['design'], content['settings']['training']['seed']
    torch.save(content, path)
    train(replace(plan, resume=True), silent)
    other = replace(plan.training, seed=5)
    with pytest.raises(EmiffError, match=r'training\.seed 0 instead of 5'):
        train(replace(plan, training=other, resume=True), silent)


def test_a_single_side_learns_the_same_whatever_the_roadside_shows(plan, samples):
    alone = replace(plan, detector=replace(plan.detector, design='single_side'))
    blind = [replace(s, infrastructure=replace(s.infrastructure, image=0 * s.infrastructure.image)) for s in samples]
    train(alone, silent)
    train(replace(alone, samples=type(samples)(blind), out=plan.out.parent / 'blind'), silent)
    assert (alone.out / WEIGHTS).read_bytes() == (plan.out.parent / 'blind' / WEIGHTS).read_bytes()


def test_early_fusion_learns_and_is_read_back(plan):
    early = replace(plan.detector, design='early_fusion', compression=CompressionConfig(1, 0))
    train(replace(plan, detector=early), silent)
    assert EagerEngine(load_config(plan.out / 'config.yaml'), plan.out / WEIGHTS, 'cpu').config == early
