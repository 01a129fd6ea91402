"""`emiff train`: train a detector."""

from pathlib import Path
from typing import Annotated

import typer


def train(
    out: Annotated[Path, typer.Option(help='Folder for the weights, their card, the log and the checkpoint.')],
    cache: Annotated[
        Path | None, typer.Option(help='Train on synthetic crossings; rendered into this folder where it lacks them.')
    ] = None,
    data: Annotated[Path | None, typer.Option(help='Train on a data set in the layout of DAIR-V2X-C.')] = None,
    config: Annotated[Path | None, typer.Option(help='Config of the detector; default: the demo.')] = None,
    training: Annotated[Path | None, typer.Option(help='Config of the training; default: the demo.')] = None,
    epochs: Annotated[
        float | None, typer.Option(help='Passes over the samples, other than in the config.', min=1e-6)
    ] = None,
    initial: Annotated[Path | None, typer.Option(help='Weights to start from; default: random ones.')] = None,
    resume: Annotated[bool, typer.Option('--resume', help='Go on from the checkpoint in OUT if there is one.')] = False,
    checkpoint_minutes: Annotated[float, typer.Option(help='Minutes between two checkpoints.', min=0.01)] = 3.0,
    half_precision: Annotated[
        bool, typer.Option('--half-precision', help='Store convolutions in float16: half the file.')
    ] = False,
    device: Annotated[str, typer.Option(help='auto, cpu, cuda or cuda:N.')] = 'auto',
    threads: Annotated[int, typer.Option(help='CPU threads.', min=1)] = 2,
    workers: Annotated[int, typer.Option(help='Processes that prepare samples; 0: none of their own.', min=0)] = 0,
    render_workers: Annotated[int, typer.Option(help='Processes that render crossings.', min=1)] = 2,
) -> None:
    """Train a detector on synthetic crossings (--cache) or on a data set (--data).

    Several processes: torchrun --nproc-per-node=N --no-python emiff train ...
    """
    from dataclasses import replace

    import torch
    from rich.console import Console

    from emiff_core.config import load_config
    from emiff_core.errors import EmiffError
    from emiff_core.inference.eager import select_device
    from emiff_core.resources import config_dir
    from emiff_core.training import run
    from emiff_core.training.config import load_training_config
    from emiff_core.training.crossings import render_crossings
    from emiff_core.training.samples import DairSamples, Samples

    torch.set_num_threads(threads)
    console = Console(soft_wrap=True, highlight=False, markup=False)
    detector = load_config(config or config_dir() / 'emiff_demo.yaml')
    settings = load_training_config(training or config_dir() / 'training_demo.yaml')
    if epochs is not None:
        settings = replace(settings, schedule=replace(settings.schedule, epochs=epochs))
    samples: Samples
    validation: Samples
    if cache is not None and data is None:

        def progress(done: int, of: int) -> None:
            console.print(f'rendered {done} of {of} chunks')

        crossings = settings.crossings
        samples = render_crossings(cache, 'training', crossings, detector.image, render_workers, progress)
        validation = render_crossings(cache, 'validation', crossings, detector.image, render_workers, progress)
    elif data is not None and cache is None:
        samples, validation = (DairSamples(data, split, detector.image) for split in ('train', 'val'))
    else:
        raise EmiffError('expected either --cache (synthetic crossings) or --data (a data set)')
    plan = run.Plan(
        detector=detector,
        training=settings,
        samples=samples,
        validation=validation,
        out=out,
        device=select_device(device),
        initial=initial,
        resume=resume,
        workers=workers,
        checkpoint_minutes=checkpoint_minutes,
        half_precision=half_precision,
    )
    run.train(plan, console.print)
