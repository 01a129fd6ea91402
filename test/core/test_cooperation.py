"""Admission and the feature buffer: each rule seen to refuse, and each seen to let through."""

import threading
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest

from emiff_core.codec import encode
from emiff_core.config import CodecConfig
from emiff_core.cooperation.admission import Admission, AdmittedFrame
from emiff_core.cooperation.feature_buffer import FeatureBuffer
from emiff_core.cooperation.refusal import Refusal
from emiff_core.geometry import PinholeCamera
from test.core.feature_frames import MS, NOW, RULES, camera, frame


def test_a_good_frame_is_admitted_and_decoded():
    admitted = Admission(RULES).admit(frame(), NOW)
    assert isinstance(admitted, AdmittedFrame)
    assert admitted.latent.shape == (1, 4, 6)
    assert admitted.T_world_camera[:3, 3] == pytest.approx([4000, -2500, 27])


@pytest.mark.parametrize(
    ('changed', 'reason'),
    [
        ({'model_id': 'cd' * 32}, Refusal.OTHER_MODEL),
        ({'world_frame': 'odom'}, Refusal.OTHER_WORLD),
        ({'latent': encode(np.ones((1, 4, 7), np.float32), CodecConfig('float32'))}, Refusal.MALFORMED),
        ({'latent': replace(frame().latent, codec='other')}, Refusal.MALFORMED),
        ({'latent': replace(frame().latent, payload=b'\xff' * 96)}, Refusal.MALFORMED),
        ({'orientation': (0.0, 0.0, 0.0, 0.0)}, Refusal.MALFORMED),
        ({'orientation': (0.0, 0.0, 0.0, 1.01)}, Refusal.MALFORMED),
        ({'position': (float('nan'), 0.0, 0.0)}, Refusal.MALFORMED),
        ({'scale': (0.0, 0.5)}, Refusal.MALFORMED),
        ({'scale': (0.5, 0.51)}, Refusal.MALFORMED),
        ({'position': (1e9, 0.0, 0.0)}, Refusal.MALFORMED),
        ({'latent': encode(np.full((1, 4, 6), 1e30, np.float32), CodecConfig('float32'))}, Refusal.MALFORMED),
        ({'camera': PinholeCamera(np.diag([2183.0, 2329.0, 0.0]) + 5, 1920, 1080)}, Refusal.MALFORMED),
        ({'camera': camera(cx=-3.0)}, Refusal.MALFORMED),
        ({'camera': camera(fx=1e7)}, Refusal.MALFORMED),
        ({'camera': camera(fy=10.0)}, Refusal.MALFORMED),
        ({'stamp_ns': NOW + 41 * MS}, Refusal.FROM_THE_FUTURE),
        ({'stamp_ns': NOW - 301 * MS}, Refusal.TOO_OLD),
    ],
)
def test_each_rule_refuses_with_its_own_reason(changed, reason):
    assert Admission(RULES).admit(frame(**changed), NOW) is reason


@pytest.mark.parametrize('ahead_ms', [40, -300])
def test_the_limits_of_freshness_are_inside(ahead_ms):
    assert isinstance(Admission(RULES).admit(frame(stamp_ns=NOW + ahead_ms * MS), NOW), AdmittedFrame)


def test_every_field_is_under_the_checksum():
    changes = {
        'agent_id': 'other',
        'boot_id': 8,
        'sequence': 1,
        'stamp_ns': NOW,
        'camera_frame': 'x',
        'model_id': 'cd' * 32,
        'world_frame': 'odom',
        'position': (4000.0, -2500.0, 27.5),
        'orientation': (0.5, 0.5, 0.5, 0.5),
        'camera': camera(fx=2184.0),
        'scale': (0.5, 0.25),
        'latent': replace(frame().latent, payload=bytes(96)),
    }
    for name, value in changes.items():
        tampered = replace(frame(), **{name: value})
        assert Admission(RULES).admit(tampered, NOW) is Refusal.CORRUPT, name


