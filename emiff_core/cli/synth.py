"""`emiff synth`: make a synthetic data set."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

_DRIVE_FRAMES, _DRIVE_WIDTH = 20, 1920


class PresetOption(str, Enum):
    """What is drawn."""

    drive = 'drive'
    benchmark = 'benchmark'


class SplitOption(str, Enum):
    """Which crossings of the benchmark."""

    train = 'train'
    val = 'val'


def synth(
    out: Annotated[Path, typer.Option(help='New or empty folder for the data set.')],
    preset: Annotated[
        PresetOption, typer.Option(help='Drives over crossings, or the benchmark: hard crossings, calibration noise.')
    ] = PresetOption.drive,
    split: Annotated[
        SplitOption | None, typer.Option(help="The benchmark's crossings to train on, or to validate on.")
    ] = None,
    frames: Annotated[
        int | None,
        typer.Option(help='Pairs of images [default: 20; of the benchmark 2000 to train, 240 to validate].'),
    ] = None,
    seed: Annotated[int | None, typer.Option(help='Of drives: the same seed, the same data [default: 0].')] = None,
    asynchrony_ms: Annotated[
        float | None,
        typer.Option(
            help='The roadside exposes so many ms before the vehicle, exactly '
            '[default: 30 with jitter; in the benchmark 0 to 100, drawn for each crossing].'
        ),
    ] = None,
    width: Annotated[
        int | None,
        typer.Option(
            help='Width of the images in pixels; 16:9 [default: 1920; of the benchmark 960].', min=160, max=3840
        ),
    ] = None,
    workers: Annotated[int, typer.Option(help='Processes that render.', min=1, max=64)] = 2,
    statistics: Annotated[bool, typer.Option('--statistics', help='Print what is in it, by range and viewer.')] = False,
) -> None:
    """Draw crossings seen by a vehicle and the roadside, with exact labels, in the layout of DAIR-V2X-C."""
    from functools import partial

    from rich.console import Console
    from rich.progress import Progress

    from emiff_core.data.synthetic import generate
    from emiff_core.data.synthetic.benchmark import BENCHMARK, compare_with_frozen, generate_benchmark
    from emiff_core.data.synthetic.digest import digest_data_set
    from emiff_core.data.synthetic.statistics import gather, table
    from emiff_core.errors import EmiffError

    if (preset is PresetOption.benchmark) != (split is not None):
        raise EmiffError('--split: expected train or val with --preset benchmark, and none without it')
    if split is not None and seed is not None:
        raise EmiffError(f'--seed: expected none with --preset benchmark, whose seeds are fixed, found {seed}')
    if split is None:
        count = _DRIVE_FRAMES if frames is None else frames
        size = _size(width or _DRIVE_WIDTH)
        draw = partial(generate, out, count, seed or 0, asynchrony_ms, size)
        what = f'{count} cooperative frames (seed {seed or 0})'
    else:
        count = BENCHMARK.frames(split.value) if frames is None else frames
        size = _size(width or BENCHMARK.size[0])
        draw = partial(generate_benchmark, out, split.value, count, asynchrony_ms, size)
        what = f'{count} cooperative frames of the benchmark ({split.value})'
    console = Console(highlight=False, soft_wrap=True)
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task('rendering', total=count)
        draw(workers=workers, progress=lambda done: bar.update(task, completed=done))
    console.print(f'{what} in {out}')
    if statistics:
        console.print(table(gather(out)))
    if split is SplitOption.val:
        digests = digest_data_set(out)
        console.print(f'labels {digests.labels}\nimages {digests.images}')
        console.print(compare_with_frozen(digests, count, asynchrony_ms, size))


def _size(width: int) -> tuple[int, int]:
    return width, round(width * 9 / 16)
