"""Whether a node does well, from what it saw and when."""

from mmap import PAGESIZE, mmap

import pytest

from emiff_core.errors import EmiffError
from emiff_core.monitoring.health import Health, Level, Limits
from emiff_core.monitoring.memory import resident_mib
from emiff_core.monitoring.tally import FeatureTally
from emiff_core.monitoring.window import Window

LIMITS = Limits(warn_below_hz=5.0, error_below_hz=1.0, warn_above_ms=200.0)


def worked(rate_hz: float, latency_ms: float = 50.0, seconds: float = 10.0) -> Health:
    """Return the health of a node that answers every image, from second 0 on."""
    health = Health()
    health.begin()
    for number in range(int(seconds * rate_hz) + 1):
        health.arrived(number / rate_hz)
        health.answered(number / rate_hz, latency_ms)
    return health


def test_before_the_first_image_nothing_is_known():
    health = Health()
    health.begin()
    report = health.report(100.0, LIMITS)
    assert (report.level, report.message) == (Level.STALE, 'no image yet')
    assert report.latency_ms is None and report.output_rate_hz == 0


def test_a_node_has_two_seconds_to_answer_its_first_image():
    health = Health()
    health.begin()
    health.arrived(10.0)
    assert health.report(11.9, LIMITS).level == Level.OK
    assert health.report(12.1, LIMITS).level == Level.ERROR


@pytest.mark.parametrize(
    ('rate_hz', 'latency_ms', 'level', 'words'),
    [
        (10.0, 50.0, Level.OK, ['well']),
        (4.0, 50.0, Level.WARN, ['4.', 'at least 5']),
        (0.5, 50.0, Level.ERROR, ['at least 1']),
        (10.0, 250.0, Level.WARN, ['250 ms', 'at most 200']),
        (4.0, 250.0, Level.WARN, ['at least 5', 'at most 200']),
        (0.5, 250.0, Level.ERROR, ['at least 1', 'at most 200']),
    ],
)
def test_rate_and_latency_are_judged(rate_hz, latency_ms, level, words):
    report = worked(rate_hz, latency_ms).report(10.0, LIMITS)
    assert report.level == level
    assert all(word in report.message for word in words)


def test_images_that_stop_are_an_error():
    health = worked(10.0)
    assert health.report(10.0, LIMITS).level == Level.OK
    stopped = health.report(20.0, LIMITS)
    assert stopped.level == Level.ERROR
    assert stopped.image_rate_hz == stopped.output_rate_hz == 0


def test_images_of_which_none_is_answered_are_an_error():
    health = Health()
    health.begin()
    for number in range(100):
        health.arrived(number / 10)
    report = health.report(9.9, LIMITS)
    assert report.level == Level.ERROR
    assert report.image_rate_hz == pytest.approx(10, rel=0.05)


def test_what_was_before_a_pause_counts_no_more():
    health = worked(10.0)
    health.begin()
    assert health.report(10.0, LIMITS).level == Level.STALE


def test_ages_of_features_are_told_as_quantiles():
    health = worked(10.0)
    for age in range(101):
        health.used(10.0, float(age))
    ages = health.report(10.0, LIMITS).feature_age_ms
    assert (ages.p50, ages.p95) == pytest.approx((50, 95))


def test_limits_that_contradict_one_another_are_refused():
    with pytest.raises(EmiffError, match='error_below_hz'):
        Limits(warn_below_hz=1.0, error_below_hz=2.0)


def test_a_window_forgets_what_is_older_than_its_span():
    window = Window(span_s=2.0)
    for second in range(5):
        window.add(float(second), float(second))
    assert window.rate_hz(4.0, since_s=0.0) == 1.0
    assert window.quantiles(4.0).p50 == 3.5
    assert window.quantiles(6.0) is None


def test_a_large_array_shows_in_the_resident_memory():
    before = resident_mib()
    with mmap(-1, 64 << 20) as block:  # of the kernel: malloc may hold as much already
        for page in range(0, 64 << 20, PAGESIZE):
            block[page] = 1
        assert 63 < resident_mib() - before < 80


def test_agents_are_those_believed_of_late_and_refusals_are_counted_for_good():
    tally = FeatureTally(span_s=5.0)
    tally.admitted('west', 0.0)
    tally.admitted('east', 3.0)
    for reason in ('too_old', 'corrupt', 'too_old'):
        tally.refused(reason)
    assert tally.agents(4.0) == ['east', 'west']
    assert tally.agents(6.0) == ['east']
    assert tally.refusals() == {'corrupt': 1, 'too_old': 2}
