"""Reads data sets in the layout of DAIR-V2X-C (arXiv 2204.05575): the real one, and the synthetic one of `emiff synth`.

Point clouds are never read, so a copy without velodyne/ will do.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from os.path import isfile
from pathlib import Path
from typing import overload

from emiff_core.data.cooperative_frame import CooperativeFrame
from emiff_core.data.json_files import number_of, numbers_of, read_list, read_object, rigid_of, text_of
from emiff_core.errors import EmiffError
from emiff_core.geometry import PinholeCamera

SPLIT_FILE = 'cooperative-split-data.json'
COOPERATIVE_INDEX = 'cooperative/data_info.json'
VEHICLE_INDEX = 'vehicle-side/data_info.json'
ROADSIDE_INDEX = 'infrastructure-side/data_info.json'
_DEFAULT_SIZE = (1920, 1080)  # of every image of the published set, whose calibration files need not say so
_STAMP_DIGITS = 16  # of microseconds since 1970, until the year 2286


class DairV2xDataset:
    """The cooperative frames of a data set.

    `frames` is a sequence that reads a frame's calibrations when the frame is asked for: opening the published 9311
    frames takes a moment, not minutes.
    """

    def __init__(
        self,
        root: Path,
        split: str | None = None,
        split_file: Path | None = None,
        delay_frames: int = 0,
        with_distortion: bool = False,
    ) -> None:
        """Open a data set.

        Args:
            root: the folder that holds vehicle-side/, infrastructure-side/ and cooperative/.
            split: train, val or test of the split file's cooperative_split; None takes all frames.
            split_file: None is cooperative-split-data.json in the root.
            delay_frames: take the roadside's exposure so many frames earlier in the same batch (VIC-Async-k of the
                data set's paper); frames that have none are dropped.
            with_distortion: give the cameras their cam_D. The official evaluation takes the images for rectified and
                uses cam_K alone, which is the default here.

        Raises:
            EmiffError: a file is missing or malformed, the split is unknown, or no frame is left.
        """
        if delay_frames < 0:
            raise EmiffError(f'delay: expected 0 frames or more, found {delay_frames}')
        self.root = root
        self.with_distortion = with_distortion
        self._vehicle = read_side(root / VEHICLE_INDEX)
        self._infrastructure = read_side(root / ROADSIDE_INDEX)
        index = root / COOPERATIVE_INDEX
        wanted = None if split is None else set(read_split(split_file or root / SPLIT_FILE, split))
        pairs = []
        for i, entry in enumerate(read_list(index)):
            source = f'{index}: entry {i}'
            vehicle_id = Path(text_of(entry, 'vehicle_image_path', source)).stem
            infrastructure_id = Path(text_of(entry, 'infrastructure_image_path', source)).stem
            if wanted is not None and vehicle_id not in wanted:
                continue
            earlier: str | None = infrastructure_id
            if delay_frames > 0 and infrastructure_id in self._infrastructure:
                earlier = self._earlier(infrastructure_id, delay_frames, source)
            if earlier is not None:
                pairs.append((vehicle_id, earlier, entry))
        if not pairs:
            what = 'a frame' if split is None else f'a frame of split {split!r}'
            raise EmiffError(f'{index}: expected {what}, found none')
        self.frames: Sequence[CooperativeFrame] = _Frames(self, pairs)

    @property
    def digest(self) -> str:
        """Eight hexadecimal digits of what a detector is given: frames in order, stamps, calibrations, images' sizes.

        Raises:
            EmiffError: a frame does not load.
        """
        content = hashlib.sha256()
        for frame in self.frames:
            content.update(frame.inputs())
        return content.hexdigest()[:8]

    def __len__(self) -> int:
        return len(self.frames)

    def _earlier(self, infrastructure_id: str, frames: int, source: str) -> str | None:
        """Return the roadside's identifier so many frames earlier in its batch, or None."""
        entry = self._infrastructure[infrastructure_id]
        if not infrastructure_id.isdecimal():
            raise EmiffError(f'{source}: infrastructure_image_path: expected a number, found {infrastructure_id!r}')
        number = int(infrastructure_id) - frames
        index = self.root / ROADSIDE_INDEX
        if number < number_of(entry, 'batch_start_id', f'{index}: frame {infrastructure_id}'):
            return None
        earlier = f'{number:06d}'
        return earlier if earlier in self._infrastructure else None

    def vehicle_label(self, vehicle_id: str) -> Path:
        """Return the file of what the vehicle by itself sees at a frame, boxes in its lidar frame.

        Raises:
            EmiffError: it is not listed, or there is no such file.
        """
        entry = self._vehicle[vehicle_id]
        key = 'label_lidar_std_path' if 'label_lidar_std_path' in entry else 'label_lidar_path'
        return listed_file(self.root / 'vehicle-side', entry, key)

    def read_frame(self, vehicle_id: str, infrastructure_id: str, entry: Mapping[str, object]) -> CooperativeFrame:
        """Read one frame's calibrations; `entry` is its entry of cooperative/data_info.json.

        Raises:
            EmiffError: a file or key is missing or malformed.
        """
        pair = f'{self.root}/cooperative/data_info.json: frame {vehicle_id}'
        if vehicle_id not in self._vehicle:
            raise EmiffError(f'{pair}: expected it in vehicle-side/data_info.json, found none')
        if infrastructure_id not in self._infrastructure:
            raise EmiffError(f'{pair}: expected {infrastructure_id} in infrastructure-side/data_info.json, found none')
        vehicle, roadside = self._vehicle[vehicle_id], self._infrastructure[infrastructure_id]
        vehicle_root, roadside_root = self.root / 'vehicle-side', self.root / 'infrastructure-side'
        T_world_infrastructure = rigid_of(listed_file(roadside_root, roadside, 'calib_virtuallidar_to_world_path'))
        T_world_infrastructure[:2, 3] += error_offset(entry, pair)
        return CooperativeFrame(
            vehicle_id=vehicle_id,
            infrastructure_id=infrastructure_id,
            vehicle_image=listed_file(vehicle_root, vehicle, 'image_path'),
            infrastructure_image=listed_file(roadside_root, roadside, 'image_path'),
            vehicle_stamp_ns=stamp_ns(vehicle, f'{vehicle_root}/data_info.json: frame {vehicle_id}'),
            infrastructure_stamp_ns=stamp_ns(roadside, f'{roadside_root}/data_info.json: frame {infrastructure_id}'),
            vehicle_camera=read_camera(
                listed_file(vehicle_root, vehicle, 'calib_camera_intrinsic_path'), self.with_distortion
            ),
            infrastructure_camera=read_camera(
                listed_file(roadside_root, roadside, 'calib_camera_intrinsic_path'), self.with_distortion
            ),
            T_vehicle_camera_lidar=rigid_of(listed_file(vehicle_root, vehicle, 'calib_lidar_to_camera_path')),
            T_novatel_lidar=rigid_of(listed_file(vehicle_root, vehicle, 'calib_lidar_to_novatel_path')),
            T_world_novatel=rigid_of(listed_file(vehicle_root, vehicle, 'calib_novatel_to_world_path')),
            T_infrastructure_camera_lidar=rigid_of(
                listed_file(roadside_root, roadside, 'calib_virtuallidar_to_camera_path')
            ),
            T_world_infrastructure_lidar=T_world_infrastructure,
            label=self.root / text_of(entry, 'cooperative_label_path', pair),
        )


