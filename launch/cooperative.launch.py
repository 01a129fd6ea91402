"""Start a vehicle and any number of roadside units: `ros2 launch emiff cooperative.launch.py units:=north,south`."""

from typing import Any

from launch import LaunchContext, LaunchDescription
from launch.actions import OpaqueFunction

from emiff_ros.launching import (
    argument,
    camera_remappings,
    common_arguments,
    given_parameters,
    managed_node,
    model_arguments,
    share,
    text,
    value,
)

_NOBODY = ('', 'none')  # `ros2 launch` takes no empty arguments


def generate_launch_description() -> LaunchDescription:
    """Declare a vehicle node and an infrastructure node for each unit, all on one topic of features."""
    params, log_level, start = common_arguments('vehicle_node')
    return LaunchDescription(
        [
            argument(
                'units',
                'infrastructure',
                'roadside units, separated by commas; each is a namespace with camera/image and camera/camera_info, '
                'and the agent_id of its node; none: the vehicle only',
            ),
            argument('vehicle', 'vehicle', 'namespace of the vehicle, as that of a unit; none: roadside units only'),
            argument('features', '/features', 'topic on which the units send and the vehicle listens'),
            *model_arguments('all nodes'),
            params,
            argument(
                'unit_params',
                share('config', 'infrastructure_node.param.yaml'),
                'YAML file with the parameters of every infrastructure_node',
            ),
            log_level,
            start,
            OpaqueFunction(function=_start),
        ]
    )


def _start(context: LaunchContext) -> list[Any]:
    units = [unit for unit in map(str.strip, value(context, 'units').split(',')) if unit not in _NOBODY]
    vehicle = value(context, 'vehicle')
    if len(set(units)) != len(units):
        raise RuntimeError(f'units: expected each unit once, found {",".join(units)}')
    actions = []
    for unit in units:
        own = {'agent_id': text(unit)}
        actions += _node(context, 'infrastructure_node', unit, 'unit_params', own, '~/output/features')
    if vehicle not in _NOBODY:
        actions += _node(context, 'vehicle_node', vehicle, 'params', {}, '~/input/features')
    return actions


def _node(
    context: LaunchContext, executable: str, namespace: str, params: str, own: dict[str, Any], features: str
) -> list[Any]:
    return managed_node(
        context,
        executable,
        name=executable,
        namespace=namespace,
        file=value(context, params),
        parameters=given_parameters(context) | own,
        remappings=camera_remappings(f'/{namespace}/camera') | {features: value(context, 'features')},
    )
