"""The synthetic benchmark: many short looks at hard crossings, whose validation frames are frozen.

A crossing is seen four times, about a second apart. Two of three are hard: dense traffic, many trucks and buses, full
parking bays and tall hedges, so that the roadside alone sees much of what is there. Its camera exposes up to 100 ms
earlier, and calibrations are slightly false; labels are exact. Training and validation crossings have different seeds
by construction.

Whoever changes what a seed draws (this file, the scene, the renderer, the files written) makes another benchmark: raise
VERSION, and freeze what `emiff synth --preset benchmark --split val` then prints.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from emiff_core.data.synthetic.calibration import CalibrationNoise, calibration_errors
from emiff_core.data.synthetic.conditions import Conditions
from emiff_core.data.synthetic.digest import Digests
from emiff_core.data.synthetic.exposures import Exposure, check_asynchrony, check_frames
from emiff_core.data.synthetic.light import Weather
from emiff_core.data.synthetic.scene import Scene, build_scene
from emiff_core.data.synthetic.write import Parts, write_data_set
from emiff_core.errors import EmiffError

Split = Literal['train', 'val']

VERSION = 1
# the images' is of pictures that OpenCV 4.13.0 wrote on x86-64; another build's may differ, the labels must not
FROZEN = Digests(
    labels='72bc3f6cc4423f4046fab75ff6e2d9efa11e11e0f2011ef7a2583cd75f38342c',
    images='2601a8574c6e3a6aada876fe0e7b87d2fae5f9f0e3de56556c0f9b62f61b25ab',
)

# drives have 32-bit seeds
_FIRST_SEED: dict[Split, int] = {'train': 1 << 44, 'val': 1 << 45}


@dataclass(frozen=True)
class BenchmarkPreset:
    """What the benchmark is drawn from.

    Attributes:
        validation_frames: of the frozen split.
        train_frames: unless another number is asked for; there are as many as you like.
        size: width, height of the pictures, pixels.
        looks: frames a crossing.
        interval: seconds from one to the next, on average.
        largest_asynchrony: seconds; the roadside of a crossing exposes between 0 and this before the vehicle.
        calibration_noise: of both cameras of each crossing.
        hard_share: of the crossings that are hard; the others are easy.
        weather_shares: of the crossings, in the order of Weather.
        easy, hard: what they are drawn from, but for the weather.
    """

    validation_frames: int
    train_frames: int
    size: tuple[int, int]
    looks: int
    interval: float
    largest_asynchrony: float
    calibration_noise: CalibrationNoise
    hard_share: float
    weather_shares: tuple[float, ...]
    easy: Conditions
    hard: Conditions

    def frames(self, split: Split) -> int:
        """Return how many frames a split has unless another number is asked for."""
        return self.validation_frames if split == 'val' else self.train_frames


BENCHMARK = BenchmarkPreset(
    validation_frames=240,
    train_frames=2000,
    size=(960, 540),
    looks=4,
    interval=1.0,
    largest_asynchrony=0.1,
    calibration_noise=CalibrationNoise(rotation=0.1, translation=0.03),
    hard_share=2 / 3,
    weather_shares=(0.4, 0.2, 0.1, 0.15, 0.15),
    easy=Conditions(roadside_arms=(0, 1, 2, 3)),
    hard=Conditions(
        density=(3.5, 5.5),
        large_share=0.45,
        parked_share=0.9,
        parked_van_share=0.5,
        hedge_share=0.9,
        hedge_height=(1.6, 2.4),
        roadside_arms=(0, 1, 2, 3),
    ),
)


@dataclass(frozen=True, eq=False)
class BenchmarkScene:
    """One crossing of the benchmark, to be rendered in memory with `render_pair`.

    Attributes:
        scene: the crossing.
        times: seconds, of the vehicle's exposures.
        roadside_earlier_by: seconds, of all of them.
        noise_seeds: of the sensors' noise, one a time.
        T_written_true: (4, 4) of the vehicle's and of the roadside's camera: times a camera's true extrinsic, the one
            that is known of it (`calibration_errors`).
    """

    scene: Scene
    times: tuple[float, ...]
    roadside_earlier_by: float
    noise_seeds: tuple[int, ...]
    T_written_true: tuple[NDArray[np.float64], NDArray[np.float64]]


def plan_benchmark(split: Split, frames: int, asynchrony_ms: float | None = None) -> list[Exposure]:
    """Lay down the exposures of a split's first frames.

    Args:
        split: whose crossings.
        frames: pairs of pictures; fewer of them are the first ones of more.
        asynchrony_ms: milliseconds by which the roadside exposes before the vehicle, everywhere (VIC-Async); None draws
            them for each crossing.

    Raises:
        EmiffError: a number is out of its range.
    """
    check_frames(frames)
    check_asynchrony(asynchrony_ms)
    crossings = -(-frames // BENCHMARK.looks)
    exposures = [e for crossing in range(crossings) for e in _looks(split, crossing, asynchrony_ms)]
    return exposures[:frames]


def generate_benchmark(
    out: Path,
    split: Split,
    frames: int,
    asynchrony_ms: float | None = None,
    size: tuple[int, int] = BENCHMARK.size,
    workers: int = 1,
    progress: Callable[[int], None] | None = None,
) -> None:
    """Write the first frames of a split as a data set, all of them under that name in its split file.

    Args:
        split, frames, asynchrony_ms: see `plan_benchmark`.
        out, size, workers, progress: see `write_data_set`.

    Raises:
        EmiffError: `out` holds something, or a number is out of its range.
    """
    parts: Parts = {'train': [], 'val': [], 'test': []}
    parts[split] = plan_benchmark(split, frames, asynchrony_ms)
    write_data_set(out, parts, size, workers, progress)


def compare_with_frozen(digests: Digests, frames: int, asynchrony_ms: float | None, size: tuple[int, int]) -> str:
    """Say whether a validation split is the frozen one, from its digests and what it was written with.

    Raises:
        EmiffError: it was written as the frozen one was, and its labels or calibrations are others.
    """
    if (frames, asynchrony_ms, size) != (BENCHMARK.validation_frames, None, BENCHMARK.size):
        return f'not the frozen split of version {VERSION}: frames, asynchrony or width differ from the preset'
    if digests.labels != FROZEN.labels:
        expected = f'expected the labels and calibrations of version {VERSION}, {FROZEN.labels}'
        raise EmiffError(f'benchmark: {expected}, found {digests.labels}')
    if digests.images != FROZEN.images:
        return f'the frozen labels of version {VERSION}, other images: those of another OpenCV or processor may differ'
    return f'the frozen split of version {VERSION}, to the byte'


def draw_scene(split: Split, crossing: int) -> BenchmarkScene:
    """Build a crossing of a split, with when to look at it; the pictures are those of `plan_benchmark`'s frames."""
    looks = _looks(split, crossing, None)
    first = looks[0]
    return BenchmarkScene(
        build_scene(first.scene_seed, first.scene_duration, first.conditions),
        tuple(look.vehicle_us / 1e6 for look in looks),
        (first.vehicle_us - first.infrastructure_us) / 1e6,
        tuple(look.frame for look in looks),
        calibration_errors(first.calibration_noise, first.scene_seed),
    )


