"""What a synthetic data set holds: how many objects, how far away, who sees them, how far apart the exposures are."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.table import Table

from emiff_core.data.dair_v2x import VEHICLE_INDEX, DairV2xDataset
from emiff_core.data.json_files import read_list

RANGES = ('0-20 m', '20-40 m', '40-60 m', '60-80 m', 'farther', 'behind')
SEERS = ('vehicle only', 'both', 'roadside only')
_RANGE_WIDTH = 20.0


@dataclass(frozen=True)
class Statistics:
    """Counts over all frames of a data set.

    Attributes:
        frames: pairs of pictures.
        crossings: that they show.
        objects: how many, by range and who sees them: objects['0-20 m', 'both']. Ranges are distances on the ground
            from the vehicle's lidar, of what is ahead of it.
        kinds: how many of each type.
        asynchrony_ms: least, mean and largest time by which the roadside exposes before the vehicle.
    """

    frames: int
    crossings: int
    objects: Counter[tuple[str, str]]
    kinds: Counter[str]
    asynchrony_ms: tuple[float, float, float]

    def count(self, range_name: str | None = None, seer: str | None = None) -> int:
        """Return how many objects there are of a range and a seer; None takes all."""
        return sum(n for (r, s), n in self.objects.items() if range_name in (None, r) and seer in (None, s))


def gather(root: Path) -> Statistics:
    """Count what a data set of `emiff synth` holds; no two of its vehicles have the same size, which tells them apart.

    Raises:
        EmiffError: a file is missing or malformed.
    """
    objects: Counter[tuple[str, str]] = Counter()
    kinds: Counter[str] = Counter()
    asynchrony = []
    dataset = DairV2xDataset(root)
    for frame in dataset.frames:
        own = _vehicles(root / f'vehicle-side/label/lidar/{frame.vehicle_id}.json')
        roadside = _vehicles(root / f'infrastructure-side/label/virtuallidar/{frame.infrastructure_id}.json')
        for vehicle, centre in zip(_vehicles(frame.label), frame.truth.boxes.centers, strict=True):
            seer = 'roadside only' if vehicle not in own else 'both' if vehicle in roadside else 'vehicle only'
            objects[_range_of(centre[0], centre[1]), seer] += 1
            kinds[vehicle[0]] += 1
        asynchrony.append(frame.age_ms)
    infos = read_list(root / VEHICLE_INDEX)
    crossings = len({info['batch_id'] for info in infos})
    spread = min(asynchrony), float(np.mean(asynchrony)), max(asynchrony)
    return Statistics(len(dataset), crossings, objects, kinds, spread)


def _range_of(x: float, y: float) -> str:
    return 'behind' if x < 0 else RANGES[min(int(np.hypot(x, y) // _RANGE_WIDTH), RANGES.index('farther'))]


def _vehicles(path: Path) -> list[tuple[str, ...]]:
    """Return type and dimensions of each entry of a label, in its order."""
    return [(str(entry['type']), str(entry['3d_dimensions'])) for entry in read_list(path)]


def table(statistics: Statistics) -> Table:
    """Lay out the counts for a terminal."""
    low, mean, high = statistics.asynchrony_ms
    kinds = ', '.join(f'{n} {kind}' for kind, n in statistics.kinds.most_common())
    result = Table(
        title=f'{statistics.frames} frames of {statistics.crossings} crossings',
        caption=f'{kinds}; roadside earlier by {low:.0f} to {high:.0f} ms, mean {mean:.0f}',
    )
    result.add_column('objects')
    for seer in (*SEERS, 'all'):
        result.add_column(seer, justify='right')
    for name in (*RANGES, None):
        counts = [statistics.count(name, seer) for seer in (*SEERS, None)]
        result.add_row(name or 'all', *map(str, counts), end_section=name == RANGES[-1])
    return result
