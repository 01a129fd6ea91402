"""Where samples come from: rendered crossings and data sets, and the two agree."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from emiff_core.data.dair_v2x import DairV2xDataset
from emiff_core.data.preprocess import fit_image
from emiff_core.data.synthetic import generate
from emiff_core.data.synthetic.benchmark import BENCHMARK, generate_benchmark, plan_benchmark
from emiff_core.errors import EmiffError
from emiff_core.geometry import transforms
from emiff_core.training.config import CrossingsConfig
from emiff_core.training.crossings import Crossings, crossing_number, draw_samples, render_crossings
from emiff_core.training.samples import DairSamples, Sample

SMALL = CrossingsConfig(scenes=2, validation_scenes=1, picture_width=240)


@pytest.fixture(scope='module')
def cache(tmp_path_factory, detector):
    folder = tmp_path_factory.mktemp('cache')
    return folder, render_crossings(folder, 'training', SMALL, detector.image, workers=1)


def assert_equal(a: Sample, b: Sample) -> None:
    assert np.array_equal(a.vehicle.image, b.vehicle.image)
    assert np.array_equal(a.infrastructure.image, b.infrastructure.image)
    assert np.array_equal(a.infrastructure.T_camera_detection, b.infrastructure.T_camera_detection)
    assert np.array_equal(a.vehicle.camera.intrinsics, b.vehicle.camera.intrinsics)
    assert np.array_equal(a.boxes.corners(), b.boxes.corners())
    assert np.array_equal(a.seen, b.seen)
    assert a.labels == b.labels


def test_the_cache_gives_back_what_was_drawn(cache, detector):
    _, crossings = cache
    drawn = [sample for scene in range(2) for sample in draw_samples('training', scene, SMALL, detector.image)]
    assert len(crossings) == len(drawn) == 2 * BENCHMARK.looks
    for k, sample in enumerate(drawn):
        assert_equal(crossings[k], sample)


def test_other_processes_map_the_same_files(cache):
    _, crossings = cache
    function, arguments = crossings.__reduce__()
    assert function is Crossings
    assert_equal(function(*arguments)[1], crossings[1])


def test_an_existing_cache_is_not_rendered_again(cache, detector):
    folder, _ = cache
    before = {path.name: path.stat().st_mtime_ns for path in folder.rglob('*.npy')}
    again = render_crossings(folder, 'training', SMALL, detector.image, progress=lambda done, of: pytest.fail('drawn'))
    assert len(again) == 2 * BENCHMARK.looks
    assert {path.name: path.stat().st_mtime_ns for path in folder.rglob('*.npy')} == before


def test_a_cache_of_other_settings_is_refused_by_key(cache, detector):
    folder, _ = cache
    with pytest.raises(EmiffError, match=r'cache\.json: seed: expected 3, found 0'):
        render_crossings(folder, 'training', replace(SMALL, seed=3), detector.image)


def test_no_crossing_is_drawn_for_two_purposes():
    limits = CrossingsConfig(scenes=100_000, validation_scenes=100_000, seed=1_000_000)
    ends = [
        [crossing_number(part, seed, scene) for seed in (0, 1, limits.seed) for scene in (0, limits.scenes - 1)]
        for part in ('training', 'validation')
    ]
    ordered = [*ends[0], *ends[1]]
    assert ordered == sorted(set(ordered))  # the blocks follow one another without touching
    [last] = plan_benchmark('train', 1)
    [frozen] = plan_benchmark('val', 1)
    assert last.scene_seed + ordered[-1] < frozen.scene_seed


def test_a_crossing_is_the_benchmarks_own(tmp_path, detector):
    generate_benchmark(tmp_path, 'train', BENCHMARK.looks, size=(240, 135))
    written = DairSamples(tmp_path, 'train', detector.image)
    drawn = draw_samples('training', 0, SMALL, detector.image)
    assert len(written) == len(drawn)
    for i, sample in enumerate(drawn):
        read = written[i]
        for a, b in ((read.vehicle, sample.vehicle), (read.infrastructure, sample.infrastructure)):
            assert a.T_camera_detection == pytest.approx(b.T_camera_detection, abs=1e-5)  # its false calibration too
            fitted = fit_image(a.image, a.camera, replace(detector.image, crop_top=0.0))
            assert np.abs(fitted.astype(int) - b.image).mean() < 3.0  # JPEG stands between
        assert {tuple(x) for x in read.boxes.centers.round(2)} == {tuple(x) for x in sample.boxes.centers.round(2)}


def test_every_box_is_seen_by_a_camera_and_lies_in_front_of_it(samples, detector):
    near, far = detector.voxels.x_range  # what lies behind the vehicle may be cropped with the roadside's sky
    for sample in (samples[i] for i in range(len(samples))):
        assert sample.seen.any(axis=1).all()
        for k, side in enumerate((sample.vehicle, sample.infrastructure)):
            centres = sample.boxes.centers[sample.seen[:, k]]
            centres = centres[(centres[:, 0] > near) & (centres[:, 0] < far)]
            centres = transforms.apply(side.T_camera_detection, centres)
            pixels, depth = side.camera.project(centres)
            assert (depth > 0).all()
            inside = (np.abs(pixels - [120, 48]) < [120, 48]).all(axis=1)
            assert inside.mean() > 0.5  # a bus nearby may have its centre outside


def test_a_data_set_gives_the_same_geometry_as_its_own_reader(tmp_path, detector):
    generate(tmp_path, 2, seed=4, size=(480, 270))
    samples = DairSamples(tmp_path, None, detector.image)
    assert len(samples) == 2
    sample, frame = samples[1], DairV2xDataset(tmp_path).frames[1]
    assert sample.vehicle.image.shape == (192, 480, 3)
    assert np.array_equal(sample.boxes.corners(), frame.truth.boxes.corners())
    assert set(sample.labels) == {'car'}
    # a point goes to the same place of the picture, which has 78 rows of sky less
    point = np.array([[20.0, 1.0, 0.5]])
    full, _ = frame.infrastructure_camera.project(
        transforms.apply(frame.T_infrastructure_camera_vehicle_lidar, point)
    )
    small, _ = sample.infrastructure.camera.project(
        transforms.apply(sample.infrastructure.T_camera_detection, point)
    )
    assert small == pytest.approx(full - [0, 78])
    assert sample.seen.any()


def test_an_image_of_another_size_than_its_calibration_is_named(tmp_path, detector):
    generate(tmp_path, 1, seed=4, size=(240, 135))
    frame = DairV2xDataset(tmp_path).frames[0]
    cv2.imwrite(str(frame.infrastructure_image), np.zeros((100, 200, 3), dtype=np.uint8))
    with pytest.raises(EmiffError, match=f'{frame.infrastructure_image}: expected 240x135 pixels.* found 200x100'):
        DairSamples(tmp_path, None, detector.image)[0]


def test_the_truth_of_a_sample_follows_who_is_there(samples):
    sample = samples[0]
    both, alone = sample.truth('car', roadside=True), sample.truth('car', roadside=False)
    assert len(both) == len(sample.boxes)
    assert len(alone) == sample.seen[:, 0].sum()
    assert len(sample.truth('pedestrian', roadside=True)) == 0


def test_a_chunk_cut_short_is_named(tmp_path):
    path = tmp_path / '000000-000015.npy'
    path.write_bytes(b'')
    with pytest.raises(EmiffError, match=r'000000-000015\.npy: expected rendered crossings'):
        Crossings([path], {})
