"""Golden kind `decode_nms`: the box coder, decoding of the head's maps, rotated non-maximum suppression."""

import re
from dataclasses import replace

import torch

from emiff_core.config import HeadConfig
from emiff_core.geometry import rotated_iou
from emiff_core.model import anchors as box_coder
from emiff_core.model.box_decoding import decode_detections
from emiff_core.parity.golden import GoldenFile
from emiff_core.parity.official import official_config
from emiff_core.parity.report import EXACT, Report, Tolerance

_SCORES = Tolerance(1e-5)
_KEEP = 'nms.keep_'


def compare_decode_nms(report: Report) -> None:
    """Code and decode pairs, decode sparse maps under each tag's settings, suppress under each threshold."""
    golden = report.golden
    anchors, residuals, boxes = (torch.from_numpy(golden[f'dec_{name}']) for name in ('anchor', 'delta', 'box'))
    report.add('dec_box', box_coder.decode(anchors, residuals))
    report.add('enc_delta', box_coder.encode(anchors, boxes))

    config = official_config()
    cls, reg, direction = _dense_maps(golden)
    grid = replace(config.voxels, shape=(cls.shape[3], cls.shape[2], config.voxels.shape[2]))
    all_anchors = box_coder.make_anchors(grid, config.head)
    for tag in [name.removesuffix('.boxes') for name in golden.arrays if name.endswith('.boxes')]:
        found = decode_detections(cls, reg, direction, all_anchors, _settings(tag, config.head))[0]
        report.whole(f'{tag}.boxes', found.boxes)
        report.whole(f'{tag}.scores', found.scores, _SCORES)
        report.whole(f'{tag}.labels', found.labels, EXACT)

    rectangles, scores = golden['nms.bev_xywhr'], golden['nms.scores']
    first = rectangles[: len(golden['nms.iou_first40'])]
    report.whole('nms.iou_first40', rotated_iou.pairwise_iou(first, first))
    for name in [name for name in golden.arrays if name.startswith(_KEEP)]:
        kept = rotated_iou.suppress(rectangles, scores, float(name.removeprefix(_KEEP)))
        report.whole(name, kept, EXACT)


def _settings(tag: str, head: HeadConfig) -> HeadConfig:
    """Read 'pre300_max500_thr001' as nms_pre 300, at most 500 boxes, scores above 0.01; the rest is the config's."""
    for part in tag.split('_'):
        if found := re.fullmatch(r'pre(\d+)', part):
            head = replace(head, nms_pre=int(found[1]))
        if found := re.fullmatch(r'max(\d+)', part):
            head = replace(head, max_boxes=int(found[1]))
        if found := re.fullmatch(r'thr0(\d+)', part):
            head = replace(head, score_threshold=float(f'0.{found[1]}'))
    return head


def _dense_maps(golden: GoldenFile) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    text = golden.text('sparse')
    _, per_cell, height, width = golden.shape(text)
    cls = torch.full((1, per_cell, height, width), float(golden.number(r'filled with (-?\d+)', text)))
    reg, direction = torch.zeros(1, per_cell, 7, height, width), torch.zeros(1, per_cell, 2, height, width)
    iy, ix, rotation = torch.from_numpy(golden['sparse.iyxr']).T
    cls[0, rotation, iy, ix] = torch.from_numpy(golden['sparse.cls'])
    reg[0, rotation, :, iy, ix] = torch.from_numpy(golden['sparse.reg'])
    direction[0, rotation, :, iy, ix] = torch.from_numpy(golden['sparse.dir'])
    return cls, reg.flatten(1, 2), direction.flatten(1, 2)
