"""What a study evaluates on: a data set that is there, or the synthetic benchmark, rendered where it is not."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np
from filelock import FileLock

from emiff_core.data.dair_v2x import DairV2xDataset
from emiff_core.data.synthetic.benchmark import BENCHMARK, VERSION, generate_benchmark
from emiff_core.errors import EmiffError

_PERIOD_MS = 100  # between two exposures of a roadside camera of DAIR-V2X-C
_FRAMES_TIMED = 20


class Data(Protocol):
    """Frames, and the same with a roadside that exposes earlier."""

    @property
    def description(self) -> str:
        """In words."""

    def validation(self) -> DairV2xDataset:
        """Return the frames as they are."""

    def asynchronous(self, milliseconds: int) -> DairV2xDataset:
        """Return frames whose roadside exposes so much earlier than the vehicle."""


@dataclass(frozen=True)
class DataSet:
    """A data set in the layout of DAIR-V2X-C.

    Attributes:
        root: of it.
        split: of its split file.
    """

    root: Path
    split: str = 'val'

    @property
    def description(self) -> str:
        """In words."""
        return f'{self.root.resolve().name}, split {self.split}, index {self.validation().digest}'

    def validation(self) -> DairV2xDataset:
        """Return the split.

        Raises:
            EmiffError: see `DairV2xDataset`.
        """
        return DairV2xDataset(self.root, self.split)

    def asynchronous(self, milliseconds: int) -> DairV2xDataset:
        """Return the split with the roadside's exposure some frames earlier (VIC-Async-k), 100 ms each.

        Raises:
            EmiffError: see `DairV2xDataset`; or the roadside's frames are not 100 ms apart.
        """
        delayed = DairV2xDataset(self.root, self.split, delay_frames=milliseconds // _PERIOD_MS)
        found = _median_age_ms(delayed) - _median_age_ms(self.validation())
        if abs(found - milliseconds) > _PERIOD_MS / 2:
            raise EmiffError(
                f'{self.root}: expected {milliseconds // _PERIOD_MS} roadside frames to be {milliseconds} ms, found '
                f'{found:.0f} ms'
            )
        return delayed


def _median_age_ms(dataset: DairV2xDataset) -> float:
    return float(np.median([frame.age_ms for frame in islice(dataset.frames, _FRAMES_TIMED)]))


@dataclass(frozen=True)
class Benchmark:
    """The synthetic benchmark's validation split.

    Attributes:
        folder: gets a data set for each asynchrony, and keeps them.
        frames: rendered; the first of the split.
        workers: processes that render.
        size: of the pictures, pixels; the benchmark's own but for tests.
        report: called with a line of text before something is rendered.
    """

    folder: Path
    frames: int
    workers: int
    size: tuple[int, int] = BENCHMARK.size
    report: Callable[[str], None] = lambda line: None

    @property
    def description(self) -> str:
        """In words."""
        size = f'{self.size[0]} x {self.size[1]}'
        return f'synthetic benchmark, version {VERSION}, val, first {self.frames} frames, {size}'

    def validation(self) -> DairV2xDataset:
        """Return the split as it is frozen: the roadside 0 to 100 ms earlier."""
        return self._rendered(None)

    def asynchronous(self, milliseconds: int) -> DairV2xDataset:
        """Return the split with a roadside that exposes exactly so much earlier."""
        return self._rendered(milliseconds)

    def _rendered(self, milliseconds: int | None) -> DairV2xDataset:
        kind = 'as_drawn' if milliseconds is None else f'{milliseconds}ms'
        root = self.folder / f'v{VERSION}_val_{self.frames}_{self.size[0]}_{kind}'
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(root.with_name(root.name + '.lock')):  # another study may want it too
            self._render(root, milliseconds)
        return DairV2xDataset(root, 'val')

    def _render(self, root: Path, milliseconds: int | None) -> None:
        if not root.exists():
            unfinished = root.with_name(root.name + '.unfinished')
            if unfinished.exists():
                shutil.rmtree(unfinished)  # of a rendering that was broken off
            self.report(f'rendering {root}')
            generate_benchmark(unfinished, 'val', self.frames, milliseconds, self.size, self.workers)
            unfinished.rename(root)
