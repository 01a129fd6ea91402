"""`emiff evaluate`: the nodes' road, results that survive an interruption, controls, figures and pictures."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import islice

import cv2
import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from emiff_core.bag.definitions import make_typestore
from emiff_core.bag.feature_frames import FeatureFrameSerializer
from emiff_core.cli.evaluate import evaluate
from emiff_core.codec import encode
from emiff_core.config import CodecConfig, VoxelConfig, save_config
from emiff_core.cooperation.feature_frame import FeatureFrame
from emiff_core.data.dair_v2x import DairV2xDataset
from emiff_core.data.images import read_image
from emiff_core.data.json_files import read_list
from emiff_core.data.truth import CLASS_OF_TYPE, labelled_among
from emiff_core.errors import EmiffError
from emiff_core.evaluation.average_precision import average_precision
from emiff_core.evaluation.curves import draw_precision_recall
from emiff_core.evaluation.fixed_prior import fixed_prior
from emiff_core.evaluation.frame_result import FrameResult, Sent
from emiff_core.evaluation.journal import Journal
from emiff_core.evaluation.metrics import measure, worst_frames
from emiff_core.evaluation.ranges import ModelRange
from emiff_core.evaluation.road import CooperativeRoad
from emiff_core.evaluation.run import EvaluatedFrame, evaluate_frames
from emiff_core.geometry import Boxes3D, Detections
from emiff_core.inference.eager import EagerEngine, RemoteFeature

EVERYWHERE = ModelRange((-1e3, 1e3), (-1e3, 1e3))
RUN = {'split': 'all', 'features': 'on', 'config': {'a': [1, 2.5]}}


@pytest.fixture
def dataset(synthetic_root) -> DairV2xDataset:
    return DairV2xDataset(synthetic_root)


def engine_of(config, codec: str) -> EagerEngine:
    return EagerEngine(replace(config, codec=CodecConfig(codec, 'plain')), device='cpu')


def same(a: Detections, b: Detections) -> bool:
    rows = [np.column_stack([d.boxes.centers, d.boxes.sizes, d.boxes.yaws, d.scores]) for d in (a, b)]
    return a.labels == b.labels and np.array_equal(*rows)


class Recorder:
    """A detector that finds the truth, shifted by its call's number, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str | None]] = []

    def __call__(self, frame, content) -> FrameResult:
        self.asked.append((frame.vehicle_id, content and content.vehicle_id))
        boxes = frame.truth.of_class('car')
        found = Detections(boxes, np.linspace(0.9, 0.1, len(boxes)), ('car',) * len(boxes))
        return FrameResult(frame.vehicle_id, found, Sent(100, 80, 20, 40.0), 12.5, 250.0)


def test_the_road_is_the_engines_with_the_codec_in_between(dataset, tiny_config):
    engine = engine_of(tiny_config, 'float32')
    frame = dataset.frames[0]
    result = CooperativeRoad(engine).run(frame, frame)
    sent = engine.encode_infrastructure(read_image(frame.infrastructure_image), frame.infrastructure_camera)
    vehicle = engine.encode_vehicle(read_image(frame.vehicle_image), frame.vehicle_camera)
    remote = RemoteFeature(sent.latent, sent.camera, sent.scale, frame.T_infrastructure_camera_vehicle_lidar)
    expected = engine.detect(vehicle, frame.T_vehicle_camera_lidar, [remote]).detections
    assert len(expected) > 0
    np.testing.assert_allclose(result.detections.boxes.centers, expected.boxes.centers, atol=1e-3)
    np.testing.assert_allclose(result.detections.scores, expected.scores, atol=1e-5)
    assert result.sent.numbers == sent.latent.size and result.sent.payload_bytes == 4 * sent.latent.size
    assert result.sent.age_ms == pytest.approx(40, abs=0.01)
    assert result.roadside_ms > 0 and result.vehicle_ms > 0


def test_what_is_sent_matters_and_nothing_sent_is_the_vehicle_alone(dataset, tiny_config):
    engine = engine_of(tiny_config, 'int8')
    road = CooperativeRoad(engine)
    frame, other = dataset.frames[0], dataset.frames[2]
    own, shuffled, alone = road.run(frame, frame), road.run(frame, other), road.run(frame, None)
    assert own.sent.payload_bytes == shuffled.sent.payload_bytes == own.sent.numbers + 4 * 4  # a scale a channel
    assert not same(own.detections, shuffled.detections)
    assert alone.sent is None and alone.roadside_ms == 0
    vehicle = engine.encode_vehicle(read_image(frame.vehicle_image), frame.vehicle_camera)
    assert same(alone.detections, engine.detect(vehicle, frame.T_vehicle_camera_lidar, []).detections)


