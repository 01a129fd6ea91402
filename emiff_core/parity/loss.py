"""Golden kind `loss`: assignment, targets, the three losses and their gradients."""

import re
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from emiff_core.model import anchors as box_coder
from emiff_core.parity.golden import GoldenFile, statistics
from emiff_core.parity.official import official_config
from emiff_core.parity.report import EXACT, Report, Tolerance
from emiff_core.training.assigner import BACKGROUND, IGNORED, AssignerConfig, Targets, assign
from emiff_core.training.losses import LossConfig, detection_loss

_RELATIVE = Tolerance(1e-5, relative=True)


def compare_loss(report: Report) -> None:
    """Rebuild each case's predictions and truth, and compare what the loss makes of them."""
    for case, targets in _cases(report.golden).items():
        _compare_case(report, case, targets)


def _compare_case(report: Report, case: str, targets: list[Targets]) -> None:
    golden = report.golden
    config = official_config()
    cls, reg, direction = (each.requires_grad_() for each in _predictions(golden, len(targets)))
    grid = replace(config.voxels, shape=(cls.shape[3], cls.shape[2], config.voxels.shape[2]))
    anchors = box_coder.make_anchors(grid, config.head)
    assigner = AssignerConfig()
    loss = detection_loss(cls, reg, direction, anchors, targets, assigner, LossConfig(count_empty_samples=True))
    loss.total.backward()

    assigned = torch.stack([assign(anchors, target.boxes, assigner) for target in targets])
    positive = assigned >= 0
    sample, anchor = positive.nonzero(as_tuple=True)
    matched = [targets[i].boxes[assigned[i][positive[i]]] for i in range(len(targets))]
    boxes = torch.cat(matched)
    background, ignored = int((assigned == BACKGROUND).sum()), int((assigned == IGNORED).sum())
    exact: dict[str, int | Tensor] = {
        'num_total_pos': int(positive.sum(dim=1).clamp(min=1).sum()),
        'num_total_neg': background,
        'n_ignored': ignored,
        'n_label_minus1': 0,  # such labels never become targets here
        'n_lw': background + len(boxes),
        'pos_index': torch.stack([sample, anchor], dim=1),
        'pos_dir_targets': box_coder.direction_of(boxes[:, 6]),
    }
    close: dict[str, NDArray[np.float64] | Tensor] = {
        'loss_cls': loss.classification,
        'loss_bbox': loss.box,
        'loss_dir': loss.direction,
        'grad_cls_stats': _gradient_statistics(cls),
        'grad_reg_stats': _gradient_statistics(reg),
        'grad_dir_stats': _gradient_statistics(direction),
        'pos_bbox_targets': box_coder.encode(anchors[anchor], boxes),
    }
    for name, count in exact.items():
        report.whole(f'{case}.{name}', count, EXACT)
    for name, value in close.items():
        report.whole(f'{case}.{name}', value, _RELATIVE)


def _gradient_statistics(prediction: Tensor) -> NDArray[np.float64]:
    return statistics(np.zeros(1) if prediction.grad is None else prediction.grad.numpy())


def _predictions(golden: GoldenFile, samples: int) -> list[Tensor]:
    """Read 'RandomState(78): cls = standard_normal((B,2,288,248))-3, then reg = standard_normal(...)*.3, then ...'."""
    text = golden.text('pred')
    rng = np.random.RandomState(golden.seed(text))
    result = []
    for dims, factor, shift in re.findall(r'standard_normal\(\(B,([\d,\s]+)\)\)(?:\*([\d.]+))?([+-][\d.]+)?', text):
        shape = (samples, *(int(n) for n in dims.split(',')))
        values = rng.standard_normal(shape) * float(factor or 1) + float(shift or 0)
        result.append(torch.from_numpy(values.astype(np.float32)))
    return result


def _cases(golden: GoldenFile) -> dict[str, list[Targets]]:
    """Read 'b2: gt0 (9 boxes) + gt1 (5), all label 0; with_empty: gt1 + empty; only_empty: ... without gt'."""
    cases = {}
    for part in golden.text('cases').split(';'):
        case, _, content = part.partition(':')
        names = re.findall(r'gt\d+|empty|without gt', content)
        cases[case.strip()] = [_targets(golden[name] if name in golden else np.zeros((0, 7))) for name in names]
    return cases


def _targets(boxes: np.ndarray) -> Targets:
    return Targets(torch.from_numpy(boxes.astype(np.float32)), torch.zeros(len(boxes), dtype=torch.int64))
