"""From a sample to what the network sees of it: resized, mirrored, in other light, with or without the roadside.

Everything is drawn from one generator a sample, so a sample's example depends on nothing but its generator.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from emiff_core.config import EmiffConfig, ImageConfig
from emiff_core.data.preprocess import prepare_image
from emiff_core.model.anchors import from_boxes3d
from emiff_core.model.camera_batch import CameraBatch
from emiff_core.training.assigner import Targets, make_targets
from emiff_core.training.config import AugmentationConfig
from emiff_core.training.samples import CameraImage, Sample

NO_AUGMENTATION = AugmentationConfig(flip=0.0)


@dataclass(frozen=True, eq=False)
class Example:
    """One sample as the network takes it.

    Attributes:
        images: (3, H, W) normalised, of the vehicle and of the roadside.
        cameras: a batch of one each.
        present: whether the roadside is there.
        targets: the head's share of `visible`: its classes, within its range.
        visible: every box that a present camera sees.
        seen: (N, 2) bool, which camera sees each of the N visible boxes.
    """

    images: tuple[Tensor, Tensor]
    cameras: tuple[CameraBatch, CameraBatch]
    present: bool
    targets: Targets
    visible: Targets
    seen: Tensor


def make_example(
    sample: Sample, detector: EmiffConfig, augmentation: AugmentationConfig, rng: np.random.Generator
) -> Example:
    """Draw one example.

    Args:
        sample: the images and truth.
        detector: says the input's size, the classes and the range.
        augmentation: what may change.
        rng: all randomness comes from it.
    """
    mirrored = bool(rng.random() < augmentation.flip)
    factor = float(rng.uniform(*augmentation.resize))
    present = bool(rng.random() >= augmentation.roadside_dropout)
    size = replace(
        detector.image,
        width=round(detector.image.width * factor),
        height=round(detector.image.height * factor),
        crop_top=0.0,
    )
    prepared = [
        _prepare(side, size, detector, augmentation, mirrored, rng) for side in (sample.vehicle, sample.infrastructure)
    ]
    seen = sample.seen & [True, present]
    rows = np.flatnonzero(seen.any(axis=1))
    boxes, labels = sample.boxes[rows], [sample.labels[i] for i in rows]
    voxels = detector.voxels
    targets = make_targets(boxes, labels, detector.head.class_names, voxels.x_range, voxels.y_range)
    visible = Targets(from_boxes3d(boxes), torch.zeros(len(boxes), dtype=torch.int64))  # of no class in particular
    return Example(
        images=(prepared[0][0], prepared[1][0]),
        cameras=(prepared[0][1], prepared[1][1]),
        present=present,
        targets=targets.mirrored() if mirrored else targets,
        visible=visible.mirrored() if mirrored else visible,
        seen=torch.from_numpy(seen[rows]),
    )


def _prepare(
    side: CameraImage,
    size: ImageConfig,
    detector: EmiffConfig,
    augmentation: AugmentationConfig,
    mirrored: bool,
    rng: np.random.Generator,
) -> tuple[Tensor, CameraBatch]:
    pixels = cv2.LUT(side.image, _light(augmentation, rng))
    prepared = prepare_image(np.asarray(pixels, dtype=np.uint8), side.camera, size, mirrored=mirrored)
    # mirrored, pixel u becomes width - 1 - u where pixel centres count; width - u is the authors' way
    shift = 1 if detector.fusion.align_pixel_centers else 0
    mirror_width = prepared.content[1] - shift if mirrored else 0.0
    return prepared.tensor, CameraBatch.single(prepared.camera, side.T_camera_detection, prepared.scale, mirror_width)


def _light(augmentation: AugmentationConfig, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw a (1, 256, 3) table from grey levels to grey levels of another light."""
    contrast = rng.uniform(-augmentation.contrast, augmentation.contrast)
    colour = rng.uniform(-augmentation.colour, augmentation.colour, 3)
    brightness = rng.uniform(-augmentation.brightness, augmentation.brightness)
    table = np.arange(256.0)[:, None] * (1 + contrast) * (1 + colour) + brightness
    return table.round().clip(0, 255).astype(np.uint8)[None]
