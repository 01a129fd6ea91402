"""Whole studies with the smallest detectors: trained once, gone on with, written, and reported."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from emiff_core.ablation import variants
from emiff_core.ablation.data import DataSet
from emiff_core.ablation.learning import Workshop
from emiff_core.ablation.published import published
from emiff_core.ablation.report import write_report
from emiff_core.ablation.result import load_result
from emiff_core.ablation.studies import STUDIES, Bench, run_study
from emiff_core.ablation.tables import lines_of, markdown
from emiff_core.cli import make_app
from emiff_core.config import save_config
from emiff_core.errors import EmiffError
from emiff_core.evaluation.baseline_roads import BoxRoad, ImageRoad
from emiff_core.evaluation.road import CooperativeRoad
from emiff_core.geometry import transforms
from emiff_core.model import weights
from emiff_core.model.baselines import build_detector
from emiff_core.training.assigner import AssignerConfig
from emiff_core.training.config import OptimizerConfig, ScheduleConfig, TrainingConfig
from emiff_core.training.one_side import OneSideSamples
from emiff_core.training.samples import DairSamples


@pytest.fixture
def training() -> TrainingConfig:
    return TrainingConfig(
        optimizer=OptimizerConfig(backbone_factor=1.0, frozen_stages=0, frozen_norms=False, batch_size=2),
        schedule=ScheduleConfig(epochs=1.0),
        assigner=AssignerConfig(0.5, 0.35, 0.2),
        auxiliary_weight=0.1,
        validations=1,
    )


@pytest.fixture
def samples(data_root, small) -> DairSamples:
    return DairSamples(data_root, 'train', small.image)


@pytest.fixture
def asked(samples):
    """Samples, and how often they were asked for."""
    calls = []

    def ask():
        calls.append(1)
        return samples, samples

    ask.calls = calls
    return ask


@pytest.fixture
def bench(small, training, asked, data_root, tmp_path) -> Bench:
    workshop = Workshop(tmp_path / 'trained', 'small', asked, torch.device('cpu'), 1, 1, {})
    data = DataSet(data_root, 'train')
    return Bench(small, training, workshop, data, tmp_path, 1, None, lambda line: None, lambda done, of: None)


def test_each_variant_takes_the_road_of_its_name(small, training):
    roads = {}
    for variant in variants.comparison(small, training):
        engines = [object.__new__(type('Engine', (), {'config': small})) for _ in variant.learners]
        roads[variant.name] = variant.road(engines)
    boxes = {name for name, road in roads.items() if isinstance(road, BoxRoad)}
    assert boxes == {'vehicle_only', 'infrastructure_only', 'late_fusion', 'late_fusion_own'}
    assert isinstance(roads['early_fusion'], ImageRoad) and isinstance(roads['emiff'], CooperativeRoad)
    assert [name for name in boxes if roads[name]._own_frame] == ['late_fusion_own']
    assert (roads['vehicle_only']._roadside, roads['infrastructure_only']._vehicle) == (None, None)


def test_what_is_fused_under_errors_is_boxes_images_and_features_of_the_comparisons_trainings(small, training):
    learners = {v.name: v.learners for v in variants.comparison(small, training)}
    fusions = variants.fusions(small, training)
    assert [v.name for v in fusions] == ['late_fusion', 'early_fusion', 'emiff']
    assert all(v.learners == learners[v.name] for v in fusions)


def test_variants_differ_from_emiff_in_what_their_names_say(small, training):
    by_name = {v.name: v.learners[0].detector for v in variants.comparison(small, training)}
    for name, field in (
        ('emiff_without_mca', 'cross_attention'),
        ('emiff_without_ccm', 'channel_masking'),
    ):
        assert replace(by_name[name], **{field: getattr(small, field)}) == small != by_name[name]
    bare = by_name['emiff_without_fc']
    assert (bare.compression.channel_ratio, bare.compression.spatial_stages, bare.codec.numbers) == (1, 0, 'float32')
    assert replace(bare, compression=small.compression, codec=small.codec) == small


def test_the_compressions_are_the_papers_at_its_size(small, training):
    big = replace(small, backbone=replace(small.backbone, fpn_channels=64))
    found = variants.fc(big, training)
    assert [v.published for v in found][:7] == ['1x', '4x', '16x', '64x', '256x', '1024x', '4096x']
    assert [dict(v.values)['compression'] for v in found][:5] == [1, 4, 16, 64, 256]
    assert all(published(v.published) for v in found)
    names = [v.name for v in variants.fc(small, training)]
    assert len(names) == len(set(names))


def test_learners_of_the_same_settings_are_one_and_of_others_are_not(small, training):
    learners = {learner.name: learner for v in variants.comparison(small, training) for learner in v.learners}
    shared = variants.comparison(small, training)
    assert shared[2].learners == (*shared[0].learners, *shared[1].learners)
    assert len({learner.digest for learner in learners.values()}) == len(learners)
    emiff = learners['emiff']
    assert replace(emiff, training=replace(training, seed=3)).digest == emiff.digest
    assert replace(emiff, training=replace(training, auxiliary_weight=0.2)).digest != emiff.digest


def test_samples_of_one_side_hold_its_image_and_the_truth_of_their_labels(samples):
    sample = samples[0]
    for side, column in (('vehicle', 0), ('infrastructure', 1)):
        own = OneSideSamples(samples, side, 'own')[0]
        both = OneSideSamples(samples, side, 'cooperative')[0]
        for one in (own, both):
            assert one.vehicle is one.infrastructure
            assert np.array_equal(one.vehicle.image, getattr(sample, side).image)
        assert len(both.truth('car', roadside=True)) == len(sample.truth('car', roadside=True))
        assert len(own.truth('car', roadside=True)) == sample.seen[:, column].sum()


def test_a_roadsides_own_samples_are_the_same_scene_from_its_own_frame(samples):
    sample, own = samples[0], OneSideSamples(samples, 'infrastructure', 'own')[0]
    camera = sample.infrastructure.T_camera_detection
    in_camera = [
        transforms.apply(T, boxes.corners())
        for T, boxes in ((camera, sample.boxes), (own.vehicle.T_camera_detection, own.boxes))
    ]
    np.testing.assert_allclose(in_camera[0], in_camera[1], atol=1e-6)
    # it looks along its own x axis
    assert own.vehicle.T_camera_detection[2, 0] > 0.8
    assert abs(own.vehicle.T_camera_detection[2, 1]) < 1e-9


def test_a_study_trains_each_variant_once_and_goes_on_where_it_stopped(bench, asked, monkeypatch):
    path = run_study('ccm', bench)
    result = load_result(path)
    assert [row.variant for row in result.rows] == ['EMIFF', 'without CCM']
    assert len(asked.calls) == 2
    cards = sorted(bench.workshop.folder.glob('*/seed0/card.json'))
    before = [card.stat().st_mtime_ns for card in cards]
    # the journals lose a line each: only that is computed anew, and nothing trained
    for journal in bench.out.glob('ccm/*/plain/detections.jsonl'):
        journal.write_bytes(b''.join(journal.read_bytes().splitlines(keepends=True)[:-1]))
    again = load_result(run_study('ccm', bench))
    assert len(asked.calls) == 2 and [card.stat().st_mtime_ns for card in cards] == before
    assert again.rows == result.rows


def test_late_fusion_takes_the_weights_of_both_single_sides(bench, monkeypatch):
    chosen = [v for v in variants.comparison(bench.detector, bench.training) if v.learners[0].labels == 'cooperative']
    late = [v for v in chosen if v.name in ('vehicle_only', 'infrastructure_only', 'late_fusion')]
    monkeypatch.setitem(STUDIES, 'comparison', _plain_study(late))
    rows = load_result(run_study('comparison', bench)).rows
    assert rows[2].model_ids == rows[0].model_ids + rows[1].model_ids
    assert rows[0].message_bytes is None
    assert rows[2].payload_bytes == rows[1].payload_bytes and rows[2].message_bytes == rows[1].message_bytes
    assert sorted(p.name.split('-')[0] for p in bench.workshop.folder.iterdir()) == [
        'infrastructure_cooperative_labels',
        'vehicle_cooperative_labels',
    ]


def test_a_study_that_trains_others_takes_no_weights_that_were_trained_otherwise(tmp_path):
    ran = CliRunner().invoke(
        make_app(), ['ablate', 'comparison', '--out', str(tmp_path), '--weights', str(tmp_path / 'mine.safetensors')]
    )
    assert isinstance(ran.exception, EmiffError) and '--initial' in str(ran.exception)


def _plain_study(chosen):
    from emiff_core.ablation.studies import _as_it_is, _swept

    return _swept(lambda detector, training: chosen, _as_it_is)


def test_given_weights_are_swept_without_training_and_reported(bench, asked, engine, tmp_path, data_root):
    given = tmp_path / 'given.safetensors'
    weights.save(engine.model, given)
    save_config(engine.config, tmp_path / 'config.yaml')
    options = ['--data', data_root, '--split', 'train', '--weights', given, '--config', tmp_path / 'config.yaml']
    for study in ('pose-error', 'quantisation'):
        arguments = ['ablate', study, '--out', tmp_path / 'out', *options, '--threads', 1, '--frames', 2]
        ran = CliRunner().invoke(make_app(), list(map(str, arguments)))
        assert ran.exit_code == 0, ran.output
    result = load_result(tmp_path / 'out' / 'pose-error.json')
    assert {row.model_ids for row in result.rows} == {(engine.model_id,)}
    assert {dict(row.setting)['position_m'] for row in result.rows} >= {0.0, 0.5, 1.0, 2.0}
    assert {dict(row.setting)['heading_deg'] for row in result.rows} >= {0.0, 0.5, 1.0, 2.0}
    page = tmp_path / 'docs' / 'results.md'
    page.parent.mkdir()
    reported = CliRunner().invoke(
        make_app(), ['report', '--results', str(tmp_path / 'out'), '--out', str(page)]
    )
    assert reported.exit_code == 0, reported.output
    text = page.read_text()
    assert text.index('## Coarser numbers') < text.index('## False roadside poses')
    assert all(told in text for told in ('1 seed', engine.model_id[:12], 'hours of training', '2 frames a line'))
    assert 'images/results/pose-error.png' in text
    assert (page.parent / 'images' / 'results' / 'pose-error.png').stat().st_size > 2000


def test_what_needs_training_says_so_without_anything_to_train_on(tmp_path, small):
    save_config(small, tmp_path / 'config.yaml')
    options = ['--out', str(tmp_path / 'out'), '--config', str(tmp_path / 'config.yaml')]
    ran = CliRunner().invoke(make_app(), ['ablate', 'ccm', *options])
    assert isinstance(ran.exception, EmiffError) and '--cache or --data' in str(ran.exception)
    assert not (tmp_path / 'out' / 'benchmark').exists()  # asked before anything is rendered


def test_seeds_are_averaged_and_their_error_is_over_trainings(tmp_path):
    path = tmp_path / 'ccm.json'
    score = {'protocol': 'official', 'kind': '3d', 'range': '0-100', 'n_truths': 5}
    row = {
        'variant': 'EMIFF', 'published': 'EMIFF', 'setting': [], 'frames': 3, 'message_bytes': 700.0,
        'payload_bytes': 600.0, 'paper_bytes': 2400.0, 'age_ms': 40.0, 'hours': [1.0], 'model_ids': ['ab'],
    }  # fmt: skip
    rows = [{**row, 'seed': k, 'scores': [{**score, 'ap': ap, 'se': 9.0}]} for k, ap in enumerate((10.0, 14.0))]
    rows.append({**row, 'variant': 'other', 'seed': 0, 'scores': [{**score, 'ap': 5.0, 'se': 0.5}]})
    content = {
        'name': 'ccm', 'data': 'd', 'own_range': 'model 80x64', 'seconds': 60.0, 'rows': rows, 'command': ['emiff'],
        'commit': None, 'hardware': 'h',
    }  # fmt: skip
    path.write_text(json.dumps(content))
    lines = lines_of(load_result(path))
    assert [str(line.cell('official', '3d', '0-100')) for line in lines] == ['12.00 ± 2.00', '5.00 ± 0.50']
    assert '| EMIFF | 12.00 ± 2.00 | - / - / - | - |' in markdown(load_result(path))
    assert write_report(tmp_path, tmp_path / 'results.md', tmp_path / 'images') == ['ccm']
    assert '2 seeds' in (tmp_path / 'results.md').read_text()
    with pytest.raises(EmiffError, match='found none'):
        write_report(tmp_path / 'images', tmp_path / 'results.md', tmp_path / 'images')
    del rows[0]['frames']
    path.write_text(json.dumps(content))
    with pytest.raises(EmiffError, match=r'rows\[0\]\.frames: missing key'):
        load_result(path)


def test_trainings_start_from_the_shared_blocks_of_given_weights(bench, engine, early, small, tmp_path):
    given = tmp_path / 'given.safetensors'
    weights.save(engine.model, given)
    tensors, shared = weights.read(given), {}
    for name in ('vehicle_only', 'infrastructure_only', 'early_fusion', 'emiff_without_mca'):
        learner = next(v for v in variants.comparison(small, bench.training) if v.name == name).learners[0]
        model = build_detector(learner.detector)
        weights.initialise(model, 5)
        random = {key: tensor.clone() for key, tensor in model.state_dict().items()}
        assert weights.load_blocks(model, given, learner.shared_blocks) == engine.model_id
        taken = {key for key, tensor in model.state_dict().items() if not torch.equal(tensor, random[key])}
        camera = 'infrastructure' if name == 'infrastructure_only' else 'vehicle'
        assert torch.equal(model.vehicle.resnet.conv1.weight, tensors[f'{camera}.resnet.conv1.weight'])
        shared[name] = {key.split('.')[0] for key in taken}
    assert shared['vehicle_only'] == shared['infrastructure_only'] == {'vehicle', 'neck', 'head'}
    assert shared['early_fusion'] == shared['emiff_without_mca'] == {'vehicle', 'infrastructure', 'neck', 'head'}
    with pytest.raises(EmiffError, match='expected tensors of compression that fit the neck'):
        weights.load_blocks(early.model, given, {'neck': 'compression'})

    started = replace(bench, workshop=replace(bench.workshop, initial=given))
    learner = variants.emiff(small, bench.training).learners[0]
    path, _ = started.workshop.weights_of(learner, 0, lambda line: None)
    card = json.loads((path.parent / 'card.json').read_text())
    assert card['settings']['initial'] == engine.model_id
    assert card['settings']['initial_blocks'] == learner.shared_blocks
    other, _ = bench.workshop.weights_of(learner, 0, lambda line: None)
    assert other.parents[1] != path.parents[1]


def test_two_processes_train_together(bench):
    together = replace(bench, workshop=replace(bench.workshop, processes=2))
    learner = variants.emiff(bench.detector, bench.training).learners[0]
    path, _ = together.workshop.weights_of(learner, 0, lambda line: None)
    assert json.loads((path.parent / 'card.json').read_text())['settings']['processes'] == 2
    # and are not asked again
    blind = replace(together.workshop, samples=lambda: pytest.fail('trained twice'))
    assert blind.weights_of(learner, 0, lambda line: None)[0] == path