class _Frames(Sequence[CooperativeFrame]):
    def __init__(self, dataset: DairV2xDataset, pairs: Sequence[tuple[str, str, Mapping[str, object]]]) -> None:
        self._dataset = dataset
        self._pairs = pairs

    def __len__(self) -> int:
        return len(self._pairs)

    @overload
    def __getitem__(self, index: int) -> CooperativeFrame: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[CooperativeFrame]: ...
    def __getitem__(self, index: int | slice) -> CooperativeFrame | Sequence[CooperativeFrame]:
        if isinstance(index, slice):
            return _Frames(self._dataset, self._pairs[index])
        return self._dataset.read_frame(*self._pairs[index])

    def __iter__(self) -> Iterator[CooperativeFrame]:
        return (self._dataset.read_frame(*pair) for pair in self._pairs)


def read_split(path: Path, name: str) -> list[str]:
    """Return the vehicle identifiers of a split (train, val, test) of a split file.

    Raises:
        EmiffError: the file is missing, or has no such split.
    """
    splits = read_object(path).get('cooperative_split')
    if not isinstance(splits, dict) or not isinstance(splits.get(name), list):
        found = ', '.join(splits) if isinstance(splits, dict) else 'no cooperative_split'
        raise EmiffError(f'{path}: expected a cooperative_split {name!r}, found {found}')
    for identifier in splits[name]:
        if isinstance(identifier, bool) or not isinstance(identifier, int | str):
            raise EmiffError(f'{path}: cooperative_split {name!r}: expected identifiers, found {identifier!r}')
    return [str(identifier).zfill(6) for identifier in splits[name]]


