import json

import numpy as np
import pytest

from emiff_core.data.camera_pose import CameraPose, read_camera_pose
from emiff_core.errors import EmiffError
from emiff_core.geometry import transforms

PLACE = (4000.5, -2500.25, 27.125)
LOOKING_ALONG_X = [[0, 0, 1], [-1, 0, 0], [0, -1, 0]]  # right is -y, down is -z, forward is x


@pytest.mark.parametrize('orientation', [(-0.5, 0.5, -0.5, 0.5), (-np.pi / 2, 0.0, -np.pi / 2)])
def test_a_quaternion_and_roll_pitch_yaw_mean_the_same_camera(orientation):
    expected = transforms.rigid(LOOKING_ALONG_X, PLACE)
    assert CameraPose(PLACE, orientation).matrix() == pytest.approx(expected, abs=1e-12)


def test_roll_comes_first_then_pitch_then_yaw_about_fixed_axes():
    pose = CameraPose((0.0, 0.0, 0.0), (np.pi / 2, np.pi / 2, 0.0)).matrix()
    # y is rolled to z, and z is pitched to x
    assert transforms.apply(pose, [0, 1, 0]) == pytest.approx([1, 0, 0], abs=1e-12)


@pytest.mark.parametrize(
    ('position', 'orientation', 'word'),
    [
        ((1.0, 2.0), (0.0, 0.0, 0.0), 'position'),
        ((1.0, 2.0, float('nan')), (0.0, 0.0, 0.0), 'position'),
        (PLACE, (0.0, 0.0), 'orientation'),
        (PLACE, (0.0, 0.0, 0.0, 2.0), 'length 1'),
        (PLACE, (), 'orientation'),
    ],
)
def test_numbers_that_are_no_pose_are_named(position, orientation, word):
    with pytest.raises(EmiffError, match=word):
        CameraPose(position, orientation)


def test_a_yaml_file_holds_the_same_keys(tmp_path):
    path = tmp_path / 'pole.yaml'
    path.write_text('position: [4000.5, -2500.25, 27.125]\norientation: [-0.5, 0.5, -0.5, 0.5]\n')
    assert read_camera_pose([path]) == pytest.approx(transforms.rigid(LOOKING_ALONG_X, PLACE))
    path.write_text('position: [4000.5, -2500.25]\norientation: [-0.5, 0.5, -0.5, 0.5]\n')
    with pytest.raises(EmiffError, match=r'pole.yaml: position'):
        read_camera_pose([path])
    path.write_text('position: [0, 0, 0]\norientaton: [0, 0, 0]\n')
    with pytest.raises(EmiffError, match='did you mean orientation'):
        read_camera_pose([path])


def test_a_pair_of_dair_v2x_files_is_read(tmp_path):
    T_world_lidar = transforms.rigid(transforms.rotation_z(0.7), PLACE)
    T_camera_lidar = transforms.inverse(transforms.rigid(LOOKING_ALONG_X, [0, 0, 6]))
    paths = [tmp_path / 'virtuallidar_to_world.json', tmp_path / 'virtuallidar_to_camera.json']
    for path, matrix in zip(paths, (T_world_lidar, T_camera_lidar), strict=True):
        content = {'rotation': matrix[:3, :3].tolist(), 'translation': matrix[:3, 3:].tolist()}
        path.write_text(json.dumps(content | {'relative_error': {'delta_x': '', 'delta_y': ''}}))
    T_world_camera = read_camera_pose(paths)
    assert T_world_camera[:3, 3] == pytest.approx([4000.5, -2500.25, 33.125])
    assert T_world_camera[:3, 2] == pytest.approx([np.cos(0.7), np.sin(0.7), 0])


@pytest.mark.parametrize('count', [0, 3])
def test_another_number_of_files_is_refused(tmp_path, count):
    with pytest.raises(EmiffError, match='virtuallidar_to_world'):
        read_camera_pose([tmp_path / f'{n}.json' for n in range(count)])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(EmiffError, match=r'nowhere.yaml'):
        read_camera_pose([tmp_path / 'nowhere.yaml'])
    with pytest.raises(EmiffError, match=r'a.json'):
        read_camera_pose([tmp_path / 'a.json', tmp_path / 'b.json'])
