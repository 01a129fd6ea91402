"""A run in figures, every one of them computed from its bag."""

import math
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np

from emiff_core.demo.recording import Recording, Stages
from emiff_core.evaluation.average_precision import Protocol, average_precision
from emiff_core.evaluation.box_iou import KINDS
from emiff_core.geometry import Boxes3D, Detections

_IOU = 0.5
_PROTOCOL: Protocol = 'standard'
_LARGEST_SKIPPED_SHARE = 0.1

Range = tuple[float, float]


def summarise(run: Recording, x_range: Range, y_range: Range) -> dict[str, Any]:
    """Return the figures of a run as plain values.

    Args:
        run: what was recorded.
        x_range, y_range: metres of the detection frame; truth and detections whose centres lie outside do not count.

    Returns:
        images, feature_frames, detection_messages, fused_messages, images_skipped, images_refused: counts.
        feature_refusals: count by reason.
        bytes_per_frame: p50, p95, max of the serialised feature messages.
        feature_age_ms: p50, p95 at their use.
        latency_ms: infrastructure (roadside image to feature), vehicle (image to detections), end_to_end (roadside
            image to the detections that use it), each p50, p95 of arrivals at the recorder.
        stage_ms: median milliseconds of each stage of both nodes.
        ap: percent at IoU 0.5 by the standard protocol, 3d and bev; None without truth.
    """
    last = run.status[max(run.status)] if run.status else None
    reasons = [reason for row in run.status.values() for reason in row.refused]
    return {
        'images': len(run.images),
        'feature_frames': len(run.features),
        'detection_messages': len(run.detections),
        'fused_messages': sum(bool(row.used) for row in run.status.values()),
        'images_skipped': last.skipped if last else 0,
        'images_refused': last.image_refusals if last else 0,
        'feature_refusals': {reason: reasons.count(reason) for reason in sorted(set(reasons))},
        'bytes_per_frame': _quantiles(run.feature_bytes, with_max=True),
        'feature_age_ms': _quantiles([age for row in run.status.values() for age in row.ages_ms]),
        'latency_ms': _latencies(run),
        'stage_ms': {
            'infrastructure': _median_stages(run.infrastructure_stages),
            'vehicle': _median_stages(run.vehicle_stages),
        },
        'ap': {'iou': _IOU, 'protocol': _PROTOCOL, **_average_precisions(run, x_range, y_range)},
    }


def failures(summary: dict[str, Any], exit_codes: dict[str, int | None]) -> list[str]:
    """Return what a run must not do and did, a line each; none means that the run was good.

    Args:
        summary: what `summarise` returned.
        exit_codes: by node.
    """
    images, skipped = summary['images'], summary['images_skipped']
    found = [f'{name} ended with exit code {code}' for name, code in exit_codes.items() if code != 0]
    if images == 0:
        found.append('no image was played')
    if summary['detection_messages'] < images - skipped:
        found.append(
            f'{images - skipped - summary["detection_messages"]} of {images} images got no detections '
            f'and were not skipped'
        )
    if skipped > _LARGEST_SKIPPED_SHARE * images:
        found.append(f'{skipped} of {images} images were skipped')
    if summary['fused_messages'] == 0:
        found.append('no detections used infrastructure features')
    return found


def in_range(boxes: Boxes3D, x_range: Range, y_range: Range) -> np.ndarray:
    """Return a (N,) mask of boxes whose centres lie inside, metres."""
    x, y = boxes.centers[:, 0], boxes.centers[:, 1]
    return (x >= x_range[0]) & (x < x_range[1]) & (y >= y_range[0]) & (y < y_range[1])


def _average_precisions(run: Recording, x_range: Range, y_range: Range) -> dict[str, float | None]:
    stamps = sorted(run.truths.keys() & run.images.keys())
    truths = [run.truths[stamp][in_range(run.truths[stamp], x_range, y_range)] for stamp in stamps]
    nothing = Detections(Boxes3D.empty(), np.zeros(0), ())
    found = [run.detections.get(stamp, nothing) for stamp in stamps]
    found = [detections[in_range(detections.boxes, x_range, y_range)] for detections in found]
    return {
        kind: _finite(average_precision(found, truths, _IOU, kind, _PROTOCOL)) if stamps else None for kind in KINDS
    }


def _latencies(run: Recording) -> dict[str, dict[str, float | None]]:
    infrastructure = _elapsed_ms(run.roadside_images, run.features, run.features)
    vehicle = _elapsed_ms(run.images, run.detection_arrivals, run.detection_arrivals)
    end_to_end = [
        (run.detection_arrivals[stamp] - run.roadside_images[used]) / 1e6
        for stamp, row in run.status.items()
        for used in row.used
        if stamp in run.detection_arrivals and used in run.roadside_images
    ]
    return {
        'infrastructure': _quantiles(infrastructure),
        'vehicle': _quantiles(vehicle),
        'end_to_end': _quantiles(end_to_end),
    }


def _elapsed_ms(begins: dict[int, int], ends: dict[int, int], stamps: Collection[int]) -> list[float]:
    return [(ends[stamp] - begins[stamp]) / 1e6 for stamp in stamps if stamp in begins]


def _median_stages(rows: Sequence[Stages]) -> Stages:
    names = dict.fromkeys(name for row in rows for name in row)  # an image without a feature has fewer stages
    return {name: round(float(np.median([row[name] for row in rows if name in row])), 3) for name in names}


def _quantiles(values: Sequence[float], with_max: bool = False) -> dict[str, float | None]:
    if not values:
        return dict.fromkeys(('p50', 'p95', 'max') if with_max else ('p50', 'p95'))
    quantiles: dict[str, float | None] = {
        'p50': round(float(np.percentile(values, 50)), 3),
        'p95': round(float(np.percentile(values, 95)), 3),
    }
    return quantiles | ({'max': max(values)} if with_max else {})


def _finite(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 3)
