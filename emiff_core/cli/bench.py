"""`emiff bench model`: how long a frame takes here, stage by stage."""

from pathlib import Path
from typing import Annotated

import typer


def bench(
    config: Annotated[Path | None, typer.Option(help='Config of the detector; default: the demo.')] = None,
    weights: Annotated[
        Path | None, typer.Option(help='Weights, or random; default: those of the config.')
    ] = None,
    frames: Annotated[int, typer.Option(help='Frames to time, after one that is not counted.', min=1)] = 10,
    threads: Annotated[int, typer.Option(help='CPU threads.', min=1)] = 2,
    device: Annotated[str, typer.Option(help='auto, cpu, cuda or cuda:N.')] = 'auto',
    json: Annotated[bool, typer.Option('--json', help='Print the medians as JSON.')] = False,
) -> None:
    """Time both sides of the model, one after the other, and print the median of each stage."""
    import json as json_format
    from statistics import median

    import torch
    from rich.console import Console
    from rich.table import Table

    from emiff_core.config import load_config
    from emiff_core.inference.benchmark import measure
    from emiff_core.inference.eager import EagerEngine
    from emiff_core.resources import config_dir, find_weights

    torch.set_num_threads(threads)
    path = config or config_dir() / 'emiff_demo.yaml'
    engine = EagerEngine(load_config(path), find_weights(path, weights), device)
    times = measure(engine, frames)
    roadside = {name: median(t.roadside_ms[name] for t in times) for name in times[0].roadside_ms}
    vehicle = {name: median(t.vehicle_ms[name] for t in times) for name in times[0].vehicle_ms}
    total = median(t.total_ms for t in times)
    console = Console(soft_wrap=True, highlight=False)
    if json:
        summary = {'roadside_ms': roadside, 'vehicle_ms': vehicle, 'total_ms': total, 'device': str(engine.device)}
        console.print_json(json_format.dumps(summary))
        return
    table = Table(title=f'{path.name} on {engine.device}, {threads} threads: median of {frames} frames, ms')
    for heading in ('stage', 'roadside', 'vehicle'):
        table.add_column(heading, justify='left' if heading == 'stage' else 'right')
    for name in vehicle:
        table.add_row(name, f'{roadside[name]:.1f}' if name in roadside else '', f'{vehicle[name]:.1f}')
    table.add_section()
    table.add_row('sum', f'{sum(roadside.values()):.1f}', f'{sum(vehicle.values()):.1f}')
    table.add_row('both, wall clock', '', f'{total:.1f}')
    console.print(table)
