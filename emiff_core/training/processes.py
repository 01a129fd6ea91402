"""The processes that train together, as torchrun starts them; without it there is one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import nn

_PATIENCE = timedelta(hours=2)  # of the others while the first one validates


@dataclass(frozen=True)
class Processes:
    """This process among those that train together.

    Attributes:
        rank: of this one; 0 writes files and validates.
        world: how many there are.
        device: that this one computes on.
    """

    rank: int
    world: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        """Whether this process writes and reports."""
        return self.rank == 0

    def average_buffers(self, module: nn.Module) -> None:
        """Give all processes the mean of their batch norms' statistics, so that each holds the same network."""
        if self.world == 1:
            return
        buffers = [b for name, b in sorted(module.state_dict().items()) if name.endswith(('_mean', '_var'))]
        flat = torch.cat([buffer.flatten() for buffer in buffers])
        dist.all_reduce(flat)
        for buffer, part in zip(buffers, flat.div_(self.world).split([b.numel() for b in buffers]), strict=True):
            buffer.copy_(part.view_as(buffer))

    def any(self, flag: bool) -> bool:
        """Return whether any process says so."""
        return bool(self.mean(torch.tensor(float(flag), device=self.device)) > 0)

    def mean(self, values: torch.Tensor) -> torch.Tensor:
        """Return the mean of all processes' values."""
        if self.world > 1:
            dist.all_reduce(values)
        return values / self.world


@contextmanager
def join(device: torch.device) -> Iterator[Processes]:
    """Join the processes that torchrun announced in the environment, and leave them at the end.

    Args:
        device: the kind of device; of several GPUs, each process takes the one of its local rank.
    """
    world = int(os.environ.get('WORLD_SIZE', '1'))
    if world == 1:
        yield Processes(0, 1, device)
        return
    if device.type == 'cuda':
        device = torch.device('cuda', int(os.environ['LOCAL_RANK']))
        torch.cuda.set_device(device)
    dist.init_process_group('nccl' if device.type == 'cuda' else 'gloo', timeout=_PATIENCE)
    try:
        yield Processes(dist.get_rank(), dist.get_world_size(), device)
    finally:
        dist.destroy_process_group()