def test_a_feature_frames_bytes_are_its_message(camera):
    latent = encode(np.arange(24, dtype=np.float32).reshape(2, 3, 4), CodecConfig('float16'))
    frame = FeatureFrame(
        'pole', 1, 2, 1626155123626068000, 'lens', 'ab' * 32, 'map', (1.0, 2.0, 3.0), (0.0, 0.0, 0.6, 0.8), camera,
        (0.5, 0.25), latent,
    ).sealed()  # fmt: skip
    data = FeatureFrameSerializer().serialize(frame)
    message = make_typestore().deserialize_cdr(data, 'emiff/msg/FeatureFrame')
    assert bytes(message.payload) == latent.payload and message.checksum == frame.checksum
    assert (message.agent_id, message.header.frame_id, message.header.stamp.nanosec) == ('pole', 'lens', 626068000)
    assert bytes(message.model_id).hex() == frame.model_id
    assert (message.channels, message.height, message.width, message.image_scale_y) == (2, 3, 4, 0.25)
    assert len(data) > len(latent.payload) + 200


def test_features_are_the_frames_own_none_or_those_of_half_the_data_set_away(dataset):
    names = [frame.vehicle_id for frame in dataset.frames]
    for features, contents in (('on', names), ('off', [None] * 4), ('shuffled', [*names[2:], *names[:2]])):
        detect = Recorder()
        assert len(list(evaluate_frames(dataset, detect, features))) == 4
        assert detect.asked == list(zip(names, contents, strict=True))


def test_one_frame_cannot_be_shuffled(synthetic_root):
    single = DairV2xDataset(synthetic_root, 'val')
    assert len(single) == 1
    with pytest.raises(EmiffError, match='two frames or more to shuffle, found 1'):
        list(evaluate_frames(single, Recorder(), 'shuffled'))


def test_a_run_that_was_broken_off_goes_on(dataset, tmp_path):
    path = tmp_path / 'out/detections.jsonl'
    first, second = Recorder(), Recorder()
    list(islice(evaluate_frames(dataset, first, journal=Journal(path, RUN)), 2))
    with path.open('a') as file:
        file.write('{"frame_id": "0150')  # killed while writing
    resumed = list(evaluate_frames(dataset, second, journal=Journal(path, RUN)))
    assert len(first.asked) == 2 and [name for name, _ in second.asked] == [f.vehicle_id for f in dataset.frames[2:]]
    uninterrupted = list(evaluate_frames(dataset, Recorder()))
    for a, b in zip(resumed, uninterrupted, strict=True):
        assert same(a.result.detections, b.result.detections) and a.result.sent == b.result.sent
    # all of it is there now
    third = Recorder()
    list(evaluate_frames(dataset, third, journal=Journal(path, RUN)))
    assert third.asked == []


@pytest.mark.parametrize(
    ('change', 'message'),
    [
        ({'features': 'off'}, "expected a run of the same features 'off', found 'on'"),
        ({'config': {'a': [1, 2.75]}}, 'expected a run of the same config;'),
        ({'delay_frames': 1}, 'expected a run of the same delay_frames 1, found None'),
    ],
)
def test_another_runs_results_are_not_mixed_in(tmp_path, change, message):
    Journal(tmp_path / 'detections.jsonl', RUN)
    with pytest.raises(EmiffError, match=message):
        Journal(tmp_path / 'detections.jsonl', RUN | change)


@pytest.mark.parametrize(
    'content', ['{}\n{"boxes": 3}\n', '[1]\n', 'words\n', '{"split": "all"}\n{}\n', '\x00\xff\n', 'words']
)
def test_a_file_of_something_else_is_left_alone(tmp_path, content):
    path = tmp_path / 'detections.jsonl'
    path.write_text(content)
    with pytest.raises(EmiffError, match=r'detections\.jsonl: expected'):
        Journal(path, RUN)
    assert path.read_text() == content


def cars(*positions: tuple[float, float]) -> Boxes3D:
    return Boxes3D([[x, y, -1.0] for x, y in positions], [[4.0, 2.0, 1.5]] * len(positions), [0.3] * len(positions))


