"""Samples as one side alone has them, for the single-side detectors of late fusion."""

from dataclasses import replace
from typing import Literal

import numpy as np

from emiff_core.geometry import transforms
from emiff_core.training.samples import Sample, Samples

OneSideOf = Literal['vehicle', 'infrastructure']
# what counts as truth: what either camera sees, as EMIFF's authors train; or what the side itself sees, in its own
# frame, as the data set's authors do (OpenDAIRV2X)
Labels = Literal['cooperative', 'own']


class OneSideSamples:
    """One side's image, in the vehicle's place; the other side's is in none of the samples."""

    def __init__(self, samples: Samples, side: OneSideOf, labels: Labels) -> None:
        """Take samples of both sides."""
        self._samples = samples
        self._side = side
        self._labels = labels
        self.description: dict[str, object] = {**samples.description, 'side': side, 'labels': labels}

    def __len__(self) -> int:
        return len(self._samples)

    def __getitem__(self, index: int, /) -> Sample:
        """Return a sample both of whose images are the side's; with own labels the roadside's frame is its own."""
        sample = self._samples[index]
        column = 0 if self._side == 'vehicle' else 1
        image = sample.vehicle if self._side == 'vehicle' else sample.infrastructure
        seen = np.stack([sample.seen[:, column], sample.seen.any(axis=1)], axis=1)
        boxes = sample.boxes
        if self._labels == 'own':
            seen[:, 1] = False
            if self._side == 'infrastructure':
                T_detection_own = transforms.level_frame(image.T_camera_detection)
                image = replace(image, T_camera_detection=image.T_camera_detection @ T_detection_own)
                boxes = boxes.transformed(transforms.inverse(T_detection_own))
        return Sample(image, image, boxes, sample.labels, seen)
