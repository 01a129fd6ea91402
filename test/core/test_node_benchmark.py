from dataclasses import replace

import pytest

from emiff_core.demo.node_benchmark import OUTSIDE_THE_MODEL, SETTLING, figures_of
from emiff_core.demo.recording import FusionRow, Recording
from emiff_core.errors import EmiffError
from emiff_core.geometry import Boxes3D, Detections
from emiff_core.inference.benchmark import calibrate

MS = 1_000_000
IMAGES = 25
NOTHING = Detections(Boxes3D.empty(), [], ())
STAGES = {'wait': 1.0, 'convert': 0.5, 'tf': 0.2, 'preprocess': 3.0, 'backbone': 20.0, 'boxes': 1.0, 'publish': 0.3}


def recording(images: int = IMAGES) -> Recording:
    """Return a run in which an image takes 27 ms in the node, 1 ms of it in no stage, and 40 ms from end to end."""
    run = Recording()
    for number in range(images):
        stamp, slow = number * 100 * MS, 500.0 if number < SETTLING else 0.0
        run.images[stamp] = stamp
        run.detections[stamp] = NOTHING
        run.detection_arrivals[stamp] = stamp + 40 * MS + int(slow) * MS
        run.status[stamp] = FusionRow((stamp,), (30.0,), (), skipped=2, image_refusals=0)
        run.vehicle_stages.append(STAGES | {'backbone': STAGES['backbone'] + slow})
        run.vehicle_total_ms.append(27.0 + slow)
    return run


def test_the_model_is_told_from_what_is_around_it_and_the_first_images_do_not_count():
    figures = figures_of(recording())
    assert figures.counted == IMAGES - SETTLING
    assert figures.model_ms == {'p50': 21.0, 'p95': 21.0}
    assert figures.overhead_ms == {'p50': 6.0, 'p95': 6.0}
    assert figures.stages_ms['preprocess'] == {'p50': 3.0, 'p95': 3.0}
    assert list(figures.stages_ms) == [*OUTSIDE_THE_MODEL, 'other']
    assert figures.stages_ms['other']['p50'] == 1.0
    assert figures.around_ms == {'p50': 13.0, 'p95': 13.0}
    assert (figures.images, figures.answered, figures.skipped, figures.fused) == (IMAGES, IMAGES, 2, IMAGES)


def test_one_slow_image_in_twenty_shows_in_the_95th_percentile_alone():
    run = recording()
    run.vehicle_stages[-1] = run.vehicle_stages[-1] | {'preprocess': 103.0}
    run.vehicle_total_ms[-1] += 100.0
    figures = figures_of(run)
    assert figures.stages_ms['preprocess'] == {'p50': 3.0, 'p95': pytest.approx(8.0)}
    assert figures.overhead_ms == {'p50': 6.0, 'p95': pytest.approx(11.0)}
    assert figures.model_ms['p95'] == 21.0


def test_without_enough_answers_nothing_is_claimed():
    with pytest.raises(EmiffError, match=f'more than {SETTLING} answered images, found {SETTLING}'):
        figures_of(recording(SETTLING))


def test_an_image_in_which_the_vehicle_was_alone_is_not_fused():
    run = recording()
    run.status[0] = replace(run.status[0], used=(), ages_ms=())
    assert figures_of(run).fused == IMAGES - 1


def test_the_calibration_takes_some_time():
    assert calibrate(1) > 0.1
