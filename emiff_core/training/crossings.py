"""The benchmark's training crossings: rendered once at the network's input size, then memory-mapped.

Cameras have the benchmark's false calibrations, as the data sets it writes have; the truth is exact.

A cache is a folder of chunks, one NumPy file each, written whole or not at all: a rendering that was interrupted goes
on where it stopped. The same settings give the same bytes, whatever the number of processes.
"""

import bisect
import json
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from filelock import FileLock
from numpy.typing import NDArray

from emiff_core import schema
from emiff_core.config import ImageConfig
from emiff_core.data.preprocess import fit_image, network_view
from emiff_core.data.synthetic import Snapshot, render_pair
from emiff_core.data.synthetic.benchmark import BENCHMARK, VERSION, BenchmarkScene, draw_scene
from emiff_core.data.synthetic.scene import EGO
from emiff_core.data.truth import CLASS_OF_TYPE
from emiff_core.errors import EmiffError
from emiff_core.geometry import Boxes3D, PinholeCamera, transforms
from emiff_core.training.config import CrossingsConfig
from emiff_core.training.samples import CameraImage, Sample

Part = Literal['training', 'validation']

_VERSION = 3  # of what a chunk holds; another one makes old caches unusable
_SCENES_A_CHUNK = 16
_MOST_BOXES = 96
_SETTINGS = 'cache.json'
_LOCK = 'cache.lock'
# both parts are of the benchmark's training split; bit 42 is the part, bits 20 to 39 are the seed
_FIRST_CROSSING: dict[Part, int] = {'training': 0, 'validation': 1 << 42}


def crossing_number(part: Part, seed: int, scene: int) -> int:
    """Return which crossing of the benchmark's training split a scene is: another for every part, seed and scene."""
    return _FIRST_CROSSING[part] + (seed << 20) + scene


def render_crossings(
    folder: Path,
    part: Part,
    config: CrossingsConfig,
    image: ImageConfig,
    workers: int = 2,
    progress: Callable[[int, int], None] | None = None,
) -> 'Crossings':
    """Render what the cache still lacks, and open it.

    Args:
        folder: of the cache; training and validation have a folder each in it.
        part: which scenes.
        config: how many, and what they are like.
        image: the network's input.
        workers: processes that render.
        progress: called with the chunks done and all chunks.

    Raises:
        EmiffError: the folder was rendered with other settings, or cannot be written.
    """
    root = folder / part
    settings = _settings(part, config, image)
    _make_folder(root)
    with FileLock(root / _LOCK):  # of several processes that train together the first one renders
        _claim(root, settings)
        scenes = config.scenes if part == 'training' else config.validation_scenes
        chunks = [(first, min(first + _SCENES_A_CHUNK, scenes)) for first in range(0, scenes, _SCENES_A_CHUNK)]
        paths = [root / f'{first:06d}-{last - 1:06d}.npy' for first, last in chunks]
        missing = [(path, chunk) for path, chunk in zip(paths, chunks, strict=True) if not path.is_file()]
        done = len(paths) - len(missing)
        render = partial(_render_chunk, part=part, config=config, image=image)
        if missing:
            with ProcessPoolExecutor(workers, mp_context=get_context('spawn')) as pool:
                for _ in pool.map(render, *zip(*missing, strict=True)):
                    done += 1
                    if progress is not None:
                        progress(done, len(paths))
    return Crossings(paths, settings)


class Crossings:
    """The samples of a rendered cache."""

    def __init__(self, paths: list[Path], description: dict[str, object]) -> None:
        self._arguments = (paths, description)
        self._chunks = [_mapped(path) for path in paths]
        self._ends = np.cumsum([len(chunk) for chunk in self._chunks]).tolist()
        self.description = {**description, 'samples': len(self)}

    def __reduce__(self) -> tuple[Any, ...]:
        return Crossings, self._arguments  # other processes map the files themselves

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, index: int, /) -> Sample:
        """Return a sample; its images are copies."""
        chunk = bisect.bisect_right(self._ends, index)
        record = self._chunks[chunk][index - self._ends[chunk]]
        n = int(record['n_boxes'])
        boxes = record['boxes'][:n]
        sides = [
            CameraImage(
                record['images'][k].copy(),
                PinholeCamera(record['intrinsics'][k], record['images'].shape[2], record['images'].shape[1]),
                record['extrinsics'][k].copy(),
            )
            for k in range(2)
        ]
        return Sample(
            sides[0],
            sides[1],
            Boxes3D(boxes[:, :3], boxes[:, 3:6], boxes[:, 6]),
            tuple(str(label) for label in record['labels'][:n]),
            record['seen'][:n].copy(),
        )


def draw_samples(part: Part, scene_number: int, config: CrossingsConfig, image: ImageConfig) -> list[Sample]:
    """Render the looks at one scene."""
    crossing = draw_scene('train', crossing_number(part, config.seed, scene_number))
    size = (config.picture_width, round(config.picture_width * 9 / 16))
    samples = []
    for time, noise_seed in zip(crossing.times, crossing.noise_seeds, strict=True):
        pair = render_pair(crossing.scene, time, size, crossing.roadside_earlier_by, noise_seed)
        samples.append(_sample(crossing, *pair, image))
    return samples


