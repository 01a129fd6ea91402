"""The synthetic benchmark: frozen, its splits apart, its calibrations false and its labels true."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from emiff_core.cli import make_app
from emiff_core.data.check import check
from emiff_core.data.dair_v2x import DairV2xDataset
from emiff_core.data.synthetic import build_scene, cooperative_truth, generate, render_pair
from emiff_core.data.synthetic.benchmark import (
    BENCHMARK,
    FROZEN,
    compare_with_frozen,
    draw_scene,
    generate_benchmark,
    plan_benchmark,
)
from emiff_core.data.synthetic.calibration import CalibrationNoise, calibration_errors
from emiff_core.data.synthetic.conditions import Conditions
from emiff_core.data.synthetic.digest import Digests, digest_data_set
from emiff_core.data.synthetic.exposures import plan_drives
from emiff_core.data.synthetic.light import draw_light
from emiff_core.data.synthetic.statistics import SEERS, gather, table
from emiff_core.errors import EmiffError
from emiff_core.geometry import transforms

SIZE = (160, 90)
# of the first two crossings of the validation split at SIZE; who changes them raises VERSION in benchmark.py
FIRST_LABELS = 'f50e2695d18f0c0ff9440a08569eab4f6c3bed2b4b5f5a527d166d9565810130'


@pytest.fixture(scope='module')
def root(tmp_path_factory):
    out = tmp_path_factory.mktemp('benchmark') / 'data'
    generate_benchmark(out, 'val', 8, size=SIZE)
    return out


def test_the_generator_still_draws_the_frozen_crossings(root):
    """Labels and calibrations only: pictures' bytes may differ between builds of OpenCV."""
    assert digest_data_set(root).labels == FIRST_LABELS


def test_a_changed_label_calibration_or_picture_changes_its_digest(tmp_path):
    root = tmp_path / 'data'
    generate(root, 1, 0, size=SIZE)
    first = digest_data_set(root)
    path = root / 'vehicle-side/calib/lidar_to_camera/015000.json'
    content = json.loads(path.read_text())
    content['translation'][0][0] += 1e-9  # as another processor may round it
    path.write_text(json.dumps(content))
    assert digest_data_set(root) == first
    content['translation'][0][0] += 1e-3
    path.write_text(json.dumps(content))
    second = digest_data_set(root)
    assert second.labels != first.labels and second.images == first.images
    picture = root / 'vehicle-side/image/015000.jpg'
    picture.write_bytes(picture.read_bytes() + b'\0')
    assert digest_data_set(root).images != first.images


def test_only_what_was_written_as_the_frozen_split_is_held_to_it():
    frozen = (BENCHMARK.validation_frames, None, BENCHMARK.size)
    assert compare_with_frozen(FROZEN, *frozen).endswith('to the byte')
    assert 'other images' in compare_with_frozen(Digests(FROZEN.labels, 'x'), *frozen)
    assert 'not the frozen split' in compare_with_frozen(FROZEN, 8, None, BENCHMARK.size)
    assert 'not the frozen split' in compare_with_frozen(FROZEN, frozen[0], 100.0, BENCHMARK.size)
    with pytest.raises(EmiffError, match='expected the labels and calibrations of version'):
        compare_with_frozen(Digests('x', FROZEN.images), *frozen)


def test_no_crossing_is_in_two_splits_or_on_a_drive():
    seeds = [{e.scene_seed for e in plan_benchmark(split, 10_000)} for split in ('train', 'val')]
    seeds.append({e.scene_seed for seed in range(50) for e in plan_drives(200, seed)})
    assert [len(s) for s in seeds] == [2500, 2500, 100]
    assert len(set.union(*seeds)) == 5100


def test_a_crossing_is_seen_four_times_and_fewer_frames_are_the_first_of_more():
    exposures = plan_benchmark('val', 240)
    assert len({e.scene_seed for e in exposures}) == 60
    for first in range(0, 240, 4):
        looks = exposures[first : first + 4]
        assert len({(e.scene_seed, e.vehicle_us - e.infrastructure_us) for e in looks}) == 1
        assert min(np.diff([e.vehicle_us for e in looks])) >= 500_000
        assert looks[-1].vehicle_us / 1e6 < looks[-1].scene_duration
    assert plan_benchmark('val', 6) == exposures[:6]


def test_the_crossings_are_as_the_preset_says():
    exposures = plan_benchmark('train', 4000)[::4]
    weather = [e.conditions.weather for e in exposures]
    shares = [weather.count(name) / 1000 for name in ('fair', 'overcast', 'fog', 'low sun', 'dusk')]
    assert shares == pytest.approx(BENCHMARK.weather_shares, abs=0.05)
    hard = np.mean([e.conditions.large_share == BENCHMARK.hard.large_share for e in exposures])
    assert hard == pytest.approx(BENCHMARK.hard_share, abs=0.05)
    earlier = [(e.vehicle_us - e.infrastructure_us) / 1e6 for e in exposures]
    assert min(earlier) >= 0 and max(earlier) <= 0.1 and np.mean(earlier) == pytest.approx(0.05, abs=0.005)
    fixed = plan_benchmark('train', 40, asynchrony_ms=200.0)
    assert {e.vehicle_us - e.infrastructure_us for e in fixed} == {200_000}


