"""Where things stand beside the roads: houses along the streets, trees and lamps on the pavements."""

import numpy as np
from numpy.typing import NDArray

from emiff_core.data.synthetic.buildings import build_house
from emiff_core.data.synthetic.conditions import Conditions
from emiff_core.data.synthetic.mesh import Mesh
from emiff_core.data.synthetic.roads import Crossing
from emiff_core.data.synthetic.street_furniture import build_hedge, build_kiosk, build_lamp, build_tree


def build_surroundings(crossing: Crossing, rng: np.random.Generator, conditions: Conditions) -> tuple[Mesh, ...]:
    """Build the four blocks beside the roads, each mesh in the scene frame."""
    meshes: list[Mesh] = []
    for arm in range(4):
        block = _Block(crossing, arm)
        meshes += _houses(block, rng)
        for along_first in (True, False):
            meshes += _pavement(block, along_first, rng, conditions)
    return tuple(meshes)


class _Block:
    """The ground between an arm and the next one, in an oblique frame: u along the one, v along the other, in metres
    from the corner of their kerbs."""

    def __init__(self, crossing: Crossing, arm: int) -> None:
        self._a, self._b = crossing.direction(arm), crossing.direction((arm + 1) % 4)
        sine = self._a[0] * self._b[1] - self._a[1] * self._b[0]
        along, across = crossing.road_of(arm + 1).half_width, crossing.road_of(arm).half_width
        self._corner = (self._a * along + self._b * across) / sine

    def at(self, u: float, v: float) -> NDArray[np.float64]:
        """Return the (3,) point on the ground of the scene frame."""
        return np.append(self._corner + self._a * u + self._b * v, 0.0)

    def rectangle(self, low: tuple[float, float], high: tuple[float, float]) -> NDArray[np.float64]:
        """Return the footprint (4, 3) between two opposite corners u, v."""
        (u0, v0), (u1, v1) = low, high
        return np.array([self.at(u0, v0), self.at(u1, v0), self.at(u1, v1), self.at(u0, v1)])


def _houses(block: _Block, rng: np.random.Generator) -> list[Mesh]:
    """Rows of houses along both of a block's streets, with gaps, and high ones behind that close the horizon."""
    meshes = []
    setback = rng.uniform(6.5, 12.0)
    for along_first in (True, False):
        start = rng.uniform(7.0, 12.0) if along_first else rng.uniform(24.0, 30.0)
        while start < 150.0:
            length, depth = rng.uniform(10, 26), rng.uniform(9, 14)
            height = rng.uniform(3.6, 7) if rng.random() < 0.5 else rng.uniform(9, 22)
            if rng.random() < 0.86:
                low, high = (start, setback), (start + length, setback + depth)
                footprint = block.rectangle(low, high) if along_first else block.rectangle(low[::-1], high[::-1])
                meshes.append(build_house(footprint, height, rng))
            start += length + (rng.uniform(0.5, 3) if rng.random() < 0.6 else rng.uniform(5, 14))
    for _ in range(5):
        u, v = rng.uniform(60, 190, 2)
        footprint = block.rectangle((u, v), (u + rng.uniform(15, 30), v + 20))
        meshes.append(build_house(footprint, rng.uniform(18, 45), rng))
    return meshes


def _pavement(block: _Block, along_first: bool, rng: np.random.Generator, conditions: Conditions) -> list[Mesh]:
    """Trees, lamps, hedges and kiosks along one kerb of a block."""

    def place(along: float, aside: float) -> NDArray[np.float64]:
        return block.at(along, aside) if along_first else block.at(aside, along)

    meshes: list[Mesh] = []
    spacing, first = rng.uniform(8, 14), rng.uniform(9, 14)
    for u in np.arange(first, 120.0, spacing).tolist():
        if rng.random() < 0.62:
            meshes += build_tree(place(u + rng.uniform(-1, 1), rng.uniform(1.4, 2.2)), rng)
    for u in np.arange(first + spacing / 2, 140.0, 32.0).tolist():
        meshes += build_lamp(place(u, 0.8), place(u, -1.6))
    u = rng.uniform(10, 18)
    while u < 70.0:
        length = rng.uniform(3, 9)
        if rng.random() < conditions.hedge_share:
            height = rng.uniform(*conditions.hedge_height)
            meshes.append(build_hedge(place(u, 4.7), place(u + length, 5.6), height, rng))
        elif rng.random() < 0.3:
            meshes.append(build_kiosk(place(u, 3.0), place(u + 2.6, 4.9), rng))
        u += length + rng.uniform(2, 12)
    return meshes
