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
    text,
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
            argument('loop', 'false', 'start again at the end', ('true', 'false')),
            argument('pace', 'true', 'hold the clock until each image is answered', ('true', 'false')),
            argument('vehicle_camera', '/vehicle/camera', "namespace of the vehicle's image and camera_info"),
            argument('infrastructure_camera', '/infrastructure/camera', "the same, the roadside unit's"),
            argument('image_transport', 'compressed', 'how the bag holds images', ('raw', 'compressed')),
            argument('config', '', 'model config of both nodes; empty: the demo model'),
            argument('weights', '', 'weights of both nodes (.safetensors); empty: those of the config'),
            argument('rviz', 'false', 'show it in RViz', ('true', 'false')),
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
    actions, images = [], {}
    for side in ('infrastructure', 'vehicle'):
        camera = value(context, f'{side}_camera')
        images[side] = f'{camera}/{image_topic(transport)}'
        remappings = camera_remappings(camera, transport)
        if side == 'vehicle':
            remappings['~/input/features'] = FEATURES
        actions += managed_node(
            context, f'{side}_node', name=f'{side}_node', namespace='', parameters=[parameters], remappings=remappings
        )
    player = {
        'bag': text(value(context, 'bag')),
        'rate': float(value(context, 'rate')),
        'loop': value(context, 'loop') == 'true',
        'wait_for': [f'{image}=1' for image in images.values()],
    }
    if value(context, 'pace') == 'true':
        player['pace'] = [f'{images["infrastructure"]}={FEATURES}', f'{images["vehicle"]}={DETECTIONS}']
        player['wait_for'].append(f'{FEATURES}=2')  # the vehicle, and the player itself
    return [*actions, *plain_node('player_node', player)]
