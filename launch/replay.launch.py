"""Replay a bag through both nodes: `ros2 launch emiff replay.launch.py bag:=... rviz:=true`."""

from typing import Any

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from emiff_ros.launching import (
    argument,
    camera_remappings,
    common_arguments,
    image_topic,
    managed_node,
    plain_node,
    share,
    switch,
    text,
    truth,
    value,
)

FEATURES = '/infrastructure_node/output/features'
DETECTIONS = '/vehicle_node/output/detections'


def generate_launch_description() -> LaunchDescription:
    """Declare the player and the two nodes; launch ends with the bag."""
    _, log_level, start = common_arguments('vehicle_node')
    return LaunchDescription(
        [
            DeclareLaunchArgument('bag', description='rosbag2 to replay, such as `emiff bag` writes'),
            argument('rate', '1.0', 'seconds of the bag per second'),
            switch('loop', 'false', 'start again at the end'),
            switch('pace', 'true', 'hold the clock until each image is answered'),
            argument('vehicle_camera', '/vehicle/camera', "namespace of the vehicle's image and camera_info"),
            argument('infrastructure_camera', '/infrastructure/camera', "the same, the roadside unit's"),
            argument('image_transport', 'compressed', 'how the bag holds images', ('raw', 'compressed')),
            argument('config', '', 'model config of both nodes; empty: the demo model'),
            argument('weights', '', 'weights of both nodes (.safetensors); empty: those of the config'),
            switch('rviz', 'false', 'show it in RViz'),
            log_level,
            start,
            OpaqueFunction(function=_start),
            Node(
                package='rviz2',
                executable='rviz2',
                arguments=['-d', share('rviz', 'emiff.rviz')],
                parameters=[{'use_sim_time': True}],
                condition=IfCondition(LaunchConfiguration('rviz')),
            ),
        ]
    )


def _start(context: LaunchContext) -> list[Any]:
    transport = value(context, 'image_transport')
    parameters = {
        'use_sim_time': True,
        'image_transport': transport,
        'input_reliability': 'reliable',
        'config': text(value(context, 'config')),
        'weights': text(value(context, 'weights')),
    }
    actions, images, infos = [], {}, []
    for side in ('infrastructure', 'vehicle'):
        camera = value(context, f'{side}_camera')
        images[side] = f'{camera}/{image_topic(transport)}'
        infos.append(f'{camera}/camera_info=1')
        remappings = camera_remappings(camera)
        if side == 'vehicle':
            remappings['~/input/features'] = FEATURES
        actions += managed_node(
            context, f'{side}_node', name=f'{side}_node', namespace='', parameters=parameters, remappings=remappings
        )
    player = {
        'bag': text(value(context, 'bag')),
        'rate': float(value(context, 'rate')),
        'loop': truth(context, 'loop'),
        # what is lost while DDS introduces nodes to one another would hold the clock: they get to know each other first
        'wait_for': [*(f'{image}=1' for image in images.values()), *infos, '/clock=2'],
        'settle_s': 2.0,
    }
    if truth(context, 'pace'):
        answers = {'infrastructure': FEATURES, 'vehicle': DETECTIONS}
        player['pace'] = [f'{images[side]}={topic},/{side}_node/output/refusals' for side, topic in answers.items()]
        player['wait_for'] += [f'{FEATURES}=2', f'{DETECTIONS}=1']  # the player itself listens to both
    return [*actions, *plain_node('player_node', player)]
