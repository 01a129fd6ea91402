"""Runs many settings over one data set: each frame's images are encoded once, and answered under every setting."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from emiff_core.ablation.settings import Setting
from emiff_core.data.cooperative_frame import CooperativeFrame
from emiff_core.data.dair_v2x import DairV2xDataset
from emiff_core.evaluation.frame_result import FrameResult
from emiff_core.evaluation.journal import Journal
from emiff_core.evaluation.output import DETECTIONS
from emiff_core.evaluation.road import Road
from emiff_core.evaluation.run import EvaluatedFrame, evaluate_frames

Progress = Callable[[int, int], None]


def run_settings(
    dataset: DairV2xDataset,
    road: Road,
    settings: Sequence[Setting],
    out: Path,
    run: dict[str, Any],
    frames: int | None = None,
    progress: Progress = lambda done, of: None,
) -> list[list[EvaluatedFrame]]:
    """Answer every frame under every setting; what is in the journals already is not computed again.

    Args:
        dataset: the frames.
        road: encodes the images; the settings answer.
        settings: S of them.
        out: gets a folder for each setting, with its journal.
        run: what the results depend on besides the setting, plain values.
        frames: only the first so many.
        progress: called with the frames done and all frames.

    Returns:
        For each setting its frames, in order.

    Raises:
        EmiffError: a frame cannot be read, or a journal is of another run.
    """
    journals = [
        Journal(out / setting.name / DETECTIONS, {**run, 'setting': dict(setting.values)}) for setting in settings
    ]
    count = len(dataset) if frames is None else min(frames, len(dataset))
    for i in range(count):
        frame = dataset.frames[i]
        missing = [k for k, journal in enumerate(journals) if frame.vehicle_id not in journal.finished]
        if missing:
            seen = road.see(frame, frame)
            for k in missing:
                journals[k].add(settings[k].answer(frame, seen))
        progress(i + 1, count)
    return [list(evaluate_frames(dataset, _nothing_left, 'on', frames, journal)) for journal in journals]


def _nothing_left(frame: CooperativeFrame, content: CooperativeFrame | None) -> FrameResult:
    raise AssertionError(f'frame {frame.vehicle_id} is in the journal')
