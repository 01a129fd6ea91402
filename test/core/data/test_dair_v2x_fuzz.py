"""Whatever happens to a data set's JSON, the loader gives what was there before or says which file is wrong.

The audit never fails, and agrees with the loader on whether everything loads.
"""

import json
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emiff_core.data.check import check
from emiff_core.data.cooperative_frame import CooperativeFrame
from emiff_core.data.dair_v2x import DairV2xDataset
from emiff_core.errors import EmiffError

FILES = (
    'cooperative/data_info.json',
    'vehicle-side/data_info.json',
    'infrastructure-side/data_info.json',
    'cooperative-split-data.json',
    'cooperative/label_world/000010.json',
    'vehicle-side/calib/camera_intrinsic/000010.json',
    'vehicle-side/calib/lidar_to_camera/000010.json',
    'vehicle-side/calib/lidar_to_novatel/000010.json',
    'vehicle-side/calib/novatel_to_world/000010.json',
    'infrastructure-side/calib/camera_intrinsic/000501.json',
    'infrastructure-side/calib/virtuallidar_to_camera/000501.json',
    'infrastructure-side/calib/virtuallidar_to_world/000501.json',
)
DROP = object()
STRANGE_TYPE = 'Something else'
REPLACEMENTS = st.sampled_from([DROP, '', STRANGE_TYPE, 'nan', '\x00', 'x' * 300, None, True, False, [], {}, 10**400])
WRAPPERS = st.sampled_from([lambda value: [value], lambda value: {'nested': value}, lambda value: [[value]]])


def places(tree: object, path: tuple = ()) -> list[tuple]:
    """Return the path of every value inside a JSON tree."""
    items = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    return [place for key, value in items for place in [(*path, key), *places(value, (*path, key))]]


@st.composite
def mutations(draw, root: Path) -> tuple[Path, str]:
    """Draw a file and its content after one to three changes."""
    path = root / draw(st.sampled_from(FILES))
    tree = json.loads(path.read_text())
    for _ in range(draw(st.integers(1, 3))):
        found = places(tree)
        if not found:
            break
        *parents, key = draw(st.sampled_from(found))
        parent = tree
        for step in parents:
            parent = parent[step]
        change = draw(st.one_of(REPLACEMENTS, WRAPPERS))
        if key == 'system_error_offset' and change == '':
            continue  # a valid way to say that there is none
        if change is DROP:
            del parent[key]
        else:
            parent[key] = change(parent[key]) if callable(change) else change
    return path, json.dumps(tree)


def frames(root: Path, delay: int) -> dict[str, CooperativeFrame]:
    dataset = DairV2xDataset(root, 'val' if delay else None, delay_frames=delay)
    return {frame.vehicle_id: frame for frame in dataset.frames}


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), delay=st.integers(0, 1))
def test_a_damaged_file_is_named_or_does_no_harm(root, data, delay):
    expected = frames(root, delay)
    truths = {name: frame.truth for name, frame in expected.items()}
    path, damaged = data.draw(mutations(root))
    sound = path.read_text()
    path.write_text(damaged)
    audit = check(root)
    try:
        for name, frame in frames(root, delay).items():
            assert_no_wrong_box(frame, truths[name])
            assert_same(frame, expected[name])
        assert delay or audit.ok
    except EmiffError as error:
        assert str(root) in str(error) and '\n' not in str(error)
        assert delay or not audit.ok
    finally:
        path.write_text(sound)


def assert_same(frame: CooperativeFrame, expected: CooperativeFrame) -> None:
    for field in ('vehicle_image', 'infrastructure_image', 'vehicle_stamp_ns', 'infrastructure_stamp_ns', 'label'):
        assert getattr(frame, field) == getattr(expected, field)
    for matrix in ('T_vehicle_camera_lidar', 'T_world_lidar', 'T_infrastructure_camera_vehicle_lidar'):
        np.testing.assert_array_equal(getattr(frame, matrix), getattr(expected, matrix))
    for camera in ('vehicle_camera', 'infrastructure_camera'):
        np.testing.assert_array_equal(getattr(frame, camera).intrinsics, getattr(expected, camera).intrinsics)


def assert_no_wrong_box(frame: CooperativeFrame, expected) -> None:
    """Entries may be gone and types be strange; what is left is where it was."""
    known = {tuple(row) for row in np.column_stack([expected.boxes.centers, expected.boxes.sizes, expected.boxes.yaws])}
    truth = frame.truth
    for row, label in zip(
        np.column_stack([truth.boxes.centers, truth.boxes.sizes, truth.boxes.yaws]), truth.labels, strict=True
    ):
        assert tuple(row) in known
        assert label in (*expected.labels, STRANGE_TYPE, 'Nan', '\x00', 'X' + 'x' * 299)
