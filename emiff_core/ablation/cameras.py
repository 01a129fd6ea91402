"""Nought to three roadside units at the benchmark's crossings, rendered in memory: files of pairs hold but one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emiff_core.bag.feature_frames import FeatureFrameSerializer
from emiff_core.codec import decode
from emiff_core.data.synthetic.benchmark import BENCHMARK, draw_scene
from emiff_core.data.synthetic.calibration import calibration_errors
from emiff_core.data.synthetic.scene import EGO, with_more_masts
from emiff_core.data.synthetic.snapshot import Snapshot, take
from emiff_core.data.truth import EVALUATED_CLASS
from emiff_core.evaluation.frame_result import FrameResult, Sent
from emiff_core.evaluation.journal import Journal
from emiff_core.evaluation.output import DETECTIONS
from emiff_core.evaluation.road import sealed
from emiff_core.evaluation.run import EvaluatedFrame
from emiff_core.geometry import Boxes3D, transforms
from emiff_core.inference.eager import EagerEngine, RemoteFeature

UNITS = 3


@dataclass(frozen=True, eq=False)
class Look:
    """One exposure of the vehicle and of three roadside units at a crossing.

    Attributes:
        name: of the frame.
        vehicle, roadside: the exposures.
        T_camera_lidar: (4, 4) from the vehicle lidar frame to each camera as its calibration says, the vehicle's first.
        truth: what any of them sees, vehicle lidar frame.
        age_ms: by which the roadside units exposed before the vehicle.
    """

    name: str
    vehicle: Snapshot
    roadside: tuple[Snapshot, ...]
    T_camera_lidar: tuple[NDArray[np.float64], ...]
    truth: Boxes3D
    age_ms: float


def run_with_more_masts(
    engine: EagerEngine, out: Path, run: dict[str, Any], frames: int, progress: Callable[[int, int], None]
) -> list[list[EvaluatedFrame]]:
    """Detect with 0, 1, 2 and 3 units in the first `frames` frames of the validation split's crossings.

    Args:
        engine: EMIFF.
        out: gets a folder with a journal for each number of units.
        run: what the results depend on, plain values.
        frames: how many.
        progress: called with the frames done and all frames.

    Returns:
        For each number of units its frames, in order; the truth is the same for all.

    Raises:
        EmiffError: a journal is of another run.
    """
    journals = [Journal(out / f'units_{n}' / DETECTIONS, {**run, 'roadside_units': n}) for n in range(UNITS + 1)]
    found: list[list[EvaluatedFrame]] = [[] for _ in journals]
    for done, look in enumerate(looks(frames), 1):
        if any(look.name not in journal.finished for journal in journals):
            for journal, result in zip(journals, _detect(engine, look), strict=True):
                journal.add(result)
        for journal, results in zip(journals, found, strict=True):
            result = journal.finished[look.name]
            results.append(EvaluatedFrame(result, result.detections.of_class(EVALUATED_CLASS), look.truth))
        progress(done, frames)
    return found


def looks(frames: int, size: tuple[int, int] = BENCHMARK.size) -> Iterator[Look]:
    """Render the first frames of the validation split's crossings, (width, height) pixels each, with three masts."""
    for crossing in range(-(-frames // BENCHMARK.looks)):
        drawn = draw_scene('val', crossing)
        scenes = with_more_masts(drawn.scene)[:UNITS]
        further = [calibration_errors(BENCHMARK.calibration_noise, drawn.scene.seed + k)[1] for k in range(1, UNITS)]
        errors = (*drawn.T_written_true, *further)
        for k, (time, seed) in enumerate(zip(drawn.times, drawn.noise_seeds, strict=True)):
            if crossing * BENCHMARK.looks + k >= frames:
                return
            vehicle = take(scenes[0], 'vehicle', time, size, seed)
            earlier = time - drawn.roadside_earlier_by
            roadside = tuple(take(scene, 'infrastructure', earlier, size, seed) for scene in scenes)
            T_scene_lidar = drawn.scene.T_scene_lidar(time)
            seen = {s.index for shot in (vehicle, *roadside) for s in shot.seen} - {EGO}
            indices, boxes = drawn.scene.boxes(time)
            rows = [row for row, index in enumerate(indices.tolist()) if index in seen]
            yield Look(
                name=f'{crossing:04d}_{k}',
                vehicle=vehicle,
                roadside=roadside,
                T_camera_lidar=tuple(
                    error @ shot.view.T_camera_scene @ T_scene_lidar
                    for error, shot in zip(errors, (vehicle, *roadside), strict=True)
                ),
                truth=boxes[rows].transformed(transforms.inverse(T_scene_lidar)),
                age_ms=1e3 * drawn.roadside_earlier_by,
            )


def _detect(engine: EagerEngine, look: Look) -> Iterator[FrameResult]:
    """Yield the result with 0 to 3 units; features pass the codec and the message."""
    vehicle = engine.encode_vehicle(look.vehicle.rendering.image, look.vehicle.view.camera)
    serializer = FeatureFrameSerializer()
    remotes, size, payload, numbers = [], 0, 0, 0
    for units in range(UNITS + 1):
        if units:
            shot = look.roadside[units - 1]
            feature = engine.encode_infrastructure(shot.rendering.image, shot.view.camera)
            T_camera_lidar = look.T_camera_lidar[units]  # the vehicle's frame is world enough for one look
            T_lidar_camera = transforms.inverse(T_camera_lidar)
            message = sealed(engine, feature, T_lidar_camera, round(1e9 * shot.time), engine.config.codec)
            size += len(serializer.serialize(message))
            payload, numbers = payload + len(message.latent.payload), numbers + feature.latent.size
            latent = decode(message.latent)
            remotes.append(RemoteFeature(latent, message.camera, message.scale, T_camera_lidar))
        found = engine.detect(vehicle, look.T_camera_lidar[0], remotes).detections
        sent = Sent(size, payload, numbers, look.age_ms) if units else None
        yield FrameResult(look.name, found, sent, 0.0, 0.0)
