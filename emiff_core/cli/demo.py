"""`emiff demo`: the main job, from images to boxes through real nodes."""

import json
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

import typer

_WORKERS = 2
_LIBRARIES = ('torch', 'torchvision', 'numpy', 'opencv-python-headless', 'rosbags')


def demo(
    out: Annotated[Path, typer.Option(help='Folder for everything that the run leaves.')],
    frames: Annotated[int, typer.Option(min=1, help='Image pairs to play.')] = 20,
    seed: Annotated[int, typer.Option(min=0, help='Of the made-up crossing.')] = 0,
    config: Annotated[Path | None, typer.Option(help='Model config; the demo model if not given.')] = None,
    weights: Annotated[
        Path | None, typer.Option(help='Weights (.safetensors), or random; default: those of the config.')
    ] = None,
    data: Annotated[Path | None, typer.Option(help='Data set in the DAIR-V2X-C layout; made up if not given.')] = None,
    answer_s: Annotated[float, typer.Option(min=1, help='Longest wait for one answer of a node, seconds.')] = 180.0,
    as_json: Annotated[bool, typer.Option('--json', help='Print summary.json instead of a table.')] = False,
) -> None:
    """Play a crossing through a roadside node and a vehicle node and show what came of it.

    Leaves in OUT: summary.json, detections.mcap, pictures/, logs/, and the bag that was played (input/).
    Exit status 1 when a node died, an image got no answer, too many were skipped, or nothing was fused.
    """
    from rich.console import Console

    from emiff_core.bag.dair_to_bag import write_bag
    from emiff_core.config import load_config
    from emiff_core.data.dair_v2x import DairV2xDataset
    from emiff_core.demo.pictures import write_pictures
    from emiff_core.demo.recording import read_recording
    from emiff_core.demo.run import run_nodes
    from emiff_core.demo.summary import failures, summarise
    from emiff_core.demo.workspace import clear_workspace, take_single_file
    from emiff_core.resources import RANDOM, config_dir, find_weights

    console = Console(stderr=as_json, markup=False)
    config = config or config_dir() / 'emiff_demo.yaml'
    weights = find_weights(config, weights)
    model = load_config(config)
    clear_workspace(out, data)
    with _progress(console) as bars:
        if data is None:
            from emiff_core.data.synthetic import generate

            data = out / 'data'
            generate(data, frames, seed, workers=_WORKERS, progress=_bar(bars, 'making up a crossing', frames))
        dataset = DairV2xDataset(data)
        write_bag(dataset, out / 'input', frames=frames)
        nodes = run_nodes(
            out / 'input',
            out / 'recording',
            out / 'logs',
            config,
            weights,
            answer_s,
            _bar(bars, 'playing it through the nodes', min(frames, len(dataset.frames))),
        )
    recording = take_single_file(out / 'recording', out / 'detections.mcap')
    run = read_recording(recording)
    summary = summarise(run, model.voxels.x_range, model.voxels.y_range)
    summary['weights'] = weights.name if weights else RANDOM
    summary['config'] = config.name
    summary['nodes'] = [
        {'name': node.name, 'pid': node.pid, 'exit_code': node.exit_code}
        for node in nodes
        if node.name != 'recorder_node'
    ]
    summary['failures'] = failures(summary, {node.name: node.exit_code for node in nodes})
    summary['versions'] = _versions()
    (out / 'summary.json').write_text(json.dumps(summary, indent=2) + '\n')
    pictures = write_pictures(dataset.frames[:frames], run, model.voxels, out / 'pictures')
    if as_json:
        print(json.dumps(summary, indent=2))
    else:
        _print_table(console, summary)
        console.print(f'pictures: {", ".join(str(path) for path in pictures)}')
        console.print(f'bag:      {recording}', f'figures:  {out / "summary.json"}', sep='\n')
    for failure in summary['failures']:
        Console(stderr=True, markup=False).print(f'failed: {failure}', style='red')
    if summary['failures']:
        raise typer.Exit(1)


def _progress(console: Any) -> Any:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn('{task.description:<28}'), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console)


def _bar(bars: Any, description: str, total: int) -> Any:
    task = bars.add_task(description, total=total)
    return lambda done: bars.update(task, completed=done)


def _versions() -> dict[str, str]:
    found = {'python': platform.python_version()}
    for name in ('emiff', *_LIBRARIES):
        try:
            found[name] = version(name)
        except PackageNotFoundError:  # a checkout that is not installed, or another build of OpenCV
            continue
    return found


def _print_table(console: Any, summary: dict[str, Any]) -> None:
    from rich.table import Table

    table = Table(title=f'{summary["config"]}, {summary["weights"]} weights', show_header=False)
    sent, ap = summary['bytes_per_frame'], summary['ap']
    table.add_row('images', str(summary['images']))
    table.add_row('feature frames', str(summary['feature_frames']))
    table.add_row('detection messages', f'{summary["detection_messages"]} ({summary["images_skipped"]} skipped)')
    table.add_row('with roadside features', str(summary['fused_messages']))
    table.add_row('bytes a feature frame', f'{sent["p50"]:.0f} (largest {sent["max"]})' if sent['max'] else '-')
    for name, quantiles in summary['latency_ms'].items():
        if quantiles['p50'] is not None:
            figures = f'{quantiles["p50"]:.0f} ms (95 %: {quantiles["p95"]:.0f} ms)'
            table.add_row(f'latency, {name.replace("_", " ")}', figures)
    for kind in ('3d', 'bev'):
        value = '-' if ap[kind] is None else f'{ap[kind]:.1f} %'
        table.add_row(f'AP {kind} at IoU {ap["iou"]} ({ap["protocol"]} protocol)', value)
    for node in summary['nodes']:
        table.add_row(node['name'], f'pid {node["pid"]}, exit code {node["exit_code"]}')
    console.print(table)
    if summary['weights'] == 'random':
        console.print('The weights are random: the road is real, the boxes mean nothing yet.')
