"""Golden kind `pipeline`: from images and labels to the network's input and targets, for testing and training."""

import re
import zlib
from dataclasses import replace

import numpy as np
import torch

from emiff_core.config import ImageConfig
from emiff_core.data.preprocess import prepare_image
from emiff_core.geometry import PinholeCamera
from emiff_core.model.anchors import to_boxes3d
from emiff_core.parity import rules
from emiff_core.parity.golden import GoldenFile, statistics
from emiff_core.parity.official import official_config
from emiff_core.parity.report import EXACT, RELATIVE, Report
from emiff_core.training.assigner import make_targets

_NAMES = ('car',)
_TEST_RANGE = ((0.0, 100.0), (-40.0, 40.0))  # metres; what the authors evaluate
_TRAIN_RANGE = ((0.0, 92.16), (-40.0, 40.0))  # ... and what they train on


def compare_pipeline(report: Report) -> None:
    """Prepare the file's images and boxes under each case's settings."""
    golden = report.golden
    images = _images(golden)
    report.whole('u8.crc32', [zlib.crc32(image.tobytes()) for image in images], EXACT)
    for case in [name.removesuffix('.meta_json') for name in golden.arrays if name.endswith('.meta_json')]:
        _compare_case(report, case, images)


def _compare_case(report: Report, case: str, images: list[np.ndarray]) -> None:
    golden = report.golden
    meta = golden.meta(f'{case}.meta_json')
    mirrored = meta.get('flip') is True
    config = _image_config(case)
    prepared = [prepare_image(image[..., ::-1], _camera(image), config, mirrored=mirrored) for image in images]
    tensor = torch.stack([each.tensor for each in prepared])
    report.whole(f'{case}.img_shape_tensor', tensor.shape, EXACT)
    report.add(f'{case}.img', tensor)
    report.whole(f'{case}.stats', statistics(tensor.numpy()), RELATIVE)
    report.whole(f'{case}.scale_factor', prepared[0].scale * 2)
    report.pair(f'{case}.content', prepared[0].content, meta['img_shape'][:2], EXACT)

    boxes = to_boxes3d(torch.from_numpy(golden['gt']))
    ranges = _TRAIN_RANGE if case.startswith('train') else _TEST_RANGE
    targets = make_targets(boxes, _NAMES * len(boxes), _NAMES, *ranges)
    report.whole(f'{case}.gt_after', (targets.mirrored() if mirrored else targets).boxes)


def _images(golden: GoldenFile) -> list[np.ndarray]:
    """Read 'image_u8(seed,1080,1920,cell=40) RGB for seeds 401 (veh), 402 (inf); ...'."""
    text = golden.text('images')
    height, width, cell = (
        golden.number(pattern, text) for pattern in (r'seed,(\d+)', r'seed,\d+,(\d+)', r'cell=(\d+)')
    )
    seeds = [golden.number(rf'(\d+) \({side}\)', text) for side in ('veh', 'inf')]
    return [rules.image_u8(seed, height, width, cell) for seed in seeds]


def _image_config(case: str) -> ImageConfig:
    """Read the size to fit into from a case such as train_flip_1008x567; otherwise it is the config's."""
    config = official_config().image
    if found := re.search(r'(\d+)x(\d+)$', case):
        config = replace(config, width=int(found[1]), height=int(found[2]))
    return config


def _camera(image: np.ndarray) -> PinholeCamera:
    """Return any camera of the image's size: the official preprocessing does not look at intrinsics."""
    return PinholeCamera(np.eye(3), image.shape[1], image.shape[0])
