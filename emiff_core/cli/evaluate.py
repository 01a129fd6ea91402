"""`emiff evaluate`: how good a detector is on a data set."""

from enum import Enum
from pathlib import Path
from typing import Annotated, Any

import typer


class ProtocolOption(str, Enum):
    """Whose average precision."""

    official = 'official'
    standard = 'standard'
    both = 'both'


class FeaturesOption(str, Enum):
    """What the roadside sends."""

    on = 'on'
    off = 'off'
    shuffled = 'shuffled'


class BaselineOption(str, Enum):
    """What stands in for the model."""

    fixed_prior = 'fixed-prior'


def evaluate(
    data: Annotated[Path, typer.Option(help='Data set in the layout of DAIR-V2X-C.')],
    split: Annotated[str, typer.Option(help='train, val or test of the split file, or all.')] = 'val',
    split_file: Annotated[Path | None, typer.Option(help='Split file, where it is not in the data set.')] = None,
    config: Annotated[Path | None, typer.Option(help='Config of the detector; default: the demo.')] = None,
    weights: Annotated[
        Path | None, typer.Option(help='Weights (.safetensors), or random; default: those of the config.')
    ] = None,
    delay_frames: Annotated[
        int, typer.Option(help='The roadside is so many frames older (VIC-Async-k).', min=0, max=100)
    ] = 0,
    frames: Annotated[int | None, typer.Option(help='Only the first so many frames.', min=1)] = None,
    protocol: Annotated[ProtocolOption, typer.Option(help='Whose average precision.')] = ProtocolOption.both,
    features: Annotated[
        FeaturesOption, typer.Option(help="Roadside features: on, off, or shuffled: another frame's, as a control.")
    ] = FeaturesOption.on,
    baseline: Annotated[
        BaselineOption | None, typer.Option(help='No model: the mean boxes of the train split, in every frame.')
    ] = None,
    prior_data: Annotated[
        Path | None, typer.Option(help='Data set whose train split the baseline counts; default: the same.')
    ] = None,
    by_visibility: Annotated[
        bool, typer.Option('--by-visibility', help="Score what the vehicle's own labels hold, and the rest, apart.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help='Folder for the results; a run that was broken off there goes on.')
    ] = None,
    threads: Annotated[int, typer.Option(help='CPU threads.', min=1)] = 2,
    device: Annotated[str, typer.Option(help='auto, cpu, cuda or cuda:N.')] = 'auto',
    as_json: Annotated[bool, typer.Option('--json', help='Print the figures as JSON.')] = False,
) -> None:
    """Run a detector over a data set and print average precision, bytes and seconds a frame.

    Leaves in OUT: metrics.json, precision_recall.png, worst/*.png, and detections.jsonl, a line a frame.
    """
    import json

    import torch
    from rich.console import Console
    from rich.progress import Progress

    from emiff_core.config import load_config
    from emiff_core.data.dair_v2x import DairV2xDataset
    from emiff_core.data.truth import EVALUATED_CLASS
    from emiff_core.errors import EmiffError
    from emiff_core.evaluation.average_precision import PROTOCOLS
    from emiff_core.evaluation.journal import Journal
    from emiff_core.evaluation.metrics import cost_table, measure
    from emiff_core.evaluation.operating_points import operating_table
    from emiff_core.evaluation.output import DETECTIONS, write_output
    from emiff_core.evaluation.ranges import ModelRange
    from emiff_core.evaluation.report import table
    from emiff_core.evaluation.run import Detector, evaluate_frames
    from emiff_core.evaluation.visibility import group_table
    from emiff_core.resources import config_dir, find_weights

    torch.set_num_threads(threads)
    path = config or config_dir() / 'emiff_demo.yaml'
    model = load_config(path)
    if EVALUATED_CLASS not in model.head.class_names:
        raise EmiffError(f'{path}: head.class_names: expected {EVALUATED_CLASS} among them')
    dataset = DairV2xDataset(data, None if split == 'all' else split, split_file, delay_frames)
    run: dict[str, Any] = {
        'data': str(data.resolve()),
        'split': split,
        'frames': dataset.digest,
        'delay_frames': delay_frames,
        'features': 'off' if baseline else features.value,
    }
    detect: Detector
    if baseline:
        from emiff_core.evaluation.fixed_prior import fixed_prior_detector

        counted = prior_data or data
        prior = DairV2xDataset(counted, 'train', None if prior_data else split_file)
        run |= {'detector': baseline.value, 'prior_data': str(counted.resolve()), 'prior_frames': prior.digest}
        detect = fixed_prior_detector(prior)
    else:
        from emiff_core.evaluation.baseline_roads import ImageRoad
        from emiff_core.evaluation.road import CooperativeRoad
        from emiff_core.inference.eager import EagerEngine

        engine = EagerEngine(model, find_weights(path, weights), device)
        run |= {'detector': engine.weights_name, 'model_id': engine.model_id, 'config': model.to_dict()}
        detect = (ImageRoad if model.design == 'early_fusion' else CooperativeRoad)(engine).run
    journal = None if out is None else Journal(out / DETECTIONS, run)

    console = Console(stderr=as_json, soft_wrap=True, highlight=False)
    total = len(dataset) if frames is None else min(frames, len(dataset))
    evaluated = []
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task('evaluating', total=total)
        for frame in evaluate_frames(dataset, detect, run['features'], frames, journal, by_visibility):
            evaluated.append(frame)
            bar.update(task, completed=len(evaluated))
    protocols = PROTOCOLS if protocol is ProtocolOption.both else (protocol.value,)
    own = ModelRange.of(model.voxels)
    metrics = measure(evaluated, protocols, own)
    if out is not None:
        write_output(out, run, metrics, dataset, evaluated, model.voxels.x_range, model.voxels.y_range)
    if as_json:
        print(json.dumps({'run': run, **metrics.to_json()}, indent=2))
        return
    async_note = f', roadside {delay_frames} frames older' if delay_frames else ''
    console.print(f'{run["detector"]} on {split} of {data}: features {run["features"]}{async_note}', markup=False)
    for evaluation in metrics.evaluations:
        console.print(table(evaluation))
    if metrics.groups:
        console.print(group_table(metrics.groups))
    console.print(operating_table(metrics.operating_points, own.name))
    console.print(cost_table(metrics))
    if run['detector'] == 'random':
        console.print('The weights are random: the road is real, the boxes mean nothing yet.')
    if out is not None:
        console.print(f'figures, curves and the worst frames: {out}', markup=False)
