"""Play a bag through real nodes and record what they say."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from emiff_core.demo import topics
from emiff_core.demo.processes import NodeGroup, NodeProcess, own_domain, wait_for_exit
from emiff_core.errors import EmiffError
from emiff_core.resources import RANDOM

_CAMERAS = {
    'infrastructure_node': (topics.INFRASTRUCTURE_IMAGE, topics.INFRASTRUCTURE_INFO),
    'vehicle_node': (topics.VEHICLE_IMAGE, topics.VEHICLE_INFO),
}
_SETTLE_S = 2.0  # discovery among four processes was seen to take 1.9 s
_PERCEPTION = {'use_sim_time': True, 'image_transport': 'compressed', 'input_reliability': 'reliable'}


@dataclass(frozen=True)
class EndedNode:
    """A node that has ended.

    Attributes:
        name, pid: of its process.
        exit_code: 0 when it ended as it should.
    """

    name: str
    pid: int
    exit_code: int | None


def run_nodes(
    bag: Path,
    recording: Path,
    log_dir: Path,
    config: Path,
    weights: Path | None,
    answer_s: float,
    on_progress: Callable[[int], None],
) -> list[EndedNode]:
    """Run player, infrastructure, vehicle and recorder node on a domain of their own until the bag has been played.

    The player waits for every subscriber before it starts, and after each image for the answer to it.

    Args:
        bag: what to play.
        recording: the bag to write.
        log_dir: where the nodes' output goes.
        config: of the model.
        weights: of the model; None: random ones.
        answer_s: longest wait for the answer to one image, seconds.
        on_progress: called with the number of detection messages so far.

    Returns:
        The four nodes in the order of their start.

    Raises:
        EmiffError: ROS is not there, or a node died; the line says what it said last.
    """
    if find_spec('rclpy') is None or find_spec('emiff') is None:
        raise EmiffError('expected a ROS 2 shell with this package, found none: run `. install/setup.bash` first')
    environment = own_domain()
    model = {'config': config.resolve(), 'weights': weights.resolve() if weights else RANDOM}
    with NodeGroup(log_dir, environment) as group:
        recorder = group.start(
            'emiff_ros.recorder_node',
            {
                'out': recording,
                'topics': [f'{topic} {kind}' for topic, kind in topics.RECORDED.items()],
                'progress_topic': topics.DETECTIONS,
            },
        )
        for name in _CAMERAS:
            start_perception(group, name, model)
        player = group.start('emiff_ros.player_node', player_parameters(bag, answer_s))
        wait_for_exit(player, group, lambda: on_progress(recorder.log.read_text().count(topics.DETECTIONS)))
        group.stop()
        return [EndedNode(node.name, node.process.pid, node.process.returncode) for node in group.nodes]


def start_perception(
    group: NodeGroup,
    name: str,
    parameters: Mapping[str, object],
    features: str = topics.FEATURES,
    further_remappings: Mapping[str, str] | None = None,
) -> NodeProcess:
    """Start the infrastructure_node or the vehicle_node on the topics of a bag, on simulated time.

    `features` is the topic that the vehicle listens to.
    """
    image, info = _CAMERAS[name]
    remappings = {'~/input/image/compressed': image, '~/input/camera_info': info, **(further_remappings or {})}
    if name == 'vehicle_node':
        remappings['~/input/features'] = features
    return group.start(f'emiff_ros.{name}', {**_PERCEPTION, **parameters}, remappings)


def player_parameters(bag: Path, answer_s: float) -> dict[str, object]:
    """Return the player's parameters for a paced run with a recorder; `answer_s` bounds each wait, seconds."""
    # everybody who listens: the two nodes, the recorder, and for the answers the player itself
    subscribers = {
        topics.VEHICLE_IMAGE: 1,
        topics.VEHICLE_INFO: 2,
        topics.INFRASTRUCTURE_IMAGE: 1,
        topics.INFRASTRUCTURE_INFO: 2,
        topics.GROUND_TRUTH: 1,
        topics.FEATURES: 3,
        topics.DETECTIONS: 2,
        '/clock': 2,
    }
    return {
        'bag': bag,
        'wait_for': [f'{topic}={count}' for topic, count in subscribers.items()],
        'pace': [
            f'{topics.INFRASTRUCTURE_IMAGE}={topics.FEATURES},{topics.INFRASTRUCTURE_REFUSALS}',
            f'{topics.VEHICLE_IMAGE}={topics.DETECTIONS},{topics.VEHICLE_REFUSALS}',
        ],
        'pace_s': answer_s,
        'wait_s': answer_s,
        'settle_s': _SETTLE_S,
    }
