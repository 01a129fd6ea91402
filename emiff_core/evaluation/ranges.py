"""Distance ranges of the DAIR-V2X benchmark (arXiv 2204.05575; OpenDAIRV2X calls them extended ranges)."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from emiff_core.config import VoxelConfig
from emiff_core.geometry import Boxes3D

_Y_EXTENT = (-39.68, 39.68)
_Z_EXTENT = (-3.0, 1.0)


class Range(Protocol):
    """A part of the ground that boxes are counted in."""

    @property
    def name(self) -> str:
        """As it is printed."""

    def contains(self, boxes: Boxes3D) -> NDArray[np.bool_]:
        """Return (N,) whether each box counts."""


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


@dataclass(frozen=True)
class ModelRange:
    """What a model can show at all: boxes whose centre lies over its voxel space, whatever their height.

    Attributes:
        x_range, y_range: metres in the detection frame.
    """

    x_range: tuple[float, float]
    y_range: tuple[float, float]

    @classmethod
    def of(cls, voxels: VoxelConfig) -> 'ModelRange':
        """Return the range of a voxel space."""
        return cls(voxels.x_range, voxels.y_range)

    @property
    def name(self) -> str:
        """As it is printed, metres: 'model 80x64'."""
        (x0, x1), (y0, y1) = self.x_range, self.y_range
        return f'model {x1 - x0:g}x{y1 - y0:g}'

    def contains(self, boxes: Boxes3D) -> NDArray[np.bool_]:
        """Return (N,) whether a box's centre lies over the voxel space."""
        low, high = np.array([self.x_range, self.y_range]).T
        centres = boxes.centers[:, :2]
        return np.asarray(((low < centres) & (centres < high)).all(axis=1))


OVERALL = DistanceRange(0, 100)
BENCHMARK_RANGES = (OVERALL, DistanceRange(0, 30), DistanceRange(30, 50), DistanceRange(50, 100))
