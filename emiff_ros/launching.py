"""What the launch files share: the arguments that every node has, how a node starts, and how its end is passed on."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, EmitEvent, OpaqueFunction, RegisterEventHandler, Shutdown
from launch.event_handlers import OnProcessExit, OnProcessStart
from launch.events import matches_action
from launch.events.process import ProcessExited
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import LifecycleNode, Node
from launch_ros.event_handlers import OnStateTransition
from launch_ros.events.lifecycle import ChangeState
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare
from lifecycle_msgs.msg import Transition

STARTS = ('node', 'launch', 'manager')
_TRUTHS = ('true', 'false', 'True', 'False')

# A node finishes the image in work, which takes half a minute at the official size on a CPU; launch would wait 5 s.
_PROCESS = {'output': 'screen', 'sigterm_timeout': '60'}


def describe_node(executable: str, topics: Mapping[str, tuple[str, str]]) -> LaunchDescription:
    """Return a description that starts one managed node.

    Args:
        executable: the node's, and its default name.
        topics: launch argument -> the node's topic (its default) and a description.
    """
    arguments = [
        argument('name', executable, 'name of the node'),
        argument('namespace', '', 'namespace of the node'),
        *common_arguments(executable),
        *model_arguments('the node'),
        *(argument(name, topic, description) for name, (topic, description) in topics.items()),
    ]

    def start(context: LaunchContext) -> list[Any]:
        return managed_node(
            context,
            executable,
            name=value(context, 'name'),
            namespace=value(context, 'namespace'),
            file=value(context, 'params'),
            parameters=given_parameters(context),
            remappings={topic: value(context, name) for name, (topic, _) in topics.items()},
        )

    return LaunchDescription([*arguments, OpaqueFunction(function=start)])


def argument(name: str, default: Any, description: str, choices: Sequence[str] | None = None) -> DeclareLaunchArgument:
    """Declare an argument that may be left out."""
    return DeclareLaunchArgument(name, default_value=default, description=description, choices=choices)


def switch(name: str, default: str, description: str) -> DeclareLaunchArgument:
    """Declare an argument that is true or false, see `truth`."""
    return argument(name, default, description, _TRUTHS)


def common_arguments(executable: str) -> list[DeclareLaunchArgument]:
    """Return the arguments params (for `executable`), log_level and start."""
    return [
        argument('params', share('config', f'{executable}.param.yaml'), f'YAML file for {executable}'),
        argument('log_level', 'info', 'what is logged, and what is worse', ('debug', 'info', 'warn', 'error')),
        argument(
            'start',
            'node',
            'who configures and activates the node: itself (it ends with exit code 1 where that fails), launch (by '
            'lifecycle events), or a lifecycle manager that comes later',
            STARTS,
        ),
    ]


def model_arguments(whose: str) -> list[DeclareLaunchArgument]:
    """Return the arguments that overrule a parameter file where they are given, see `given_parameters`."""
    otherwise = 'empty: as the parameter file says'
    return [
        argument('config', '', f'model config of {whose}; {otherwise}'),
        argument('weights', '', f'weights of {whose} (.safetensors, or random); {otherwise}'),
        argument('image_transport', '', f'how images come; {otherwise}', ('', 'raw', 'compressed')),
        argument('use_sim_time', '', f'take the time from /clock; {otherwise}', ('', *_TRUTHS)),
    ]


def given_parameters(context: LaunchContext) -> dict[str, Any]:
    """Return the parameters that `model_arguments` were given for."""
    names = ('config', 'weights', 'image_transport')
    given: dict[str, Any] = {name: text(value(context, name)) for name in names if value(context, name)}
    if value(context, 'use_sim_time'):
        given['use_sim_time'] = truth(context, 'use_sim_time')
    return given


def share(*parts: str) -> PathJoinSubstitution:
    """Return the path of a file that this package installs."""
    return PathJoinSubstitution([FindPackageShare('emiff'), *parts])


def value(context: LaunchContext, name: str) -> str:
    """Return what was given for an argument."""
    return str(LaunchConfiguration(name).perform(context))


def truth(context: LaunchContext, name: str) -> bool:
    """Return what was given for a `switch`."""
    return value(context, name).lower() == 'true'


def text(content: str) -> ParameterValue:
    """Return a parameter that stays text, even where YAML would read a number or nothing in it."""
    return ParameterValue(content, value_type=str)


def managed_node(
    context: LaunchContext,
    executable: str,
    *,
    name: str,
    namespace: str,
    file: str | None = None,
    parameters: Mapping[str, Any],
    remappings: Mapping[str, str],
) -> list[Any]:
    """Return the actions that start one lifecycle node; with it launch ends, and fails where the node does.

    Args:
        context: gives log_level and start.
        executable: of this package.
        name, namespace: of the node.
        file: of parameters.
        parameters: overrule it.
        remappings: topic of the node -> topic.
    """
    start = value(context, 'start')
    node = LifecycleNode(
        package='emiff',
        executable=executable,
        name=name,
        namespace=namespace,
        parameters=[*([file] if file else []), {**parameters, 'auto_start': start == 'node'}],
        ros_arguments=['--log-level', value(context, 'log_level')],
        remappings=list(remappings.items()),
        **_PROCESS,
    )
    return [*(_bring_up(node, name) if start == 'launch' else []), pass_on_end(node), node]


def image_topic(transport: str) -> str:
    """Return the topic of images, without its namespace, that an image_transport (raw, compressed) publishes."""
    return 'image/compressed' if transport == 'compressed' else 'image'


def camera_remappings(camera: str) -> dict[str, str]:
    """Return the remappings of a node's images, of either transport, and camera_info to the namespace `camera`."""
    topics = (image_topic('raw'), image_topic('compressed'), 'camera_info')
    return {f'~/input/{topic}': f'{camera}/{topic}' for topic in topics}


