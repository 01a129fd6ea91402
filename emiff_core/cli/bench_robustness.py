"""`emiff bench robustness`: what a bad radio does to detections."""

from pathlib import Path
from typing import Annotated

import typer


def robustness(
    out: Annotated[Path, typer.Option(help='New folder for the table, the recordings and the logs.')],
    frames: Annotated[int, typer.Option(help='Image pairs to play to each radio, at 10 Hz.', min=10)] = 100,
    seed: Annotated[int, typer.Option(help='Of the crossing and of the radio.', min=0)] = 0,
    config: Annotated[Path | None, typer.Option(help='Model config; the smallest model if not given.')] = None,
) -> None:
    """Put a relay that loses, delays, reorders and doubles between the two nodes, and count what comes of it.

    Leaves in OUT: robustness.md, and a folder a radio. Exit status 1 when an image got no answer, a feature was used
    that is too old, or one was refused without a reason.
    """
    from rich.console import Console
    from rich.progress import track

    from emiff_core.bag.dair_to_bag import write_bag
    from emiff_core.config import load_config
    from emiff_core.data.dair_v2x import DairV2xDataset
    from emiff_core.data.synthetic import generate
    from emiff_core.demo.robustness import grid, markdown, measure
    from emiff_core.resources import config_dir

    config = config or config_dir() / 'emiff_tiny.yaml'
    load_config(config)  # refused here, before anything is drawn
    console = Console(stderr=True, highlight=False, markup=False)
    generate(out / 'data', frames, seed, size=(480, 270), workers=2)
    write_bag(DairV2xDataset(out / 'data'), out / 'input')
    rows = []
    for number, radio in enumerate(track(grid(seed), 'radios', console=console)):
        rows.append(measure(out / 'input', out / f'radio_{number:02d}', config, radio))
    table = markdown(rows)
    (out / 'robustness.md').write_text(table)
    print(table, end='')
    failures = [f'radio {number}: {failure}' for number, row in enumerate(rows) for failure in row.failures()]
    for failure in failures:
        console.print(f'failed: {failure}', style='red')
    if failures:
        raise typer.Exit(1)
