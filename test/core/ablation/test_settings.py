"""Known errors are as large as they say, the same for every detector, and touch nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from emiff_core.ablation import settings
from emiff_core.ablation.scores import places_of, score
from emiff_core.ablation.sweep import run_settings
from emiff_core.config import CodecConfig
from emiff_core.data.synthetic.calibration import CalibrationNoise
from emiff_core.errors import EmiffError
from emiff_core.evaluation.frame_result import FrameResult
from emiff_core.evaluation.ranges import ModelRange
from emiff_core.evaluation.road import CooperativeRoad
from emiff_core.evaluation.run import EvaluatedFrame
from emiff_core.geometry import Detections, transforms
from emiff_core.inference.eager import EagerEngine


def T_world_camera(frame) -> np.ndarray:
    return frame.T_world_infrastructure_lidar @ transforms.inverse(frame.T_infrastructure_camera_lidar)


@pytest.mark.parametrize(('metres', 'degrees'), [(1.5, 0.0), (0.0, 2.0), (0.5, 0.5)])
def test_a_pose_error_moves_and_turns_the_roadside_camera_by_exactly_so_much(dataset, metres, degrees):
    frame = dataset.frames[0]
    moved = settings.with_pose_error(frame, metres, degrees)
    before, after = T_world_camera(frame), T_world_camera(moved)
    offset = after[:3, 3] - before[:3, 3]
    assert np.linalg.norm(offset) == pytest.approx(metres, abs=1e-6) and offset[2] == pytest.approx(0, abs=1e-9)
    turn = after[:3, :3] @ before[:3, :3].T
    assert np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1))) == pytest.approx(degrees, abs=1e-4)
    assert turn[2] == pytest.approx([0, 0, 1], abs=1e-12)  # about the vertical
    assert moved.truth.boxes.centers == pytest.approx(frame.truth.boxes.centers)


def test_errors_of_one_frame_point_the_same_way_and_those_of_another_elsewhere(dataset):
    def offset(frame, metres):
        moved = settings.with_pose_error(frame, metres, 0.0)
        return (moved.T_world_infrastructure_lidar - frame.T_world_infrastructure_lidar)[:3, 3]

    first, second = dataset.frames[0], dataset.frames[1]
    assert offset(first, 2.0) == pytest.approx(2 * offset(first, 1.0), abs=1e-6)
    assert np.linalg.norm(offset(first, 1.0) - offset(second, 1.0)) > 0.1


def test_no_error_is_no_change(dataset):
    frame = dataset.frames[0]
    for same in (
        settings.with_pose_error(frame, 0.0, 0.0),
        settings.with_calibration_noise(frame, CalibrationNoise()),
    ):
        assert same.T_world_infrastructure_lidar == pytest.approx(frame.T_world_infrastructure_lidar, abs=1e-9)
        assert same.T_vehicle_camera_lidar == pytest.approx(frame.T_vehicle_camera_lidar, abs=1e-12)


def test_calibration_noise_falsifies_both_cameras_and_grows(dataset):
    frame = dataset.frames[0]
    small, large = (settings.with_calibration_noise(frame, CalibrationNoise(0.0, m)) for m in (0.1, 0.2))
    for name in ('T_vehicle_camera_lidar', 'T_infrastructure_camera_lidar'):
        error = getattr(small, name)[:3, 3] - getattr(frame, name)[:3, 3]
        assert np.linalg.norm(error) > 0
        assert getattr(large, name)[:3, 3] - getattr(frame, name)[:3, 3] == pytest.approx(2 * error)


def test_fewer_bits_are_fewer_bytes(dataset, engine):
    frame = dataset.frames[0]
    engine = EagerEngine(replace(engine.config, codec=CodecConfig('int8', 'plain')), device='cpu')
    road = CooperativeRoad(engine)
    seen = road.see(frame, frame)
    found = {dict(s.values)['bits']: s.answer(frame, seen).sent for s in settings.quantisations(engine)}
    numbers = found[32].numbers
    assert [found[b].payload_bytes for b in (32, 16)] == [4 * numbers, 2 * numbers]
    channels = seen.roadside.latent.shape[0]
    assert found[8].payload_bytes == numbers + 4 * channels
    assert found[4].payload_bytes == numbers // 2 + 4 * channels
    sizes = [found[b].message_bytes for b in (32, 16, 8, 4, 2, 1)]
    assert sizes == sorted(sizes, reverse=True) and len(set(sizes)) == len(sizes)


class CountingRoad:
    """Sees frames, and remembers which."""

    def __init__(self) -> None:
        self.saw: list[str] = []

    def see(self, frame, content) -> str:
        self.saw.append(frame.vehicle_id)
        return frame.vehicle_id

    def answer(self, frame, seen) -> FrameResult:
        assert seen == frame.vehicle_id
        boxes = frame.truth.of_class('car')
        return FrameResult(seen, Detections(boxes, np.linspace(1, 0.5, len(boxes)), ('car',) * len(boxes)), None, 0, 0)


def two_settings(road):
    return [settings.Setting((('error_m', value),), road.answer) for value in (0.0, 1.0)]


def test_a_sweep_sees_each_frame_once_and_goes_on_where_it_stopped(dataset, tmp_path):
    road = CountingRoad()
    run_settings(dataset, road, two_settings(road), tmp_path, {'a': 1}, frames=2)
    ids = [dataset.frames[i].vehicle_id for i in range(4)]
    assert road.saw == ids[:2]
    # broken off while the second setting's last frame was being written
    journal = tmp_path / 'error_m_1' / 'detections.jsonl'
    journal.write_bytes(journal.read_bytes()[:-40])
    again = CountingRoad()
    found = run_settings(dataset, again, two_settings(again), tmp_path, {'a': 1})
    assert again.saw == ids[1:]
    assert [[f.result.frame_id for f in frames] for frames in found] == [ids, ids]
    with pytest.raises(EmiffError, match='same a'):
        run_settings(dataset, again, two_settings(again), tmp_path, {'a': 2})


def test_truth_scores_100_by_the_standard_protocol_and_its_error_is_nought(dataset):
    road = CountingRoad()
    frames = [
        EvaluatedFrame(road.answer(f, f.vehicle_id), road.answer(f, f.vehicle_id).detections, f.truth.of_class('car'))
        for f in dataset.frames
    ]
    scores = score(frames, np.arange(len(frames)), ModelRange((0, 80), (-32, 32)))
    own = [s for s in scores if s.protocol == 'standard' and s.range.startswith('model') and s.kind == 'bev']
    assert [(s.ap, s.se) for s in own] == [(pytest.approx(100), pytest.approx(0, abs=1e-9))]
    alone = score(frames, np.zeros(len(frames), dtype=int), ModelRange((0, 80), (-32, 32)))
    assert all(s.se is None for s in alone)


def test_the_error_grows_where_places_differ(dataset):
    road = CountingRoad()
    frames = []
    for i, frame in enumerate(dataset.frames):
        result = road.answer(frame, frame.vehicle_id)
        truth = frame.truth.of_class('car')
        boxes = truth if i % 2 else replace(truth, centers=truth.centers + 50.0)
        found = Detections(boxes, result.detections.scores, result.detections.labels)
        frames.append(EvaluatedFrame(result, found, truth))
    (one,) = [
        s
        for s in score(frames, np.arange(len(frames)), ModelRange((0, 80), (-32, 32)))
        if (s.protocol, s.kind, s.range) == ('standard', 'bev', '0-100')
    ]
    assert 0 < one.ap < 100 and one.se > 1


def test_frames_of_one_mast_are_one_place(dataset):
    assert places_of(dataset, 4).tolist() == [0, 0, 0, 0]  # one drive over one crossing