def test_the_prior_finds_what_always_stands_there_and_scores_it_by_how_often(dataset):
    always, rare = cars((10, 2), (30, -6)), cars((50, 2))
    truths = [always, always, Boxes3D(*(np.concatenate(p) for p in zip(*map(parts, (always, rare)), strict=True)))]
    prior = fixed_prior(truths, 'car')
    np.testing.assert_allclose(prior.scores, [1, 1, 1 / 3])
    assert average_precision([prior] * 3, truths, 0.7, '3d', 'standard') > 95
    # a box is the same from behind
    turned = Boxes3D(always.centers, always.sizes, always.yaws + np.pi)
    np.testing.assert_allclose(fixed_prior([always, turned], 'car').boxes.yaws, [0.3, 0.3])
    assert len(fixed_prior(truths, 'car', max_boxes=2)) == 2
    assert len(fixed_prior([Boxes3D.empty()], 'car')) == 0


def parts(boxes: Boxes3D) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return boxes.centers, boxes.sizes, boxes.yaws


def evaluated(truth: Boxes3D, found: Boxes3D) -> EvaluatedFrame:
    detections = Detections(found, np.linspace(0.9, 0.5, len(found)), ('car',) * len(found))
    return EvaluatedFrame(FrameResult('000001', detections, None, 0.0, 100.0), detections, truth)


def test_the_worst_frames_come_first_and_frames_without_truth_not_at_all():
    full, empty = cars((10, 0), (20, 0)), Boxes3D.empty()
    frames = [
        evaluated(full, full), evaluated(cars((10, 0)), empty), evaluated(empty, full), evaluated(full, empty),
        evaluated(full, cars((10, 0))), evaluated(cars((150, 0)), empty),
    ]  # fmt: skip
    assert worst_frames(frames, 9) == [3, 1, 4, 0]
    assert worst_frames(frames, 1) == [3]


def test_figures_of_a_run_that_sends_nothing():
    metrics = measure([evaluated(cars((10, 0), (20, 0)), cars((10, 0), (20, 0)))], ['standard'], EVERYWHERE)
    assert metrics.message_bytes is None and metrics.vehicle_s == pytest.approx(0.1)
    assert metrics.evaluations[0].ap('3d', 0.5, '0-100') == pytest.approx(100)
    json.dumps(metrics.to_json(), allow_nan=False)


def test_what_the_vehicle_sees_and_what_it_does_not_are_scored_apart():
    truth = cars((10, 0), (20, 0), (30, 0), (40, 0), (110, 0))
    frame = evaluated(truth, cars((10, 0), (60, 0), (40, 0), (110, 0)))  # scores fall
    frame = replace(frame, seen=np.array([True, True, False, False, True]))
    groups = measure([frame], ['standard'], ModelRange((0.0, 80.0), (-30.0, 30.0))).groups
    figures = {group.group: (group.n_truths, group.n_hits, group.ap) for group in groups if group.kind == 'bev'}
    assert figures['seen by the vehicle'] == (2, 1, pytest.approx(50))  # one of two, before any error
    assert figures['roadside only'] == (2, 1, pytest.approx(25))  # one of two, after the error at 60 m
    assert measure([replace(frame, seen=None)], ['standard'], EVERYWHERE).groups == ()


def test_a_models_range_is_its_voxel_space():
    own = ModelRange.of(VoxelConfig((0.0, 80.0), (-32.0, 32.0), (-2.0, 1.0), (100, 80, 5)))
    assert own.name == 'model 80x64'
    boxes = cars((1, 0), (-1, 0), (79, 31), (81, 0), (40, 33))
    assert own.contains(boxes).tolist() == [True, False, True, False, False]


def test_the_vehicles_own_labels_say_what_it_sees(synthetic_root, tmp_path):
    dataset = DairV2xDataset(synthetic_root)
    frames = list(evaluate_frames(dataset, Recorder(), by_visibility=True))
    seen = np.concatenate([frame.seen for frame in frames])
    labelled = [read_list(dataset.vehicle_label(frame.result.frame_id)) for frame in frames]
    of_class = sum(CLASS_OF_TYPE.get(str(entry['type'])) == 'car' for entries in labelled for entry in entries)
    assert seen.sum() == of_class and not seen.all()
    (tmp_path / 'label.json').write_text('[{"type": "Car"}]')
    with pytest.raises(EmiffError, match=r'label\.json: entry 0: key 3d_location: expected an object, found None'):
        labelled_among(tmp_path / 'label.json', cars((1, 0)))


def test_curves_are_drawn_where_there_is_something_to_draw():
    truth = cars((10, 0), (20, 0))
    perfect = draw_precision_recall([evaluated(truth, truth).detections], [truth])
    nothing = draw_precision_recall([evaluated(truth, Boxes3D.empty()).detections], [truth])
    assert perfect.shape == nothing.shape == (480, 960, 3)
    coloured = [int((np.ptp(picture.astype(int), axis=2) > 60).sum()) for picture in (perfect, nothing)]
    assert coloured[0] > coloured[1] + 500


