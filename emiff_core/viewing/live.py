"""Look at running nodes: in a process of its own, because ROS is needed for it."""

import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

from emiff_core.demo.processes import ros_arguments
from emiff_core.errors import EmiffError
from emiff_core.viewing.topics import ViewTopics


def view_live(names: ViewTopics, save: Path | None, frames: int | None, config: Path) -> int:
    """Run the view node in the foreground until Ctrl-C or until `frames` moments were shown; return its exit code.

    Args:
        names: of the topics.
        save: as `make_sink` takes it.
        frames: None: no end.
        config: of the model, for its range.

    Raises:
        EmiffError: ROS is not there.
    """
    if find_spec('rclpy') is None or find_spec('emiff') is None:
        raise EmiffError('expected a ROS 2 shell with this package, found none: run `. install/setup.bash` first')
    parameters = {
        'save': save.resolve() if save else '',
        'frames': frames or 0,
        'config': config.resolve(),
        'vehicle_image': names.vehicle_image,
        'roadside_images': names.roadside_images,
        'features': names.features,
        'vehicle_node': names.vehicle_node,
        'world_frame': names.world_frame,
    }
    command = [sys.executable, '-m', 'emiff_ros.view_node', *ros_arguments(parameters)]
    with subprocess.Popen(command) as process:
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:  # the terminal has sent it to the node too, which ends in order
                continue
