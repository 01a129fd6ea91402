"""The optimizer's steps: gradients averaged over batches and processes, clipped, applied at the schedule's rate."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from emiff_core.errors import EmiffError
from emiff_core.model.emiff import Emiff
from emiff_core.training.batch import Batch
from emiff_core.training.config import TrainingConfig
from emiff_core.training.network import TERMS, TrainingNetwork, WeightAverage
from emiff_core.training.processes import Processes
from emiff_core.training.schedule import rate_factor


@dataclass(frozen=True)
class StepReport:
    """What a step saw.

    Attributes:
        terms: of the loss, by name, before the step.
        gradient_norm: of all gradients together, before they were clipped.
        rate: learning rate of the parts other than the ResNets.
    """

    terms: dict[str, float]
    gradient_norm: float
    rate: float


class Trainer:
    """A network, its optimizer and how far they have come.

    Attributes:
        network: the detector with its losses.
        step: steps done.
        total: steps of the whole training.
    """

    def __init__(self, detector: Emiff, config: TrainingConfig, total: int, processes: Processes) -> None:
        """Begin at step 0 with the detector's weights."""
        self.config = config
        self.step = 0
        self.total = total
        self._processes = processes
        self.network = TrainingNetwork(detector, config).to(processes.device).train()
        self._parallel: nn.Module = self.network
        if processes.world > 1:
            # the roadside's coarser pyramid levels, for one, are never used, and so never get gradients
            self._parallel = DistributedDataParallel(
                self.network, broadcast_buffers=False, find_unused_parameters=True
            )
        options = config.optimizer
        self._optimizer = torch.optim.AdamW(
            self.network.parameter_groups(options),
            lr=options.learning_rate,
            betas=options.betas,
            weight_decay=options.weight_decay,
        )
        decay = options.average_decay
        self._average = WeightAverage(detector, decay) if decay > 0 else None

    def train_step(self, batches: Sequence[Batch]) -> StepReport:
        """Make one step with the mean gradient of `batches` and of all processes.

        Raises:
            EmiffError: the loss is no longer finite.
        """
        options = self.config.optimizer
        factor = rate_factor(self.step, self.total, self.config.schedule)
        for group in self._optimizer.param_groups:
            group['lr'] = options.learning_rate * factor * group['factor']
        self._optimizer.zero_grad(set_to_none=True)
        sum_of_terms = torch.zeros(len(TERMS), device=self._processes.device)
        for i, batch in enumerate(batches):
            with self._gathering(last=i == len(batches) - 1):
                terms: Tensor = self._parallel(batch)
                (terms.sum() / len(batches)).backward()
            sum_of_terms += terms.detach()
        values = self._processes.mean(sum_of_terms / len(batches)).tolist()
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), options.clip_norm)
        if not all(map(torch.isfinite, (*map(torch.tensor, values), norm))):
            raise EmiffError(f'step {self.step}: the loss is no longer finite; expected a lower learning rate to help')
        self._optimizer.step()
        self._processes.average_buffers(self.network)
        if self._average is not None:
            self._average.update(self.network.detector, self.step)
        self.step += 1
        return StepReport(dict(zip(TERMS, values, strict=True)), float(norm), options.learning_rate * factor)

    def weights(self) -> dict[str, Tensor]:
        """Return the detector's tensors: their average where one is kept."""
        return self.network.detector.state_dict() if self._average is None else self._average.tensors

    def state(self) -> dict[str, Any]:
        """Return all that a later `load_state` needs to go on as if nothing had happened."""
        return {
            'step': self.step,
            'network': self.network.state_dict(),
            'optimizer': self._optimizer.state_dict(),
            'average': None if self._average is None else self._average.tensors,
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned in a training with the same settings."""
        self.step = state['step']
        self.network.load_state_dict(state['network'])
        self._optimizer.load_state_dict(state['optimizer'])
        if self._average is not None:
            self._average.tensors = {k: v.to(self._processes.device) for k, v in state['average'].items()}

    def _gathering(self, last: bool) -> Any:
        """Wait with the exchange of gradients for the last of the accumulated batches."""
        if isinstance(self._parallel, DistributedDataParallel) and not last:
            return self._parallel.no_sync()
        return nullcontext()
