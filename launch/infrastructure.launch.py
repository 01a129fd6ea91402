"""Start a roadside unit: `ros2 launch emiff infrastructure.launch.py image:=... camera_info:=...`."""

from launch import LaunchDescription

from emiff_ros.launching import describe_node


def generate_launch_description() -> LaunchDescription:
    """Declare the infrastructure node and its topics."""
    return describe_node(
        'infrastructure_node',
        {
            'image': ('~/input/image', 'images (image_transport: raw)'),
            'image_compressed': ('~/input/image/compressed', 'images (image_transport: compressed)'),
            'camera_info': ('~/input/camera_info', 'calibration, one for each image'),
            'features': ('~/output/features', 'features for the vehicles'),
        },
    )
