"""The vehicles of the synthetic crossing: their kinds, sizes and paints."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal['Car', 'Van', 'Truck', 'Bus']


@dataclass(frozen=True)
class _KindRange:
    is_large: bool
    share: float  # of the large, or of the others
    length: tuple[float, float]  # metres, as the others
    width: tuple[float, float]
    height: tuple[float, float]


_KINDS: dict[Kind, _KindRange] = {
    'Car': _KindRange(False, 0.8, (3.9, 4.9), (1.70, 1.92), (1.42, 1.68)),
    'Van': _KindRange(False, 0.2, (4.8, 5.6), (1.90, 2.05), (1.90, 2.35)),
    'Truck': _KindRange(True, 0.55, (6.5, 9.5), (2.25, 2.50), (2.70, 3.50)),
    'Bus': _KindRange(True, 0.45, (9.5, 12.0), (2.45, 2.60), (2.90, 3.30)),
}

# BGR, with how often each is seen
PAINTS = np.array(
    [
        [240, 240, 240], [205, 205, 210], [150, 150, 155], [70, 70, 74], [38, 38, 40], [120, 60, 30], [170, 110, 50],
        [45, 40, 165], [40, 30, 105], [70, 105, 60], [120, 165, 190], [30, 90, 160], [35, 170, 225],
    ],
    dtype=np.float64,
)  # fmt: skip
_PAINT_WEIGHTS = np.array([5, 4, 3, 3, 4, 1.5, 1.5, 1.5, 1, 0.7, 1, 0.7, 0.6])


@dataclass(frozen=True)
class VehicleSpec:
    """What a vehicle is: kind, size in metres, paint (BGR 0..255) and the seed of its details."""

    kind: Kind
    length: float
    width: float
    height: float
    paint: tuple[float, float, float]
    seed: int

    @property
    def size(self) -> NDArray[np.float64]:
        """(3,) length, width, height in metres."""
        return np.array([self.length, self.width, self.height])


def draw_kind(rng: np.random.Generator, large_share: float) -> Kind:
    """Draw a kind from a traffic of which `large_share` are trucks and buses."""
    is_large = bool(rng.random() < large_share)
    kinds = [kind for kind, ranges in _KINDS.items() if ranges.is_large == is_large]
    return kinds[rng.choice(len(kinds), p=[_KINDS[kind].share for kind in kinds])]


def draw_spec(rng: np.random.Generator, kind: Kind) -> VehicleSpec:
    """Draw a vehicle of a kind."""
    intervals = _KINDS[kind]
    length, width, height = (rng.uniform(*i) for i in (intervals.length, intervals.width, intervals.height))
    blue, green, red = PAINTS[rng.choice(len(PAINTS), p=_PAINT_WEIGHTS / _PAINT_WEIGHTS.sum())] * rng.uniform(
        0.85, 1.04
    )
    return VehicleSpec(kind, length, width, height, (blue, green, red), int(rng.integers(2**31)))
