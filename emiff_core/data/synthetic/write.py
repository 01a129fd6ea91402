"""Writes synthetic pictures and labels as a data set in the layout of DAIR-V2X-C."""

import json
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from itertools import groupby
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from emiff_core.data.dair_v2x import COOPERATIVE_INDEX, ROADSIDE_INDEX, SPLIT_FILE, VEHICLE_INDEX
from emiff_core.data.synthetic.calibration import calibration_errors
from emiff_core.data.synthetic.conditions import Conditions
from emiff_core.data.synthetic.exposures import Exposure, infrastructure_id, plan_drives, vehicle_id
from emiff_core.data.synthetic.labels import cooperative_label, side_label
from emiff_core.data.synthetic.rig import REFERENCE_SIZE
from emiff_core.data.synthetic.scene import Scene, build_scene
from emiff_core.data.synthetic.snapshot import Snapshot, take
from emiff_core.errors import EmiffError
from emiff_core.geometry import PinholeCamera, transforms

_JPEG_QUALITY = 92
_CHUNK = 10  # frames that a process renders before it reports
Parts = dict[str, list[Exposure]]  # the split file: which frames train, validate and test


def generate(
    out: Path,
    frames: int,
    seed: int,
    asynchrony_ms: float | None = None,
    size: tuple[int, int] = REFERENCE_SIZE,
    workers: int = 1,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Write drives over crossings: the first half to train, the next fifth to validate, the rest to test.

    Args:
        out, size, workers, progress: see `write_data_set`.
        frames, seed, asynchrony_ms: see `plan_drives`.

    Raises:
        EmiffError: `out` holds something, or a number is out of its range.
    """
    exposures = plan_drives(frames, seed, asynchrony_ms)
    bounds = (0, round(frames * 0.5), round(frames * 0.7), frames)
    parts = {name: exposures[bounds[i] : bounds[i + 1]] for i, name in enumerate(('train', 'val', 'test'))}
    write_data_set(out, parts, size, workers, progress)


def write_data_set(
    out: Path,
    parts: Parts,
    size: tuple[int, int],
    workers: int = 1,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Write a data set; the same arguments give the same bytes on the same platform, whatever the workers.

    Args:
        out: root of the data set; must not exist or be an empty folder.
        parts: the frames, in order.
        size: width, height of the pictures, pixels.
        workers: processes that render.
        progress: called with the number of frames done so far.

    Raises:
        EmiffError: `out` holds something, or cannot be written.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise EmiffError(f'{out}: expected a new or empty folder for the data set, found something in it')
    try:
        _make_folders(out)
    except OSError as error:
        raise EmiffError(f'{out}: expected a place to write a data set: {error.strerror}') from error
    exposures = [exposure for part in parts.values() for exposure in part]
    batches = [list(batch) for _, batch in groupby(exposures, key=lambda exposure: exposure.batch)]
    chunks = [batch[i : i + _CHUNK] for batch in batches for i in range(0, len(batch), _CHUNK)]
    done = 0
    if workers == 1:
        for exposure in exposures:
            write_frames(out, [exposure], size)
            done += 1
            if progress is not None:
                progress(done)
    else:
        with ProcessPoolExecutor(workers, mp_context=get_context('spawn')) as pool:
            for count in pool.map(write_frames, [out] * len(chunks), chunks, [size] * len(chunks)):
                done += count
                if progress is not None:
                    progress(done)
    _write_indices(out, parts)


def write_frames(out: Path, exposures: list[Exposure], size: tuple[int, int]) -> int:
    """Render and write some frames; return how many."""
    for exposure in exposures:
        scene = _scene(exposure.scene_seed, exposure.scene_duration, exposure.conditions)
        errors = calibration_errors(exposure.calibration_noise, scene.seed)
        vehicle = take(scene, 'vehicle', exposure.vehicle_us / 1e6, size, exposure.frame)
        infrastructure = take(scene, 'infrastructure', exposure.infrastructure_us / 1e6, size, exposure.frame)
        _write_vehicle_side(out / 'vehicle-side', exposure.vehicle_id, scene, vehicle, errors[0])
        _write_infrastructure_side(
            out / 'infrastructure-side', exposure.infrastructure_id, scene, infrastructure, errors[1]
        )
        seen = {v.index for v in (*vehicle.seen, *infrastructure.seen)}
        label = cooperative_label(scene, vehicle.time, seen, system_error_offset(scene.seed))
        _write_json(out / 'cooperative/label_world' / f'{exposure.vehicle_id}.json', label)
    return len(exposures)


@lru_cache(maxsize=1)  # frames come scene by scene
def _scene(seed: int, duration: float, conditions: Conditions) -> Scene:
    return build_scene(seed, duration, conditions)


def system_error_offset(scene_seed: int) -> dict[str, float] | str:
    """Return what must be added to the written roadside pose to make it true; half of the scenes have ""."""
    rng = np.random.default_rng([scene_seed, 2])
    if rng.random() < 0.5:
        return ''
    return {'delta_x': round(float(rng.uniform(-0.4, 0.4)), 3), 'delta_y': round(float(rng.uniform(-0.4, 0.4)), 3)}


def _write_vehicle_side(
    root: Path, name: str, scene: Scene, snapshot: Snapshot, T_written_true: NDArray[np.float64]
) -> None:
    rig = scene.vehicle_rig
    T_scene_lidar = scene.T_scene_lidar(snapshot.time)
    T_world_novatel = scene.T_world_scene @ T_scene_lidar @ transforms.inverse(rig.T_novatel_lidar)
    _write_image(root / 'image' / f'{name}.jpg', snapshot)
    calib = root / 'calib'
    _write_json(calib / 'camera_intrinsic' / f'{name}.json', _intrinsics(snapshot.view.camera))
    _write_json(calib / 'lidar_to_camera' / f'{name}.json', _rigid_entries(T_written_true @ rig.T_camera_lidar))
    _write_json(calib / 'lidar_to_novatel' / f'{name}.json', {'transform': _rigid_entries(rig.T_novatel_lidar)})
    _write_json(calib / 'novatel_to_world' / f'{name}.json', _rigid_entries(T_world_novatel))
    label = side_label(scene, snapshot.time, snapshot.seen, transforms.inverse(T_scene_lidar))
    for kind in ('camera', 'lidar'):
        _write_json(root / 'label' / kind / f'{name}.json', label)


def _write_infrastructure_side(
    root: Path, name: str, scene: Scene, snapshot: Snapshot, T_written_true: NDArray[np.float64]
) -> None:
    rig = scene.roadside_rig
    T_world_lidar = scene.T_world_scene @ rig.T_scene_lidar
    offset = system_error_offset(scene.seed)
    if isinstance(offset, dict):
        T_world_lidar[:2, 3] -= offset['delta_x'], offset['delta_y']
    _write_image(root / 'image' / f'{name}.jpg', snapshot)
    calib = root / 'calib'
    _write_json(calib / 'camera_intrinsic' / f'{name}.json', _intrinsics(snapshot.view.camera))
    _write_json(calib / 'virtuallidar_to_camera' / f'{name}.json', _rigid_entries(T_written_true @ rig.T_camera_lidar))
    world = {**_rigid_entries(T_world_lidar), 'relative_error': {'delta_x': '', 'delta_y': ''}}
    _write_json(calib / 'virtuallidar_to_world' / f'{name}.json', world)
    label = side_label(scene, snapshot.time, snapshot.seen, transforms.inverse(rig.T_scene_lidar))
    for kind in ('camera', 'virtuallidar'):
        _write_json(root / 'label' / kind / f'{name}.json', label)


def _make_folders(out: Path) -> None:
    for side, calibrations, lidar in (
        ('vehicle-side', ('camera_intrinsic', 'lidar_to_camera', 'lidar_to_novatel', 'novatel_to_world'), 'lidar'),
        (
            'infrastructure-side',
            ('camera_intrinsic', 'virtuallidar_to_camera', 'virtuallidar_to_world'),
            'virtuallidar',
        ),
    ):
        for folder in ('image', 'label/camera', f'label/{lidar}', *(f'calib/{name}' for name in calibrations)):
            (out / side / folder).mkdir(parents=True)
    (out / 'cooperative/label_world').mkdir(parents=True)


def _write_indices(out: Path, parts: Parts) -> None:
    """Write the three data_info.json and the split file."""
    exposures = [exposure for part in parts.values() for exposure in part]
    _write_json(out / VEHICLE_INDEX, [_side_info(e, vehicle=True) for e in exposures])
    _write_json(out / ROADSIDE_INDEX, [_side_info(e, vehicle=False) for e in exposures])
    cooperative = []
    for e in exposures:
        cooperative.append(
            {
                'infrastructure_image_path': f'infrastructure-side/image/{e.infrastructure_id}.jpg',
                'infrastructure_pointcloud_path': f'infrastructure-side/velodyne/{e.infrastructure_id}.pcd',
                'vehicle_image_path': f'vehicle-side/image/{e.vehicle_id}.jpg',
                'vehicle_pointcloud_path': f'vehicle-side/velodyne/{e.vehicle_id}.pcd',
                'cooperative_label_path': f'cooperative/label_world/{e.vehicle_id}.json',
                'system_error_offset': system_error_offset(e.scene_seed),
            }
        )
    _write_json(out / COOPERATIVE_INDEX, cooperative)
    vehicle = {name: [e.vehicle_id for e in part] for name, part in parts.items()}
    infrastructure = {name: [e.infrastructure_id for e in part] for name, part in parts.items()}
    batches = {name: sorted({str(e.batch) for e in part}) for name, part in parts.items()}
    _write_json(
        out / SPLIT_FILE,
        {
            'batch_split': batches,
            'vehicle_split': vehicle,
            'infrastructure_split': infrastructure,
            'cooperative_split': vehicle,
        },
    )


def _side_info(exposure: Exposure, vehicle: bool) -> dict[str, object]:
    name = exposure.vehicle_id if vehicle else exposure.infrastructure_id
    stamp = str(exposure.scene_epoch_us + (exposure.vehicle_us if vehicle else exposure.infrastructure_us))
    calibrations = ('lidar_to_camera', 'lidar_to_novatel', 'novatel_to_world') if vehicle else (
        'virtuallidar_to_world', 'virtuallidar_to_camera')  # fmt: skip
    identifier = vehicle_id if vehicle else infrastructure_id
    return {
        'image_path': f'image/{name}.jpg',
        'image_timestamp': stamp,
        'pointcloud_path': f'velodyne/{name}.pcd',
        'pointcloud_timestamp': stamp,
        **{f'calib_{c}_path': f'calib/{c}/{name}.json' for c in (*calibrations, 'camera_intrinsic')},
        'label_camera_std_path': f'label/camera/{name}.json',
        'label_lidar_std_path': f'label/{"lidar" if vehicle else "virtuallidar"}/{name}.json',
        'batch_id': str(exposure.batch),
        'intersection_loc': f'synthetic{exposure.batch:02d}',
        'batch_start_id': identifier(exposure.batch_ids[0]),
        'batch_end_id': identifier(exposure.batch_ids[1]),
    }


def _intrinsics(camera: PinholeCamera) -> dict[str, object]:
    return {
        'cam_D': [0.0] * 5,
        'cam_K': camera.intrinsics.ravel().tolist(),
        'height': camera.height,
        'width': camera.width,
    }


def _rigid_entries(T: NDArray[np.float64]) -> dict[str, object]:
    return {'rotation': T[:3, :3].tolist(), 'translation': T[:3, 3:].tolist()}


def _write_image(path: Path, snapshot: Snapshot) -> None:
    ok, encoded = cv2.imencode('.jpg', snapshot.rendering.image, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    assert ok
    path.write_bytes(encoded.tobytes())


def _write_json(path: Path, content: object) -> None:
    path.write_text(json.dumps(content) + '\n', encoding='utf-8')
