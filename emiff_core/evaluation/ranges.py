"""Distance ranges of the DAIR-V2X benchmark (arXiv 2204.05575; OpenDAIRV2X calls them extended ranges)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emiff_core.geometry import Boxes3D

_Y_EXTENT = (-39.68, 39.68)
_Z_EXTENT = (-3.0, 1.0)


@dataclass(frozen=True)
class DistanceRange:
    """A slab ahead of the vehicle: near <= x <= far, within the benchmark's y and z.

    Attributes:
        near, far: metres along +x of the detection frame.
    """

    near: float
    far: float

    @property
    def name(self) -> str:
        """As it is printed, metres: '0-30'."""
        return f'{self.near:g}-{self.far:g}'

    def contains(self, boxes: Boxes3D) -> NDArray[np.bool_]:
        """Return (N,) whether any of a box's eight corners lies inside."""
        low = np.array([self.near, _Y_EXTENT[0], _Z_EXTENT[0]])
        high = np.array([self.far, _Y_EXTENT[1], _Z_EXTENT[1]])
        corners = boxes.corners()
        inside = np.all((low <= corners) & (corners <= high), axis=2)
        return np.any(inside, axis=1)


OVERALL = DistanceRange(0, 100)
BENCHMARK_RANGES = (OVERALL, DistanceRange(0, 30), DistanceRange(30, 50), DistanceRange(50, 100))
