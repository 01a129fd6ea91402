"""A cooperative frame of a data set on one sheet."""

import numpy as np
from numpy.typing import NDArray

from emiff_core.data.cooperative_frame import CooperativeFrame
from emiff_core.data.images import read_image
from emiff_core.geometry import Boxes3D, Detections
from emiff_core.rendering.sheet import Range, View, draw_sheet


def draw_frame(
    frame: CooperativeFrame, truth: Boxes3D, detections: Detections, x_range: Range, y_range: Range, notes: list[str]
) -> NDArray[np.uint8]:
    """Draw both cameras' images and the bird's-eye view as `draw_sheet` does, whose arguments the others are.

    Raises:
        EmiffError: an image cannot be read.
    """
    views = [
        View('vehicle', read_image(frame.vehicle_image), frame.vehicle_camera, frame.T_vehicle_camera_lidar),
        View(
            'roadside',
            read_image(frame.infrastructure_image),
            frame.infrastructure_camera,
            frame.T_infrastructure_camera_vehicle_lidar,
        ),
    ]
    return draw_sheet(views, truth, detections, x_range, y_range, notes)
