"""Where the agents' cameras are taken to be, what is not believed of them, and what people see of it."""

from dataclasses import replace

import numpy as np
import pytest
from sensor_msgs.msg import Image
from visualization_msgs.msg import MarkerArray

from emiff.msg import FeatureFrame
from emiff_core.bag.cameras import camera_of
from emiff_core.config import load_config
from emiff_core.cooperation import feature_message
from emiff_core.data.preprocess import network_view
from emiff_core.demo.processes import NodeGroup
from emiff_core.inference.eager import EagerEngine
from emiff_core.stamps import nanoseconds
from test.system.road import FRAME, LOOKING_AHEAD, SIZE, Road, camera_info

INPUTS = {'~/input/image': '/image', '~/input/camera_info': '/info'}
MODEL = {'threads': 1, 'input_reliability': 'reliable'}
LOOKING_BACK = (-0.5, -0.5, 0.5, 0.5)
PLACE = [12.5, -3.0, 6.25]


@pytest.fixture(scope='module')
def engine(tiny_config):
    return EagerEngine(load_config(tiny_config), device='cpu')


@pytest.fixture
def make_road(ros, engine, tmp_path, tiny_config):
    """Give what starts a vehicle node with parameters, on a road where it knows where it is."""
    with NodeGroup(tmp_path, {}) as group:

        def make(**parameters: object) -> Road:
            given = {'config': tiny_config, 'max_age_ms': 2000.0, **MODEL, **parameters}
            group.start('emiff_ros.vehicle_node', given, INPUTS | {'~/input/features': '/features'})
            road = Road(ros, engine)
            road.stand('vehicle_lidar', FRAME, (1.0, 0.0, 0.0), LOOKING_AHEAD)
            road.stand('map', 'vehicle_lidar')
            road.meet()
            return road

        yield make


def told(road: Road, send, wanted: str | None, attempts: int = 30) -> None:
    """Send a feature and show an image until a status tells that one was refused for `wanted`; None: that one was used.

    Features may come after their image, and a transform that was just said after both.
    """
    seen: list[str | None] = []
    for _ in range(attempts):
        send()
        stamp = road.show()
        uses = road.answer(stamp).features
        seen += [None if use.used else use.reason for use in uses]
        if wanted in seen:
            return
    pytest.fail(f'expected {wanted}, saw {set(seen)}')


def test_by_tf_an_agent_stands_where_the_vehicles_tf_has_it_whatever_its_message_says(make_road):
    road = make_road(remote_pose_source='tf', max_range_m=100.0)
    nowhere = {'position': (5000.0, 0.0, 5.0)}
    told(road, lambda: road.feature(road.now(), **nowhere), 'no_agent_pose')
    road.stand('map', 'pole_camera', (30.0, 0.0, 5.0), LOOKING_BACK)
    told(road, lambda: road.feature(road.now(), **nowhere), None)


def test_by_message_a_far_agent_is_out_of_range_and_leaps_and_lenses_are_not_believed(make_road, engine):
    road = make_road(max_range_m=100.0)
    told(road, lambda: road.feature(road.now()), None)
    told(road, lambda: road.feature(road.now(), position=(500.0, 0.0, 5.0)), 'implausible_motion')
    told(road, lambda: road.feature(road.now()), None)
    view = network_view(camera_of(camera_info()), engine.config.image)
    other = replace(view, intrinsics=view.intrinsics * [[0.7, 1, 1], [1, 0.7, 1], [1, 1, 1]])
    told(road, lambda: road.feature(road.now(), camera=other), 'implausible_camera')
    told(road, lambda: road.feature(road.now(), agent_id='far', position=(500.0, 0.0, 5.0)), 'out_of_range')


def test_of_too_many_agents_the_nearest_are_fused(make_road):
    road = make_road(max_agents=1)

    def both() -> None:
        stamp = road.now()
        road.feature(stamp, agent_id='far', position=(60.0, 0.0, 5.0))
        road.feature(stamp)

    told(road, both, 'too_many_agents')
    for status in road.status.values():
        fused = [use.agent_id for use in status.features if use.used]
        turned_away = [use.agent_id for use in status.features if use.reason == 'too_many_agents']
        assert len(fused) <= 1 and set(turned_away) <= {'far'}


