"""A training from its first step, or from where it was stopped, to the weights file and its card."""

import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from emiff_core import schema
from emiff_core.config import EmiffConfig, save_config
from emiff_core.data.truth import EVALUATED_CLASS
from emiff_core.errors import EmiffError
from emiff_core.model import weights
from emiff_core.model.baselines import build_detector
from emiff_core.model.checkpoint import load_backbone
from emiff_core.model.emiff import Emiff
from emiff_core.training.augmentation import Example
from emiff_core.training.batch import Batch, DrawOrder, Examples
from emiff_core.training.card import provenance, write_card
from emiff_core.training.checkpoint import load_checkpoint, save_checkpoint
from emiff_core.training.config import TrainingConfig
from emiff_core.training.log import TrainingLog
from emiff_core.training.memory import keep_freed_memory
from emiff_core.training.processes import Processes, join
from emiff_core.training.samples import Samples
from emiff_core.training.schedule import total_steps
from emiff_core.training.trainer import StepReport, Trainer
from emiff_core.training.validation import validate

CHECKPOINT = 'checkpoint.pt'
WEIGHTS = 'weights.safetensors'

_STEPS_A_REPORT = 10


@dataclass(frozen=True, eq=False)
class Plan:
    """All that a training needs.

    Attributes:
        detector, training: what is trained, and how.
        samples, validation: what on, and what it is measured by.
        out: folder of the results.
        device: kind of device to compute on.
        initial: weights file to start from; None: random weights, and `backbone.pretrained` where it is given.
        initial_blocks: what to take of it, see `model.weights.load_blocks`, the rest being random; None: all of it.
        resume: go on from the checkpoint in `out` if there is one.
        workers: processes that prepare samples; 0: the training's own.
        checkpoint_minutes: between two checkpoints.
        half_precision: whether the weights file holds convolutions and matrices in float16.
    """

    detector: EmiffConfig
    training: TrainingConfig
    samples: Samples
    validation: Samples
    out: Path
    device: torch.device
    initial: Path | None = None
    initial_blocks: Mapping[str, str] | None = None
    resume: bool = False
    workers: int = 0
    checkpoint_minutes: float = 3.0
    half_precision: bool = False


def train(plan: Plan, report: Callable[[str], None]) -> None:
    """Train, and write into `plan.out`: checkpoint.pt and log.jsonl on the way, and at each validation
    weights.safetensors, config.yaml and card.json. SIGINT and SIGTERM write a checkpoint and end the training early.

    Args:
        plan: all settings.
        report: called with a line of text now and then, by one process.

    Raises:
        EmiffError: a file cannot be read or written, `out` holds another training, or the loss diverges.
    """
    if plan.device.type == 'cpu':
        keep_freed_memory()
    with join(plan.device) as processes, _stop_on_signal() as is_stopped:
        _Run(plan, processes, report if processes.is_first else lambda line: None).run(is_stopped)


