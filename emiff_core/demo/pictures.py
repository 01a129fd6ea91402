"""Pictures of a run: a few frames over its length."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from emiff_core.config import VoxelConfig
from emiff_core.data.cooperative_frame import CooperativeFrame
from emiff_core.data.images import write_image
from emiff_core.data.truth import EVALUATED_CLASS
from emiff_core.demo.recording import Recording
from emiff_core.rendering.frame_sheet import draw_frame

_PICTURES = 4


def write_pictures(
    frames: Sequence[CooperativeFrame], run: Recording, voxels: VoxelConfig, folder: Path
) -> list[Path]:
    """Draw up to four of the frames that got detections, evenly spread, as PNG.

    Returns:
        The paths, in the order of time.

    Raises:
        EmiffError: an image of the data set cannot be read, or a picture not be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    frames = [frame for frame in frames if frame.vehicle_stamp_ns in run.detections]
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(_PICTURES, len(frames))).round().astype(int))
    paths = []
    for index in chosen:
        path = folder / f'frame_{frames[index].vehicle_id}.png'
        write_image(path, _sheet(frames[index], run, voxels))
        paths.append(path)
    return paths


def _sheet(frame: CooperativeFrame, run: Recording, voxels: VoxelConfig) -> np.ndarray:
    stamp = frame.vehicle_stamp_ns
    row = run.status.get(stamp)
    fused = f'fused: {len(row.used)} roadside feature(s)' if row else 'no status'
    ages = ''.join(f', {age:.0f} ms old' for age in row.ages_ms) if row else ''
    return draw_frame(
        frame,
        frame.truth.of_class(EVALUATED_CLASS),
        run.detections[stamp],
        voxels.x_range,
        voxels.y_range,
        [fused + ages],
    )
