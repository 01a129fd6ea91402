"""How good the detector is in the course of its training: with the roadside, and by itself."""

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from emiff_core.config import EmiffConfig
from emiff_core.data.truth import EVALUATED_CLASS
from emiff_core.evaluation.average_precision import average_precision
from emiff_core.geometry import Boxes3D, Detections
from emiff_core.model.anchors import make_anchors
from emiff_core.model.box_decoding import decode_detections
from emiff_core.model.emiff import RemoteBatch
from emiff_core.training.augmentation import NO_AUGMENTATION, make_example
from emiff_core.training.batch import Batch
from emiff_core.training.network import detector_of
from emiff_core.training.samples import Samples

_IOU = 0.5
_BATCH = 4


def validate(
    config: EmiffConfig, tensors: dict[str, Tensor], samples: Samples, device: torch.device
) -> dict[str, float | None]:
    """Detect in every sample and compare.

    Args:
        config, tensors: the detector.
        samples: the truth counts where the head can show it, inside the voxel range.
        device: to compute on.

    Returns:
        Average precision by the standard protocol at IoU 0.5, percent: 'both_bev', 'both_3d' (roadside present, truth
        that either camera sees), 'vehicle_bev' (roadside absent, the same truth), 'vehicle_visible_bev' (roadside
        absent, truth that the vehicle sees). None where there is no truth.
    """
    detector = detector_of(config, tensors, device)
    anchors = make_anchors(config.voxels, config.head).to(device)
    found: dict[bool, list[Detections]] = {True: [], False: []}
    rng = np.random.default_rng(0)  # without augmentation what is drawn changes nothing
    either: list[Boxes3D] = []
    own: list[Boxes3D] = []
    for first in range(0, len(samples), _BATCH):
        chosen = [samples[i] for i in range(first, min(first + _BATCH, len(samples)))]
        either += [_in_range(sample.truth(EVALUATED_CLASS, roadside=True), config) for sample in chosen]
        own += [_in_range(sample.truth(EVALUATED_CLASS, roadside=False), config) for sample in chosen]
        batch = Batch.collate([make_example(sample, config, NO_AUGMENTATION, rng) for sample in chosen]).to(device)
        with torch.inference_mode():
            levels = detector.encode_vehicle(batch.images[0])
            remotes = []
            if len(detector.encoders) > 1:
                remotes = [RemoteBatch(detector.encode_infrastructure(batch.images[1]), batch.cameras[1])]
            for roadside in (True, False):
                output = detector.detect(levels, batch.cameras[0], remotes if roadside else [])
                boxes = decode_detections(*output, anchors, config.head)
                found[roadside] += [b.to_detections(config.head.class_names).of_class(EVALUATED_CLASS) for b in boxes]
    return {
        'both_bev': _ap(found[True], either, 'bev'),
        'both_3d': _ap(found[True], either, '3d'),
        'vehicle_bev': _ap(found[False], either, 'bev'),
        'vehicle_visible_bev': _ap(found[False], own, 'bev'),
    }


def _ap(found: Sequence[Detections], truths: Sequence[Boxes3D], kind: Literal['bev', '3d']) -> float | None:
    ap = average_precision(found, truths, _IOU, kind, 'standard')
    return round(ap, 2) if math.isfinite(ap) else None


def _in_range(boxes: Boxes3D, config: EmiffConfig) -> Boxes3D:
    x, y = boxes.centers[:, 0], boxes.centers[:, 1]
    (x0, x1), (y0, y1) = config.voxels.x_range, config.voxels.y_range
    return boxes[(x > x0) & (x < x1) & (y > y0) & (y < y1)]
