"""The loader on a data set written by hand, with the oddities of the published one."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from emiff_core.data.dair_v2x import DairV2xDataset, read_split
from emiff_core.errors import EmiffError
from emiff_core.geometry import transforms

IDENTITY = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]


def write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def rigid(rotation, translation) -> dict[str, object]:
    return {'rotation': rotation, 'translation': [[t] for t in translation]}


def test_a_frame_has_the_geometry_of_its_files(root):
    frame = DairV2xDataset(root).frames[0]
    assert (frame.vehicle_id, frame.infrastructure_id) == ('000010', '000501')
    assert frame.vehicle_stamp_ns == 1626155123626068000
    assert frame.infrastructure_stamp_ns == 1626155123700000000
    assert frame.infrastructure_camera.intrinsics[1].tolist() == [0, 2329.3, 567.6]
    assert (frame.vehicle_camera.width, frame.vehicle_camera.height) == (1920, 1080)
    assert transforms.apply(frame.T_world_lidar, [10, 0, 0]) == pytest.approx([1000, 2010, 30])
    # a point 10 m ahead of the roadside camera, at world (1060, 2010, 36), is on its optical axis
    in_lidar = transforms.apply(transforms.inverse(frame.T_world_lidar), [1060, 2010, 36])
    assert transforms.apply(frame.T_infrastructure_camera_vehicle_lidar, in_lidar) == pytest.approx([0, 0, 10])


def test_the_error_offset_moves_the_roadside_in_the_world(root):
    first, second = DairV2xDataset(root).frames
    assert first.T_world_infrastructure_lidar[:3, 3] == pytest.approx([1050, 2010, 36])
    assert second.T_world_infrastructure_lidar[:3, 3] == pytest.approx([1050.5, 2009.75, 36])


@pytest.mark.parametrize(('side', 'place'), [('vehicle-side', 0), ('infrastructure-side', 1)])
def test_a_pair_whose_image_is_not_listed_costs_its_own_frame_only(root, side, place):
    path = root / side / 'data_info.json'
    entries = json.loads(path.read_text())
    entries[place]['image_path'] = ''
    path.write_text(json.dumps(entries))
    frames = DairV2xDataset(root).frames
    refused = [i for i in range(len(frames)) if not opens(frames, i, f'{side}/data_info.json')]
    assert len(refused) == 1 and len(frames) == 2


def opens(frames, index: int, words: str) -> bool:
    try:
        return bool(frames[index].vehicle_id)
    except EmiffError as error:
        assert words in str(error)
        return False


def test_truth_is_in_the_vehicle_lidar_frame_and_boxes_of_no_size_are_skipped(root):
    truth = DairV2xDataset(root).frames[0].truth
    assert truth.labels == ('Car', 'Trafficcone')
    assert truth.boxes.centers[0] == pytest.approx([20, 3, -1.05])
    assert truth.boxes.sizes[0] == pytest.approx([4, 2, 1.5])
    assert truth.boxes.yaws[0] == pytest.approx(0)
    assert len(truth.of_class('car')) == 1 and len(truth.of_class('pedestrian')) == 0


def test_distortion_is_given_only_where_asked_for(root):
    assert DairV2xDataset(root).frames[0].vehicle_camera.distortion == ()
    with pytest.raises(EmiffError, match=r'infrastructure-side.*000501\.json.*cam_D'):  # not in this file
        _ = DairV2xDataset(root, with_distortion=True).frames[0]


def test_splits_choose_by_vehicle(root):
    assert [f.vehicle_id for f in DairV2xDataset(root, split='val').frames] == ['000011']
    assert read_split(root / 'cooperative-split-data.json', 'train') == ['000010']
    with pytest.raises(EmiffError, match=r"split 'test'.*found none"):
        DairV2xDataset(root, split='test')
    with pytest.raises(EmiffError, match="'minival', found train, val, test"):
        DairV2xDataset(root, split='minival')


def test_delayed_frames_stay_in_their_batch(root):
    delayed = DairV2xDataset(root, delay_frames=2)
    assert [(f.vehicle_id, f.infrastructure_id) for f in delayed.frames] == [('000011', '000501')]
    # the roadside is older by 200 ms, the pair's error offset stays
    assert delayed.frames[0].infrastructure_stamp_ns == 1626155123700000000
    with pytest.raises(EmiffError, match='expected a frame, found none'):
        DairV2xDataset(root, delay_frames=3)


def test_slices_are_sequences_too(root):
    frames = DairV2xDataset(root).frames
    assert [f.vehicle_id for f in frames[1:]] == ['000011'] and frames[-1].vehicle_id == '000011'
    with pytest.raises(IndexError):
        _ = frames[2]


@pytest.mark.parametrize(
    ('path', 'content', 'message'),
    [
        ('vehicle-side/data_info.json', None, r'vehicle-side/data_info\.json: expected a file'),
        ('vehicle-side/data_info.json', '{', r'data_info\.json: expected JSON'),
        ('vehicle-side/data_info.json', {}, 'expected a list of objects, found dict'),
        ('vehicle-side/image/000010.jpg', None, r'000010\.jpg: expected the file .* image_path'),
        ('vehicle-side/calib/camera_intrinsic/000010.json', {'cam_K': [1, 2]}, r'cam_K.*9 finite numbers'),
        ('vehicle-side/calib/camera_intrinsic/000010.json', {'cam_K': [0] * 9}, r'000010\.json: .*positive focal'),
        ('vehicle-side/calib/lidar_to_camera/000010.json', {'rotation': IDENTITY}, "expected the key 'translation'"),
        ('vehicle-side/calib/lidar_to_camera/000010.json', rigid([[2, 0, 0]] * 3, (0, 0, 0)), 'expected a rotation'),
        ('infrastructure-side/calib/virtuallidar_to_world/000501.json', 'x', r'000501\.json: expected JSON'),
    ],
)
def test_a_broken_file_is_named(root, path, content, message):
    if content is None:
        (root / path).unlink()
    else:
        write(root / path, content)
    with pytest.raises(EmiffError, match=message):
        _ = DairV2xDataset(root).frames[0]


@pytest.mark.parametrize(
    ('entry', 'message'),
    [
        ({'type': 'Car', 'world_8_points': [[0, 0, 0]] * 7}, r'entry 0: key .world_8_points.: expected 24'),
        ({'type': 'Car', 'world_8_points': 'none'}, r'entry 0: key .world_8_points.'),
        ({'world_8_points': [[0, 0, 0]] * 8}, r'entry 0: key .type.: expected a text'),
    ],
)
def test_a_broken_label_is_named(root, entry, message):
    write(root / 'cooperative/label_world/000010.json', [entry])
    with pytest.raises(EmiffError, match=message):
        _ = DairV2xDataset(root).frames[0].truth


def test_an_empty_label_is_no_boxes(root):
    write(root / 'cooperative/label_world/000010.json', [])
    truth = DairV2xDataset(root).frames[0].truth
    assert len(truth.boxes) == 0 and truth.labels == ()


def test_a_pair_of_an_unknown_side_frame_is_named(root):
    index = json.loads((root / 'cooperative/data_info.json').read_text())
    index[0]['vehicle_image_path'] = 'vehicle-side/image/000099.jpg'
    write(root / 'cooperative/data_info.json', index)
    with pytest.raises(EmiffError, match=r'cooperative/data_info\.json: frame 000099: expected it in vehicle-side'):
        _ = DairV2xDataset(root).frames[0]


def test_the_synthetic_layout_loads_without_point_clouds(synthetic_root):
    dataset = DairV2xDataset(synthetic_root)
    assert len(dataset) == 4 and not (synthetic_root / 'vehicle-side/velodyne').exists()
    frame = dataset.frames[0]
    assert (frame.vehicle_camera.width, frame.vehicle_camera.height) == (320, 180)
    assert np.linalg.norm(frame.T_world_lidar[:2, 3]) > 1000
    assert {len(DairV2xDataset(synthetic_root, split=s)) for s in ('train', 'val', 'test')} == {1, 2}


def test_opening_reads_no_calibration(root):
    shutil.rmtree(root / 'vehicle-side/calib')
    assert len(DairV2xDataset(root)) == 2