def _sample(crossing: BenchmarkScene, vehicle: Snapshot, roadside: Snapshot, image: ImageConfig) -> Sample:
    scene = crossing.scene
    T_scene_lidar = scene.T_scene_lidar(vehicle.time)
    sides = [
        _fitted(shot.rendering.image, shot.view.camera, error @ shot.view.T_camera_scene @ T_scene_lidar, image)
        for shot, error in zip((vehicle, roadside), crossing.T_written_true, strict=True)
    ]
    indices, boxes = scene.boxes(vehicle.time)
    seen = np.stack([np.isin(indices, [s.index for s in shot.seen]) for shot in (vehicle, roadside)], axis=1)
    kinds = [scene.tracks[index].spec.kind for index in indices]
    known = np.array([kind in CLASS_OF_TYPE for kind in kinds])
    kept = np.flatnonzero(seen.any(axis=1) & (indices != EGO) & known)[:_MOST_BOXES]
    return Sample(
        sides[0],
        sides[1],
        boxes[kept].transformed(transforms.inverse(T_scene_lidar)),
        tuple(CLASS_OF_TYPE[kinds[i]] for i in kept),
        seen[kept],
    )


def _fitted(
    image: NDArray[np.uint8], camera: PinholeCamera, T_camera_detection: NDArray[np.float64], config: ImageConfig
) -> CameraImage:
    """Fit an image to the network's input and return it with the camera of the result."""
    pixels = fit_image(image, camera, config)
    view = network_view(camera, config)
    return CameraImage(
        pixels, view.scaled(pixels.shape[1] / view.width, pixels.shape[0] / view.height), T_camera_detection
    )


def _render_chunk(
    path: Path, scenes: tuple[int, int], part: Part, config: CrossingsConfig, image: ImageConfig
) -> None:
    cv2.setNumThreads(1)
    samples = [sample for scene in range(*scenes) for sample in draw_samples(part, scene, config, image)]
    records = np.zeros(len(samples), dtype=_record_type(samples[0].vehicle.image.shape[:2]))
    for record, sample in zip(records, samples, strict=True):
        n = len(sample.boxes)
        for k, side in enumerate((sample.vehicle, sample.infrastructure)):
            record['images'][k] = side.image
            record['intrinsics'][k] = side.camera.intrinsics
            record['extrinsics'][k] = side.T_camera_detection
        record['n_boxes'] = n
        record['boxes'][:n] = np.column_stack([sample.boxes.centers, sample.boxes.sizes, sample.boxes.yaws])
        record['labels'][:n] = sample.labels
        record['seen'][:n] = sample.seen
    unfinished = path.with_suffix(f'.{os.getpid()}.unfinished')
    with unfinished.open('wb') as stream:
        np.save(stream, records)
        stream.flush()
        os.fsync(stream.fileno())
    unfinished.replace(path)


def _record_type(size: tuple[int, ...]) -> np.dtype[Any]:
    return np.dtype(
        [
            ('images', np.uint8, (2, *size, 3)),
            ('intrinsics', np.float64, (2, 3, 3)),
            ('extrinsics', np.float64, (2, 4, 4)),
            ('n_boxes', np.int64),
            ('boxes', np.float64, (_MOST_BOXES, 7)),
            ('labels', 'U12', (_MOST_BOXES,)),
            ('seen', np.bool_, (_MOST_BOXES, 2)),
        ]
    )


def _settings(part: Part, config: CrossingsConfig, image: ImageConfig) -> dict[str, object]:
    """Return what the samples depend on; not their number, so that a cache can grow."""
    return {
        'version': _VERSION,
        'benchmark': VERSION,
        'looks': BENCHMARK.looks,
        'part': part,
        'seed': config.seed,
        'picture_width': config.picture_width,
        'image': {name: getattr(image, name) for name in ('width', 'height', 'crop_top', 'interpolation')},
    }


def _make_folder(root: Path) -> None:
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EmiffError(f'{root}: expected a place to render into, or an earlier cache: {error}') from None


def _mapped(path: Path) -> NDArray[Any]:
    try:
        return np.load(path, mmap_mode='r')
    except (OSError, ValueError, EOFError) as error:
        raise EmiffError(f'{path}: expected rendered crossings: {error}; delete it to render it anew') from None


def _claim(root: Path, settings: dict[str, object]) -> None:
    """Write the settings into a new cache, or compare them with those of an existing one."""
    path = root / _SETTINGS
    try:
        if not path.exists():
            path.write_text(json.dumps(schema.plain(settings)) + '\n', encoding='utf-8')
        found = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise EmiffError(f'{path}: expected a place to render into, or an earlier cache: {error}') from None
    for key, value in settings.items():
        if found.get(key) != value:
            raise EmiffError(f'{path}: {key}: expected {value!r}, found {found.get(key)!r}; take another folder')
