"""A sheet shows the truth and what was found with some confidence."""

import numpy as np
import pytest

from emiff_core.geometry import Boxes3D, Detections, PinholeCamera
from emiff_core.rendering.overlay import SHOWN_SCORE
from emiff_core.rendering.sheet import View, draw_sheet

LOOKING_AHEAD = np.array([[0.0, -1, 0, 0], [0, 0, -1, 0], [1, 0, 0, 0], [0, 0, 0, 1]])
CAMERA = PinholeCamera(np.array([[300.0, 0, 160], [0, 300, 100], [0, 0, 1]]), 320, 200)


@pytest.fixture
def sheet():
    view = View('vehicle', np.zeros((200, 320, 3), np.uint8), CAMERA, LOOKING_AHEAD)
    car = Boxes3D(np.array([[15.0, 1.0, -1.5]]), np.array([[4.5, 1.9, 1.6]]), np.array([0.3]))

    def draw(score: float | None) -> np.ndarray:
        found = Detections(car, np.array([score or 0.0]), ('car',))[np.array([score is not None])]
        return draw_sheet([view], Boxes3D.empty(), found, (0, 40), (-20, 20), [])

    return draw


def test_boxes_that_score_low_are_left_out_of_both_views(sheet):
    assert (sheet(SHOWN_SCORE - 0.01) == sheet(None)).all()
    drawn = (sheet(SHOWN_SCORE + 0.01) != sheet(None)).any(axis=-1)
    assert drawn[:, :960].sum() > 100 and drawn[:, 960:].sum() > 100
