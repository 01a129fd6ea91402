"""Trains what is not trained yet: a folder for each detector and seed, gone on with where it was stopped."""

import hashlib
import json
import os
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial
from multiprocessing.queues import SimpleQueue
from pathlib import Path
from typing import Any

import torch
import torch.multiprocessing as mp
from filelock import FileLock

from emiff_core.ablation.variants import Learner
from emiff_core.errors import EmiffError
from emiff_core.model import weights
from emiff_core.training.config import TrainingConfig
from emiff_core.training.one_side import OneSideSamples
from emiff_core.training.run import WEIGHTS, Plan, train
from emiff_core.training.samples import Samples
from emiff_core.training.schedule import total_steps

Report = Callable[[str], None]
_LOCK = 'training.lock'


@dataclass
class Workshop:
    """Where and on what detectors are trained.

    Attributes:
        folder: holds a folder for each learner and seed.
        source: names what is trained on; a training on another source is another training.
        samples: returns what is trained on and what is validated on; asked for only when something is trained.
        device: to compute on.
        processes: that train together; each takes `batch_size` samples a step.
        threads: of each.
        given: weights file of a learner that need not be trained, by the learner's name; seed 0 alone has them.
        initial: weights of EMIFF; every training starts from their encoders, neck and head. None: from random ones.
        seconds: that were spent on training so far.
    """

    folder: Path
    source: str
    samples: Callable[[], tuple[Samples, Samples]]
    device: torch.device
    processes: int
    threads: int
    given: dict[str, Path]
    initial: Path | None = None
    seconds: float = 0.0

    def weights_of(self, learner: Learner, seed: int, report: Report) -> tuple[Path, float]:
        """Return the weights file of a learner, trained now if it was not, and the hours that its training took.

        Raises:
            EmiffError: a training fails or was stopped, or is of another number of processes.
        """
        if learner.name in self.given and seed == 0:
            return self.given[learner.name], _hours_of_given(self.given[learner.name])
        # what it is trained on and from is part of the name: a training of anything else has another folder
        made_of = hashlib.sha256(f'{learner.digest} {self.source} {self._start}'.encode()).hexdigest()[:8]
        out = self.folder / f'{learner.name}-{made_of}' / f'seed{seed}'
        card = out / 'card.json'
        out.mkdir(parents=True, exist_ok=True)
        with FileLock(out / _LOCK):  # another study may train the same
            if not _is_complete(card, learner.training):
                report(f'training {learner.name}, seed {seed}, in {out}')
                began = time.monotonic()
                self._train(learner, seed, out, report)
                self.seconds += time.monotonic() - began
                if not _is_complete(card, learner.training):
                    raise EmiffError(f'{out}: the training was stopped; the same command goes on with it')
        return out / WEIGHTS, _hours(card)

    @cached_property
    def _start(self) -> str | None:
        return None if self.initial is None else weights.model_id(weights.read(self.initial))

    def _train(self, learner: Learner, seed: int, out: Path, report: Report) -> None:
        samples, validation = self.samples()
        if learner.side != 'both':
            samples = OneSideSamples(samples, learner.side, learner.labels)
            validation = OneSideSamples(validation, learner.side, learner.labels)
        training = replace(learner.training, seed=seed)
        blocks = None if self.initial is None else learner.shared_blocks
        plan = Plan(
            learner.detector, training, samples, validation, out, self.device, self.initial, blocks, resume=True
        )
        if self.processes == 1:
            train(plan, report)
        else:
            failures = mp.get_context('spawn').SimpleQueue()
            try:
                mp.spawn(_train_together, (self.processes, _free_port(), self.threads, plan, failures), self.processes)
            except mp.ProcessExitedException:
                if failures.empty():
                    raise
                raise EmiffError(failures.get()) from None


def _train_together(
    rank: int, world: int, port: int, threads: int, plan: Plan, failures: 'SimpleQueue[str]'
) -> None:
    """Train as one of several processes, which find each other as torchrun's do; tell a failure, and exit with 1."""
    os.environ |= {
        'RANK': str(rank),
        'LOCAL_RANK': str(rank),
        'WORLD_SIZE': str(world),
        'MASTER_ADDR': '127.0.0.1',
        'MASTER_PORT': str(port),
    }
    torch.set_num_threads(threads)
    try:
        train(plan, partial(print, file=sys.stderr))
    except EmiffError as error:
        failures.put(str(error))
        sys.exit(1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return int(probe.getsockname()[1])


def _is_complete(card: Path, training: TrainingConfig) -> bool:
    """Whether a training has made all its steps, by its card."""
    if not card.is_file():
        return False
    content = _read(card)
    options = training.optimizer
    settings = content['settings']
    samples_a_step = options.batch_size * options.accumulate * int(settings['processes'])
    n_samples = settings['samples'].get('samples') or settings['samples']['frames']
    return bool(content['steps'] == total_steps(training.schedule, int(n_samples), samples_a_step))


def _hours_of_given(weights_file: Path) -> float:
    """Return the hours of the card beside a weights file, if it is the card of these weights."""
    for card in (weights_file.with_suffix('.json'), weights_file.with_name('card.json')):
        if card.is_file() and _read(card).get('model_id') == weights.model_id(weights.read(weights_file)):
            return _hours(card)
    return 0.0


def _hours(card: Path) -> float:
    return float(_read(card).get('hours', 0.0)) if card.is_file() else 0.0


def _read(card: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(card.read_text(encoding='utf-8')))
    except (OSError, ValueError) as error:
        raise EmiffError(f'{card}: expected the card of a training: {error}') from None
