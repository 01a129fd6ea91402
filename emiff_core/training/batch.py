"""Examples side by side, and in which order they come."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset, Sampler

from emiff_core.config import EmiffConfig
from emiff_core.errors import EmiffError
from emiff_core.model.camera_batch import CameraBatch
from emiff_core.training.assigner import Targets
from emiff_core.training.augmentation import Example, make_example
from emiff_core.training.config import AugmentationConfig
from emiff_core.training.samples import Samples


@dataclass(frozen=True, eq=False)
class Batch:
    """B examples.

    Attributes:
        images: (B, 3, H, W) of the vehicles and of the roadsides, zeros right of and below smaller ones.
        cameras: B cameras of each side.
        present: (B,) bool, which examples have their roadside.
        targets: what the head of each should show.
        visible: every box that a present camera sees, of each.
        seen: of each, (N, 2) bool, which camera sees its N visible boxes.
    """

    images: tuple[Tensor, Tensor]
    cameras: tuple[CameraBatch, CameraBatch]
    present: Tensor
    targets: list[Targets]
    visible: list[Targets]
    seen: list[Tensor]

    @classmethod
    def collate(cls, examples: Sequence[Example]) -> 'Batch':
        """Put examples into one batch."""
        return cls(
            (_padded([e.images[0] for e in examples]), _padded([e.images[1] for e in examples])),
            (CameraBatch.stack([e.cameras[0] for e in examples]), CameraBatch.stack([e.cameras[1] for e in examples])),
            torch.tensor([e.present for e in examples]),
            [e.targets for e in examples],
            [e.visible for e in examples],
            [e.seen for e in examples],
        )

    def to(self, device: torch.device) -> 'Batch':
        """Return the batch on `device`, images channels-last (without it bfloat16 is several times slower on CPUs)."""
        vehicle, roadside = (x.to(device, memory_format=torch.channels_last) for x in self.images)
        return Batch(
            (vehicle, roadside),
            (self.cameras[0].to(device), self.cameras[1].to(device)),
            self.present.to(device),
            [targets.to(device) for targets in self.targets],
            [visible.to(device) for visible in self.visible],
            [seen.to(device) for seen in self.seen],
        )


@dataclass(frozen=True)
class Draw:
    """Which sample is seen, and in which pass over the data: what its augmentation is drawn from."""

    epoch: int
    index: int


class Examples(Dataset[Example | EmiffError]):
    """Samples as examples, or why one cannot be read; what is drawn depends on seed, epoch and sample alone."""

    def __init__(self, samples: Samples, detector: EmiffConfig, augmentation: AugmentationConfig, seed: int) -> None:
        self._samples = samples
        self._detector = detector
        self._augmentation = augmentation
        self._seed = seed

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, draw: Draw) -> Example | EmiffError:
        rng = np.random.default_rng([self._seed, draw.epoch, draw.index])
        try:
            return make_example(self._samples[draw.index], self._detector, self._augmentation, rng)
        except EmiffError as error:
            return error


class DrawOrder(Sampler[list[Draw]]):
    """The batches of one process, from any step on.

    All processes walk one endless row of permutations of the samples. Batch b of the row goes to process b % processes,
    so that two processes see in one step what one process sees in two accumulated batches.
    """

    def __init__(self, n_samples: int, seed: int, batch_size: int, first: int, last: int, rank: int, world: int):
        """Order the batches `first` to `last` (exclusive) of each process.

        Args:
            n_samples: in one pass.
            seed: of the permutations.
            batch_size: samples of a process at once.
            first, last: batches of this process, counted from the beginning of the training.
            rank, world: this process and how many there are.
        """
        self._n_samples = n_samples
        self._seed = seed
        self._batch_size = batch_size
        self._batches = range(first, last)
        self._rank = rank
        self._world = world

    def __len__(self) -> int:
        return len(self._batches)

    def __iter__(self) -> Iterator[list[Draw]]:
        epoch = -1
        permutation: NDArray[np.int64] = np.zeros(0, dtype=np.int64)
        for batch in self._batches:
            start = (batch * self._world + self._rank) * self._batch_size
            draws = []
            for position in range(start, start + self._batch_size):
                if position // self._n_samples != epoch:
                    epoch = position // self._n_samples
                    permutation = self._permutation(epoch)
                draws.append(Draw(epoch, int(permutation[position % self._n_samples])))
            yield draws

    def _permutation(self, epoch: int) -> NDArray[np.int64]:
        return np.random.default_rng([self._seed, epoch]).permutation(self._n_samples)


def _padded(images: Sequence[Tensor]) -> Tensor:
    height, width = (max(image.shape[axis] for image in images) for axis in (1, 2))
    return torch.stack([F.pad(x, (0, width - x.shape[2], 0, height - x.shape[1])) for x in images])
