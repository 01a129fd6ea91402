"""The audit of a data set: what it says of sound copies, and that it sees what the loader would refuse."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from emiff_core.cli.data import data
from emiff_core.data.check import check
from emiff_core.data.dair_v2x import DairV2xDataset
from emiff_core.data.findings import Kind, Severity
from emiff_core.errors import EmiffError


def change(path: Path, edit) -> None:
    """Let `edit` change a JSON file's content."""
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))


def put(*keys_and_value):
    *keys, last, value = keys_and_value

    def edit(content) -> None:
        for key in keys:
            content = content[key]
        content[last] = value

    return edit


def lines(root: Path, kind: Kind) -> list[str]:
    return [finding.line for finding in check(root).findings if finding.kind is kind]


def test_a_sound_data_set_has_nothing_to_mend(synthetic_root):
    audit = check(synthetic_root)
    assert (audit.frames, audit.unusable, audit.ok) == (4, 0, True)
    assert audit.boxes == sum(len(frame.truth.boxes) for frame in DairV2xDataset(synthetic_root).frames) > 0
    assert {finding.kind for finding in audit.findings} == {Kind.POINT_CLOUDS}
    assert all(finding.kind.severity is Severity.FINE for finding in audit.findings)


def test_oddities_of_published_copies_are_fine(root):
    audit = check(root)
    assert (audit.frames, audit.unusable, audit.boxes) == (2, 0, 4)
    counts = audit.counts()
    assert (counts[Kind.SIZELESS], counts[Kind.TEXT_NUMBERS], counts[Kind.POINT_CLOUDS]) == (2, 2, 2)
    assert 'cooperative/label_world/000010.json: 1 of 3' in lines(root, Kind.SIZELESS)


@pytest.mark.parametrize(
    ('path', 'edit', 'kind', 'unusable', 'line'),
    [
        ('vehicle-side/data_info.json', None, Kind.INDEX, 2, 'vehicle-side/data_info.json: expected a file'),
        ('cooperative/data_info.json', None, Kind.INDEX, 0, 'cooperative/data_info.json: expected a file'),
        ('vehicle-side/image/000010.jpg', None, Kind.IMAGE, 1, 'vehicle-side/image/000010.jpg: expected the file'),
        ('vehicle-side/data_info.json', put(0, 'image_path', ''), Kind.NOT_INDEXED, 1, 'found 000010'),
        ('infrastructure-side/data_info.json', put(1, 'image_path', ''), Kind.NOT_INDEXED, 1, 'found 0005'),
        ('vehicle-side/data_info.json', put(0, 'image_timestamp', None), Kind.STAMP, 1, 'frame 000010'),
        (
            'vehicle-side/data_info.json',
            put(1, 'calib_novatel_to_world_path', ''),
            Kind.CALIBRATION,
            1,
            "vehicle-side/data_info.json: key 'calib_novatel_to_world_path': expected a text, found ''",
        ),
        (
            'infrastructure-side/calib/virtuallidar_to_world/000503.json',
            put('rotation', [[2, 0, 0], [0, 1, 0], [0, 0, 1]]),
            Kind.CALIBRATION,
            1,
            'virtuallidar_to_world/000503.json: expected a rotation',
        ),
        (
            'vehicle-side/calib/lidar_to_camera/000010.json',
            put('translation', 0, 0, float('nan')),
            Kind.CALIBRATION,
            1,
            'finite',
        ),
        ('cooperative/data_info.json', put(0, 'system_error_offset', None), Kind.OFFSET, 1, 'entry 0'),
        ('cooperative/label_world/000011.json', None, Kind.LABEL, 1, 'label_world/000011.json: expected a file'),
        ('cooperative/label_world/000011.json', put(0, 'world_8_points', 0, [0, 0, 0]), Kind.LABEL, 1, 'of a box'),
        (
            'infrastructure-side/data_info.json',
            put(2, 'image_timestamp', '1626155123600000'),
            Kind.ORDER,
            0,
            'frame 000502: key image_timestamp: expected later than frame 000501, found 100 ms earlier',
        ),
        (
            'infrastructure-side/data_info.json',
            put(1, 'image_timestamp', '1626155123500000'),
            Kind.APART,
            0,
            'the vehicle exposes 126.068 ms after the roadside',
        ),
        (
            'cooperative-split-data.json',
            put('cooperative_split', 'test', ['000099']),
            Kind.SPLIT,
            0,
            'key cooperative_split.test: 1 identifiers without a frame: 000099',
        ),
        (
            'cooperative/label_world/000010.json',
            put(0, '3d_dimensions', {'l': 1.9, 'w': 4.5, 'h': 1.5}),
            Kind.SWAPPED,
            0,
            'entry 0: key 3d_dimensions: l 1.9 m, w 4.5 m',
        ),
    ],
)
def test_what_is_wrong_is_found_and_named(root, path, edit, kind, unusable, line):
    if edit is None:
        (root / path).unlink()
    else:
        change(root / path, edit)
    audit = check(root)
    assert audit.unusable == unusable
    assert audit.ok is (unusable == 0 and audit.frames > 0)
    assert any(line in found for found in lines(root, kind))


