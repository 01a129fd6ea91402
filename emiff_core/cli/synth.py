"""`emiff synth`: make a synthetic data set."""

from pathlib import Path
from typing import Annotated

import typer


def synth(
    out: Annotated[Path, typer.Option(help='New or empty folder for the data set.')],
    frames: Annotated[int, typer.Option(help='Pairs of images; every 100 of them are another crossing.')] = 20,
    seed: Annotated[int, typer.Option(help='The same seed gives the same data.')] = 0,
    asynchrony_ms: Annotated[
        float | None,
        typer.Option(help='The roadside exposes so many ms before the vehicle, exactly [default: 30 with jitter].'),
    ] = None,
    width: Annotated[int, typer.Option(help='Width of the images in pixels; 16:9.', min=160, max=3840)] = 1920,
    workers: Annotated[int, typer.Option(help='Processes that render.', min=1, max=64)] = 2,
) -> None:
    """Draw a synthetic drive over crossings, with exact labels, in the layout of DAIR-V2X-C."""
    from rich.console import Console
    from rich.progress import Progress

    from emiff_core.data.synthetic import generate

    console = Console(markup=False)
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task('rendering', total=frames)
        generate(
            out,
            frames,
            seed,
            asynchrony_ms,
            size=(width, round(width * 9 / 16)),
            workers=workers,
            progress=lambda done: bar.update(task, completed=done),
        )
    console.print(f'{frames} cooperative frames (seed {seed}) in {out}', highlight=False, soft_wrap=True)