def plain_node(executable: str, parameters: Mapping[str, Any]) -> list[Any]:
    """Return the actions that start a node without a lifecycle; launch ends with it as with a managed one."""
    node = Node(package='emiff', executable=executable, name=executable, parameters=[dict(parameters)], **_PROCESS)
    return [pass_on_end(node), node]


def pass_on_end(node: Node) -> RegisterEventHandler:
    """End launch with the node. Launch itself looks at no exit code, and would return 0 for a node that failed."""
    return RegisterEventHandler(OnProcessExit(target_action=node, on_exit=_end))


def _end(event: ProcessExited, context: LaunchContext) -> list[Any]:
    if event.returncode:
        raise RuntimeError(f'{event.process_name} ended with exit code {event.returncode}')
    if context.is_shutdown:  # a second shutdown is an error of launch_ros
        return []
    return [Shutdown(reason=f'{event.process_name} has ended')]


def _bring_up(node: LifecycleNode, name: str) -> list[Any]:
    """Configure once the process runs, activate once configured; a failure on the way ends launch."""

    def change(transition: int) -> EmitEvent:
        return EmitEvent(event=ChangeState(lifecycle_node_matcher=matches_action(node), transition_id=transition))

    def on(goal: str, then: Any, begin: str | None = None) -> RegisterEventHandler:
        return RegisterEventHandler(
            OnStateTransition(target_lifecycle_node=node, start_state=begin, goal_state=goal, entities=[then])
        )

    return [
        RegisterEventHandler(
            OnProcessStart(target_action=node, on_start=[change(Transition.TRANSITION_CONFIGURE)])
        ),
        on('inactive', change(Transition.TRANSITION_ACTIVATE), begin='configuring'),
        on('unconfigured', _failure(f'{name} could not be configured'), begin='configuring'),
        on('inactive', _failure(f'{name} could not be activated'), begin='activating'),
    ]


def _failure(reason: str) -> OpaqueFunction:
    def fail(_: LaunchContext) -> None:
        raise RuntimeError(reason)

    function: Callable[[LaunchContext], None] = fail
    return OpaqueFunction(function=function)