def test_corners_that_lie_across_are_swapped(root):
    path = root / 'cooperative/label_world/000010.json'
    entry = json.loads(path.read_text())[0]
    turned = [entry['world_8_points'][i] for i in (1, 2, 3, 0, 5, 6, 7, 4)]
    path.write_text(json.dumps([entry | {'world_8_points': turned}]))
    assert lines(root, Kind.SWAPPED) == [
        'cooperative/label_world/000010.json: entry 0: key world_8_points: 2.00 m ahead, 4.00 m across'
    ]


def test_a_label_without_boxes_and_an_empty_image_are_told(root):
    (root / 'cooperative/label_world/000010.json').write_text('[]')
    (root / 'vehicle-side/image/000011.jpg').write_bytes(b'')
    assert lines(root, Kind.NO_BOXES) == ['cooperative/label_world/000010.json: 0 entries']
    assert lines(root, Kind.IMAGE) == ['vehicle-side/image/000011.jpg: expected an image, found an empty file']


def test_the_audit_goes_on_after_each_finding(root):
    for path in ('vehicle-side/calib/lidar_to_camera/000010.json', 'vehicle-side/image/000010.jpg'):
        (root / path).unlink()
    change(root / 'cooperative/label_world/000010.json', put(0, 'type', None))
    change(root / 'cooperative/label_world/000010.json', put(2, 'world_8_points', []))
    counts = check(root).counts()
    assert (counts[Kind.CALIBRATION], counts[Kind.IMAGE], counts[Kind.LABEL]) == (1, 1, 2)
    assert check(root).unusable == 1


def test_the_command_groups_counts_and_answers_by_its_exit_status(root):
    sound = CliRunner().invoke(data, ['check', str(root)])
    assert sound.exit_code == 0
    assert '2 cooperative frames with 4 boxes; 0 do not load' in sound.stdout
    (root / 'vehicle-side/image/000010.jpg').unlink()
    broken = CliRunner().invoke(data, ['check', str(root)])
    assert broken.exit_code == 1
    assert 'unusable: image missing or empty: 1\n    vehicle-side/image/000010.jpg: expected' in broken.stdout
    content = json.loads(CliRunner().invoke(data, ['check', str(root), '--json']).stdout)
    assert (content['frames'], content['unusable']) == (2, 1)
    assert content['findings'][0].keys() == {'severity', 'kind', 'finding'}


def test_a_folder_that_is_no_data_set_is_told_without_a_traceback(tmp_path):
    result = CliRunner().invoke(data, ['check', str(tmp_path / 'nowhere')])
    assert result.exit_code == 1 and result.exception.__class__ is SystemExit
    assert result.stdout.count('data_info.json: expected a file') == 3


def test_what_passes_the_audit_loads(root):
    """The audit and the loader agree frame by frame."""
    (root / 'vehicle-side/calib/novatel_to_world/000011.json').write_text('{}')
    with pytest.raises(EmiffError):
        _ = DairV2xDataset(root).frames[1]
    assert DairV2xDataset(root).frames[0].truth.labels
    assert check(root).unusable == 1
