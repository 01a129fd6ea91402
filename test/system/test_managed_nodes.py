"""Nodes under a manager: states, switches, live parameters and diagnostics, from outside."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import yaml
from diagnostic_msgs.msg import DiagnosticStatus

from emiff.msg import FeatureFrame
from emiff_core.config import load_config
from emiff_core.demo.processes import NodeGroup, NodeProcess
from emiff_core.inference.eager import EagerEngine
from emiff_core.model.weights import save
from test.system.managing import Manager, every_order
from test.system.road import FRAME, LOOKING_AHEAD, Road

NODES = ['vehicle_node', 'infrastructure_node']
REMAPPINGS = {'~/input/image': '/image', '~/input/camera_info': '/info'}
PARAMETERS = {'auto_start': False, 'threads': 1, 'input_reliability': 'reliable', 'max_age_ms': 2000.0}
ROUNDS, WARM_UP_ROUNDS = 50, 10
# of two transitions in a row, every legal pair is here or where one round meets the next
EVERY_PAIR = ('configure', 'cleanup', 'configure', 'activate', 'deactivate', 'activate', 'deactivate', 'cleanup')


@pytest.fixture(scope='module')
def talkative(tmp_path_factory, tiny_config) -> Path:
    """Return the smallest model's config with a threshold so low that random weights give boxes."""
    values = yaml.safe_load(tiny_config.read_text())
    values['head']['score_threshold'] = 0.0
    path = tmp_path_factory.mktemp('config') / 'talkative.yaml'
    path.write_text(yaml.safe_dump(values))
    return path


def start(group: NodeGroup, name: str, config: Path, called: str, **parameters: object) -> NodeProcess:
    """Start a node that waits for its manager."""
    own = PARAMETERS if name == 'vehicle_node' else {k: v for k, v in PARAMETERS.items() if k != 'max_age_ms'}
    remappings = REMAPPINGS | {'__node': called}
    if name == 'vehicle_node':
        remappings['~/input/features'] = '/features'
    return group.start(f'emiff_ros.{name}', {'config': config, **own, **parameters}, remappings)


@pytest.fixture(scope='module')
def vehicle(tmp_path_factory, talkative):
    """Run one vehicle node for the tests of this file; each leaves it unconfigured and enabled."""
    with NodeGroup(tmp_path_factory.mktemp('logs'), {}) as group:
        yield start(group, 'vehicle_node', talkative, 'vehicle_node')


@pytest.fixture(scope='module')
def engine(talkative):
    return EagerEngine(load_config(talkative), device='cpu')


@pytest.fixture
def manager(ros, vehicle):
    made = Manager(ros, 'vehicle_node')
    made.meet()
    yield made
    made.enable(True)
    if made.state() == 'active':
        made.change('deactivate')
    if made.state() == 'inactive':
        made.change('cleanup')


@pytest.fixture
def road(ros, engine, manager):
    """A road with all transforms; the vehicle node is active."""
    made = Road(ros, engine)
    made.stand('vehicle_lidar', FRAME, (1.0, 0.0, 0.0), LOOKING_AHEAD)
    made.stand('map', 'vehicle_lidar')
    assert manager.change('configure') and manager.change('activate')
    made.meet()
    made.answered()
    return made


def resident_bytes(node: NodeProcess) -> int:
    pages = int(Path(f'/proc/{node.process.pid}/statm').read_text().split()[1])
    return pages * os.sysconf('SC_PAGE_SIZE')


def test_every_legal_order_of_up_to_six_transitions_ends_where_it_should(manager):
    for length in (2, 4, 6):
        for order in every_order(length):
            assert [manager.change(transition) for transition in order] == [True] * length
            assert manager.state() == 'unconfigured'


def test_an_illegal_transition_is_refused_and_changes_nothing(manager):
    assert not manager.change('activate')
    assert manager.state() == 'unconfigured'
    assert manager.change('configure')
    for transition in ('configure', 'deactivate'):
        assert not manager.change(transition)
    assert manager.state() == 'inactive'


def memory_is_flat(manager: Manager, node: NodeProcess, work: Callable[[], object]) -> None:
    """Take a node through its transitions again and again, each time with some work, and watch its memory."""
    memory = []
    for _ in range(ROUNDS):
        for number, transition in enumerate(EVERY_PAIR):
            assert manager.change(transition)
            if number == EVERY_PAIR.index('activate'):
                work()
        memory.append(resident_bytes(node))
    settled = memory[WARM_UP_ROUNDS:]
    assert max(settled) <= 1.05 * settled[0], [f'{each >> 20} MiB' for each in memory]


