"""Runs a detector over the frames of a data set."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from emiff_core.data.cooperative_frame import CooperativeFrame
from emiff_core.data.dair_v2x import DairV2xDataset
from emiff_core.data.truth import EVALUATED_CLASS, labelled_among
from emiff_core.errors import EmiffError
from emiff_core.evaluation.frame_result import FrameResult
from emiff_core.evaluation.journal import Journal
from emiff_core.geometry import Boxes3D, Detections

# what the roadside sends: its own features, nothing, or those of another frame in place of its own
Features = Literal['on', 'off', 'shuffled']
Detector = Callable[[CooperativeFrame, CooperativeFrame | None], FrameResult]


@dataclass(frozen=True, eq=False)
class EvaluatedFrame:
    """One frame with what was found and what is there.

    Attributes:
        result: as the detector gave it.
        detections: those of the evaluated class.
        truth: N boxes of the evaluated class, in the vehicle lidar frame.
        seen: (N,) whether the vehicle's own label holds each of them; None where that was not asked.
    """

    result: FrameResult
    detections: Detections
    truth: Boxes3D
    seen: NDArray[np.bool_] | None = None


def evaluate_frames(
    dataset: DairV2xDataset,
    detect: Detector,
    features: Features = 'on',
    frames: int | None = None,
    journal: Journal | None = None,
    by_visibility: bool = False,
) -> Iterator[EvaluatedFrame]:
    """Yield the first `frames` frames (None: all) as they are done; those in the journal are not computed again.

    Args:
        dataset: where they come from.
        detect: called with a frame, and with the one whose roadside image it shall use or None.
        features: 'shuffled' takes the roadside image from half the data set away, where this frame's camera stands: a
            model that does not lose by it makes no use of what is sent.
        frames: how many.
        journal: gets every result.
        by_visibility: read the vehicle's own labels too, for what it sees by itself.

    Raises:
        EmiffError: the data set has only one frame to shuffle, or a frame cannot be read.
    """
    count = len(dataset)
    if features == 'shuffled' and count < 2:
        raise EmiffError(f'{dataset.root}: expected two frames or more to shuffle, found {count}')
    for i in range(count if frames is None else min(frames, count)):
        frame = dataset.frames[i]
        result = journal.finished.get(frame.vehicle_id) if journal else None
        if result is None:
            other = {'on': i, 'off': None, 'shuffled': (i + count // 2) % count}[features]
            content = frame if other == i else None if other is None else dataset.frames[other]
            result = detect(frame, content)
            if journal:
                journal.add(result)
        truth = frame.truth.of_class(EVALUATED_CLASS)
        seen = labelled_among(dataset.vehicle_label(frame.vehicle_id), truth) if by_visibility else None
        yield EvaluatedFrame(result, result.detections.of_class(EVALUATED_CLASS), truth, seen)
