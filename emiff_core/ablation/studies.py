"""The studies by name: which detectors, under which settings, on what data."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emiff_core.ablation import settings as known
from emiff_core.ablation import variants
from emiff_core.ablation.cameras import run_with_more_masts
from emiff_core.ablation.data import Benchmark, Data
from emiff_core.ablation.learning import Report, Workshop
from emiff_core.ablation.result import Result, Row
from emiff_core.ablation.scores import places_of, score
from emiff_core.ablation.settings import Setting
from emiff_core.ablation.sweep import Progress, run_settings
from emiff_core.ablation.variants import Variant
from emiff_core.config import EmiffConfig
from emiff_core.data.dair_v2x import DairV2xDataset
from emiff_core.data.synthetic.benchmark import BENCHMARK, VERSION
from emiff_core.errors import EmiffError
from emiff_core.evaluation.metrics import measure
from emiff_core.evaluation.ranges import ModelRange
from emiff_core.evaluation.road import Road
from emiff_core.evaluation.run import EvaluatedFrame
from emiff_core.inference.eager import EagerEngine
from emiff_core.training.card import provenance
from emiff_core.training.config import TrainingConfig

_ASYNCHRONY_MS = (0, 100, 200, 300, 400)


@dataclass(frozen=True)
class Bench:
    """What a study needs.

    Attributes:
        detector, training: of EMIFF; variants differ from them.
        workshop: gives weights.
        data: what is evaluated on.
        out: gets a folder a study; its JSON stands beside that.
        seeds: trainings of each variant.
        frames: only the first so many of the data set.
        report: called with a line of text now and then.
        progress: called with the frames done and all frames of a variant.
    """

    detector: EmiffConfig
    training: TrainingConfig
    workshop: Workshop
    data: Data
    out: Path
    seeds: int
    frames: int | None
    report: Report
    progress: Progress


def run_study(name: str, bench: Bench) -> Path:
    """Run a study, train what it lacks, and write its JSON.

    Args:
        name: one of STUDIES.
        bench: all else.

    Returns:
        The JSON file.

    Raises:
        EmiffError: see `Workshop.weights_of` and `run_settings`; or the study cannot be done on this data.
    """
    made = provenance(bench.workshop.device)  # at once: the checkout may be another one when the study ends
    start = time.monotonic()
    trained_before = bench.workshop.seconds
    rows = tuple(STUDIES[name](bench, name))
    trained_s = bench.workshop.seconds - trained_before
    result = Result(
        name=name,
        data=bench.data.description,
        own_range=ModelRange.of(bench.detector.voxels).name,
        seconds=round(time.monotonic() - start - trained_s, 1),
        rows=rows,
        command=made.command,
        commit=made.commit,
        hardware=made.hardware,
    )
    path = bench.out / f'{name}.json'
    result.save(path)
    return path


@dataclass(frozen=True, eq=False)
class _Trained:
    """A variant with weights."""

    variant: Variant
    seed: int
    engines: tuple[EagerEngine, ...]
    hours: tuple[float, ...]

    @cached_property
    def road(self) -> Road:
        return self.variant.road(self.engines)

    def run_on(self, data: str) -> dict[str, object]:
        """Return what its results on some data depend on."""
        return {
            'data': data,
            'model_ids': [engine.model_id for engine in self.engines],
            'configs': [learner.detector.to_dict() for learner in self.variant.learners],
        }


def _trained(bench: Bench, chosen: list[Variant]) -> Iterator[_Trained]:
    """Yield each variant with each seed, trained."""
    for variant in chosen:
        for seed in range(bench.seeds):
            found = [bench.workshop.weights_of(learner, seed, bench.report) for learner in variant.learners]
            engines = tuple(
                EagerEngine(learner.detector, path, str(bench.workshop.device))
                for learner, (path, _) in zip(variant.learners, found, strict=True)
            )
            yield _Trained(variant, seed, engines, tuple(hours for _, hours in found))


def _evaluate(
    bench: Bench, study: str, trained: _Trained, settings: list[Setting], dataset: DairV2xDataset
) -> Iterator[Row]:
    bench.report(f'{study}: {trained.variant.title}, seed {trained.seed}, {len(settings)} settings')
    out = bench.out / study / f'{trained.variant.name}_seed{trained.seed}'
    run = trained.run_on(bench.data.description)
    found = run_settings(dataset, trained.road, settings, out, run, bench.frames, bench.progress)
    for setting, frames in zip(settings, found, strict=True):
        yield _row(bench, trained, setting, frames, places_of(dataset, len(frames)))


def _row(
    bench: Bench, trained: _Trained, setting: Setting, frames: list[EvaluatedFrame], places: NDArray[np.int64]
) -> Row:
    own = ModelRange.of(bench.detector.voxels)
    cost = measure(frames, (), own)
    return Row(
        variant=trained.variant.title,
        published=trained.variant.published,
        setting=(*trained.variant.values, *setting.values),
        seed=trained.seed,
        frames=len(frames),
        scores=tuple(score(frames, places, own)),
        message_bytes=cost.message_bytes,
        payload_bytes=cost.payload_bytes,
        paper_bytes=cost.paper_bytes,
        age_ms=cost.age_ms,
        model_ids=tuple(engine.model_id for engine in trained.engines),
        hours=trained.hours,
    )


Study = Callable[[Bench, str], Iterator[Row]]
Choose = Callable[[EmiffConfig, TrainingConfig], list[Variant]]


def _swept(choose: Choose, settings: Callable[[_Trained], list[Setting]]) -> Study:
    """Return a study of variants under settings of the same data set."""

    def rows(bench: Bench, study: str) -> Iterator[Row]:
        for trained in _trained(bench, choose(bench.detector, bench.training)):
            yield from _evaluate(bench, study, trained, settings(trained), bench.data.validation())

    return rows


def _asynchronous(choose: Choose) -> Study:
    """Return a study of variants on data whose roadside exposes earlier and earlier."""

    def rows(bench: Bench, study: str) -> Iterator[Row]:
        for trained in _trained(bench, choose(bench.detector, bench.training)):
            for milliseconds in _ASYNCHRONY_MS:
                dataset = bench.data.asynchronous(milliseconds)
                setting = Setting((('asynchrony_ms', float(milliseconds)),), trained.road.answer)
                yield from _evaluate(bench, study, trained, [setting], dataset)

    return rows


def _both(first: Study, second: Study) -> Study:
    def rows(bench: Bench, study: str) -> Iterator[Row]:
        yield from first(bench, study)
        yield from second(bench, study)

    return rows


def _cameras(bench: Bench, study: str) -> Iterator[Row]:
    """EMIFF with 0 to 3 roadside units, at the benchmark's crossings, rendered with more masts."""
    if not isinstance(bench.data, Benchmark):
        raise EmiffError(f'{study}: expected the synthetic benchmark, since no other data has three roadside units')
    count = bench.frames or BENCHMARK.validation_frames
    for trained in _trained(bench, _emiff(bench.detector, bench.training)):
        bench.report(f'{study}: {trained.variant.title}, seed {trained.seed}')
        run = trained.run_on(f'synthetic benchmark, version {VERSION}, val, more masts')
        out = bench.out / study / f'{trained.variant.name}_seed{trained.seed}'
        found = run_with_more_masts(trained.engines[0], out, run, count, bench.progress)
        places = np.arange(count) // BENCHMARK.looks
        for units, frames in enumerate(found):
            setting = Setting((('roadside_units', float(units)),), trained.road.answer)
            yield _row(bench, trained, setting, frames, places)


