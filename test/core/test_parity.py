"""Every recording of the authors' network, and that the comparison notices what differs."""

import json
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from emiff_core.cli.parity import parity
from emiff_core.errors import EmiffError
from emiff_core.model.official_names import to_official
from emiff_core.parity import rules
from emiff_core.parity.golden import GoldenFile
from emiff_core.parity.kinds import compare_file
from emiff_core.parity.official import filled_model
from emiff_core.parity.report import EXACT, Report, Tolerance, compare

GOLDEN = Path(__file__).parents[1] / 'golden'
PARTS = [path.stem for path in sorted(GOLDEN.glob('*.npz')) if path.stem != 'full']


@pytest.fixture(scope='module')
def app() -> typer.Typer:
    result = typer.Typer()
    result.command()(parity)
    return result


def altered(name: str, folder: Path, **changes: object) -> Path:
    """Copy a golden file with some arrays replaced, or left out where the change is None."""
    with np.load(GOLDEN / f'{name}.npz') as content:
        arrays = {key: value for key, value in {**content, **changes}.items() if value is not None}
    path = folder / 'altered.npz'
    np.savez(path, **arrays)
    return path


def nudged(name: str, array: str, by: float) -> np.ndarray:
    """Return an array of a golden file with one entry moved."""
    with np.load(GOLDEN / f'{name}.npz') as content:
        values = content[array].copy()
    values.reshape(-1)[values.size // 2] += by
    return values


def failed(report: Report) -> list[str]:
    return [comparison.name for comparison in report.comparisons if not comparison.ok]


@pytest.mark.parametrize('name', PARTS)
def test_the_parts_are_the_authors(name):
    report = compare_file(GOLDEN / f'{name}.npz')
    assert report.kind == name
    assert failed(report) == []
    assert len(report.comparisons) >= 7


def test_the_whole_network_is_the_authors():
    report = compare_file(GOLDEN / 'full.npz')
    assert failed(report) == []
    by_name = {comparison.name: comparison for comparison in report.comparisons}
    assert by_name['sampled_v.moved_voxels'].max_error == by_name['sampled_i.moved_voxels'].max_error == 0
    assert by_name['boxes'].elements == 14 * 8 * 3
    assert by_name['head.cls'].elements == 2 * 288 * 248


def test_every_parameter_is_filled_as_recorded():
    sums = json.loads((GOLDEN / 'filled_param_checksums.json').read_text())
    filled = {to_official(name): tensor.double() for name, tensor in filled_model().state_dict().items()}
    assert filled.keys() == sums.keys()
    for name, tensor in filled.items():
        assert tensor.sum().item() == pytest.approx(sums[name]['sum'], rel=1e-6, abs=1e-6 * sums[name]['abssum'])
        assert tensor.abs().sum().item() == pytest.approx(sums[name]['abssum'], rel=1e-6)
        assert tensor.flatten()[0].item() == sums[name]['first']


@pytest.mark.parametrize(
    ('name', 'array', 'by'),
    [
        ('anchors', 'x', 1e-3),
        ('decode_nms', 'official.boxes', 1e-3),
        ('eval', 'ap_3d', 1e-8),
        ('eval', 'num_tp_bev', 1),
        ('loss', 'b2.loss_bbox', 1e-4),
        ('loss', 'b2.pos_index', 1),
        ('modules_2d', 'dcn2.raw', 1e-3),
        ('modules_2d', 'up3.stats', 100.0),
        ('modules_ccm', 'out_i', 1e-3),
        ('modules_compressor', 'c16_s2.latent', 1e-3),
        ('modules_neck_head', 'head.dir', 1e-3),
        ('modules_projection', 'flip.cam1.sampled', 1e-3),
        ('pipeline', 'train_flip_1008x567.gt_after', 1e-3),
    ],
)
def test_one_different_number_is_found_and_named(name, array, by, tmp_path):
    report = compare_file(altered(name, tmp_path, **{array: nudged(name, array, by)}))
    assert failed(report) == [array]
    assert not report.ok


def test_another_seed_is_another_tensor(tmp_path):
    with np.load(GOLDEN / 'modules_neck_head.npz') as content:
        info = str(content['info']).replace('RandomState(1040)', 'RandomState(1041)')
    report = compare_file(altered('modules_neck_head', tmp_path, info=np.array(info)))
    assert {'stage0', 'stage5', 'out'} <= set(failed(report))
    assert 'head.cls' not in failed(report)


def test_a_tensor_of_another_shape_fails_with_both_shapes(tmp_path):
    with np.load(GOLDEN / 'decode_nms.npz') as content:
        scores = content['official.scores'][:-1]
    report = compare_file(altered('decode_nms', tmp_path, **{'official.scores': scores}))
    (wrong,) = [comparison for comparison in report.comparisons if not comparison.ok]
    assert (wrong.name, wrong.note) == ('official.scores', 'expected shape (26,), found (27,)')


def test_what_a_file_leaves_out_is_not_missed(tmp_path):
    report = compare_file(altered('modules_2d', tmp_path, **{'dcn0.raw': None}))
    assert report.ok
    assert 'dcn0.raw' not in {comparison.name for comparison in report.comparisons}


@pytest.mark.parametrize(
    ('changes', 'message'),
    [
        ({'rules': np.array('fill everything with ones')}, 'rules: expected the text of SHA-256'),
        ({'rules': None}, 'rules: expected the text that the file was made by, found none'),
        ({'info': np.array('no json')}, 'info: expected JSON'),
        ({'info': np.array('{"ms_input": 3, "dcn_inputs": "x", "att": "x"}')}, 'expected a text for'),
        ({'info': np.array('{"ms_input": "a seed", "dcn_inputs": "x", "att": "x"}')}, 'info: expected'),
        ({'ms.0.stride': np.zeros(4, int)}, 'expected a whole golden file of kind modules_2d'),
    ],
)
def test_files_made_otherwise_are_refused(changes, message, tmp_path):
    path = altered('modules_2d', tmp_path, **changes)
    with pytest.raises(EmiffError, match=message) as refusal:
        compare_file(path)
    assert str(path) in str(refusal.value)


def test_files_of_no_known_kind_are_refused(tmp_path):
    unknown = tmp_path / 'unknown.npz'
    np.savez(unknown, info=np.array('{}'), numbers=np.zeros(3))
    text = tmp_path / 'text.npz'
    text.write_text('not an archive')
    pickled = tmp_path / 'pickled.npz'
    np.savez(pickled, info=np.array([{}], dtype=object))
    for path in (unknown, text, pickled, tmp_path / 'missing.npz'):
        with pytest.raises(EmiffError, match=path.name):
            compare_file(path)


def test_the_command_prints_a_line_a_tensor_and_fails_where_one_is_off(app, tmp_path):
    fine = CliRunner().invoke(app, [str(GOLDEN / 'anchors.npz'), str(GOLDEN / 'eval.npz')])
    assert fine.exit_code == 0
    for word in ('anchors.npz', 'strided', 'ap_3d', 'max error', 'p99.9', 'ok'):
        assert word in fine.stdout
    wrong = altered('anchors', tmp_path, x=nudged('anchors', 'x', 1.0))
    off = CliRunner().invoke(app, [str(GOLDEN / 'eval.npz'), str(wrong)])
    assert off.exit_code == 1
    assert '1 out of tolerance: x' in off.stdout


def test_the_command_speaks_json(app, tmp_path):
    wrong = altered('anchors', tmp_path, y=np.zeros(3, dtype=np.float32))
    result = CliRunner().invoke(app, ['--json', str(GOLDEN / 'anchors.npz'), str(wrong)])
    assert result.exit_code == 1
    content = json.loads(result.stdout)
    assert [content['ok'], *(each['ok'] for each in content['files'])] == [False, True, False]
    first = content['files'][0]['tensors'][0]
    assert first.keys() == {'name', 'elements', 'max_error', 'p99', 'p999', 'tolerance', 'ok', 'note'}


def test_tolerances_bound_the_largest_error_a_percentile_or_the_relative_one():
    theirs = np.arange(1000, dtype=np.float32)
    ours = theirs.copy()
    ours[500] += 0.02
    assert not compare('t', ours, theirs, EXACT).ok
    assert compare('t', ours, theirs, Tolerance(0.05, percentile=99, at_percentile=1e-6)).ok
    assert not compare('t', ours, theirs, Tolerance(0.01, percentile=99, at_percentile=1e-6)).ok
    assert compare('t', ours, theirs, Tolerance(1e-4, relative=True)).ok
    ours[400:450] += 0.01
    assert not compare('t', ours, theirs, Tolerance(0.05, percentile=99, at_percentile=1e-6)).ok


@pytest.mark.parametrize(
    ('ours', 'theirs', 'ok'),
    [
        ([np.inf, np.nan, 1], [np.inf, np.nan, 1], True),
        ([np.nan, 1, 1], [0, 1, 1], False),
        ([0, 1, 1], [np.nan, 1, 1], False),
        ([np.inf, 1, 1], [-np.inf, 1, 1], False),
        ([], [], True),
    ],
)
def test_what_is_no_number_must_be_the_same_no_number(ours, theirs, ok):
    assert compare('t', np.array(ours), np.array(theirs), Tolerance(1e9)).ok is ok


def test_a_report_of_nothing_is_not_in_order():
    assert not Report(GoldenFile(GOLDEN / 'anchors.npz'), 'anchors').ok


def test_images_of_any_size_and_cell():
    image = rules.image_u8(5, 50, 70, cell=16)
    assert (image.shape, image.dtype) == ((50, 70, 3), np.uint8)
    assert np.array_equal(image, rules.image_u8(5, 50, 70, cell=16))
    assert not np.array_equal(image, rules.image_u8(6, 50, 70, cell=16))


def test_a_cameras_pose_is_its_position_and_where_it_looks():
    T_camera_detection = rules.extrinsics((2.0, 1.0, 1.5), yaw=90.0, pitch=0.0)
    np.testing.assert_allclose(T_camera_detection @ [2, 11, 1.5, 1], [0, 0, 10, 1], atol=1e-5)  # ahead
    np.testing.assert_allclose(T_camera_detection @ [3, 11, 1.5, 1], [1, 0, 10, 1], atol=1e-5)  # to its right
    np.testing.assert_allclose(T_camera_detection @ [2, 11, 0.5, 1], [0, 1, 10, 1], atol=1e-5)  # below
