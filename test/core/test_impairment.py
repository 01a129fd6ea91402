from itertools import pairwise

import pytest

from emiff_core.demo.impairment import Impairment
from emiff_core.errors import EmiffError

MS = 1_000_000
PERIOD_NS = 100 * MS
MESSAGES = 1000


def schedule(impairment: Impairment) -> list[tuple[int, ...]]:
    """Return the send times of messages that arrive every 100 ms, relative to their arrival."""
    return [
        tuple(time - n * PERIOD_NS for time in impairment.send_times_ns(n, n * PERIOD_NS)) for n in range(MESSAGES)
    ]


def test_a_good_radio_sends_each_message_once_and_at_once():
    assert schedule(Impairment()) == [(0,)] * MESSAGES


@pytest.mark.parametrize('drop', [0.2, 0.4])
def test_so_many_messages_are_lost(drop):
    lost = sum(not times for times in schedule(Impairment(drop=drop)))
    assert lost / MESSAGES == pytest.approx(drop, abs=0.05)


def test_all_or_nothing_can_be_lost():
    assert not any(schedule(Impairment(drop=1.0)))


def test_what_is_lost_at_20_percent_is_lost_at_40_percent_too():
    little, much = (schedule(Impairment(drop=drop, seed=3)) for drop in (0.2, 0.4))
    assert all(not hard for mild, hard in zip(little, much, strict=True) if not mild)


def test_every_message_waits_for_the_delay():
    assert set(schedule(Impairment(delay_ms=300))) == {(300 * MS,)}


def test_jitter_fills_its_range_and_lets_messages_overtake():
    waits = [wait for (wait,) in schedule(Impairment(delay_ms=50, jitter_ms=250))]
    assert min(waits) >= 50 * MS and max(waits) <= 300 * MS
    assert max(waits) - min(waits) > 240 * MS
    sent = [n * PERIOD_NS + wait for n, wait in enumerate(waits)]
    assert any(later < earlier for earlier, later in pairwise(sent))


def test_copies_have_a_jitter_of_their_own():
    times = schedule(Impairment(duplicate=0.5, jitter_ms=100))
    twice = [pair for pair in times if len(pair) == 2]
    assert len(twice) / MESSAGES == pytest.approx(0.5, abs=0.05)
    assert all(first != second for first, second in twice)


def test_the_seed_alone_decides_and_not_the_order_of_the_questions():
    radio = Impairment(drop=0.4, jitter_ms=100, duplicate=0.3, seed=5)
    forwards = [radio.send_times_ns(n, 0) for n in range(100)]
    assert [radio.send_times_ns(n, 0) for n in reversed(range(100))] == forwards[::-1]
    other = Impairment(drop=0.4, jitter_ms=100, duplicate=0.3, seed=6)
    assert [other.send_times_ns(n, 0) for n in range(100)] != forwards


@pytest.mark.parametrize(
    ('name', 'value'),
    [('drop', 1.1), ('drop', float('nan')), ('duplicate', -0.1), ('delay_ms', -1.0), ('jitter_ms', -1.0), ('seed', -1)],
)
def test_a_number_out_of_range_is_named(name, value):
    with pytest.raises(EmiffError, match=name):
        Impairment(**{name: value})
