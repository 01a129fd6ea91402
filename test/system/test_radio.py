"""Whatever the radio does: every image is answered, nothing old is used, nothing is refused without a reason."""

import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from emiff.msg import FeatureFrame
from emiff_core.bag.dair_to_bag import write_bag
from emiff_core.config import load_config
from emiff_core.data.dair_v2x import DairV2xDataset
from emiff_core.data.synthetic import generate
from emiff_core.demo.impairment import Impairment
from emiff_core.demo.processes import NodeGroup, NodeProcess
from emiff_core.demo.robustness import MAX_AGE_MS, measure
from emiff_core.inference.eager import EagerEngine
from test.system.road import FRAME, LOOKING_AHEAD, Road

FRAMES = 15
MESSAGES = 40
PERIOD_S = 0.1
INPUTS = {'~/input/image': '/image', '~/input/camera_info': '/info'}
MODEL = {'threads': 1, 'input_reliability': 'reliable'}


@pytest.fixture(scope='module')
def bag(tmp_path_factory):
    folder = tmp_path_factory.mktemp('radio')
    generate(folder / 'data', FRAMES, seed=7, size=(480, 270))
    write_bag(DairV2xDataset(folder / 'data'), folder / 'bag')
    return folder / 'bag'


def test_a_radio_that_loses_delays_reorders_and_doubles_stops_no_detection(bag, tmp_path, tiny_config):
    radio = Impairment(drop=0.2, delay_ms=20.0, jitter_ms=150.0, duplicate=0.5, seed=1)
    figures = measure(bag, tmp_path / 'run', tiny_config, radio)
    assert figures.failures() == []
    assert figures.detection_messages > 0
    assert figures.fused > 0
    assert figures.refusals.get('out_of_order', 0) > 0


def test_behind_a_radio_slower_than_max_age_the_vehicle_detects_alone(bag, tmp_path, tiny_config):
    figures = measure(bag, tmp_path / 'run', tiny_config, Impairment(delay_ms=MAX_AGE_MS + 100))
    assert figures.failures() == []
    assert figures.detection_messages > 0
    assert figures.fused == 0
    assert figures.refusals.keys() == {'too_old'}


def test_the_relay_sends_what_its_schedule_says_and_changes_no_byte(ros, tmp_path):
    radio = Impairment(drop=0.3, delay_ms=100.0, jitter_ms=50.0, duplicate=0.3, seed=2)
    node = ros.node('radio_tester')
    sent_at: list[float] = []
    came: list[tuple[FeatureFrame, float]] = []
    node.create_subscription(
        FeatureFrame, '/relay_node/output/features', lambda m: came.append((m, time.monotonic())), 2 * MESSAGES
    )
    publisher = node.create_publisher(FeatureFrame, '/features', MESSAGES)
    messages = [FeatureFrame(agent_id='pole', sequence=n, payload=bytes([n] * 100)) for n in range(MESSAGES)]
    expected = Counter({n: len(radio.send_times_ns(n, 0)) for n in range(MESSAGES)})
    with NodeGroup(tmp_path, {}) as group:
        group.start('emiff_ros.relay_node', asdict(radio), {'~/input/features': '/features'})
        ros.spin_until(lambda: publisher.get_subscription_count(), 60)
        ros.spin_until(lambda: node.count_publishers('/relay_node/output/features'), 60)
        for message in messages:
            sent_at.append(time.monotonic())
            publisher.publish(message)
        ros.spin_until(lambda: len(came) >= expected.total(), 10)
    assert Counter(message.sequence for message, _ in came) == +expected
    assert all(message == messages[message.sequence] for message, _ in came)
    assert all(at - sent_at[message.sequence] >= 0.1 for message, at in came)


