"""What the launch files share: the arguments that every node has, and the node that they make."""

from collections.abc import Mapping

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare


def describe_node(executable: str, topics: Mapping[str, tuple[str, str]]) -> LaunchDescription:
    """Return a description that starts one node.

    Args:
        executable: the node's, and its default name.
        topics: launch argument -> the node's topic (its default) and a description.
    """
    params = PathJoinSubstitution([FindPackageShare('emiff'), 'config', f'{executable}.param.yaml'])
    arguments = [
        DeclareLaunchArgument('name', default_value=executable, description='name of the node'),
        DeclareLaunchArgument('namespace', default_value='', description='namespace of the node'),
        DeclareLaunchArgument('params', default_value=params, description='YAML file with the parameters'),
        DeclareLaunchArgument('log_level', default_value='info', description='debug, info, warn or error'),
        DeclareLaunchArgument('use_sim_time', default_value='false', description='take the time from /clock'),
    ]
    arguments += [
        DeclareLaunchArgument(argument, default_value=topic, description=description)
        for argument, (topic, description) in topics.items()
    ]
    node = Node(
        package='emiff',
        executable=executable,
        name=LaunchConfiguration('name'),
        namespace=LaunchConfiguration('namespace'),
        parameters=[LaunchConfiguration('params'), {'use_sim_time': LaunchConfiguration('use_sim_time')}],
        ros_arguments=['--log-level', LaunchConfiguration('log_level')],
        remappings=[(topic, LaunchConfiguration(argument)) for argument, (topic, _) in topics.items()],
        output='screen',
    )
    return LaunchDescription([*arguments, node])
