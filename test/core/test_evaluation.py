"""Average precision by both protocols, distance ranges, and the table."""

import io
import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from emiff_core.errors import EmiffError
from emiff_core.evaluation.average_precision import PROTOCOLS, average_precision
from emiff_core.evaluation.box_iou import KINDS, pairwise_box_iou
from emiff_core.evaluation.operating_points import OperatingPoint, operating_points
from emiff_core.evaluation.ranges import OVERALL, DistanceRange
from emiff_core.evaluation.report import evaluate, table
from emiff_core.geometry import Boxes3D, Detections

CAR = [4.0, 2.0, 1.5]


def cars(*positions: tuple[float, float]) -> Boxes3D:
    return Boxes3D([[x, y, -1.0] for x, y in positions], [CAR] * len(positions), [0.3] * len(positions))


def found(boxes: Boxes3D, *scores: float) -> Detections:
    return Detections(boxes, np.array(scores), ('car',) * len(boxes))


def crowd(seed: int, frames: int, per_frame: int) -> tuple[list[Detections], list[Boxes3D]]:
    """Return truths on a loose grid and predictions beside them, some far, in random order of scores."""
    rng = np.random.default_rng(seed)
    predictions, truths = [], []
    for _ in range(frames):
        centers = np.c_[rng.uniform(0, 90, per_frame), rng.uniform(-39, 39, per_frame), rng.uniform(-2, 0, per_frame)]
        sizes = np.tile(CAR, (per_frame, 1))
        yaws = rng.uniform(-3, 3, per_frame)
        truths.append(Boxes3D(centers, sizes, yaws))
        shifted = Boxes3D(centers + rng.normal(0, 0.4, centers.shape), sizes, yaws + rng.normal(0, 0.05, per_frame))
        predictions.append(Detections(shifted, np.sort(rng.random(per_frame))[::-1], ('car',) * per_frame))
    return predictions, truths


@pytest.mark.parametrize('kind', KINDS)
def test_perfect_detections_score_100_by_the_standard(kind):
    truths = [cars((10, 0), (20, 5)), cars((30, -5))]
    predictions = [found(truths[0], 0.9, 0.4), found(truths[1], 0.6)]
    assert average_precision(predictions, truths, 0.7, kind, 'standard') == pytest.approx(100)
    # officially, the first of three steps of recall is not counted
    assert average_precision(predictions, truths, 0.7, kind, 'official') == pytest.approx(100 * 2 / 3)


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('protocol', PROTOCOLS)
def test_nothing_found_scores_0_and_nothing_to_find_is_undefined(kind, protocol):
    truth, nothing = cars((10, 0)), found(Boxes3D.empty())
    assert average_precision([nothing], [truth], 0.5, kind, protocol) == 0
    assert average_precision([found(cars((50, 0)), 0.9)], [truth], 0.5, kind, protocol) == 0
    assert math.isnan(average_precision([found(truth, 0.9)], [Boxes3D.empty()], 0.5, kind, protocol))
    assert math.isnan(average_precision([], [], 0.5, kind, protocol))


def test_the_officials_quirks():
    """As recorded of the authors' evaluator: one perfect detection scores 0, two score 50."""
    assert average_precision([found(cars((10, 0)), 0.9)], [cars((10, 0))], 0.5, '3d', 'official') == 0
    frames = [cars((10, 0)), cars((20, 0))]
    predictions = [found(frame, score) for frame, score in zip(frames, (0.9, 0.8), strict=True)]
    assert average_precision(predictions, frames, 0.5, '3d', 'official') == pytest.approx(50)


def test_a_hand_counted_curve():
    truth = cars((10, 0), (20, 0), (30, 0), (40, 0))
    boxes = cars((10, 0), (70, 0), (20, 0), (80, 0), (30, 0))
    predictions = [found(boxes, 0.9, 0.8, 0.7, 0.6, 0.5)]
    # precision 1, 1/2, 2/3, 1/2, 3/5 at recall 1/4, 1/4, 2/4, 2/4, 3/4
    expected = 100 * (1 + 2 / 3 + 3 / 5) / 4
    assert average_precision(predictions, [truth], 0.5, 'bev', 'standard') == pytest.approx(expected)
    assert average_precision(predictions, [truth], 0.5, 'bev', 'official') == pytest.approx(expected - 25)


def test_a_second_detection_of_a_car_is_false():
    truth = cars((10, 0))
    twice = [found(cars((10, 0), (10.1, 0)), 0.9, 0.8)]
    assert average_precision(twice, [truth], 0.5, 'bev', 'standard') == pytest.approx(100)
    late = [found(cars((50, 0), (10, 0)), 0.9, 0.8)]
    assert average_precision(late, [truth], 0.5, 'bev', 'standard') == pytest.approx(50)


