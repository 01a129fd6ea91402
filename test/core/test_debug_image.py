import cv2
import numpy as np
import pytest

from emiff_core.geometry import Boxes3D, Detections, PinholeCamera
from emiff_core.rendering.colors import detection_color
from emiff_core.rendering.debug_image import FeatureUsed, draw_debug_image, status_lines

USED = [FeatureUsed('east', 31.2), FeatureUsed('west', 130.4)]
AHEAD = np.array([[0, -1, 0, 0], [0, 0, -1, 0], [1, 0, 0, 0], [0, 0, 0, 1]], dtype=float)
GREY = 90


def camera(width: int = 1920, distortion: tuple[float, ...] = ()) -> PinholeCamera:
    k = np.array([[width, 0, width / 2], [0, width, width / 4], [0, 0, 1]])
    return PinholeCamera(k, width, width // 2, distortion)


def cars(*scores: float) -> Detections:
    count = len(scores)
    boxes = Boxes3D([[20, 4 - 8 * n, 0] for n in range(count)], [[4, 2, 1.5]] * count, [0.0] * count)
    return Detections(boxes, scores, ('car',) * count)


def draw(width: int = 1920, detections: Detections | None = None, used: list[FeatureUsed] = USED):
    image = np.full((width // 2, width, 3), GREY, np.uint8)
    drawn = draw_debug_image(image, camera(width), AHEAD, detections or cars(0.9), used, 87.6)
    assert (image == GREY).all()
    return drawn


def drawn_on(image: np.ndarray) -> np.ndarray:
    """Return where something was drawn below the caption."""
    changed = (image != GREY).any(axis=2)
    changed[:60] = False
    return changed


@pytest.mark.parametrize(('width', 'expected'), [(1920, 960), (480, 480)])
def test_the_image_is_made_no_larger_than_people_need(width, expected):
    assert draw(width).shape == (expected // 2, expected, 3)


def test_a_box_is_drawn_where_the_camera_sees_it():
    rows, columns = np.nonzero(drawn_on(draw()))
    # the box is 4 m to the left and 20 m ahead: a fifth of the width left of the middle
    assert columns.min() == pytest.approx(480 - 960 * 5 / 18, abs=3)
    assert columns.max() == pytest.approx(480 - 960 * 3 / 22, abs=3)
    assert rows.mean() == pytest.approx(240, abs=10)


def test_the_image_of_a_distorted_camera_is_rectified_so_that_boxes_lie_on_what_they_are_of():
    point, own = np.array([[[3.5, 1.4, 10.0]]]), camera(960, (-0.3, 0.1, 0.0, 0.0))
    seen, _ = cv2.projectPoints(point, np.zeros(3), np.zeros(3), own.intrinsics, np.array(own.distortion))
    image = np.zeros((480, 960, 3), np.uint8)
    cv2.circle(image, tuple(int(part) for part in seen.ravel().round()), 3, (255, 255, 255), -1)
    drawn = draw_debug_image(image, own, AHEAD, cars(), [], 0.0)
    rows, columns = np.nonzero(drawn[60:].max(axis=2) > 128)
    straight, _ = own.project(point[0])
    assert (columns.mean(), rows.mean() + 60) == pytest.approx(tuple(straight[0]), abs=1.5)
    assert np.linalg.norm(seen.ravel() - straight[0]) > 10


def test_color_tells_what_was_used_and_how_sure_the_score_is():
    sure, unsure = detection_color(1.0, True), detection_color(0.1, True)
    alone = detection_color(1.0, False)
    assert sure.green > sure.red and alone.red > alone.green
    assert max(unsure[:3]) - min(unsure[:3]) < max(sure[:3]) - min(sure[:3])
    assert unsure.alpha < sure.alpha
    assert all(0 <= part <= 1 for color in (sure, unsure, alone) for part in color)
    assert (draw(used=USED) != draw(used=[])).any()


def test_of_two_boxes_each_has_its_scores_color():
    image = draw(detections=cars(0.9, 0.1))
    left, right = image[60:, :480], image[60:, 480:]
    assert (left == detection_color(0.9, True).bgr()).all(axis=2).any()
    assert (right == detection_color(0.1, True).bgr()).all(axis=2).any()


def test_the_text_tells_agents_and_ages():
    assert status_lines(3, USED, 87.6) == ['3 boxes   88 ms', 'with east 31 ms old   west 130 ms old']
    assert status_lines(0, [], 5.0)[1] == 'alone'
