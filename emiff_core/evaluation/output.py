"""What an evaluation leaves in its folder: figures, curves, and sheets of the worst frames."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from emiff_core.data.dair_v2x import DairV2xDataset
from emiff_core.data.images import write_image
from emiff_core.evaluation.curves import draw_precision_recall
from emiff_core.evaluation.metrics import Metrics, worst_frames
from emiff_core.evaluation.run import EvaluatedFrame
from emiff_core.rendering.frame_sheet import draw_frame
from emiff_core.rendering.sheet import Range

METRICS, CURVES, WORST, DETECTIONS = 'metrics.json', 'precision_recall.png', 'worst', 'detections.jsonl'


def write_output(
    out: Path,
    run: Mapping[str, Any],
    metrics: Metrics,
    dataset: DairV2xDataset,
    frames: Sequence[EvaluatedFrame],
    x_range: Range,
    y_range: Range,
    sheets: int = 4,
) -> None:
    """Write metrics.json, precision_recall.png and worst/*.png into an existing folder, over those of an earlier run.

    Args:
        out: the folder.
        run: what the results depend on, plain values; goes into metrics.json.
        metrics: of `frames`.
        dataset: whose first frames they are.
        frames: what was evaluated.
        x_range, y_range: what the model sees, metres in the detection frame.
        sheets: how many of the worst frames to draw.

    Raises:
        EmiffError: an image cannot be read, or a picture not be written.
    """
    (out / METRICS).write_text(json.dumps({'run': run, **metrics.to_json()}, indent=2) + '\n', encoding='utf-8')
    curves = draw_precision_recall([f.detections for f in frames], [f.truth for f in frames])
    write_image(out / CURVES, curves)
    worst = out / WORST
    worst.mkdir(exist_ok=True)
    for old in worst.glob('*.png'):
        old.unlink()
    for rank, place in enumerate(worst_frames(frames, sheets), 1):
        frame, evaluated = dataset.frames[place], frames[place]
        note = f'frame {frame.vehicle_id}: {len(evaluated.truth)} boxes, {len(evaluated.detections)} found'
        sheet = draw_frame(frame, evaluated.truth, evaluated.detections, x_range, y_range, [note])
        write_image(worst / f'{rank}_{frame.vehicle_id}.png', sheet)
