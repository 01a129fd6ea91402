"""Start the vehicle node: `ros2 launch emiff vehicle.launch.py image:=... camera_info:=...`."""

from launch import LaunchDescription

from emiff_ros.launching import describe_node


def generate_launch_description() -> LaunchDescription:
    """Declare the vehicle node and its topics."""
    return describe_node(
        'vehicle_node',
        {
            'image': ('~/input/image', 'images (image_transport: raw)'),
            'image_compressed': ('~/input/image/compressed', 'images (image_transport: compressed)'),
            'camera_info': ('~/input/camera_info', 'calibration, one for each image'),
            'features': ('~/input/features', 'features of the roadside units'),
            'detections': ('~/output/detections', 'boxes, one message for each image processed'),
        },
    )
