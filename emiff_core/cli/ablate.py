"""`emiff ablate`: what EMIFF gains over its baselines, what its blocks bring, and how it bears errors."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer


class StudyOption(str, Enum):
    """Which study."""

    comparison = 'comparison'
    fusion = 'fusion'
    mca = 'mca'
    ccm = 'ccm'
    fc = 'fc'
    cameras = 'cameras'
    pose_error = 'pose-error'
    asynchrony = 'asynchrony'
    calibration_noise = 'calibration-noise'
    quantisation = 'quantisation'


_TRAINS_OTHERS = (StudyOption.comparison, StudyOption.fusion, StudyOption.mca, StudyOption.ccm, StudyOption.fc)


def ablate(
    name: Annotated[StudyOption, typer.Argument(help='The study.')],
    out: Annotated[Path, typer.Option(help='Folder for the results and the trainings; what is there is gone on with.')],
    data: Annotated[
        Path | None,
        typer.Option(help='Data set in the layout of DAIR-V2X-C [default: the synthetic benchmark, val].'),
    ] = None,
    split: Annotated[str, typer.Option(help='Split of --data to evaluate on.')] = 'val',
    benchmark: Annotated[
        Path | None, typer.Option(help='Folder the benchmark is rendered into [default: OUT/benchmark].')
    ] = None,
    cache: Annotated[
        Path | None, typer.Option(help="Train on synthetic crossings, kept here; without it on --data's train split.")
    ] = None,
    config: Annotated[Path | None, typer.Option(help='Config of the detector; default: the demo.')] = None,
    training: Annotated[Path | None, typer.Option(help='Config of the training; default: the demo.')] = None,
    weights: Annotated[
        Path | None, typer.Option(help='Weights of EMIFF as --config has it, for studies that train no other (seed 0).')
    ] = None,
    initial: Annotated[
        Path | None,
        typer.Option(
            help='Weights of EMIFF; each training starts from their encoders, neck and head, the rest being random.'
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(help='Trainings of each variant.', min=1)] = 1,
    frames: Annotated[int | None, typer.Option(help='Evaluate only the first so many.', min=1)] = None,
    epochs: Annotated[float | None, typer.Option(help='Other than in the training config.', min=1e-6)] = None,
    processes: Annotated[int, typer.Option(help='That train together.', min=1)] = 1,
    threads: Annotated[int, typer.Option(help='CPU threads of each.', min=1)] = 2,
    workers: Annotated[int, typer.Option(help='Processes that render.', min=1)] = 2,
    device: Annotated[str, typer.Option(help='auto, cpu, cuda or cuda:N.')] = 'auto',
) -> None:
    """Train what is not trained yet, evaluate, and write OUT/NAME.json; started again, it goes on where it stopped.

    comparison, fusion, mca, ccm and fc train EMIFF and what it is compared with alike; the others take --weights.
    """
    from dataclasses import replace

    import torch
    from rich.console import Console

    from emiff_core.ablation.data import Benchmark, Data, DataSet
    from emiff_core.ablation.learning import Workshop
    from emiff_core.ablation.result import load_result
    from emiff_core.ablation.studies import Bench, run_study
    from emiff_core.ablation.tables import markdown
    from emiff_core.config import load_config
    from emiff_core.data.synthetic.benchmark import BENCHMARK
    from emiff_core.errors import EmiffError
    from emiff_core.inference.eager import select_device
    from emiff_core.resources import config_dir
    from emiff_core.training.config import load_training_config
    from emiff_core.training.crossings import render_crossings
    from emiff_core.training.samples import DairSamples, Samples

    if weights is not None and name in _TRAINS_OTHERS:
        raise EmiffError(
            f'--weights: expected none, since {name.value} trains EMIFF as it trains the others; --initial gives all '
            'of them a start'
        )
    torch.set_num_threads(threads)
    console = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    detector = load_config(config or config_dir() / 'emiff_demo.yaml')
    settings = load_training_config(training or config_dir() / 'training_demo.yaml')
    if epochs is not None:
        settings = replace(settings, schedule=replace(settings.schedule, epochs=epochs))

    def samples() -> tuple[Samples, Samples]:
        if cache is not None:
            image, crossings = detector.image, settings.crossings
            return (
                render_crossings(cache, 'training', crossings, image, workers),
                render_crossings(cache, 'validation', crossings, image, workers),
            )
        if data is None:
            raise EmiffError('expected --cache or --data to train on, or --weights where nothing else is trained')
        return DairSamples(data, 'train', detector.image), DairSamples(data, 'val', detector.image)

    def progress(done: int, of: int) -> None:
        if done % 20 == 0 or done == of:
            console.print(f'  {done} of {of} frames')

    source: Data
    if data is not None:
        source = DataSet(data, split)
    else:
        count = frames or BENCHMARK.validation_frames
        source = Benchmark(benchmark or out / 'benchmark', count, workers, report=console.print)
    given = {} if weights is None else {'emiff': weights}
    learnt_from = 'synthetic crossings' if cache is not None else str(data.resolve() if data else None)
    workshop = Workshop(
        out / 'trained', learnt_from, samples, select_device(device), processes, threads, given, initial
    )
    bench = Bench(detector, settings, workshop, source, out, seeds, frames, console.print, progress)
    path = run_study(name.value, bench)
    print(markdown(load_result(path)), end='')
    console.print(f'{path}')
