"""An evaluation in figures: average precision by named protocols, bytes and time a frame."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from rich.table import Table

from emiff_core.evaluation.average_precision import Protocol, average_precision
from emiff_core.evaluation.operating_points import OperatingPoint, operating_points
from emiff_core.evaluation.ranges import BENCHMARK_RANGES, OVERALL, ModelRange
from emiff_core.evaluation.report import Evaluation, evaluate
from emiff_core.evaluation.run import EvaluatedFrame
from emiff_core.evaluation.visibility import GroupScore, score_groups

_PAPER_BYTES = 4  # the paper counts a latent's numbers as float32, whatever goes on the wire


@dataclasses.dataclass(frozen=True)
class Metrics:
    """All figures of a run.

    Attributes:
        evaluations: one for each protocol asked for; the last range of each is the model's own.
        groups: of what the vehicle sees by itself and of what it does not, in the model's range; none if not asked for.
        operating_points: hits and false boxes above several scores, in the model's range.
        frames, truths: how many.
        message_bytes, payload_bytes: medians of what is sent, see `Sent`; None where nothing is sent.
        paper_bytes: as the paper counts: four for each number, an image as its file.
        age_ms: median age of the roadside's exposure at the vehicle's, milliseconds.
        roadside_s, vehicle_s: median seconds a frame, from the decoded image on.
    """

    evaluations: tuple[Evaluation, ...]
    groups: tuple[GroupScore, ...]
    operating_points: tuple[OperatingPoint, ...]
    frames: int
    truths: int
    message_bytes: float | None
    payload_bytes: float | None
    paper_bytes: float | None
    age_ms: float | None
    roadside_s: float
    vehicle_s: float

    def to_json(self) -> dict[str, Any]:
        """Return plain values."""
        return dataclasses.asdict(self)


def measure(frames: Sequence[EvaluatedFrame], protocols: Sequence[Protocol], own: ModelRange) -> Metrics:
    """Compute the figures of at least one frame; `own` is what the model can show."""
    predictions, truths = [f.detections for f in frames], [f.truth for f in frames]
    ranges = (*BENCHMARK_RANGES, own)
    sent = [f.result.sent for f in frames if f.result.sent is not None]
    return Metrics(
        evaluations=tuple(evaluate(predictions, truths, protocol, ranges) for protocol in protocols),
        groups=score_groups(frames, own),
        operating_points=operating_points(predictions, truths, own),
        frames=len(frames),
        truths=sum(map(len, truths)),
        message_bytes=_median([s.message_bytes for s in sent]),
        payload_bytes=_median([s.payload_bytes for s in sent]),
        paper_bytes=_median([_PAPER_BYTES * s.numbers or s.payload_bytes for s in sent]),
        age_ms=_median([s.age_ms for s in sent]),
        roadside_s=float(np.median([f.result.roadside_ms for f in frames])) / 1e3,
        vehicle_s=float(np.median([f.result.vehicle_ms for f in frames])) / 1e3,
    )


def worst_frames(frames: Sequence[EvaluatedFrame], count: int) -> list[int]:
    """Return the places of the frames with the lowest AP of their own, worst first (BEV, IoU 0.5, standard, 0-100 m).

    Of equals the one with more truth boxes is the worse. Frames without a truth box have no AP and are left out.
    """
    ranked = []
    for i, frame in enumerate(frames):
        truth = frame.truth[OVERALL.contains(frame.truth)]
        found = frame.detections[OVERALL.contains(frame.detections.boxes)]
        if len(truth):
            ranked.append((average_precision([found], [truth], 0.5, 'bev', 'standard'), -len(truth), i))
    return [i for _, _, i in sorted(ranked)[:count]]


def cost_table(metrics: Metrics) -> Table:
    """Lay out what a frame costs."""
    table = Table(title='a frame, median', show_header=False)
    if metrics.message_bytes is None:
        table.add_row('bytes sent', '0')
    else:
        table.add_row('bytes sent (message, envelope included)', f'{metrics.message_bytes:.0f}')
        table.add_row('bytes of the payload', f'{metrics.payload_bytes:.0f}')
        table.add_row('bytes as the paper counts (4 a number)', f'{metrics.paper_bytes:.0f}')
        table.add_row('roadside exposes before the vehicle by', f'{metrics.age_ms:.0f} ms')
    table.add_row('roadside', f'{metrics.roadside_s:.3f} s')
    table.add_row('vehicle', f'{metrics.vehicle_s:.3f} s')
    return table


def _median(values: Sequence[float]) -> float | None:
    return float(np.median(values)) if values else None