def test_people_see_an_image_with_what_was_found_once_they_ask_for_it(make_road, ros, tiny_config, tmp_path):
    road = make_road()
    road.answer(road.show())
    seen: list[Image] = []
    marked: list[MarkerArray] = []
    road.node.create_subscription(Image, '/vehicle_node/debug/image', seen.append, 10)
    road.node.create_subscription(MarkerArray, '/vehicle_node/output/markers', marked.append, 10)
    ros.spin_until(lambda: road.node.count_publishers('/vehicle_node/debug/image'), 30)
    stamps: list[int] = []

    def shown() -> bool:
        stamps.append(road.show())
        road.answer(stamps[-1])
        return bool(seen and marked)

    ros.spin_until(shown, 30)
    image = seen[0]
    assert nanoseconds(image.header.stamp) in stamps
    assert (image.header.frame_id, image.encoding) == (FRAME, 'bgr8')
    assert (image.width, image.height) == SIZE
    pixels = np.frombuffer(image.data, np.uint8).reshape(SIZE[1], SIZE[0], 3)
    assert (pixels[:30, :100] == 255).any()  # the caption's letters


@pytest.fixture(params=['parameters', 'yaml', 'dair_v2x'])
def pose_parameters(request, tmp_path):
    """Return the parameters by which a camera stands at PLACE and looks along x, without any tf."""
    if request.param == 'parameters':
        return {'camera_pose_source': 'parameters', 'camera_position': PLACE, 'camera_orientation': LOOKING_AHEAD}
    if request.param == 'yaml':
        path = tmp_path / 'pose.yaml'
        path.write_text(f'position: {PLACE}\norientation: {list(LOOKING_AHEAD)}\n')
        return {'camera_pose_source': 'file', 'camera_pose_files': [path]}
    world, camera = tmp_path / 'virtuallidar_to_world.json', tmp_path / 'virtuallidar_to_camera.json'
    x, y, z = PLACE
    world.write_text(f'{{"rotation": [[1,0,0],[0,1,0],[0,0,1]], "translation": [[{x}],[{y}],[0]]}}')
    camera.write_text(f'{{"rotation": [[0,-1,0],[0,0,-1],[1,0,0]], "translation": [[0],[{z}],[0]]}}')
    return {'camera_pose_source': 'file', 'camera_pose_files': [world, camera]}


def test_a_roadside_camera_stands_where_parameters_or_files_say(ros, engine, tmp_path, tiny_config, pose_parameters):
    road = Road(ros, engine)
    came: list[FeatureFrame] = []
    road.node.create_subscription(FeatureFrame, '/infrastructure_node/output/features', came.append, 10)
    with NodeGroup(tmp_path / 'logs', {}) as group:
        given = {'config': tiny_config, **MODEL, **pose_parameters}
        pole = group.start('emiff_ros.infrastructure_node', given, INPUTS)
        ros.spin_until(lambda: road.node.count_subscribers('/info') or pole.process.poll() is not None, 60)
        ros.spin_until(lambda: road.show() and came, 30)
    frame = feature_message.from_message(came[0])
    assert frame.position == pytest.approx(PLACE)
    assert np.abs(frame.orientation) == pytest.approx(np.abs(LOOKING_AHEAD))


@pytest.mark.parametrize(
    ('parameters', 'words'),
    [
        ({'camera_pose_source': 'parameters', 'camera_orientation': [0.0, 1.0]}, ['camera_orientation']),
        ({'camera_pose_source': 'parameters', 'camera_position': ['here']}, ['camera_position']),
        ({'camera_pose_source': 'file'}, ['camera_pose_files', 'YAML']),
        ({'camera_pose_source': 'file', 'camera_pose_files': ['/no/such.yaml']}, ['/no/such.yaml']),
        ({'camera_pose_source': 'map'}, ['camera_pose_source', 'map']),
    ],
)
def test_a_pose_that_is_none_ends_the_node_with_one_line(tmp_path, tiny_config, parameters, words):
    with NodeGroup(tmp_path, {}) as group:
        node = group.start('emiff_ros.infrastructure_node', {'config': tiny_config, **parameters})
        assert node.process.wait(timeout=60) == 1
        lines = [line for line in node.log.read_text().splitlines() if line.startswith('error:')]
        assert len(lines) == 1 and all(word in lines[0] for word in words), node.log.read_text()