def read_side(path: Path) -> dict[str, Mapping[str, object]]:
    """Return the entries of a side's data_info.json by the identifier of their image; those without one are left out.

    Raises:
        EmiffError: the file is missing or malformed, or has two entries for one image.
    """
    entries: dict[str, Mapping[str, object]] = {}
    for i, entry in enumerate(read_list(path)):
        if entry.get('image_path') == '':  # not present; a pair that needs it is refused when it is asked for
            continue
        identifier = Path(text_of(entry, 'image_path', f'{path}: entry {i}')).stem
        if identifier in entries:
            raise EmiffError(f'{path}: entry {i}: expected one entry for image {identifier}, found another')
        entries[identifier] = entry
    return entries


def listed_file(root: Path, entry: Mapping[str, object], key: str) -> Path:
    """Return the path of a file that an entry of `root`/data_info.json lists under `key`.

    Raises:
        EmiffError: nothing is listed, or there is no such file.
    """
    path = root / text_of(entry, key, root / 'data_info.json')
    if not isfile(path):  # unlike Path.is_file, it takes any name
        raise EmiffError(f'{path}: expected the file that {root.name}/data_info.json lists as {key}, found none')
    return path


def read_camera(path: Path, with_distortion: bool = False) -> PinholeCamera:
    """Read a file of calib/camera_intrinsic, with its cam_D or as of a rectified image.

    Raises:
        EmiffError: the file or a key is missing or malformed.
    """
    content = read_object(path)
    width, height = (
        int(number_of(content, key, path)) if key in content else default
        for key, default in zip(('width', 'height'), _DEFAULT_SIZE, strict=True)
    )
    distortion = tuple(numbers_of(content, 'cam_D', 5, path).tolist()) if with_distortion else ()
    try:
        return PinholeCamera(numbers_of(content, 'cam_K', 9, path).reshape(3, 3), width, height, distortion)
    except EmiffError as error:
        raise EmiffError(f'{path}: {error}') from error


def stamp_ns(entry: Mapping[str, object], source: str) -> int:
    """Return the stamp of a side entry's image in nanoseconds; files carry microseconds, mostly as text.

    Raises:
        EmiffError: there is none; `source` names the entry.
    """
    value = entry.get('image_timestamp')
    text = str(value)
    if not text.isdecimal() or len(text) > _STAMP_DIGITS:
        raise EmiffError(f"{source}: key 'image_timestamp': expected microseconds since 1970, found {value!r}")
    return int(text) * 1000


def error_offset(entry: Mapping[str, object], source: str) -> tuple[float, float]:
    """Return what a pair's system_error_offset adds to the roadside's x and y in the world, metres; "" adds nothing.

    Raises:
        EmiffError: it is neither; `source` names the pair.
    """
    offset = entry.get('system_error_offset')
    if offset == '':
        return 0.0, 0.0
    if not isinstance(offset, Mapping):
        raise EmiffError(f'{source}: key system_error_offset: expected an object or "", found {offset!r}')
    return number_of(offset, 'delta_x', source), number_of(offset, 'delta_y', source)