def test_through_fifty_rounds_with_an_image_in_each_the_vehicles_memory_is_flat(manager, ros, engine, vehicle):
    road = Road(ros, engine)
    road.stand('vehicle_lidar', FRAME, (1.0, 0.0, 0.0), LOOKING_AHEAD)
    road.stand('map', 'vehicle_lidar')

    def answer() -> None:
        road.meet()
        road.answered()

    memory_is_flat(manager, vehicle, answer)


def test_through_fifty_rounds_with_an_image_in_each_the_roadsides_memory_is_flat(ros, engine, talkative, tmp_path):
    road, came = Road(ros, engine), []
    road.node.create_subscription(FeatureFrame, '/pole/output/features', came.append, 50)

    def send() -> None:
        before = len(came)
        ros.spin_until(lambda: road.show() and len(came) > before, 30)

    with NodeGroup(tmp_path, {}) as group:
        pole = start(group, 'infrastructure_node', talkative, 'pole', camera_pose_source='parameters')
        manager = Manager(ros, 'pole')
        manager.meet()
        memory_is_flat(manager, pole, send)


@pytest.mark.parametrize('name', NODES)
@pytest.mark.parametrize(
    'way', [[], ['configure'], ['configure', 'activate'], ['configure', 'activate', 'deactivate', 'cleanup']]
)
def test_a_node_can_be_shut_down_from_any_state_and_ends_with_exit_code_0(ros, tmp_path, tiny_config, name, way):
    with NodeGroup(tmp_path, {}) as group:
        node = start(group, name, tiny_config, 'mortal')
        manager = Manager(ros, 'mortal')
        manager.meet()
        assert all(manager.change(transition) for transition in way)
        assert manager.change('shutdown')
        assert manager.state() == 'finalized'
        assert manager.diagnosis(lambda status, _: status.message == 'finalized')
        group.stop()
        assert node.process.returncode == 0, node.log.read_text()
        assert 'Traceback' not in node.log.read_text()


def test_while_a_node_is_inactive_nothing_leaves_it_and_afterwards_it_goes_on(manager, road):
    assert manager.change('deactivate')
    told = len(road.status)
    unseen = [road.show() for _ in range(5)]
    assert manager.diagnosis(lambda status, values: values['state'] == 'inactive')[0].level == DiagnosticStatus.OK
    assert manager.change('activate')
    road.answered()
    assert not road.status.keys() & set(unseen) and not road.detections.keys() & set(unseen)
    assert len(road.status) > told


def test_a_disabled_node_stays_active_and_drops_what_comes_until_it_is_enabled(manager, road):
    assert manager.enable(False) == 'disabled, active'
    unseen = [road.show() for _ in range(5)]
    road.feature(road.now())
    status, values = manager.diagnosis(lambda status, values: values['enabled'] == 'false')
    assert (status.level, status.message, values['state']) == (DiagnosticStatus.OK, 'disabled, active', 'active')
    assert manager.state() == 'active'
    assert manager.enable(True) == 'enabled, active'
    assert not any(use.used for use in road.answered().features)  # the feature was dropped too
    assert not road.detections.keys() & set(unseen)


def test_the_switch_outlives_transitions(manager, road):
    manager.enable(False)
    assert manager.change('deactivate') and manager.change('activate')
    unseen = road.show()
    manager.diagnosis(lambda status, _: status.message == 'disabled, active')
    manager.enable(True)
    road.answered()
    assert unseen not in road.detections


@pytest.mark.parametrize('name', NODES)
def test_weights_that_cannot_be_used_leave_a_node_unconfigured_until_they_are_mended(ros, tmp_path, tiny_config, name):
    weights = tmp_path / 'model.safetensors'
    with NodeGroup(tmp_path / 'logs', {}) as group:
        node = start(group, name, tiny_config, 'patient', weights=weights)
        manager = Manager(ros, 'patient')
        manager.meet()
        assert not manager.change('configure')
        assert manager.state() == 'unconfigured'
        ros.spin_until(lambda: f'{weights}: ' in node.log.read_text())
        broken, sound = (EagerEngine(load_config(tiny_config), device='cpu').model for _ in range(2))
        for tensor in broken.parameters():
            tensor.fill_(torch.nan)
        save(broken, weights)
        assert not manager.change('configure')
        ros.spin_until(lambda: 'finite' in node.log.read_text())
        save(sound, weights)
        assert manager.change('configure')
        _, values = manager.diagnosis(lambda _, values: 'model_id' in values)
        assert values['weights'] == weights.name
        assert values['model_id'] == EagerEngine(load_config(tiny_config), weights, device='cpu').model_id
        assert 'Traceback' not in node.log.read_text()


