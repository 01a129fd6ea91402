"""What is trained on: pairs of images with their geometry and truth, whatever they come from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from emiff_core.config import ImageConfig
from emiff_core.data.cooperative_frame import CooperativeFrame
from emiff_core.data.dair_v2x import DairV2xDataset
from emiff_core.data.images import read_image
from emiff_core.data.preprocess import network_view
from emiff_core.data.truth import CLASS_OF_TYPE
from emiff_core.errors import EmiffError
from emiff_core.geometry import Boxes3D, PinholeCamera, transforms


@dataclass(frozen=True, eq=False)
class CameraImage:
    """An image and the camera that took it.

    Attributes:
        image: (H, W, 3) uint8 BGR.
        camera: of this image; rectified, nothing left to crop.
        T_camera_detection: (4, 4) float64, from the vehicle's detection frame to the camera's optical frame.
    """

    image: NDArray[np.uint8]
    camera: PinholeCamera
    T_camera_detection: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sample:
    """One instant at one crossing.

    Attributes:
        vehicle, infrastructure: the two cameras.
        boxes: N truth boxes, detection frame.
        labels: their N classes (car, ...).
        seen: (N, 2) bool, by the vehicle's camera and by the roadside's.
    """

    vehicle: CameraImage
    infrastructure: CameraImage
    boxes: Boxes3D
    labels: tuple[str, ...]
    seen: NDArray[np.bool_]

    def truth(self, class_name: str, roadside: bool) -> Boxes3D:
        """Return the boxes of a class that a present camera sees; the roadside's counts if `roadside`."""
        visible = self.seen.any(axis=1) if roadside else self.seen[:, 0]
        return self.boxes[visible & (np.array(self.labels, dtype=object) == class_name)]


class Samples(Protocol):
    """A sequence of samples, read when asked for, and what it is of."""

    @property
    def description(self) -> dict[str, object]:
        """Plain values that say which samples these are, for the card and for resuming."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Sample: ...


class DairSamples:
    """The frames of a data set in the layout of DAIR-V2X-C.

    Its labels do not say which camera sees a box: each counts as seen by a camera whose image holds its centre.
    """

    def __init__(self, root: Path, split: str | None, image: ImageConfig) -> None:
        """Open a data set.

        Args:
            root: see `DairV2xDataset`.
            split: train, val or test; None takes all frames.
            image: what the network expects; images are cropped as it says, and keep their size.

        Raises:
            EmiffError: see `DairV2xDataset`.
        """
        self._frames = DairV2xDataset(root, split).frames
        self._image = image
        self.description: dict[str, object] = {'data_set': root.name, 'split': split, 'frames': len(self._frames)}

    def __len__(self) -> int:
        return len(self._frames)

    def __getitem__(self, index: int, /) -> Sample:
        """Read a frame.

        Raises:
            EmiffError: a file of it is missing or malformed.
        """
        frame: CooperativeFrame = self._frames[index]
        vehicle = self._read(frame.vehicle_image, frame.vehicle_camera, frame.T_vehicle_camera_lidar)
        infrastructure = self._read(
            frame.infrastructure_image, frame.infrastructure_camera, frame.T_infrastructure_camera_vehicle_lidar
        )
        truth = frame.truth
        kept = [i for i, kind in enumerate(truth.labels) if kind in CLASS_OF_TYPE]
        boxes = truth.boxes[kept]
        return Sample(
            vehicle,
            infrastructure,
            boxes,
            tuple(CLASS_OF_TYPE[truth.labels[i]] for i in kept),
            np.stack([_holds(side, boxes.centers) for side in (vehicle, infrastructure)], axis=1),
        )

    def _read(self, path: Path, camera: PinholeCamera, T_camera_detection: NDArray[np.float64]) -> CameraImage:
        image = read_image(path)
        if image.shape[:2] != (camera.height, camera.width):
            expected, found = (f'{w}x{h}' for h, w in ((camera.height, camera.width), image.shape[:2]))
            raise EmiffError(f'{path}: expected {expected} pixels, as its calibration says, found {found}')
        view = network_view(camera, self._image)
        return CameraImage(image[camera.height - view.height :], view, T_camera_detection)


def _holds(side: CameraImage, points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return (N,) whether the image holds the points (N, 3) of the detection frame."""
    pixels, depth = side.camera.project(transforms.apply(side.T_camera_detection, points))
    size = (side.camera.width, side.camera.height)
    return np.asarray((depth > 0) & ((pixels >= 0) & (pixels < size)).all(axis=1))


