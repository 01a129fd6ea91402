"""The floor of every table: the same boxes in each frame, where cars mostly are, without looking."""

from collections.abc import Sequence

import numpy as np

from emiff_core.data.cooperative_frame import CooperativeFrame
from emiff_core.data.dair_v2x import DairV2xDataset
from emiff_core.data.truth import EVALUATED_CLASS
from emiff_core.evaluation.frame_result import FrameResult
from emiff_core.evaluation.run import Detector
from emiff_core.geometry import Boxes3D, Detections

_CELL_M = 4.0


def fixed_prior_detector(training: DairV2xDataset) -> Detector:
    """Return a detector that answers every frame with the prior of a training set's truth.

    Raises:
        EmiffError: a frame cannot be read.
    """
    prior = fixed_prior([frame.truth.of_class(EVALUATED_CLASS) for frame in training.frames], EVALUATED_CLASS)

    def detect(frame: CooperativeFrame, content: CooperativeFrame | None) -> FrameResult:
        return FrameResult(frame.vehicle_id, prior, None, 0.0, 0.0)

    return detect


def fixed_prior(truths: Sequence[Boxes3D], label: str, max_boxes: int = 50) -> Detections:
    """Learn where boxes are: one mean box for each of the most often occupied 4 m cells of the ground.

    Args:
        truths: of the training frames, in the detection frame.
        label: of the boxes.
        max_boxes: at most so many.

    Returns:
        Boxes whose score is the share of frames with a box in their cell.
    """
    centers = np.concatenate([truth.centers for truth in truths] or [np.zeros((0, 3))])
    sizes = np.concatenate([truth.sizes for truth in truths] or [np.zeros((0, 3))])
    yaws = np.concatenate([truth.yaws for truth in truths] or [np.zeros(0)])
    frame_of = np.repeat(np.arange(len(truths)), [len(truth) for truth in truths])
    cells, cell_of = np.unique(np.floor(centers[:, :2] / _CELL_M), axis=0, return_inverse=True)
    cell_of = cell_of.reshape(-1)
    share = np.array([len(np.unique(frame_of[cell_of == k])) for k in range(len(cells))]) / max(len(truths), 1)
    best = np.argsort(-share, kind='stable')[:max_boxes]
    members = [cell_of == k for k in best]
    boxes = Boxes3D(
        np.array([centers[m].mean(axis=0) for m in members]),
        np.array([sizes[m].mean(axis=0) for m in members]),
        np.array([_mean_yaw(yaws[m]) for m in members]),
    )
    return Detections(boxes, share[best], (label,) * len(best))


def _mean_yaw(yaws: np.ndarray) -> float:
    """Return the mean direction of axes, since a box is the same from behind, radians."""
    return float(np.angle(np.exp(2j * yaws).mean()) / 2)