def test_hard_conditions_hold():
    easy, hard = (build_scene(3, 1.0, conditions) for conditions in (Conditions(), BENCHMARK.hard))
    shares = [np.mean([t.spec.kind in ('Truck', 'Bus') for t in s.tracks if t.path]) for s in (easy, hard)]
    assert shares[1] > shares[0] + 0.05
    lights = {w: draw_light(np.random.default_rng(0), w) for w in ('fair', 'fog', 'dusk', 'overcast')}
    assert lights['fog'].visibility < 200 < lights['fair'].visibility
    assert lights['dusk'].exposure < 0.6 < lights['fair'].exposure
    assert lights['overcast'].shadow_factor() > 0.8 > lights['fair'].shadow_factor()


@pytest.mark.parametrize('arm', range(4))
def test_the_roadside_looks_over_the_crossing_from_the_arm_asked_for(arm):
    scene = build_scene(5, 1.0, Conditions(roadside_arms=(arm,)))
    position = scene.roadside_rig.T_scene_lidar[:2, 3]
    path = scene.tracks[0].path
    outwards = scene.crossing.direction((path.entry[0] + arm) % 4)
    assert position @ outwards > 8 and scene.roadside_rig.T_scene_lidar[:2, 0] @ outwards < -0.7


def test_written_calibrations_err_by_the_preset_and_labels_do_not(root):
    benchmark = draw_scene('val', 1)
    frame = DairV2xDataset(root, 'val').frames[4]
    rig = benchmark.scene.vehicle_rig
    roadside = benchmark.scene.roadside_rig
    for written, true, error in (
        (frame.T_vehicle_camera_lidar, rig.T_camera_lidar, benchmark.T_written_true[0]),
        (frame.T_infrastructure_camera_lidar, roadside.T_camera_lidar, benchmark.T_written_true[1]),
    ):
        assert written == pytest.approx(error @ true, abs=1e-9)
        assert np.abs(written[:3, :3] - true[:3, :3]).max() > 1e-4
    pair = render_pair(benchmark.scene, benchmark.times[0], SIZE, benchmark.roadside_earlier_by)
    expected = cooperative_truth(benchmark.scene, *pair).boxes
    assert frame.truth.boxes.centers == pytest.approx(expected.centers, abs=1e-6)
    assert frame.vehicle_stamp_ns - frame.infrastructure_stamp_ns == round(benchmark.roadside_earlier_by * 1e6) * 1000


def test_calibration_errors_have_the_spread_asked_for():
    noise = CalibrationNoise(rotation=0.15, translation=0.04)
    errors = [T for seed in range(400) for T in calibration_errors(noise, seed)]
    angles = [np.degrees(np.arccos(np.clip((np.trace(T[:3, :3]) - 1) / 2, -1, 1))) for T in errors]
    assert np.sqrt(np.mean(np.square(angles)) / 3) == pytest.approx(0.15, rel=0.1)
    assert np.std([T[:3, 3] for T in errors]) == pytest.approx(0.04, rel=0.1)
    assert all(np.array_equal(T, np.eye(4)) for T in calibration_errors(CalibrationNoise(), 1))
    transforms.checked(errors[0])


def test_the_data_set_is_sound_and_its_statistics_count_every_object(root):
    audit = check(root)
    statistics = gather(root)
    assert audit.ok and audit.frames == statistics.frames == 8 and statistics.crossings == 2
    assert statistics.count() == audit.boxes == sum(statistics.kinds.values()) > 40
    assert sum(statistics.count(seer=seer) for seer in SEERS) == statistics.count()
    assert statistics.count(seer='roadside only') > 10
    own = sum(len(json.loads(p.read_text())) for p in (root / 'vehicle-side/label/lidar').iterdir())
    assert statistics.count(seer='vehicle only') + statistics.count(seer='both') == own
    assert table(statistics).row_count == 7


def test_the_command_writes_a_split_and_says_what_it_is(tmp_path):
    out = tmp_path / 'data'
    arguments = [
        'synth',
        '--preset',
        'benchmark',
        '--split',
        'val',
        '--frames',
        '1',
        '--width',
        '160',
        '--workers',
        '1',
    ]
    result = CliRunner().invoke(make_app(), [*arguments, '--workers', '1', '--statistics', '--out', str(out)])
    assert result.exit_code == 0, result.output
    assert '1 frames of 1 crossings' in result.output and 'not the frozen split' in result.output
    assert digest_data_set(out).labels in result.output
    assert len(DairV2xDataset(out, 'val')) == 1


@pytest.mark.parametrize(
    ('arguments', 'message'),
    [
        (['--preset', 'benchmark'], 'expected train or val'),
        (['--split', 'val'], 'and none without it'),
        (['--preset', 'benchmark', '--split', 'val', '--seed', '3'], 'whose seeds are fixed'),
        (['--preset', 'benchmark', '--split', 'val', '--frames', '0'], 'frames: expected 1'),
        (['--preset', 'benchmark', '--split', 'val', '--asynchrony-ms', '900'], 'asynchrony: expected'),
    ],
)
def test_options_that_do_not_go_together_are_named(tmp_path, arguments, message):
    result = CliRunner().invoke(make_app(), ['synth', '--out', str(tmp_path / 'data'), *arguments])
    assert isinstance(result.exception, EmiffError) and message in str(result.exception)
    assert not (tmp_path / 'data').exists()
