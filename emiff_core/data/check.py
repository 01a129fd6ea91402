"""Audits a copy of DAIR-V2X-C: finds all that is wrong with it, where the loader stops at the first error.

It reads with the loader's own functions, so what passes here loads, and what fails here names the same file and key.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from os.path import isfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emiff_core.data.dair_v2x import (
    COOPERATIVE_INDEX,
    SPLIT_FILE,
    error_offset,
    listed_file,
    read_camera,
    read_side,
    read_split,
    stamp_ns,
)
from emiff_core.data.findings import Audit, Finding, Kind, Severity
from emiff_core.data.json_files import number_of, read_list, rigid_of, text_of
from emiff_core.data.truth import CLASS_OF_TYPE, corners_of, is_sizeless
from emiff_core.errors import EmiffError

CALIBRATIONS = {
    'vehicle-side': ('calib_lidar_to_camera_path', 'calib_lidar_to_novatel_path', 'calib_novatel_to_world_path'),
    'infrastructure-side': ('calib_virtuallidar_to_camera_path', 'calib_virtuallidar_to_world_path'),
}
SPLITS = ('train', 'val', 'test')
_FARTHEST_APART_NS = 100_000_000
_LENGTH_TOLERANCE_M = 0.1

Entry = Mapping[str, object]


def check(root: Path, progress: Callable[[int, int], None] | None = None) -> Audit:
    """Audit a data set. Images are not decoded.

    Args:
        root: the folder that holds vehicle-side/, infrastructure-side/ and cooperative/.
        progress: called with the entries done so far and their number.
    """
    return _Auditor(root, progress).run()


@dataclass(frozen=True)
class _SideImage:
    """One image of a side.

    Attributes:
        entry: of the side's index.
        stamp: nanoseconds; None where there is none.
        is_usable: whether image, stamp and calibrations are all there.
    """

    entry: Entry
    stamp: int | None
    is_usable: bool


class _Auditor:
    def __init__(self, root: Path, progress: Callable[[int, int], None] | None) -> None:
        self._root = root
        self._progress = progress
        self._findings: list[Finding] = []
        self._n_unusable = 0  # findings so far that keep a frame from loading
        self._boxes = 0

    def run(self) -> Audit:
        indices: dict[str, Mapping[str, Entry]] = {side: {} for side in CALIBRATIONS}
        pairs: list[Entry] = []
        for side in indices:
            with self._expecting(Kind.INDEX):
                indices[side] = read_side(self._root / side / 'data_info.json')
        with self._expecting(Kind.INDEX):
            pairs = read_list(self._root / COOPERATIVE_INDEX)
        opens = not self._findings
        total = sum(map(len, indices.values())) + len(pairs)
        done = 0
        sides: dict[str, dict[str, _SideImage]] = {}
        for side, index in indices.items():
            sides[side] = {}
            for identifier, entry in index.items():
                sides[side][identifier] = self._side_image(self._root / side, identifier, entry)
                done += 1
                self._report(done, total)
            self._check_order(side, sides[side])
            self._check_unread(self._root / side, index)
        usable = 0
        for i, pair in enumerate(pairs):
            usable += self._check_pair(i, pair, sides['vehicle-side'], sides['infrastructure-side'])
            done += 1
            self._report(done, total)
        self._check_splits(pairs)
        return Audit(len(pairs), len(pairs) - (usable if opens else 0), self._boxes, tuple(self._findings))

    def _side_image(self, root: Path, identifier: str, entry: Entry) -> _SideImage:
        before, stamp = self._n_unusable, None
        with self._expecting(Kind.IMAGE):
            image = listed_file(root, entry, 'image_path')
            if image.stat().st_size == 0:
                self._find(Kind.IMAGE, f'{image}: expected an image, found an empty file')
        with self._expecting(Kind.STAMP):
            stamp = stamp_ns(entry, f'{root}/data_info.json: frame {identifier}')
        with self._expecting(Kind.CALIBRATION):
            read_camera(listed_file(root, entry, 'calib_camera_intrinsic_path'))
        for key in CALIBRATIONS[root.name]:
            with self._expecting(Kind.CALIBRATION):
                rigid_of(listed_file(root, entry, key))
        return _SideImage(entry, stamp, self._n_unusable == before)

    def _check_order(self, side: str, images: Mapping[str, _SideImage]) -> None:
        """A batch is a drive: its stamps rise with its identifiers."""
        for (first, a), (second, b) in pairwise(sorted(images.items())):
            same_batch = a.entry.get('batch_start_id') == b.entry.get('batch_start_id')
            if same_batch and a.stamp is not None and b.stamp is not None and b.stamp <= a.stamp:
                self._find(
                    Kind.ORDER,
                    f'{side}/data_info.json: frame {second}: key image_timestamp: expected later than frame {first}, '
                    f'found {(a.stamp - b.stamp) / 1e6:g} ms earlier',
                )

    def _check_unread(self, root: Path, index: Mapping[str, Entry]) -> None:
        absent = sum(
            any(key.startswith('label_') and not isfile(root / str(path)) for key, path in entry.items())
            for entry in index.values()
        )
        if absent:
            self._find(Kind.SIDE_LABELS, f'{root}/label: those of {absent} images')
        if index and not (root / 'velodyne').is_dir():
            self._find(Kind.POINT_CLOUDS, f'{root}/velodyne')

    def _check_pair(
        self, i: int, pair: Entry, vehicles: Mapping[str, _SideImage], roadsides: Mapping[str, _SideImage]
    ) -> bool:
        """Return whether the pair loads."""
        source = f'{self._root}/cooperative/data_info.json: entry {i}'
        before = self._n_unusable
        found = []
        for side, images in (('vehicle', vehicles), ('infrastructure', roadsides)):
            with self._expecting(Kind.NOT_INDEXED):
                identifier = Path(text_of(pair, f'{side}_image_path', source)).stem
                if identifier in images:
                    found.append(images[identifier])
                else:
                    self._find(
                        Kind.NOT_INDEXED,
                        f'{source}: key {side}_image_path: expected an image of {side}-side/data_info.json, '
                        f'found {identifier}',
                    )
        with self._expecting(Kind.OFFSET):
            error_offset(pair, source)
        with self._expecting(Kind.LABEL):
            self._check_label(self._root / text_of(pair, 'cooperative_label_path', source))
        if len(found) == 2 and found[0].stamp is not None and found[1].stamp is not None:
            apart = found[0].stamp - found[1].stamp
            if abs(apart) > _FARTHEST_APART_NS:
                self._find(Kind.APART, f'{source}: the vehicle exposes {apart / 1e6:g} ms after the roadside')
        return self._n_unusable == before and all(image.is_usable for image in found)

    def _check_label(self, path: Path) -> None:
        entries = read_list(path)
        boxes = sizeless = 0
        for i, entry in enumerate(entries):
            with self._expecting(Kind.LABEL):
                source = f'{path}: entry {i}'
                if is_sizeless(entry, source):
                    sizeless += 1
                    continue
                kind, corners = text_of(entry, 'type', source), corners_of(entry, source)
                boxes += 1
                if CLASS_OF_TYPE.get(kind.capitalize()) == 'car':
                    self._check_proportions(entry, corners, source)
        texts = sum(_is_number(text) for entry in entries for text in _texts(entry))
        if sizeless:
            self._find(Kind.SIZELESS, f'{path}: {sizeless} of {len(entries)}')
        if texts:
            self._find(Kind.TEXT_NUMBERS, f'{path}: {texts}')
        if not boxes:
            self._find(Kind.NO_BOXES, f'{path}: {len(entries)} entries')
        self._boxes += boxes

    def _check_proportions(self, entry: Entry, corners: NDArray[np.float64], source: str) -> None:
        drawn = np.linalg.norm([corners[0] - corners[3], corners[0] - corners[1]], axis=1)
        dimensions = entry.get('3d_dimensions')
        told = drawn
        if isinstance(dimensions, Mapping):
            told = np.array([number_of(dimensions, key, source) for key in 'lw'])
        if told[1] > told[0]:
            self._find(Kind.SWAPPED, f'{source}: key 3d_dimensions: l {told[0]:g} m, w {told[1]:g} m')
        elif drawn[1] > drawn[0] + _LENGTH_TOLERANCE_M:
            self._find(Kind.SWAPPED, f'{source}: key world_8_points: {drawn[0]:.2f} m ahead, {drawn[1]:.2f} m across')

    def _check_splits(self, pairs: list[Entry]) -> None:
        path = self._root / SPLIT_FILE
        if not path.exists():
            self._find(Kind.NO_SPLIT, str(path))
            return
        listed = {Path(str(pair.get('vehicle_image_path'))).stem for pair in pairs}
        chosen: set[str] = set()
        for name in SPLITS:
            with self._expecting(Kind.SPLIT):
                split = set(read_split(path, name))
                self._check_split(path, f'cooperative_split.{name}', split - listed, 'without a frame')
                self._check_split(path, f'cooperative_split.{name}', split & chosen, 'of another split too')
                chosen |= split
        self._check_split(path, 'cooperative_split', listed - chosen, 'of frames in no split')

    def _check_split(self, path: Path, key: str, identifiers: set[str], what: str) -> None:
        if identifiers:
            examples = ', '.join(sorted(identifiers)[:3]) + (', ...' if len(identifiers) > 3 else '')
            self._find(Kind.SPLIT, f'{path}: key {key}: {len(identifiers)} identifiers {what}: {examples}')

    @contextmanager
    def _expecting(self, kind: Kind) -> Iterator[None]:
        """Take a failure inside the block for a finding of a kind."""
        try:
            yield
        except EmiffError as error:
            self._find(kind, str(error))

    def _find(self, kind: Kind, line: str) -> None:
        self._findings.append(Finding(kind, line.removeprefix(f'{self._root}/')))
        self._n_unusable += kind.severity is Severity.UNUSABLE

    def _report(self, done: int, total: int) -> None:
        if self._progress is not None:
            self._progress(done, total)


def _texts(value: object) -> Iterator[str]:
    """Yield the texts inside a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for item in value.values() if isinstance(value, Mapping) else value:
            yield from _texts(item)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