def _looks(split: Split, crossing: int, asynchrony_ms: float | None) -> list[Exposure]:
    """Return the exposures of one crossing, whatever is asked of the others."""
    seed = _FIRST_SEED[split] + crossing
    rng = np.random.default_rng([seed, 4])
    is_hard = rng.random() < BENCHMARK.hard_share
    weather: Weather = get_args(Weather)[rng.choice(len(BENCHMARK.weather_shares), p=BENCHMARK.weather_shares)]
    conditions = replace(BENCHMARK.hard if is_hard else BENCHMARK.easy, weather=weather)
    drawn = float(rng.uniform(0, BENCHMARK.largest_asynchrony))
    asynchrony = drawn if asynchrony_ms is None else asynchrony_ms / 1e3
    times = 0.3 + BENCHMARK.interval * (np.arange(BENCHMARK.looks) + rng.uniform(0, 0.5, BENCHMARK.looks))
    first = crossing * BENCHMARK.looks
    return [
        Exposure(
            scene_seed=seed,
            scene_duration=BENCHMARK.looks * BENCHMARK.interval,
            conditions=conditions,
            calibration_noise=BENCHMARK.calibration_noise,
            batch=crossing,
            batch_ids=(first, first + BENCHMARK.looks - 1),
            frame=first + k,
            vehicle_us=round(time * 1e6),
            infrastructure_us=round(time * 1e6) - round(asynchrony * 1e6),
        )
        for k, time in enumerate(times.tolist())
    ]
