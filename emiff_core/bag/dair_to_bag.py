"""Turns a data set of DAIR-V2X-C's layout into a bag: images, calibrations, poses and the truth, as a robot records."""

import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from emiff_core.bag import detections
from emiff_core.bag.writer import LATCHED, BagWriter, Storage
from emiff_core.data.cooperative_frame import CooperativeFrame
from emiff_core.data.dair_v2x import DairV2xDataset
from emiff_core.data.truth import CLASS_OF_TYPE
from emiff_core.errors import EmiffError
from emiff_core.geometry import Detections, PinholeCamera, transforms
from emiff_core.stamps import make_header

SIDES = ('vehicle', 'infrastructure')
DETECTION_FRAME = 'vehicle_lidar'
# parent, child: where each sensor stands; the world is called map, as REP-105 has it
_LINKS = (
    ('map', 'novatel'),
    ('novatel', 'vehicle_lidar'),
    ('vehicle_lidar', 'vehicle_camera'),
    ('map', 'infrastructure_lidar'),
    ('infrastructure_lidar', 'infrastructure_camera'),
)
_FORMATS = {'.jpg': 'jpeg', '.jpeg': 'jpeg', '.png': 'png'}


@dataclass(frozen=True)
class Event:
    """Something to write at a time; `rank` orders what happens at once: transforms, camera info, image, truth."""

    stamp_ns: int
    rank: int
    write: Callable[[], None]


