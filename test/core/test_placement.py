import numpy as np
import pytest

from emiff_core.cooperation.placement import nearest, place
from emiff_core.cooperation.refusal import Refusal
from emiff_core.geometry import transforms

FAR = np.array([4_512_345.125, 678_901.25, 27.0])  # a map's coordinates, metres


def test_a_point_has_the_same_place_by_either_side_to_a_tenth_of_a_millimetre_in_a_map_far_from_its_origin():
    T_world_camera = transforms.rigid(transforms.rotation_z(2.0), FAR + np.array([30.0, 4.0, 6.0]))
    T_world_detection = transforms.rigid(transforms.rotation_z(-0.4), FAR)
    T_camera_detection = place(T_world_camera, T_world_detection, 300.0)
    point = [12.0, -3.0, 0.5]
    seen = transforms.apply(T_camera_detection, point)
    expected = transforms.rotation_z(-2.0) @ (transforms.rotation_z(-0.4) @ point - [30.0, 4.0, 6.0])
    assert seen == pytest.approx(expected, abs=1e-4)


def test_motion_of_the_vehicle_between_the_exposures_moves_what_the_camera_is_said_to_see():
    T_world_camera = transforms.rigid(np.eye(3), [30, 0, 5])
    earlier, later = (transforms.rigid(np.eye(3), [x, 0, 0]) for x in (0.0, 1.5))
    shift = place(T_world_camera, later, 300.0) - place(T_world_camera, earlier, 300.0)
    assert shift[:3, 3] == pytest.approx([1.5, 0, 0])


@pytest.mark.parametrize(('distance', 'is_near'), [(299.9, True), (300.1, False)])
def test_a_camera_out_of_range_is_refused(distance, is_near):
    T_world_camera = transforms.rigid(np.eye(3), FAR + np.array([0, distance, 0]))
    verdict = place(T_world_camera, transforms.rigid(np.eye(3), FAR), 300.0)
    assert (verdict is not Refusal.OUT_OF_RANGE) == is_near


def test_the_nearest_cameras_are_kept_and_of_equals_the_first():
    cameras = [place(transforms.rigid(np.eye(3), [x, 0, 5]), np.eye(4), 300.0) for x in (40.0, -10.0, 20.0, -10.0)]
    assert nearest(cameras, 2) == [False, True, False, True]
    assert nearest(cameras, 1) == [False, True, False, False]
    assert nearest(cameras, 9) == [True] * 4
    assert nearest([], 3) == []