def _as_it_is(trained: _Trained) -> list[Setting]:
    return [Setting((), trained.road.answer)]


def _pose_errors(trained: _Trained) -> list[Setting]:
    return known.pose_errors(trained.road.answer)


def _calibration_noises(trained: _Trained) -> list[Setting]:
    return known.calibration_noises(trained.road.answer)


def _quantisations(trained: _Trained) -> list[Setting]:
    return known.quantisations(trained.engines[0])


def _emiff(detector: EmiffConfig, training: TrainingConfig) -> list[Variant]:
    return [variants.emiff(detector, training)]


STUDIES: dict[str, Study] = {
    'comparison': _swept(variants.comparison, _as_it_is),
    'fusion': _both(_swept(variants.fusions, _pose_errors), _asynchronous(variants.fusions)),
    'mca': _both(_swept(variants.mca, _pose_errors), _asynchronous(variants.mca)),
    'ccm': _swept(variants.ccm, _as_it_is),
    'fc': _swept(variants.fc, _as_it_is),
    'cameras': _cameras,
    'pose-error': _swept(_emiff, _pose_errors),
    'asynchrony': _asynchronous(_emiff),
    'calibration-noise': _swept(_emiff, _calibration_noises),
    'quantisation': _swept(_emiff, _quantisations),
}
