"""What stands around the vehicle: the cooperative labels of DAIR-V2X-C (arXiv 2204.05575)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emiff_core.data.json_files import number_of, numbers_of, read_list, text_of
from emiff_core.errors import EmiffError
from emiff_core.geometry import Boxes3D, transforms

_SAME_PLACE_M = 1.0  # two vehicles' centres are farther apart
_BOX_TOLERANCE_M = 0.2  # by which corners may miss a box's; published ones are off by rounding

# which published types count as which evaluated class; every other type is ignored
CLASS_OF_TYPE = {
    'Car': 'car',
    'Van': 'car',
    'Truck': 'car',
    'Bus': 'car',
    'Cyclist': 'cyclist',
    'Pedestrian': 'pedestrian',
}
EVALUATED_CLASS = 'car'  # by the data set's authors


@dataclass(frozen=True, eq=False)
class Truth:
    """What stands around the vehicle.

    Attributes:
        boxes: N boxes in the vehicle lidar frame, in the order of the file.
        labels: N types as published (Car, Van, Truck, Bus, Cyclist, ...), their first letter capital.
    """

    boxes: Boxes3D
    labels: tuple[str, ...]

    def of_class(self, name: str) -> Boxes3D:
        """Return the boxes that count as the evaluated class `name` (car, cyclist, pedestrian), in the file's order."""
        return self.boxes[[i for i, label in enumerate(self.labels) if CLASS_OF_TYPE.get(label) == name]]


def read_truth(path: Path, T_lidar_world: NDArray[np.float64]) -> Truth:
    """Read a cooperative label.

    Args:
        path: of cooperative/label_world.
        T_lidar_world: (4, 4) from the world to the vehicle lidar frame.

    Raises:
        EmiffError: the file is missing, or an entry lacks a key or is no box.
    """
    corners, labels = [], []
    for i, entry in enumerate(read_list(path)):
        source = f'{path}: entry {i}'
        if is_sizeless(entry, source):
            continue  # published labels hold boxes of no size, which the official evaluation skips too
        labels.append(text_of(entry, 'type', source).capitalize())
        corners.append(corners_of(entry, source))
    local = transforms.apply(T_lidar_world, np.array(corners).reshape(-1, 8, 3))
    return Truth(Boxes3D.from_corners(local), tuple(labels))


def labelled_among(path: Path, boxes: Boxes3D) -> NDArray[np.bool_]:
    """Return which boxes a vehicle-side label holds too, (N,): those with an entry's centre within a metre of theirs.

    Args:
        path: of vehicle-side/label.
        boxes: N boxes, vehicle lidar frame.

    Raises:
        EmiffError: the file is missing, or an entry has no location.
    """
    places = []
    for i, entry in enumerate(read_list(path)):
        location, source = entry.get('3d_location'), f'{path}: entry {i}'
        if not isinstance(location, Mapping):
            raise EmiffError(f'{source}: key 3d_location: expected an object, found {location!r}')
        places.append([number_of(location, key, source) for key in 'xy'])
    distances = np.linalg.norm(boxes.centers[:, None, :2] - np.array(places).reshape(-1, 2), axis=2)
    return np.asarray((distances < _SAME_PLACE_M).any(axis=1))


def is_sizeless(entry: Mapping[str, object], source: str) -> bool:
    """Return whether a label's entry gives a length, width or height of 0; `source` names it in errors.

    Raises:
        EmiffError: one of them is no number.
    """
    dimensions = entry.get('3d_dimensions')
    return isinstance(dimensions, Mapping) and not all(number_of(dimensions, key, source) for key in 'lwh')


def corners_of(entry: Mapping[str, object], source: str) -> NDArray[np.float64]:
    """Return the (8, 3) corners of a label's entry, metres in the world, in DAIR-V2X order; errors name it `source`.

    Raises:
        EmiffError: they are not there, or not those of a box.
    """
    corners = numbers_of(entry, 'world_8_points', 24, source).reshape(8, 3)
    length, width, height = corners[0] - corners[3], corners[0] - corners[1], corners[4] - corners[0]
    floor = corners[3] + np.stack([length, length - width, -width, np.zeros(3)])
    error = float(np.abs(corners - np.concatenate([floor, floor + height])).max())
    if error > _BOX_TOLERANCE_M or min(np.linalg.norm(edge) for edge in (length, width, height)) == 0:
        raise EmiffError(f"{source}: key 'world_8_points': expected the corners of a box, found {corners.tolist()}")
    return corners