def test_the_score_threshold_takes_effect_at_the_next_image(manager, road):
    stamp = road.show()
    road.answer(stamp)
    assert road.detections[stamp].detections
    assert manager.set(score_threshold=1.0) == []
    stamp = road.show()
    road.answer(stamp)
    assert not road.detections[stamp].detections
    assert manager.set(score_threshold=0) == []  # a whole number is a real one too


def test_the_age_of_features_that_are_used_takes_effect_at_the_next_image(manager, road):
    taken = road.now()
    road.feature(taken)
    stamp = taken + 400_000_000
    road.ros.spin_until(lambda: road.now() > stamp)
    road.info(stamp)
    road.image(stamp)
    assert any(use.used for use in road.answer(stamp).features)
    assert manager.set(max_age_ms=300.0) == []
    stamp += 1_000_000
    road.info(stamp)
    road.image(stamp)
    assert not any(use.used for use in road.answer(stamp).features)
    road.feature(road.now() - 1_000_000_000)
    told = [use.reason for _ in range(20) for use in road.answered().features]
    assert 'too_old' in told
    assert manager.set(max_age_ms=2000.0) == []


@pytest.mark.parametrize(
    ('values', 'words'),
    [
        ({'max_age_ms': -1.0}, ['max_age_ms']),
        ({'max_age_ms': 'long'}, ['max_age_ms', 'long']),
        ({'score_threshold': 2}, ['score_threshold', '0 to 1']),
        ({'error_below_hz': 50.0}, ['error_below_hz', 'warn_below_hz']),
        ({'warn_below_hz': 'fast'}, ['warn_below_hz']),
        ({'detection_frame': 'base_link'}, ['read-only', 'detection_frame']),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_the_reason(manager, values, words):
    [reason] = manager.set(**values)
    assert all(word in reason for word in words), reason


def test_diagnostics_tell_a_nodes_state_and_how_well_it_does(manager, ros, engine):
    status, values = manager.diagnosis(lambda status, _: status.message == 'unconfigured')
    assert status.level == DiagnosticStatus.OK
    assert float(values['memory_mib']) > 50 and 'model_id' not in values
    assert manager.change('configure') and manager.change('activate')
    status, values = manager.diagnosis(lambda _, values: values['state'] == 'active')
    assert (status.level, status.message) == (DiagnosticStatus.STALE, 'no image yet')
    assert values['model_id'] == engine.model_id

    road = Road(ros, engine)
    road.stand('vehicle_lidar', FRAME, (1.0, 0.0, 0.0), LOOKING_AHEAD)
    road.stand('map', 'vehicle_lidar')
    road.meet()
    road.answered()
    assert manager.set(error_below_hz=0.0, warn_below_hz=0.0, warn_above_ms=600_000.0) == []
    timer = road.node.create_timer(0.1, road.show)
    _, values = manager.diagnosis(lambda status, _: status.level == DiagnosticStatus.OK and status.message == 'well')
    assert float(values['output_rate_hz']) > 0 and float(values['latency_p95_ms']) > 0
    assert int(values['images_processed']) > 0
    assert manager.set(warn_above_ms=0.0) == []
    status, _ = manager.diagnosis(lambda status, _: status.level == DiagnosticStatus.WARN)
    assert 'latency' in status.message
    assert manager.set(warn_below_hz=900.0, warn_above_ms=600_000.0) == []
    status, _ = manager.diagnosis(lambda status, _: status.level == DiagnosticStatus.WARN and 'Hz' in status.message)
    assert '900' in status.message
    assert manager.set(warn_below_hz=5.0, error_below_hz=1.0) == []
    road.feature(road.now(), model_id='ab' * 32)
    road.feature(road.now())
    _, values = manager.diagnosis(lambda _, values: values['agents'] == 'pole')
    assert values['features_refused_other_model'] == '1'

    road.node.destroy_timer(timer)
    status, _ = manager.diagnosis(lambda status, _: status.level == DiagnosticStatus.ERROR)
    assert 'at least 1' in status.message


def test_images_of_which_every_one_is_refused_are_an_error(manager, road):
    timer = road.node.create_timer(0.1, lambda: road.image(road.now()))  # without camera_info
    _, values = manager.diagnosis(lambda status, _: status.level == DiagnosticStatus.ERROR)
    road.node.destroy_timer(timer)
    assert int(values['images_refused']) > 0
    assert float(values['image_rate_hz']) > 1
