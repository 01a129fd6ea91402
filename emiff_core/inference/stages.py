"""How long each stage of a frame took."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch

StageTimes = dict[str, float]


class StageClock:
    """Adds up the milliseconds of named stages; on a GPU it waits for the stage's kernels, so it measures them."""

    def __init__(self, device: torch.device) -> None:
        self.times: StageTimes = {}
        self._device = device

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Time the block as (a further part of) stage `name`."""
        start = time.perf_counter()
        yield
        if self._device.type == 'cuda':
            torch.cuda.synchronize(self._device)
        self.times[name] = self.times.get(name, 0.0) + (time.perf_counter() - start) * 1e3
