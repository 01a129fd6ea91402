"""Where a roadside camera stands: by tf at each capture time, or once and for all by parameters or a file."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emiff_core.data.camera_pose import CameraPose, read_camera_pose
from emiff_core.errors import EmiffError
from emiff_ros.calibration import Transforms
from emiff_ros.camera_input import CameraImage

SOURCES = ('tf', 'parameters', 'file')


@dataclass(frozen=True)
class PoseChoice:
    """The node's parameters camera_...; docs/infrastructure_node.md describes them."""

    source: str
    position: list[float]
    orientation: list[float]
    files: list[str]


def make_camera_pose(
    choice: PoseChoice, tf: Transforms, world_frame: str
) -> Callable[[CameraImage], NDArray[np.float64]]:
    """Return what gives the (4, 4) float64 T_world_camera of an image, called in the worker thread.

    Raises:
        EmiffError: the parameters or the files are no pose. By tf, the call raises what `Transforms.lookup` does.
    """
    if choice.source == 'tf':
        return lambda image: tf.lookup(world_frame, image.header.frame_id, image.header.stamp, image.arrived)
    if choice.source == 'parameters':
        try:
            fixed = CameraPose(tuple(choice.position), tuple(choice.orientation)).matrix()
        except EmiffError as error:
            raise EmiffError(f'parameter camera_{error}') from error
    else:
        try:
            fixed = read_camera_pose([Path(path) for path in choice.files if path])
        except EmiffError as error:
            raise EmiffError(f'parameter camera_pose_files: {error}') from error
    return lambda _: fixed
