"""Golden kind `eval`: average precision by the official protocol, and the IoUs beneath it."""

import numpy as np
import torch

from emiff_core.evaluation.average_precision import area_under_curve, compare, match
from emiff_core.evaluation.box_iou import KINDS, pairwise_box_iou
from emiff_core.geometry import Boxes3D, Detections
from emiff_core.model.anchors import to_boxes3d
from emiff_core.parity.golden import GoldenFile
from emiff_core.parity.report import EXACT, Report, Tolerance

_AP = Tolerance(1e-9)
# The authors' evaluator works in float32 on coordinates of up to 100 m, whose products it subtracts: that alone moves
# its IoUs by some 1e-4, depending on the corner it starts from.
_IOU = Tolerance(5e-4)
# Their corners: the lower left rear first, then up, then +y; the front four follow.
_CORNER_ORDER = [2, 6, 7, 3, 1, 5, 4, 0]


def compare_evaluation(report: Report) -> None:
    """Evaluate the file's predictions and compare counts, average precision, and one frame's IoUs."""
    golden = report.golden
    predictions, truths = _frames(golden)
    for kind in KINDS:
        frames = compare(predictions, truths, kind)
        matches = [match(frames, float(threshold), 'official') for threshold in golden['iou_thresholds']]
        aps = [area_under_curve(each, 'official') for each in matches]
        hits = [int(each.hits.sum()) for each in matches]
        report.whole(f'ap_{kind}', aps, _AP)
        report.whole(f'num_tp_{kind}', hits, EXACT)
    report.whole('num_gt', [sum(map(len, truths))] * len(golden['num_gt']), EXACT)
    report.whole('num_pred', sum(map(len, predictions)), EXACT)

    frame = int(golden['frame_k'])
    truth = _boxes(golden['gt'][golden['gt_frame'] == frame])
    found = _boxes(golden['pred'][golden['pred_frame'] == frame])
    report.whole('gt_corners_k', truth.corners()[:, _CORNER_ORDER])
    report.whole('pred_corners_k', found.corners()[:, _CORNER_ORDER])
    report.whole('iou3d_k', pairwise_box_iou(truth, found, '3d'), _IOU)
    report.whole('ioubev_k', pairwise_box_iou(truth, found, 'bev'), _IOU)


def _frames(golden: GoldenFile) -> tuple[list[Detections], list[Boxes3D]]:
    predictions, truths = [], []
    counted = golden['gt_label'] >= 0
    for frame in range(int(golden['n_frames'])):
        here = golden['pred_frame'] == frame
        predictions.append(
            Detections(_boxes(golden['pred'][here]), golden['pred_score'][here], ('car',) * int(here.sum()))
        )
        truths.append(_boxes(golden['gt'][(golden['gt_frame'] == frame) & counted]))
    return predictions, truths


def _boxes(rows: np.ndarray) -> Boxes3D:
    return to_boxes3d(torch.from_numpy(rows))
