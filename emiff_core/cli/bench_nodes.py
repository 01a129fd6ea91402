"""`emiff bench nodes`: what the vehicle node costs beside the model."""

from pathlib import Path
from typing import Annotated

import typer


def nodes(
    out: Annotated[
        Path | None, typer.Option(help='New folder for images, recording and logs; default: one that is deleted.')
    ] = None,
    frames: Annotated[int, typer.Option(help='Image pairs to play; the first five do not count.', min=10)] = 50,
    config: Annotated[Path | None, typer.Option(help='Model config; the smallest model if not given.')] = None,
    threads: Annotated[int, typer.Option(help="CPU threads of each node's model.", min=1)] = 1,
    json: Annotated[bool, typer.Option('--json', help='Print the figures as JSON.')] = False,
) -> None:
    """Play uncompressed 1920 x 1080 images at 10 Hz through both nodes, and time what is not the network."""
    import json as json_format
    from contextlib import nullcontext
    from dataclasses import asdict
    from tempfile import TemporaryDirectory

    from rich.console import Console
    from rich.table import Table

    from emiff_core.bag.dair_to_bag import write_bag
    from emiff_core.config import load_config
    from emiff_core.data.dair_v2x import DairV2xDataset
    from emiff_core.data.synthetic import generate
    from emiff_core.demo.node_benchmark import measure
    from emiff_core.inference.benchmark import calibrate
    from emiff_core.resources import config_dir

    config = config or config_dir() / 'emiff_tiny.yaml'
    load_config(config)  # refused here, before anything is drawn
    with nullcontext(out) if out else TemporaryDirectory() as folder:
        work = Path(folder)
        generate(work / 'data', frames, seed=0, size=(1920, 1080), workers=2)
        write_bag(DairV2xDataset(work / 'data'), work / 'input', raw=True)
        figures = measure(work / 'input', work / 'run', config, threads)
    calibration_ms = round(calibrate(threads), 1)
    console = Console(soft_wrap=True, highlight=False)
    if json:
        console.print_json(json_format.dumps(asdict(figures) | {'threads': threads, 'calibration_ms': calibration_ms}))
        return
    table = Table(title=f'vehicle node, {config.name}, {threads} threads: {figures.counted} images, ms')
    for heading in ('stage', 'p50', 'p95'):
        table.add_column(heading, justify='left' if heading == 'stage' else 'right')
    rows = {**figures.stages_ms, 'sum outside the model': figures.overhead_ms}
    rows |= {'the model': figures.model_ms, 'DDS, both ways': figures.around_ms}
    for name, values in rows.items():
        table.add_row(name, f'{values["p50"]:.2f}', f'{values["p95"]:.2f}')
    console.print(table)
    console.print(
        f'{figures.answered} of {figures.images} images answered, {figures.skipped} skipped, {figures.fused} fused; '
        f'calibration {calibration_ms:.1f} ms'
    )