def write_bag(
    dataset: DairV2xDataset,
    out: Path,
    storage: Storage = 'mcap',
    raw: bool = False,
    frames: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> int:
    """Write a bag of a data set's cooperative frames.

    Args:
        dataset: where they come from; its cameras count as rectified unless it gives their distortion.
        out: folder of the bag; must not exist.
        storage: storage plugin of rosbag2.
        raw: decoded bgr8 images in place of the files' own bytes.
        frames: the first so many; None takes all.
        progress: called with the messages written so far and their number.

    Returns:
        How many messages were written.

    Raises:
        EmiffError: `out` exists, or a file of the data set is missing or malformed.
    """
    if frames is not None and frames < 1:
        raise EmiffError(f'frames: expected 1 or more, found {frames}')
    chosen = list(dataset.frames[: frames if frames is not None else len(dataset)])
    writer = BagWriter(out, storage)
    try:
        with writer:
            bag = _DatasetBag(writer, raw)
            events = sorted(bag.events(chosen), key=lambda event: (event.stamp_ns, event.rank))
            for done, event in enumerate(events, 1):
                event.write()
                if progress is not None:
                    progress(done, len(events))
    except EmiffError:
        shutil.rmtree(out)  # half a bag would look like one
        raise
    return len(events)


class _DatasetBag:
    """Lays the data set's frames out as messages of one bag."""

    def __init__(self, writer: BagWriter, raw: bool) -> None:
        self._writer = writer
        self._raw = raw
        image_type = 'sensor_msgs/msg/Image' if raw else 'sensor_msgs/msg/CompressedImage'
        writer.add_topic('/tf_static', 'tf2_msgs/msg/TFMessage', qos=LATCHED)
        writer.add_topic('/tf', 'tf2_msgs/msg/TFMessage')
        for side in SIDES:
            writer.add_topic(f'/{side}/camera/camera_info', 'sensor_msgs/msg/CameraInfo')
            writer.add_topic(self._image_topic(side), image_type)
        writer.add_topic('/ground_truth', 'vision_msgs/msg/Detection3DArray')

    def events(self, frames: Sequence[CooperativeFrame]) -> Iterable[Event]:
        """Yield all that is to be written, in no particular order."""
        chains = [_chain(frame) for frame in frames]
        is_static = [all(np.array_equal(chain[i], chains[0][i]) for chain in chains) for i in range(len(_LINKS))]
        first = min(min(f.vehicle_stamp_ns, f.infrastructure_stamp_ns) for f in frames)
        static = [(link, chains[0][i]) for i, link in enumerate(_LINKS) if is_static[i]]
        yield Event(first, 0, lambda: self._write_transforms('/tf_static', first, static))
        written: set[tuple[str, int]] = set()
        for frame, chain in zip(frames, chains, strict=True):
            for side, links in (('vehicle', (0, 1, 2)), ('infrastructure', (3, 4))):
                stamp = frame.vehicle_stamp_ns if side == 'vehicle' else frame.infrastructure_stamp_ns
                if (side, stamp) in written:  # two frames may share one exposure of the roadside
                    continue
                written.add((side, stamp))
                moving = [(_LINKS[i], chain[i]) for i in links if not is_static[i]]
                yield from self._exposure(frame, side, stamp, moving)
            yield Event(frame.vehicle_stamp_ns, 4, lambda frame=frame: self._write_truth(frame))  # type: ignore[misc]

    def _exposure(
        self, frame: CooperativeFrame, side: str, stamp: int, moving: list[tuple[tuple[str, str], NDArray[np.float64]]]
    ) -> Iterable[Event]:
        image = frame.vehicle_image if side == 'vehicle' else frame.infrastructure_image
        camera = frame.vehicle_camera if side == 'vehicle' else frame.infrastructure_camera
        if moving:
            yield Event(stamp, 1, lambda: self._write_transforms('/tf', stamp, moving))
        yield Event(stamp, 2, lambda: self._write_camera_info(side, stamp, camera))
        yield Event(stamp, 3, lambda: self._write_image(side, stamp, image, camera))

    def _image_topic(self, side: str) -> str:
        return f'/{side}/camera/image' if self._raw else f'/{side}/camera/image/compressed'

    def _header(self, stamp_ns: int, frame_id: str) -> Any:
        return make_header(self._writer.make, stamp_ns, frame_id)

    def _write_transforms(
        self, topic: str, stamp: int, entries: list[tuple[tuple[str, str], NDArray[np.float64]]]
    ) -> None:
        make = self._writer.make
        messages = []
        for (parent, child), T_parent_child in entries:
            x, y, z = T_parent_child[:3, 3].tolist()
            transform = make(
                'geometry_msgs/msg/Transform',
                translation=make('geometry_msgs/msg/Vector3', x=x, y=y, z=z),
                rotation=self._quaternion(T_parent_child),
            )
            header = self._header(stamp, parent)
            messages.append(
                make('geometry_msgs/msg/TransformStamped', header=header, child_frame_id=child, transform=transform)
            )
        self._writer.write(topic, stamp, make('tf2_msgs/msg/TFMessage', transforms=messages))

    def _quaternion(self, matrix: NDArray[np.float64]) -> Any:
        x, y, z, w = transforms.to_quaternion(matrix).tolist()
        return self._writer.make('geometry_msgs/msg/Quaternion', x=x, y=y, z=z, w=w)

    def _write_camera_info(self, side: str, stamp: int, camera: PinholeCamera) -> None:
        k = camera.intrinsics
        message = self._writer.make(
            'sensor_msgs/msg/CameraInfo',
            header=self._header(stamp, f'{side}_camera'),
            height=camera.height,
            width=camera.width,
            distortion_model='plumb_bob',
            d=np.array(camera.distortion or (0.0,) * 5),
            k=k.ravel(),
            r=np.eye(3).ravel(),
            p=np.hstack([k, np.zeros((3, 1))]).ravel(),
            binning_x=0,
            binning_y=0,
            roi=self._writer.make(
                'sensor_msgs/msg/RegionOfInterest', x_offset=0, y_offset=0, height=0, width=0, do_rectify=False
            ),
        )
        self._writer.write(f'/{side}/camera/camera_info', stamp, message)

    def _write_image(self, side: str, stamp: int, path: Path, camera: PinholeCamera) -> None:
        header = self._header(stamp, f'{side}_camera')
        if self._raw:
            pixels = cv2.imread(str(path), cv2.IMREAD_COLOR)
            if pixels is None or pixels.shape[:2] != (camera.height, camera.width):
                found = 'none that can be read' if pixels is None else f'{pixels.shape[1]}x{pixels.shape[0]}'
                raise EmiffError(f'{path}: expected an image of {camera.width}x{camera.height}, found {found}')
            message = self._writer.make(
                'sensor_msgs/msg/Image',
                header=header,
                height=camera.height,
                width=camera.width,
                encoding='bgr8',
                is_bigendian=0,
                step=camera.width * 3,
                data=pixels.ravel(),
            )
        else:
            if path.suffix.lower() not in _FORMATS:
                raise EmiffError(
                    f'{path}: expected {", ".join(_FORMATS)}, found {path.suffix!r}; --raw decodes any image'
                )
            message = self._writer.make(
                'sensor_msgs/msg/CompressedImage',
                header=header,
                format=_FORMATS[path.suffix.lower()],
                data=np.frombuffer(path.read_bytes(), dtype=np.uint8),
            )
        self._writer.write(self._image_topic(side), stamp, message)

    def _write_truth(self, frame: CooperativeFrame) -> None:
        truth = frame.truth
        classes = tuple(CLASS_OF_TYPE.get(label, label) for label in truth.labels)
        message = detections.to_message(
            Detections(truth.boxes, np.ones(len(classes)), classes),
            self._header(frame.vehicle_stamp_ns, DETECTION_FRAME),
            self._writer.make,
            truth.labels,
        )
        self._writer.write('/ground_truth', frame.vehicle_stamp_ns, message)


def _chain(frame: CooperativeFrame) -> tuple[NDArray[np.float64], ...]:
    """Return T_parent_child (4, 4) of each of _LINKS."""
    return (
        frame.T_world_novatel,
        frame.T_novatel_lidar,
        transforms.inverse(frame.T_vehicle_camera_lidar),
        frame.T_world_infrastructure_lidar,
        transforms.inverse(frame.T_infrastructure_camera_lidar),
    )
