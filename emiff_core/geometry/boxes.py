"""Upright 3D boxes: centre, full size (length x, width y, height z), yaw about +z."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from emiff_core.errors import EmiffError
from emiff_core.geometry import transforms

# Corner order of DAIR-V2X's world_8_points: 0-3 the bottom face, 4-7 the top; 3->0 is +x, 1->0 is +y, 0->4 is +z.
_CORNER_SIGNS = np.array(
    [[1, 1, -1], [1, -1, -1], [-1, -1, -1], [-1, 1, -1], [1, 1, 1], [1, -1, 1], [-1, -1, 1], [-1, 1, 1]]
)


@dataclass(frozen=True, eq=False)
class Boxes3D:
    """N boxes in one frame.

    Attributes:
        centers: (N, 3) float64, metres, geometric centre.
        sizes: (N, 3) float64, metres, full length (x), width (y), height (z).
        yaws: (N,) float64, radians about +z, heading of the length axis.
    """

    centers: NDArray[np.float64]
    sizes: NDArray[np.float64]
    yaws: NDArray[np.float64]

    def __post_init__(self) -> None:
        object.__setattr__(self, 'centers', np.asarray(self.centers, dtype=np.float64).reshape(-1, 3))
        object.__setattr__(self, 'sizes', np.asarray(self.sizes, dtype=np.float64).reshape(-1, 3))
        object.__setattr__(self, 'yaws', np.asarray(self.yaws, dtype=np.float64).reshape(-1))
        if not len(self.centers) == len(self.sizes) == len(self.yaws):
            raise EmiffError(
                f'expected as many centres, sizes and yaws, '
                f'found {len(self.centers)}, {len(self.sizes)}, {len(self.yaws)}'
            )

    def __len__(self) -> int:
        return len(self.centers)

    def __getitem__(self, index: slice | NDArray[np.bool_] | NDArray[np.integer] | Sequence[int]) -> 'Boxes3D':
        return Boxes3D(self.centers[index], self.sizes[index], self.yaws[index])

    @classmethod
    def empty(cls) -> 'Boxes3D':
        """Return no boxes."""
        return cls(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0))

    @classmethod
    def from_corners(cls, corners: ArrayLike) -> 'Boxes3D':
        """Fit upright boxes to corners in DAIR-V2X order.

        Args:
            corners: (N, 8, 3) metres, order of world_8_points.

        Returns:
            N boxes; centre = mean of corners 0 and 2 in x, y and of 0 and 4 in z, yaw = atan2 of corner 3 -> 0.
        """
        c = np.asarray(corners, dtype=np.float64).reshape(-1, 8, 3)
        centers = np.concatenate([(c[:, 0, :2] + c[:, 2, :2]) / 2, (c[:, 0, 2:] + c[:, 4, 2:]) / 2], axis=1)
        edges = [c[:, 0] - c[:, 3], c[:, 0] - c[:, 1], c[:, 4] - c[:, 0]]
        sizes = np.stack([np.linalg.norm(edge, axis=1) for edge in edges], axis=1)
        return cls(centers, sizes, np.arctan2(edges[0][:, 1], edges[0][:, 0]))

    def corners(self) -> NDArray[np.float64]:
        """Return (N, 8, 3) corners, metres, in DAIR-V2X order."""
        local = _CORNER_SIGNS[None] * self.sizes[:, None] / 2
        c, s = np.cos(self.yaws)[:, None], np.sin(self.yaws)[:, None]
        x, y = local[..., 0], local[..., 1]
        return np.stack([c * x - s * y, s * x + c * y, local[..., 2]], axis=-1) + self.centers[:, None]

    def transformed(self, matrix: NDArray[np.float64]) -> 'Boxes3D':
        """Bring the boxes into another frame by the (4, 4) transform T_dst_src.

        The boxes stay upright: what tilt the transform has moves the centre and turns the heading's projection.
        """
        heading = np.stack([np.cos(self.yaws), np.sin(self.yaws), np.zeros(len(self))], axis=1)
        turned = heading @ matrix[:3, :3].T
        return Boxes3D(
            transforms.apply(matrix, self.centers), self.sizes, np.arctan2(turned[:, 1], turned[:, 0])
        )


@dataclass(frozen=True, eq=False)
class Detections:
    """Boxes with a class and a score each, in the detection frame.

    Attributes:
        boxes: N boxes.
        scores: (N,) float64 in [0, 1], descending.
        labels: N class names.
    """

    boxes: Boxes3D
    scores: NDArray[np.float64]
    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, 'scores', np.asarray(self.scores, dtype=np.float64).reshape(-1))
        if not len(self.boxes) == len(self.scores) == len(self.labels):
            raise EmiffError(
                f'expected as many boxes, scores and labels, found '
                f'{len(self.boxes)}, {len(self.scores)}, {len(self.labels)}'
            )

    def __len__(self) -> int:
        return len(self.scores)

    def transformed(self, matrix: NDArray[np.float64]) -> 'Detections':
        """Bring the boxes into another frame by the (4, 4) transform T_dst_src."""
        return Detections(self.boxes.transformed(matrix), self.scores, self.labels)

    def __getitem__(self, index: NDArray[np.bool_]) -> 'Detections':
        """Return those that a (N,) mask names."""
        labels = tuple(label for label, kept in zip(self.labels, index, strict=True) if kept)
        return Detections(self.boxes[index], self.scores[index], labels)

    def of_class(self, name: str) -> 'Detections':
        """Return those of one class."""
        return self[np.array([label == name for label in self.labels], dtype=bool)]