class _Run:
    def __init__(self, plan: Plan, processes: Processes, report: Callable[[str], None]) -> None:
        self.plan = plan
        self.processes = processes
        self.report = report
        self.provenance = provenance(processes.device)  # at once: the checkout may be another one at the end
        options = plan.training.optimizer
        samples_a_step = options.batch_size * options.accumulate * processes.world
        total = total_steps(plan.training.schedule, len(plan.samples), samples_a_step)
        detector, initial = _first_detector(plan)
        self.settings: dict[str, object] = {
            'detector': schema.plain(plan.detector),
            'training': schema.plain(plan.training),
            'samples': plan.samples.description,
            'validation': plan.validation.description,
            'processes': processes.world,
            'initial': initial,
            'initial_blocks': None if plan.initial_blocks is None else dict(plan.initial_blocks),
        }
        self.trainer = Trainer(detector, plan.training, total, processes)
        self.seconds = 0.0
        self.metrics: dict[str, float | None] = {}
        self._resume()

    def run(self, is_stopped: Callable[[], bool]) -> None:
        trainer, plan = self.trainer, self.plan
        counts = range(1, plan.training.validations + 1)
        validated_after = {round(trainer.total * k / plan.training.validations) for k in counts}
        log = TrainingLog(plan.out) if self.processes.is_first else None
        began, saved = time.monotonic() - self.seconds, time.monotonic()
        for batches in self._batches():
            step = trainer.train_step([batch.to(self.processes.device) for batch in batches])
            self.seconds = time.monotonic() - began
            stopped = self.processes.any(is_stopped())
            if log is None:
                if stopped:
                    return
                continue
            if trainer.step % _STEPS_A_REPORT == 0 or trainer.step == trainer.total:
                self._report_step(log, step)
            if trainer.step in validated_after:
                self._validate(log)
            if stopped or trainer.step == trainer.total or time.monotonic() - saved > 60 * plan.checkpoint_minutes:
                self._save()
                saved = time.monotonic()
            if stopped:
                self.report(f'stopped after step {trainer.step} of {trainer.total}; --resume goes on from here')
                break
        if log is not None:
            log.close()

    def _batches(self) -> Iterator[list[Batch]]:
        plan, options = self.plan, self.plan.training.optimizer
        order = DrawOrder(
            len(plan.samples),
            plan.training.seed,
            options.batch_size,
            self.trainer.step * options.accumulate,
            self.trainer.total * options.accumulate,
            self.processes.rank,
            self.processes.world,
        )
        loader = DataLoader(
            Examples(plan.samples, plan.detector, plan.training.augmentation, plan.training.seed),
            batch_sampler=order,
            collate_fn=_collate,
            num_workers=plan.workers,
            multiprocessing_context='spawn' if plan.workers else None,
            worker_init_fn=_leave_interrupts_to_the_training,
        )
        batches = iter(loader)
        while group := list(islice(batches, options.accumulate)):
            for batch in group:
                if isinstance(batch, EmiffError):
                    raise batch
            yield group

    def _resume(self) -> None:
        path = self.plan.out / CHECKPOINT
        if not path.is_file():
            return
        if not self.plan.resume:
            raise EmiffError(f'{path}: expected no earlier training in the folder, found one; --resume goes on with it')
        state = load_checkpoint(path, self.settings)
        self.seconds, self.metrics = state['seconds'], state['metrics']
        self.trainer.load_state(state['trainer'])
        self.report(f'going on after step {self.trainer.step} of {self.trainer.total}')

    def _save(self) -> None:
        state = {'trainer': self.trainer.state(), 'seconds': self.seconds, 'metrics': self.metrics}
        save_checkpoint(self.plan.out / CHECKPOINT, state, self.settings)

    def _report_step(self, log: TrainingLog, step: StepReport) -> None:
        values = {**step.terms, 'loss': sum(step.terms.values()), 'gradient_norm': step.gradient_norm}
        log.write('step', self.trainer.step, {**values, 'rate': step.rate, 'seconds': round(self.seconds, 1)})
        terms = ', '.join(f'{name} {value:.3f}' for name, value in step.terms.items() if value)
        done = f'step {self.trainer.step} of {self.trainer.total}, {self.seconds / 60:.1f} min'
        self.report(f'{done}: loss {values["loss"]:.3f} ({terms}), rate {step.rate:.2g}')

    def _validate(self, log: TrainingLog) -> None:
        """Measure the detector and write it as it stands."""
        plan, tensors = self.plan, self.trainer.weights()
        self.metrics = validate(plan.detector, tensors, plan.validation, self.processes.device)
        log.write('validation', self.trainer.step, self.metrics)
        told = (f'{name} {"-" if value is None else value}' for name, value in self.metrics.items())
        self.report('AP at IoU 0.5: ' + ', '.join(told))
        stored = {k: v.half() if plan.half_precision and v.ndim > 1 else v for k, v in tensors.items()}
        weights.write(stored, plan.out / WEIGHTS)
        save_config(plan.detector, plan.out / 'config.yaml')
        write_card(
            plan.out / 'card.json',
            self.provenance,
            self.settings,
            {
                'model_id': weights.model_id(stored),
                'steps': self.trainer.step,
                'hours': round(self.seconds / 3600, 3),
                'ap_standard_iou50_percent': self.metrics,
            },
        )


def _first_detector(plan: Plan) -> tuple[Emiff, str | None]:
    """Return the detector that training starts from, and the model_id of the file it came from."""
    try:
        plan.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EmiffError(f'{plan.out}: expected a folder for the results: {error.strerror}') from None
    if EVALUATED_CLASS not in plan.detector.head.class_names:
        names = ', '.join(plan.detector.head.class_names)
        raise EmiffError(f'head.class_names: expected {EVALUATED_CLASS} among them, found {names}')
    detector = build_detector(plan.detector)
    weights.initialise(detector, plan.training.seed)
    if plan.initial is not None:
        if plan.initial_blocks is None:
            return detector, weights.load(detector, plan.initial)
        return detector, weights.load_blocks(detector, plan.initial, plan.initial_blocks)
    if plan.detector.backbone.pretrained is not None:
        load_backbone(detector, Path(plan.detector.backbone.pretrained))
    elif plan.training.optimizer.frozen_stages or plan.training.optimizer.frozen_norms:
        raise EmiffError(
            'optimizer: expected frozen_stages 0 and frozen_norms false, since the ResNets start random; to start '
            "from trained ones name them as the detector's backbone.pretrained, or give --initial"
        )
    return detector, None


def _collate(examples: Sequence[Example | EmiffError]) -> Batch | EmiffError:
    """Return a batch, or what is wrong with one of its samples: raised in a worker, it would come as a traceback."""
    whole = []
    for example in examples:
        if isinstance(example, EmiffError):
            return example
        whole.append(example)
    return Batch.collate(whole)


def _leave_interrupts_to_the_training(_: int) -> None:
    """Keep a worker alive at Ctrl-C, which reaches it too: the training still needs its batches to end in order.

    SIGTERM still ends it: that is how a training that failed gets rid of its workers.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _stop_on_signal() -> Iterator[Callable[[], bool]]:
    """Turn SIGINT and SIGTERM into an answer to the question whether to stop."""
    received: list[int] = []
    kinds = (signal.SIGINT, signal.SIGTERM)
    earlier = [signal.signal(kind, lambda number, frame: received.append(number)) for kind in kinds]
    try:
        yield lambda: bool(received)
    finally:
        for kind, handler in zip(kinds, earlier, strict=True):
            signal.signal(kind, handler)
