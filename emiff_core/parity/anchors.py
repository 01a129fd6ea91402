"""Golden kind `anchors`: the anchor grid."""

from dataclasses import replace

import numpy as np

from emiff_core.model.anchors import make_anchors
from emiff_core.parity.golden import statistics
from emiff_core.parity.official import official_config
from emiff_core.parity.report import EXACT, MODULE, RELATIVE, Report


def compare_anchors(report: Report) -> None:
    """Lay the grid with the file's numbers of cells, sizes and yaws, and compare it."""
    golden = report.golden
    config = official_config()
    cells = (len(golden['x']), len(golden['y']), config.voxels.shape[2])
    head = replace(
        config.head,
        anchor_sizes=tuple(tuple(float(v) for v in size) for size in golden['sizes']),
        anchor_bottom=float(golden['z'][0]),
        anchor_yaws=tuple(float(yaw) for yaw in golden['rotations']),
    )
    anchors = make_anchors(replace(config.voxels, shape=cells), head).numpy()
    grid = anchors.reshape(cells[1], cells[0], -1, len(head.anchor_yaws), 7)
    report.add_pair('shape', anchors.shape, golden['shape'], EXACT)
    report.add_pair('x', grid[0, :, 0, 0, 0], golden['x'])
    report.add_pair('y', grid[:, 0, 0, 0, 1], golden['y'])
    report.add_pair('z', grid[0, 0, :1, 0, 2].ravel(), golden['z'])
    report.add_pair('sizes', grid[0, 0, :, 0, 3:6], golden['sizes'])
    report.add_pair('rotations', grid[0, 0, 0, :, 6], golden['rotations'])
    report.add_pair('first8', anchors[:8], golden['first8'])
    report.add_pair('last4', anchors[-4:], golden['last4'])
    report.add_pair('strided', _strided(anchors, golden['strided']), golden['strided'], MODULE)
    report.add_pair('stats', statistics(anchors), golden['stats'], RELATIVE)


def _strided(anchors: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Return every n-th anchor; the file keeps the rows but not n, so it is where the second row lies."""
    if len(kept) < 2:
        return anchors[: len(kept)]
    step = int(np.abs(anchors[1:] - kept[1]).max(axis=1).argmin()) + 1
    return anchors[::step]
