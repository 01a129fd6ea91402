from dataclasses import replace

import pytest

from emiff_core.demo.impairment import Impairment
from emiff_core.demo.robustness import MAX_AGE_MS, RadioFigures, grid, markdown

GOOD = RadioFigures(
    impairment=Impairment(drop=0.2, delay_ms=100.0),
    images=100,
    skipped=3,
    images_refused=1,
    detection_messages=96,
    status_messages=96,
    fused=72,
    sent=100,
    delivered=80,
    ages_ms=(130.0, 230.0, MAX_AGE_MS),
    refusals={'too_old': 2},
    exit_codes={'vehicle_node': 0},
)


def test_a_run_in_which_all_images_are_accounted_for_has_no_failures():
    assert GOOD.failures() == []


@pytest.mark.parametrize(
    ('changes', 'words'),
    [
        ({'images': 0, 'detection_messages': 0, 'status_messages': 0}, ['nothing was measured']),
        ({'sent': 0}, ['nothing was measured', '0 feature frames']),
        ({'detection_messages': 95, 'status_messages': 95}, ['1 of 100 images']),
        ({'status_messages': 95}, ['96', '95']),
        ({'detection_messages': 101, 'status_messages': 101}, ['101 answers', 'another vehicle']),
        ({'ages_ms': (MAX_AGE_MS + 0.1,)}, [f'{MAX_AGE_MS + 0.1}']),
        ({'refusals': {'': 4}}, ['4 features', "''"]),
        ({'exit_codes': {'vehicle_node': -9}}, ['vehicle_node', '-9']),
    ],
)
def test_each_failure_is_named(changes, words):
    (failure,) = replace(GOOD, **changes).failures()
    assert all(word in failure for word in words)


def test_a_row_tells_the_radio_and_what_came_of_it():
    heading, rule, row, alone = markdown([GOOD, replace(GOOD, ages_ms=(), fused=0, refusals={})]).splitlines()
    assert heading.count('|') == rule.count('|') == row.count('|') == alone.count('|')
    assert row == '| 20% | 100 | 0 | 0% | 100 | 80 | 100 | 3 | 96 | 75% | 230 | 293 | 300 | 2 too_old |'
    assert alone.endswith('| 0% | - | - | - | - |')


def test_the_grid_has_each_kind_of_trouble_and_one_seed():
    radios = grid(seed=4)
    assert {radio.seed for radio in radios} == {4}
    assert len(set(radios)) == len(radios)
    assert max(radio.drop for radio in radios) == 0.4
    assert max(radio.delay_ms for radio in radios) == 500
    assert any(radio.jitter_ms for radio in radios) and any(radio.duplicate for radio in radios)