class Traffic:
    """A stream of images at 10 Hz for the vehicle and all roadside units; they see the same pictures."""

    def __init__(self, road: Road) -> None:
        self.road = road
        self.stamps: list[int] = []
        self.sent: dict[int, tuple[int, int]] = {}  # first stamp and sequence heard, by boot
        road.node.create_subscription(FeatureFrame, '/features', self._heard, 50)
        self._next_s = time.monotonic()

    def until(self, condition: Callable[[], object], seconds: float = 60.0) -> None:
        """Show images until the condition is true."""

        def shown() -> object:
            if time.monotonic() >= self._next_s:
                self._next_s = time.monotonic() + PERIOD_S
                self.stamps.append(self.road.show())
            return condition()

        self.road.ros.spin_until(shown, seconds)

    def used(self) -> set[tuple[str, int]]:
        """Return agent and boot of the features used for the newest image answered."""
        if not self.road.status:
            return set()
        newest = self.road.status[max(self.road.status)]
        return {(use.agent_id, use.boot_id) for use in newest.features if use.used}

    def check_answers(self) -> None:
        """Assert that all images shown were answered, but for those that the vehicle skipped."""
        self.road.answer(self.stamps[-1])
        last, status = self.stamps[-1], self.road.status
        assert self.road.detections.keys() == status.keys()
        first = min(status)
        assert status[last].images_refused == status[first].images_refused
        shown = sum(stamp >= first for stamp in self.stamps)
        assert shown - len(status) <= status[last].images_skipped

    def _heard(self, message: FeatureFrame) -> None:
        stamp = message.header.stamp
        self.sent.setdefault(message.boot_id, (stamp.sec * 10**9 + stamp.nanosec, message.sequence))


@pytest.fixture
def traffic(ros, tmp_path, tiny_config):
    """Run a vehicle node on a road where all transforms are known."""
    road = Road(ros, EagerEngine(load_config(tiny_config), device='cpu'))
    road.stand('vehicle_lidar', FRAME, (1.0, 0.0, 0.0), LOOKING_AHEAD)
    road.stand('map', 'vehicle_lidar')
    with NodeGroup(tmp_path / 'vehicle', {}) as group:
        remappings = INPUTS | {'~/input/features': '/features'}
        group.start('emiff_ros.vehicle_node', {'config': tiny_config, 'max_age_ms': 1000.0, **MODEL}, remappings)
        road.meet()
        yield Traffic(road)


def start_infrastructure(group: NodeGroup, config: Path, agent: str) -> NodeProcess:
    parameters = {'config': config, 'agent_id': agent, **MODEL}
    remappings = INPUTS | {'~/output/features': '/features', '__node': agent}
    return group.start('emiff_ros.infrastructure_node', parameters, remappings)


def test_a_killed_infrastructure_node_is_missed_by_no_image_and_fused_again_within_2_s(traffic, tmp_path, tiny_config):
    with NodeGroup(tmp_path / 'pole', {}) as group:
        pole = start_infrastructure(group, tiny_config, 'pole')
        traffic.until(traffic.used)
        [(_, first_boot)] = traffic.used()
        pole.process.send_signal(signal.SIGKILL)
        traffic.until(lambda: not traffic.used())
        start_infrastructure(group, tiny_config, 'pole')
        traffic.until(lambda: traffic.used() - {('pole', first_boot)})
        [(_, second_boot)] = traffic.used()
    fused_at = max(traffic.road.status)
    heard, sequence = traffic.sent[second_boot]
    assert fused_at - heard + sequence * PERIOD_S * 1e9 <= 2e9
    traffic.check_answers()


def test_of_two_agents_on_one_topic_one_may_leave(traffic, tmp_path, tiny_config):
    with NodeGroup(tmp_path / 'east', {}) as east, NodeGroup(tmp_path / 'west', {}) as west:
        start_infrastructure(east, tiny_config, 'east')
        start_infrastructure(west, tiny_config, 'west')
        traffic.until(lambda: {agent for agent, _ in traffic.used()} == {'east', 'west'})
        west.stop()
        traffic.until(lambda: {agent for agent, _ in traffic.used()} == {'east'})
        traffic.check_answers()