def test_official_truths_choose_by_iou_and_standard_predictions_by_score():
    truth = cars((10, 0))
    rivals = [found(cars((11, 0), (10, 0)), 0.9, 0.2)]  # the surer one lies worse, but well enough
    assert average_precision(rivals, [truth], 0.3, 'bev', 'standard') == pytest.approx(100)
    assert average_precision(rivals, [truth], 0.3, 'bev', 'official') == pytest.approx(50)


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_more_demanding_thresholds_never_score_higher(seed):
    predictions, truths = crowd(seed, frames=2, per_frame=6)
    for kind in KINDS:
        scores = [average_precision(predictions, truths, iou, kind, 'standard') for iou in (0.1, 0.3, 0.5, 0.7, 0.9)]
        assert scores == sorted(scores, reverse=True)
        assert all(0 <= score <= 100 for score in scores)


@settings(deadline=None)
@given(st.integers(0, 10_000))
def test_space_is_harder_than_the_plane(seed):
    predictions, truths = crowd(seed, frames=1, per_frame=6)
    for a, b in zip(predictions, truths, strict=True):
        assert (pairwise_box_iou(b, a.boxes, '3d') <= pairwise_box_iou(b, a.boxes, 'bev') + 1e-12).all()


def test_only_the_order_of_scores_counts():
    predictions, truths = crowd(3, frames=5, per_frame=8)
    squashed = [Detections(p.boxes, p.scores**3 / 2, p.labels) for p in predictions]
    for protocol in PROTOCOLS:
        assert average_precision(squashed, truths, 0.5, '3d', protocol) == average_precision(
            predictions, truths, 0.5, '3d', protocol
        )


def test_frames_must_pair():
    with pytest.raises(EmiffError, match='found 1 for 0 frames'):
        average_precision([found(Boxes3D.empty())], [], 0.5, '3d', 'standard')


@pytest.mark.parametrize(
    ('x', 'y', 'inside'),
    [(15, 0, True), (28.5, 0, True), (33, 0, False), (-1, 0, True), (-5, 0, False), (15, 40.5, True), (15, 43, False)],
)
def test_a_box_counts_in_a_range_where_one_of_its_corners_does(x, y, inside):
    assert DistanceRange(0, 30).contains(cars((x, y))).tolist() == [inside]
    assert DistanceRange(0, 30).contains(Boxes3D.empty()).shape == (0,)


def test_the_table_names_its_protocol_and_leaves_empty_ranges_open():
    truths = [cars((10, 0), (12, 8))]
    evaluation = evaluate([found(truths[0], 0.9, 0.8)], truths, 'standard')
    assert evaluation.ap('3d', 0.5, OVERALL.name) == pytest.approx(100)
    assert evaluation.ap('3d', 0.5, '50-100') is None
    console = Console(width=120, file=io.StringIO())
    console.print(table(evaluation))
    text = console.file.getvalue()
    assert 'standard protocol' in text
    assert '100.00' in text
    with pytest.raises(KeyError):
        evaluation.ap('3d', 0.99, OVERALL.name)


def test_ranges_filter_truths_and_predictions_alike():
    truths = [cars((10, 0), (60, 0))]
    evaluation = evaluate([found(truths[0], 0.9, 0.8)], truths, 'standard')
    near = next(s for s in evaluation.scores if (s.kind, s.iou_threshold, s.range) == ('bev', 0.5, '0-30'))
    assert (near.n_truths, near.n_predictions, near.n_hits, near.ap) == (1, 1, 1, pytest.approx(100))


def test_a_validation_set_is_scored_in_seconds():
    predictions, truths = crowd(0, frames=500, per_frame=30)
    start = time.process_time()
    average_precision(predictions, truths, 0.5, '3d', 'official')
    assert time.process_time() - start < 5  # 2 000 frames in 20 s


def test_operating_points_count_what_scores_above_each_threshold_in_the_range():
    truths = [cars((10, 0), (20, 5)), cars((30, -5), (200, 0))]
    predictions = [found(cars((10, 0), (50, 5), (20, 5)), 0.9, 0.5, 0.3), found(cars((200, 0), (30.5, -5)), 0.9, 0.15)]
    at = {point.score: point for point in operating_points(predictions, truths, OVERALL)}
    assert at[0.1] == OperatingPoint(0.1, 3, 1, 75.0, 100.0)
    assert at[0.2] == OperatingPoint(0.2, 2, 1, pytest.approx(200 / 3), pytest.approx(200 / 3))
    assert at[0.5] == OperatingPoint(0.5, 1, 0, 100.0, pytest.approx(100 / 3))  # more than the score, not equal to it
    nothing = operating_points([found(Boxes3D.empty())], [Boxes3D.empty()], OVERALL)
    assert {(point.n_hits, point.precision, point.recall) for point in nothing} == {(0, None, None)}
