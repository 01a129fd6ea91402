"""sensor_msgs/CameraInfo to cameras. Written against the fields, so it reads values of bags and of nodes."""

from dataclasses import replace
from typing import Any

import numpy as np

from emiff_core.errors import EmiffError
from emiff_core.geometry import PinholeCamera

_DISTORTION_MODELS = ('', 'plumb_bob', 'rational_polynomial')


def camera_of(info: Any) -> PinholeCamera:
    """Return the camera that took the image: K brought to the image's region of interest and binning.

    K of a CameraInfo belongs to the full sensor image; the region of interest is cut out of it first and then binned
    (sensor_msgs/CameraInfo). Coefficients of distortion are passed on; preprocessing undoes them.

    Raises:
        EmiffError: the camera is not calibrated, or its distortion model is not supported.
    """
    if info.distortion_model not in _DISTORTION_MODELS:
        raise EmiffError(
            f'camera_info: expected distortion_model plumb_bob or rational_polynomial, found {info.distortion_model!r}'
        )
    k = np.array(info.k, dtype=np.float64).reshape(3, 3)
    if k[0, 0] == 0:
        raise EmiffError('camera_info: expected a calibrated camera, found k[0] = 0')
    roi = info.roi
    try:
        whole = PinholeCamera(k, info.width, info.height, tuple(info.d))
    except EmiffError as error:
        raise EmiffError(f'camera_info: {error}') from error
    cut = whole.cropped(roi.x_offset, roi.y_offset, roi.width or info.width, roi.height or info.height)
    columns, rows = max(info.binning_x, 1), max(info.binning_y, 1)
    return replace(cut.scaled(1 / columns, 1 / rows), width=cut.width // columns, height=cut.height // rows)
