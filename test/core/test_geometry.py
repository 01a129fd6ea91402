"""Transforms, the pinhole camera and boxes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emiff_core.errors import EmiffError
from emiff_core.geometry import Boxes3D, Detections, PinholeCamera, transforms

unit = st.floats(-1, 1, allow_nan=False)
quaternions = st.tuples(unit, unit, unit, unit).filter(lambda q: np.linalg.norm(q) > 0.1)


@given(quaternions)
def test_quaternion_returns_to_itself_or_its_opposite(quaternion):
    normal = np.array(quaternion) / np.linalg.norm(quaternion)
    back = transforms.to_quaternion(transforms.from_quaternion([1, 2, 3], quaternion))
    assert min(np.abs(back - normal).max(), np.abs(back + normal).max()) < 1e-9


@given(quaternions)
def test_inverse_undoes_a_transform_at_world_coordinates(quaternion):
    matrix = transforms.from_quaternion([441_234.567, 4_433_210.987, 21.5], quaternion)
    points = np.array([[1.0, -2.0, 3.0], [90.0, 40.0, -2.0]])
    back = transforms.apply(transforms.inverse(matrix), transforms.apply(matrix, points))
    assert np.abs(back - points).max() < 1e-8


def test_a_transform_maps_source_points_into_the_destination():
    matrix = transforms.rigid(transforms.rotation_z(np.pi / 2), [10, 0, 0])
    assert transforms.apply(matrix, [1.0, 0.0, 0.0]) == pytest.approx([10, 1, 0])


@pytest.mark.parametrize(
    'rotation', [np.eye(3) * 1.1, np.diag([1.0, 1.0, -1.0]), np.full((3, 3), np.nan), np.eye(2)]
)
def test_what_is_no_rotation_is_refused(rotation):
    with pytest.raises(EmiffError):
        transforms.rigid(rotation, [0, 0, 0])


@pytest.mark.parametrize('quaternion', [[0, 0, 0, 0], [np.nan, 0, 0, 1], [0, 0, 1]])
def test_what_is_no_quaternion_is_refused(quaternion):
    with pytest.raises(EmiffError):
        transforms.from_quaternion([0, 0, 0], quaternion)


def test_the_camera_projects_its_axis_to_the_principal_point_and_scales_with_the_image():
    camera = PinholeCamera(np.array([[1000.0, 0, 960], [0, 1100, 540], [0, 0, 1]]), 1920, 1080)
    uv, depth = camera.project([[0, 0, 10], [1, 2, 10]])
    assert uv == pytest.approx(np.array([[960, 540], [1060, 760]]))
    assert depth == pytest.approx([10, 10])
    half = camera.scaled(0.5, 0.5)
    assert (half.width, half.height) == (960, 540)
    assert half.project([[1, 2, 10]])[0] == pytest.approx(np.array([[530, 380]]))
    cut = camera.cropped(100, 200, 800, 600)
    assert (cut.width, cut.height) == (800, 600)
    assert cut.project([[1, 2, 10]])[0] == pytest.approx(np.array([[960, 560]]))


@pytest.mark.parametrize(('focal', 'width'), [(0.0, 1920), (-5.0, 1920), (np.inf, 1920), (1000.0, 0)])
def test_an_impossible_camera_is_refused(focal, width):
    with pytest.raises(EmiffError):
        PinholeCamera(np.array([[focal, 0, 960], [0, 1000, 540], [0, 0, 1]]), width, 1080)


def some_boxes() -> Boxes3D:
    return Boxes3D([[10, 2, -1], [30, -8, 0.5]], [[4, 2, 1.5], [10, 2.5, 3]], [0.3, -2.8])


def test_corners_follow_the_data_sets_order_and_lead_back_to_the_box():
    box = Boxes3D([[0, 0, 0]], [[4, 2, 1]], [0])
    corners = box.corners()[0]
    assert corners[0] - corners[3] == pytest.approx([4, 0, 0])
    assert corners[0] - corners[1] == pytest.approx([0, 2, 0])
    assert corners[4] - corners[0] == pytest.approx([0, 0, 1])
    boxes = some_boxes()
    back = Boxes3D.from_corners(boxes.corners())
    for ours, theirs in ((back.centers, boxes.centers), (back.sizes, boxes.sizes), (back.yaws, boxes.yaws)):
        assert ours == pytest.approx(theirs)


def test_moving_boxes_moves_their_corners():
    matrix = transforms.rigid(transforms.rotation_z(2.5), [5, -7, 1])
    boxes = some_boxes()
    moved = transforms.apply(matrix, boxes.corners())
    assert boxes.transformed(matrix).corners() == pytest.approx(moved)


def test_counts_that_differ_are_refused():
    with pytest.raises(EmiffError):
        Boxes3D(np.zeros((2, 3)), np.ones((1, 3)), np.zeros(2))
    with pytest.raises(EmiffError):
        Detections(some_boxes(), [0.5], ('car', 'car'))


def test_boxes_can_be_chosen_by_mask_and_by_index():
    boxes = some_boxes()
    assert boxes[np.array([False, True])].yaws == pytest.approx([-2.8])
    assert len(boxes[[0]]) == 1
    assert len(Boxes3D.empty()) == 0


@pytest.mark.parametrize('distortion', [(0.1,) * 3, (0.1,) * 6, (0.1, float('nan'), 0.0, 0.0, 0.0)])
def test_a_camera_has_no_distortion_that_opencv_could_not_undo(distortion):
    with pytest.raises(EmiffError, match='distortion coefficients'):
        PinholeCamera(np.array([[100.0, 0, 50], [0, 100, 40], [0, 0, 1]]), 100, 80, distortion)