def test_late_and_repeated_frames_are_out_of_order_and_a_restart_is_not():
    admission = Admission(RULES)
    assert isinstance(admission.admit(frame(sequence=5), NOW), AdmittedFrame)
    assert admission.admit(frame(sequence=5), NOW) is Refusal.OUT_OF_ORDER
    assert admission.admit(frame(sequence=4), NOW) is Refusal.OUT_OF_ORDER
    later = {'sequence': 0, 'boot_id': 8, 'stamp_ns': NOW}
    assert isinstance(admission.admit(frame(**later), NOW), AdmittedFrame)
    assert admission.admit(frame(sequence=6), NOW) is Refusal.OUT_OF_ORDER  # of the boot before
    assert isinstance(admission.admit(frame(sequence=0, agent_id='second pole'), NOW), AdmittedFrame)
    admission.forget()
    assert isinstance(admission.admit(frame(sequence=0, boot_id=8), NOW), AdmittedFrame)


def test_agents_that_fell_silent_take_no_memory_and_cannot_be_replayed():
    admission = Admission(RULES)
    admission.admit(frame(agent_id='passed', stamp_ns=NOW), NOW)
    later = NOW + 301 * MS
    tracemalloc.start()
    try:
        for number in range(2000):
            moment = later + number * 1000 * MS  # so that three are remembered
            judged = admission.admit(frame(agent_id=f'pole {number}', stamp_ns=moment), moment)
            assert isinstance(judged, AdmittedFrame)
        assert tracemalloc.get_traced_memory()[0] < 200_000
    finally:
        tracemalloc.stop()
    assert admission.admit(frame(agent_id='passed', stamp_ns=NOW), later) is Refusal.TOO_OLD


def test_a_refused_frame_does_not_move_the_sequence():
    admission = Admission(RULES)
    assert admission.admit(frame(sequence=9, world_frame='odom'), NOW) is Refusal.OTHER_WORLD
    assert isinstance(admission.admit(frame(sequence=1), NOW), AdmittedFrame)


def admitted(**changes: object) -> AdmittedFrame:
    one = Admission(RULES).admit(frame(**changes), NOW)
    assert isinstance(one, AdmittedFrame)
    return one


def stamps(chosen: list[AdmittedFrame]) -> list[tuple[str, int]]:
    return [(one.frame.agent_id, (one.frame.stamp_ns - NOW) // MS) for one in chosen]


def test_the_newest_usable_frame_of_each_agent_is_chosen():
    buffer = FeatureBuffer(max_age_ms=300)
    for agent, ahead in (('b', -100), ('b', -20), ('a', -250), ('a', 40)):
        buffer.add(admitted(agent_id=agent, stamp_ns=NOW + ahead * MS))
    assert stamps(buffer.wait(NOW, 0)) == [('a', 40), ('b', -20)]
    assert stamps(buffer.wait(NOW - 90 * MS, 0)) == [('a', -250), ('b', -100)]  # an image that waited
    assert stamps(buffer.wait(NOW + 300 * MS, 0)) == [('a', 40)]
    assert buffer.wait(NOW + 341 * MS, 0) == []
    buffer.clear()
    assert buffer.wait(NOW, 0) == []


def test_a_buffer_keeps_nothing_of_agents_that_were_left_behind_10_s_ago():
    buffer = FeatureBuffer(max_age_ms=300)
    buffer.add(admitted(agent_id='passed', stamp_ns=NOW))
    buffer.add(replace_stamp(admitted(agent_id='ahead'), NOW + 10_000 * MS))
    assert stamps(buffer.wait(NOW, 0)) == [('passed', 0)]
    buffer.add(replace_stamp(admitted(agent_id='ahead'), NOW + 10_001 * MS))
    assert buffer.wait(NOW, 0) == []


def replace_stamp(one: AdmittedFrame, stamp_ns: int) -> AdmittedFrame:
    return replace(one, frame=replace(one.frame, stamp_ns=stamp_ns))


def test_waiting_ends_when_a_usable_frame_arrives_and_when_time_is_up():
    buffer = FeatureBuffer(max_age_ms=300)
    assert buffer.wait(NOW, timeout_s=0.01) == []
    late = admitted()
    thread = threading.Timer(0.05, buffer.add, [late])
    thread.start()
    assert buffer.wait(NOW, timeout_s=30) == [late]
    thread.join()
