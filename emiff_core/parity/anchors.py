"""Golden kind `anchors`: the anchor grid."""

from dataclasses import replace

import numpy as np

from emiff_core.model.anchors import make_anchors
from emiff_core.parity.golden import statistics
from emiff_core.parity.official import official_config
from emiff_core.parity.report import EXACT, RELATIVE, Report


def compare_anchors(report: Report) -> None:
    """Lay the grid with the file's numbers of cells, sizes and yaws, and compare it."""
    golden = report.golden
    config = official_config()
    cells = (len(golden['x']), len(golden['y']), config.voxels.shape[2])
    head = replace(
        config.head,
        anchor_sizes=tuple((float(length), float(width), float(height)) for length, width, height in golden['sizes']),
        anchor_bottom=float(golden['z'][0]),
        anchor_yaws=tuple(float(yaw) for yaw in golden['rotations']),
    )
    anchors = make_anchors(replace(config.voxels, shape=cells), head).numpy()
    grid = anchors.reshape(cells[1], cells[0], -1, len(head.anchor_yaws), 7)
    report.whole('shape', anchors.shape, EXACT)
    report.whole('x', grid[0, :, 0, 0, 0])
    report.whole('y', grid[:, 0, 0, 0, 1])
    report.whole('z', grid[0, 0, :1, 0, 2].ravel())
    report.whole('sizes', grid[0, 0, :, 0, 3:6])
    report.whole('rotations', grid[0, 0, 0, :, 6])
    report.whole('first8', anchors[:8])
    report.whole('last4', anchors[-4:])
    report.whole('strided', _strided(anchors, golden['strided']))
    report.whole('stats', statistics(anchors), RELATIVE)


def _strided(anchors: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Return every n-th anchor; the file keeps the rows but not n, so it is where the second row lies."""
    if len(kept) < 2:
        return anchors[: len(kept)]
    step = int(np.abs(anchors[1:] - kept[1]).max(axis=1).argmin()) + 1
    return anchors[::step]
