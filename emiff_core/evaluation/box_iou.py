"""Intersection over union of upright boxes, in space and in the bird's eye view."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from emiff_core.geometry import Boxes3D, rotated_iou

Kind = Literal['3d', 'bev']
KINDS: tuple[Kind, ...] = ('3d', 'bev')


def pairwise_box_iou(a: Boxes3D, b: Boxes3D, kind: Kind) -> NDArray[np.float64]:
    """Compare each box of `a` with each of `b`; both in one frame.

    Args:
        a, b: N and M boxes, metres and radians.
        kind: 'bev' compares the rotated rectangles in x-y; '3d' multiplies their overlap by that of the heights.

    Returns:
        (N, M) IoUs in [0, 1]; 0 where both boxes are empty.
    """
    if kind == 'bev':
        return rotated_iou.pairwise_iou(_footprints(a), _footprints(b))
    top = np.minimum((a.centers + a.sizes / 2)[:, None, 2], (b.centers + b.sizes / 2)[None, :, 2])
    bottom = np.maximum((a.centers - a.sizes / 2)[:, None, 2], (b.centers - b.sizes / 2)[None, :, 2])
    shared = rotated_iou.pairwise_overlap(_footprints(a), _footprints(b)) * np.maximum(top - bottom, 0)
    union = a.sizes.prod(axis=1)[:, None] + b.sizes.prod(axis=1)[None] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def _footprints(boxes: Boxes3D) -> NDArray[np.float64]:
    return np.column_stack([boxes.centers[:, :2], boxes.sizes[:, :2], boxes.yaws])