@pytest.fixture
def command(synthetic_root, tiny_config, tmp_path) -> Callable:
    """Run the command on the small data set with the tiny detector."""
    config = tmp_path / 'tiny.yaml'
    save_config(tiny_config, config)
    app = typer.Typer()
    app.command()(evaluate)
    base = ['--data', synthetic_root, '--split', 'all', '--config', config, '--threads', 1, '--device', 'cpu']
    return lambda *arguments: CliRunner().invoke(app, list(map(str, [*base, *arguments])), env={'COLUMNS': '120'})


def test_the_command_leaves_figures_curves_sheets_and_detections(command, tmp_path):
    out = tmp_path / 'out'
    result = command('--out', out, '--frames', 2)
    assert result.exit_code == 0, result.output
    for told in ('official protocol, 2 frames', 'standard protocol', 'score >', 'bytes as the paper counts', 'random'):
        assert told in result.stdout
    metrics = json.loads((out / 'metrics.json').read_text())
    assert metrics['frames'] == 2 and metrics['truths'] > 0
    assert [point['score'] for point in metrics['operating_points']] == pytest.approx(np.arange(1, 9) / 10)
    assert metrics['message_bytes'] > metrics['payload_bytes'] and metrics['paper_bytes'] == 4 * 4 * 8 * 16
    assert [evaluation['protocol'] for evaluation in metrics['evaluations']] == ['official', 'standard']
    assert len(metrics['evaluations'][0]['scores']) == 2 * 3 * 5  # the benchmark's ranges and the model's
    sheets = sorted((out / 'worst').glob('*.png'))
    assert len(sheets) == 2
    assert all(cv2.imread(str(path)) is not None for path in [*sheets, out / 'precision_recall.png'])
    before = (out / 'detections.jsonl').read_text()
    assert before.count('\n') == 3
    # more frames of the same run are added, another run is refused
    assert command('--out', out, '--frames', 3).exit_code == 0
    after = (out / 'detections.jsonl').read_text()
    assert after.startswith(before) and after.count('\n') == 4
    refused = command('--out', out, '--features', 'off')
    assert isinstance(refused.exception, EmiffError) and 'features' in str(refused.exception)


def test_a_data_set_that_was_made_anew_in_the_same_folder_is_another_run(synthetic_root, command, tmp_path):
    data, out = tmp_path / 'data', tmp_path / 'out'
    shutil.copytree(synthetic_root, data)
    assert command('--data', data, '--out', out, '--frames', 1).exit_code == 0
    index = data / 'vehicle-side/data_info.json'
    entries = json.loads(index.read_text())
    entries[0]['image_timestamp'] = str(int(entries[0]['image_timestamp']) + 1)
    index.write_text(json.dumps(entries))
    refused = command('--data', data, '--out', out, '--frames', 1)
    assert isinstance(refused.exception, EmiffError) and 'the same frames' in str(refused.exception)


def test_other_calibrations_and_images_are_another_run_too(synthetic_root, tmp_path):
    data = tmp_path / 'data'
    shutil.copytree(synthetic_root, data)
    before = DairV2xDataset(data).digest
    assert before == DairV2xDataset(synthetic_root).digest  # wherever it lies
    pose = next((data / 'infrastructure-side/calib/virtuallidar_to_world').glob('*.json'))
    calibration = json.loads(pose.read_text())
    calibration['translation'][0][0] = float(calibration['translation'][0][0]) + 0.5
    pose.write_text(json.dumps(calibration))
    moved = DairV2xDataset(data).digest
    image = DairV2xDataset(data).frames[0].vehicle_image
    image.write_bytes(image.read_bytes() + b'0')
    assert len({before, moved, DairV2xDataset(data).digest}) == 3


def test_the_command_speaks_json_of_delayed_features_and_of_the_baseline(command):
    delayed = command('--delay-frames', 1, '--json', '--protocol', 'official', '--by-visibility')
    content = json.loads(delayed.stdout)
    assert content['frames'] == 3 and content['age_ms'] == pytest.approx(140, abs=7)
    assert [evaluation['protocol'] for evaluation in content['evaluations']] == ['official']
    assert {group['group'] for group in content['groups']} == {'seen by the vehicle', 'roadside only'}
    assert command('--baseline', 'fixed-prior', '--prior-data', '/nowhere').exit_code != 0
    prior = json.loads(command('--baseline', 'fixed-prior', '--json').stdout)
    assert prior['run']['detector'] == 'fixed-prior' and prior['message_bytes'] is None
    assert max(score['ap'] or 0 for score in prior['evaluations'][1]['scores']) > 0
