"""An agent's frame against its earlier ones: what a camera cannot do is refused, and no agent is locked out."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emiff_core.cooperation.admission import Admission, AdmittedFrame
from emiff_core.cooperation.feature_frame import FeatureFrame
from emiff_core.cooperation.plausibility import PlausibilityRules
from emiff_core.cooperation.refusal import Refusal
from emiff_core.geometry import PinholeCamera
from test.core.feature_frames import MS, NOW, RULES, camera, frame

LIMITS = PlausibilityRules()
PERIOD_MS = 100
HOME = np.array(frame().position)


class Agent:
    """Sends a frame every 100 ms to one admission; each is judged when it is taken."""

    def __init__(self, **limits: float) -> None:
        self.admission = Admission(replace(RULES, plausibility=replace(LIMITS, **limits)))
        self.number = 0

    def send(self, skip: int = 0, **changes: object) -> Refusal | None:
        """Judge the next frame, `skip` frames left out before it; return the refusal, None where it was believed."""
        self.number += 1 + skip
        return self.judge(self.take(**changes))

    def take(self, **changes: object) -> FeatureFrame:
        return frame(**{'sequence': self.number, 'stamp_ns': NOW + self.number * PERIOD_MS * MS} | changes)

    def judge(self, taken: FeatureFrame) -> Refusal | None:
        verdict = self.admission.admit(taken, NOW + self.number * PERIOD_MS * MS)
        return None if isinstance(verdict, AdmittedFrame) else verdict


def east(metres: float) -> tuple[float, float, float]:
    return (HOME[0] + metres, HOME[1], HOME[2])


def turned(radians: float) -> tuple[float, float, float, float]:
    """Return the orientation of `frame` turned about the world's z."""
    c, s = np.cos(radians / 2), np.sin(radians / 2)
    x, y, z, w = frame().orientation
    return (c * x - s * y, c * y + s * x, c * z + s * w, c * w - s * z)


@pytest.mark.parametrize(
    ('change', 'reason'),
    [
        ({'position': east(1.0 + 7.0 + 0.01)}, Refusal.IMPLAUSIBLE_MOTION),
        ({'position': east(1.0 + 7.0 - 0.01)}, None),
        ({'orientation': turned(0.05 + 0.2 + 0.001)}, Refusal.IMPLAUSIBLE_MOTION),
        ({'orientation': turned(0.05 + 0.2 - 0.001)}, None),
        ({'orientation': tuple(-part for part in frame().orientation)}, None),
        ({'camera': camera(fx=2183 + 0.021 * 1920)}, Refusal.IMPLAUSIBLE_CAMERA),
        ({'camera': camera(fx=2183 + 0.019 * 1920)}, None),
        ({'camera': camera(fy=2329 - 0.021 * 1080)}, Refusal.IMPLAUSIBLE_CAMERA),
        ({'camera': camera(cx=940 + 0.021 * 1920)}, Refusal.IMPLAUSIBLE_CAMERA),
        ({'camera': camera(cy=567 - 0.021 * 1080)}, Refusal.IMPLAUSIBLE_CAMERA),
        ({'camera': camera(width=1280)}, Refusal.IMPLAUSIBLE_CAMERA),
        ({'camera': camera(height=1200)}, Refusal.IMPLAUSIBLE_CAMERA),
    ],
)
def test_the_default_limits_hold_from_one_frame_to_the_next(change, reason):
    agent = Agent()
    assert agent.send() is None
    assert agent.send(**change) is reason
    assert agent.send(agent_id='another', **change) is None


def test_a_frame_that_came_after_a_loss_may_lie_farther_away():
    agent = Agent()
    agent.send()
    assert agent.send(position=east(9)) is Refusal.IMPLAUSIBLE_MOTION
    assert agent.send(position=east(9)) is None  # 200 ms after the last one believed: 15 m


def test_one_wrong_frame_costs_itself_alone():
    agent = Agent()
    agent.send()
    assert agent.send(position=east(500)) is Refusal.IMPLAUSIBLE_MOTION
    assert agent.send() is None
    assert agent.send(camera=camera(fx=3000)) is Refusal.IMPLAUSIBLE_CAMERA
    assert agent.send() is None


@pytest.mark.parametrize('change', [{'position': east(5000)}, {'camera': camera(fx=3000)}])
def test_a_unit_that_was_moved_is_believed_again_with_the_fifth_frame_in_a_row(change):
    agent = Agent()
    agent.send()
    verdicts = [agent.send(**change) for _ in range(6)]
    assert all(verdict is not None for verdict in verdicts[:4])
    assert verdicts[4:] == [None, None]
    assert agent.send() is not None  # and now the old place is the wrong one


def test_what_was_interrupted_begins_anew():
    agent = Agent()
    agent.send()
    for _ in range(3):
        assert [agent.send(position=east(5000)) for _ in range(4)] == [Refusal.IMPLAUSIBLE_MOTION] * 4
        assert agent.send() is None


def test_places_that_contradict_one_another_confirm_nothing():
    agent = Agent(memory_ms=1e6)
    agent.send()
    assert {agent.send(position=east(1000 * n)) for n in range(5, 40)} == {Refusal.IMPLAUSIBLE_MOTION}


def test_copies_of_a_doubted_frame_confirm_nothing():
    agent = Agent()
    agent.send()
    agent.number += 1
    doubted = agent.take(position=east(5000))
    assert {agent.judge(doubted) for _ in range(20)} == {Refusal.IMPLAUSIBLE_MOTION}


def test_a_restarted_unit_may_have_been_surveyed_anew():
    agent = Agent()
    agent.send()
    assert agent.send(boot_id=8, position=east(5000), camera=camera(fx=3000)) is None
    assert agent.send(boot_id=8) is Refusal.IMPLAUSIBLE_CAMERA


def test_two_units_of_one_name_do_not_take_turns():
    agent = Agent()
    verdicts = [agent.send(boot_id=boot_id) for boot_id in (7, 8, 7, 8, 7, 8)]
    assert verdicts == [None, None, Refusal.OUT_OF_ORDER, None, Refusal.OUT_OF_ORDER, None]


def test_an_agent_that_was_silent_for_the_time_of_memory_begins_anew():
    agent = Agent()
    agent.send()
    assert agent.send(skip=18, position=east(5000)) is Refusal.IMPLAUSIBLE_MOTION
    agent.admission.forget()
    agent.send()
    assert agent.send(skip=20, position=east(5000)) is None


def test_a_moving_agent_is_believed_all_the_way():
    agent = Agent()
    verdicts = {agent.send(position=east(6.9 * n), orientation=turned(0.19 * n)) for n in range(50)}
    assert verdicts == {None}


@settings(max_examples=50, deadline=None)
@given(
    # numbers whose float64 squares cannot overflow; others do not reach the comparison
    positions=st.lists(st.tuples(*[st.floats(-1e8, 1e8)] * 3), min_size=5, max_size=12),
    width=st.integers(1, 10_000),
)
def test_whatever_came_before_an_agent_that_stands_still_is_believed_within_five_frames(positions, width):
    agent = Agent()
    own = PinholeCamera(np.array([[width, 0, width / 2], [0, width, width / 2], [0, 0, 1.0]]), width, width)
    for position in positions:
        agent.send(position=position)
    verdicts = [agent.send(camera=own) for _ in range(6)]
    assert None in verdicts[:5]
    assert verdicts[5] is None
    first = verdicts.index(None)
    assert all(verdict is None for verdict in verdicts[first:])
