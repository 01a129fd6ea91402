"""When, where and under which identifiers the pairs of pictures of a data set are taken."""

from dataclasses import dataclass

import numpy as np

from emiff_core.data.synthetic.calibration import CalibrationNoise
from emiff_core.data.synthetic.conditions import Conditions
from emiff_core.errors import EmiffError

FRAMES_PER_DRIVE = 100
PERIOD = 0.1  # seconds between two exposures of a camera on a drive
DEFAULT_ASYNCHRONY = 0.030  # seconds by which the roadside exposes before the vehicle
_JITTER = 0.003  # seconds, the largest deviation of an exposure from its camera's clock
_EPOCH_US = 1_626_000_000_000_000  # microseconds, of the first scene's beginning
_SCENE_US = 12_000_000  # microseconds from the beginning of one scene to that of the next, longer than a scene
_FIRST_VEHICLE_ID, _FIRST_INFRASTRUCTURE_ID = 15000, 5000
_MOST_FRAMES = 10_000  # the two sides' identifiers stay six digits and apart
_LARGEST_ASYNCHRONY_MS = 500


@dataclass(frozen=True)
class Exposure:
    """A pair of pictures.

    Attributes:
        scene_seed, scene_duration (seconds), conditions: what the scene is built from.
        calibration_noise: of the scene's cameras.
        batch: number of the scene in the data set.
        batch_ids: first and last number of a frame in the batch.
        frame: number of the frame in the data set.
        vehicle_us, infrastructure_us: microseconds of the scene's time.
    """

    scene_seed: int
    scene_duration: float
    conditions: Conditions
    calibration_noise: CalibrationNoise
    batch: int
    batch_ids: tuple[int, int]
    frame: int
    vehicle_us: int
    infrastructure_us: int

    @property
    def vehicle_id(self) -> str:
        """Six digits."""
        return vehicle_id(self.frame)

    @property
    def infrastructure_id(self) -> str:
        """Six digits."""
        return infrastructure_id(self.frame)

    @property
    def scene_epoch_us(self) -> int:
        """Microseconds since 1970, of the scene's time 0."""
        return _EPOCH_US + self.batch * _SCENE_US


def vehicle_id(frame: int) -> str:
    """Return the identifier of a vehicle's picture."""
    return f'{_FIRST_VEHICLE_ID + frame:06d}'


def infrastructure_id(frame: int) -> str:
    """Return the identifier of a roadside's picture."""
    return f'{_FIRST_INFRASTRUCTURE_ID + frame:06d}'


def plan_drives(frames: int, seed: int, asynchrony_ms: float | None = None) -> list[Exposure]:
    """Lay down every exposure before anything is drawn, so that frames can be rendered in any order.

    Args:
        frames: pairs of pictures; each FRAMES_PER_DRIVE of them are a drive over another crossing.
        seed: of everything drawn.
        asynchrony_ms: milliseconds by which the roadside exposes before the vehicle, exactly; None is 30 ms with both
            clocks' jitter.

    Raises:
        EmiffError: a number is out of its range.
    """
    check_frames(frames)
    check_asynchrony(asynchrony_ms)
    if seed < 0:
        raise EmiffError(f'seed: expected 0 or more, found {seed}')
    result = []
    for first in range(0, frames, FRAMES_PER_DRIVE):
        batch, count = first // FRAMES_PER_DRIVE, min(FRAMES_PER_DRIVE, frames - first)
        rng = np.random.default_rng([seed, batch, 1])
        phase = 0.3 + float(rng.uniform(0, PERIOD))
        for k in range(count):
            vehicle = phase + k * PERIOD + float(rng.uniform(-_JITTER, _JITTER))
            if asynchrony_ms is None:
                infrastructure = phase + k * PERIOD - DEFAULT_ASYNCHRONY + float(rng.uniform(-_JITTER, _JITTER))
            else:
                infrastructure = vehicle - asynchrony_ms / 1e3
            result.append(
                Exposure(
                    scene_seed=int(np.random.SeedSequence([seed, batch]).generate_state(1)[0]),
                    scene_duration=count * PERIOD + 0.5,
                    conditions=Conditions(),
                    calibration_noise=CalibrationNoise(),
                    batch=batch,
                    batch_ids=(first, first + count - 1),
                    frame=first + k,
                    vehicle_us=round(vehicle * 1e6),
                    infrastructure_us=round(infrastructure * 1e6),
                )
            )
    return result


def check_frames(frames: int) -> None:
    """Refuse a number of frames for which a data set has no identifiers.

    Raises:
        EmiffError: it is out of its range.
    """
    if not 1 <= frames <= _MOST_FRAMES:
        raise EmiffError(f'frames: expected 1 to {_MOST_FRAMES}, found {frames}')


def check_asynchrony(asynchrony_ms: float | None) -> None:
    """Refuse exposures so far apart that the scene's motion is not known at both.

    Raises:
        EmiffError: it is out of its range.
    """
    if asynchrony_ms is not None and not abs(asynchrony_ms) <= _LARGEST_ASYNCHRONY_MS:
        found = f'expected {-_LARGEST_ASYNCHRONY_MS} to {_LARGEST_ASYNCHRONY_MS} ms, found {asynchrony_ms}'
        raise EmiffError(f'asynchrony: {found}')
