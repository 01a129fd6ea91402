"""Overlap of rotated rectangles: against OpenCV, by its symmetries, and in the degenerate cases where clippers fail."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emiff_core.geometry.rotated_iou import overlap, pairwise_iou, pairwise_overlap, suppress

rectangles = st.tuples(st.floats(-5, 5), st.floats(-5, 5), st.floats(0.1, 6), st.floats(0.1, 6), st.floats(-7, 7)).map(
    np.array
)


def opencv_overlap(a: np.ndarray, b: np.ndarray) -> float:
    kind, points = cv2.rotatedRectangleIntersection(*(((r[0], r[1]), (r[2], r[3]), np.degrees(r[4])) for r in (a, b)))
    return 0.0 if kind == cv2.INTERSECT_NONE else cv2.contourArea(cv2.convexHull(points))


def test_agrees_with_opencv():
    rng = np.random.default_rng(0)
    a, b = (np.c_[rng.uniform(-3, 3, (500, 2)), rng.uniform(0.5, 5, (500, 2)), rng.uniform(-4, 4, 500)] for _ in 'ab')
    expected = np.array([opencv_overlap(x, y) for x, y in zip(a, b, strict=True)])
    assert (expected > 0).sum() > 100
    np.testing.assert_allclose(overlap(a, b), expected, atol=2e-3)  # OpenCV works in float32 and merges close corners


@settings(deadline=None)
@given(rectangles, rectangles)
def test_is_symmetric_and_no_larger_than_either(a, b):
    shared, swapped = overlap(a, b)[0], overlap(b, a)[0]
    assert shared == pytest.approx(swapped, abs=1e-9)
    assert -1e-12 <= shared <= min(a[2] * a[3], b[2] * b[3]) * (1 + 1e-9)


@settings(deadline=None)
@given(rectangles, st.integers(-3, 3))
def test_a_rectangle_meets_itself_wholly_however_it_is_described(a, quarters):
    turned = a.copy()
    turned[4] += quarters * np.pi / 2
    if quarters % 2:
        turned[[2, 3]] = turned[[3, 2]]
    assert pairwise_iou(a, turned)[0, 0] == pytest.approx(1.0, abs=1e-9)


@settings(deadline=None)
@given(rectangles, rectangles, st.floats(-3, 3), st.floats(-3, 3), st.floats(-4, 4))
def test_does_not_change_when_the_plane_moves(a, b, dx, dy, turn):
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    moved = [np.r_[rotation @ r[:2] + (dx, dy), r[2:4], r[4] + turn] for r in (a, b)]
    assert overlap(*moved)[0] == pytest.approx(overlap(a, b)[0], abs=1e-8)


@pytest.mark.parametrize(
    ('a', 'b', 'area'),
    [
        ([0, 0, 4, 3, 0], [0, 0, 2, 1, 0.7], 2.0),  # inside
        ([0, 0, 2, 2, 0], [1, 1, 2, 2, 0], 1.0),  # a corner, edges parallel
        ([0, 0, 2, 2, 0], [2, 0, 2, 2, 0], 0.0),  # a shared edge
        ([0, 0, 2, 2, 0], [2, 2, 2, 2, 0], 0.0),  # a shared corner
        ([0, 0, 2, 2, 0], [0, 0, 2, 2, np.pi / 4], 8 * (np.sqrt(2) - 1)),  # an octagon
        ([0, 0, 10, 1, 0], [0, 0, 10, 1, np.pi / 2], 1.0),  # a cross: no corner lies inside the other
        ([0, 0, 0, 2, 0.3], [0, 0, 2, 2, 0], 0.0),  # no width
        ([0, 0, 2, 2, 0], [100, 0, 2, 2, 0], 0.0),
    ],
)
def test_known_areas(a, b, area):
    assert pairwise_overlap(a, b)[0, 0] == pytest.approx(area, abs=1e-9)
    assert pairwise_overlap(b, a)[0, 0] == pytest.approx(area, abs=1e-9)


def test_empty_sets_and_empty_rectangles():
    one = [[0, 0, 2, 1, 0]]
    assert pairwise_iou(np.zeros((0, 5)), one).shape == (0, 1)
    assert pairwise_iou(one, np.zeros((0, 5))).shape == (1, 0)
    assert pairwise_iou([[0, 0, 0, 0, 0]], [[0, 0, 0, 0, 0]])[0, 0] == 0
    assert len(suppress(np.zeros((0, 5)), [], 0.1)) == 0


def test_suppression_keeps_the_best_of_each_heap():
    heaps = [[0, 0, 4, 2, 0], [0.2, 0, 4, 2, 0.1], [20, 0, 4, 2, 0], [20, 0.1, 4, 2, 0], [3.9, 0, 4, 2, 0]]
    assert suppress(heaps, [0.5, 0.9, 0.3, 0.8, 0.1], 0.1).tolist() == [1, 3, 4]


def test_a_suppressed_rectangle_suppresses_nothing():
    chain = [[0, 0, 4, 2, 0], [2, 0, 4, 2, 0], [4, 0, 4, 2, 0]]  # each meets its neighbour alone
    assert suppress(chain, [0.9, 0.8, 0.7], 0.1).tolist() == [0, 2]


def test_equal_scores_are_taken_in_their_order():
    assert suppress([[0, 0, 4, 2, 0], [0.1, 0, 4, 2, 0]], [0.5, 0.5], 0.1).tolist() == [0]
