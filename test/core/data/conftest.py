"""Data sets for all tests of data and bags: one drawn, one written by hand with the oddities of the published one."""

import json
from pathlib import Path

import pytest

from emiff_core.data.synthetic import generate

FRAMES, SEED, SIZE = 4, 7, (320, 180)
IDENTITY = [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
QUARTER_TURN = [[0, -1, 0], [1, 0, 0], [0, 0, 1]]  # +90 degrees about z
LOOK_ALONG_X = [[0, -1, 0], [0, 0, -1], [1, 0, 0]]


@pytest.fixture(scope='session')
def synthetic_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp('synthetic')
    generate(root, FRAMES, SEED, asynchrony_ms=40.0, size=SIZE)
    return root


def write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))


def rigid(rotation, translation) -> dict[str, object]:
    return {'rotation': rotation, 'translation': [[t] for t in translation]}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Two vehicle frames, four roadside frames of one batch. The lidar stands at (1000, 2000, 30) and faces +y."""
    vehicle, roadside = tmp_path / 'vehicle-side', tmp_path / 'infrastructure-side'
    vehicle_infos, roadside_infos, pairs = [], [], []
    for name in ('000010', '000011'):
        write(vehicle / f'image/{name}.jpg', 'jpeg')
        write(
            vehicle / f'calib/camera_intrinsic/{name}.json',
            {'cam_K': [1000, 0, 960, 0, 1001, 540, 0, 0, 1], 'cam_D': [0.1] * 5},
        )
        write(vehicle / f'calib/lidar_to_camera/{name}.json', rigid(LOOK_ALONG_X, (0, -0.3, -1)))
        write(vehicle / f'calib/lidar_to_novatel/{name}.json', {'transform': rigid(QUARTER_TURN, (0, 0, 1.5))})
        write(vehicle / f'calib/novatel_to_world/{name}.json', rigid(IDENTITY, (1000, 2000, 28.5)))
        vehicle_infos.append(
            {
                'image_path': f'image/{name}.jpg',
                'image_timestamp': '1626155123626068',
                'pointcloud_path': '',
                'pointcloud_timestamp': '',
                'calib_camera_intrinsic_path': f'calib/camera_intrinsic/{name}.json',
                'calib_lidar_to_camera_path': f'calib/lidar_to_camera/{name}.json',
                'calib_lidar_to_novatel_path': f'calib/lidar_to_novatel/{name}.json',
                'calib_novatel_to_world_path': f'calib/novatel_to_world/{name}.json',
                'label_lidar_std_path': '',
            }
        )
    for k in range(4):
        name = f'{500 + k:06d}'
        write(roadside / f'image/{name}.jpg', 'jpeg')
        write(
            roadside / f'calib/camera_intrinsic/{name}.json',
            {'cam_K': ['2183.4', 0, '940.6', 0, '2329.3', 567.6, 0, 0, '1']},
        )
        write(roadside / f'calib/virtuallidar_to_camera/{name}.json', rigid(LOOK_ALONG_X, (0, 0, 0)))
        world = {**rigid(IDENTITY, (1050, 2010, 36)), 'relative_error': {'delta_x': '', 'delta_y': ''}}
        write(roadside / f'calib/virtuallidar_to_world/{name}.json', world)
        roadside_infos.append(
            {
                'image_path': f'image/{name}.jpg',
                'image_timestamp': str(1626155123600000 + k * 100_000),
                'calib_camera_intrinsic_path': f'calib/camera_intrinsic/{name}.json',
                'calib_virtuallidar_to_camera_path': f'calib/virtuallidar_to_camera/{name}.json',
                'calib_virtuallidar_to_world_path': f'calib/virtuallidar_to_world/{name}.json',
                'batch_start_id': '000501',
                'batch_end_id': '000503',
            }
        )
    # 4 m long along world +y (ahead of the vehicle), 2 m wide, 1.5 m tall, centre 20 m ahead and 3 m to the left
    bottom = [[996, 2022, 28.2], [998, 2022, 28.2], [998, 2018, 28.2], [996, 2018, 28.2]]
    corners = [*bottom, *([x, y, z + 1.5] for x, y, z in bottom)]
    label = [
        {'type': 'Car', 'world_8_points': corners, '3d_dimensions': {'l': '4.0', 'w': '2.0', 'h': '1.5'}},
        {'type': 'Van', 'world_8_points': [[0, 0, 0]] * 8, '3d_dimensions': {'l': 0, 'w': 0, 'h': 0}},
        {'type': 'Trafficcone', 'world_8_points': corners, '3d_dimensions': {'l': 4, 'w': 2, 'h': 1.5}},
    ]
    for name, roadside_name, offset in (
        ('000010', '000501', ''),
        ('000011', '000503', {'delta_x': '0.5', 'delta_y': -0.25}),
    ):
        write(tmp_path / f'cooperative/label_world/{name}.json', label)
        pairs.append(
            {
                'infrastructure_image_path': f'infrastructure-side/image/{roadside_name}.jpg',
                'infrastructure_pointcloud_path': '',
                'vehicle_image_path': f'vehicle-side/image/{name}.jpg',
                'vehicle_pointcloud_path': '',
                'cooperative_label_path': f'cooperative/label_world/{name}.json',
                'system_error_offset': offset,
            }
        )
    write(vehicle / 'data_info.json', vehicle_infos)
    write(roadside / 'data_info.json', roadside_infos)
    write(tmp_path / 'cooperative/data_info.json', pairs)
    split = {'train': ['000010'], 'val': ['000011'], 'test': []}
    write(tmp_path / 'cooperative-split-data.json', {'cooperative_split': split})
    return tmp_path
