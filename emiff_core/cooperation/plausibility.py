"""Plausibility of a feature frame: by itself, and against what its agent said before (ETSI TR 103 460)."""

from dataclasses import dataclass

import numpy as np

from emiff_core.cooperation.feature_frame import FeatureFrame
from emiff_core.geometry import PinholeCamera
from emiff_core.stamps import SECOND_NS

_MAX_SCALE = 8.0
_UNIT_TOLERANCE = 1e-3
_MAX_COORDINATE = 1e8  # metres; the earth's largest map coordinates are a tenth of it
_MAX_FOCAL_SHARE = 100.0  # focal length over image size: 0.6 degrees of view
_MIN_FOCAL_SHARE = 0.01  # 179 degrees of view


@dataclass(frozen=True)
class PlausibilityRules:
    """How an agent may differ from its own last frame.

    Attributes:
        max_speed_mps: fastest that a camera may move, metres per second; agents may be vehicles.
        max_turn_rate_rps: fastest that it may turn, radians per second.
        position_slack_m, turn_slack_rad: what a pose may jump on top, by the noise of whatever localises the agent.
        max_camera_change: by how much focal lengths, principal point and image size may change, as a share of the
            image size; a unit's camera is calibrated once.
        frames_to_believe: so many frames in a row that agree with one another are believed although they contradict
            the last one believed: a unit that was moved is not locked out.
        memory_ms: an agent that was not believed for so long begins anew, milliseconds.
    """

    max_speed_mps: float = 70.0
    max_turn_rate_rps: float = 2.0
    position_slack_m: float = 1.0
    turn_slack_rad: float = 0.05
    max_camera_change: float = 0.02
    frames_to_believe: int = 5
    memory_ms: float = 2000.0


def is_possible(frame: FeatureFrame) -> bool:
    """Return whether stamp, pose, intrinsics and scale can be those of a camera on this earth."""
    if frame.stamp_ns < 0:  # before 1970, and before the zero of every simulation
        return False
    numbers = np.array([*frame.position, *frame.orientation, *frame.scale])
    if not np.isfinite(numbers).all() or not all(0 < s <= _MAX_SCALE for s in frame.scale):
        return False
    if np.abs(frame.position).max() > _MAX_COORDINATE:
        return False
    if abs(np.linalg.norm(frame.orientation) - 1) > _UNIT_TOLERANCE:
        return False
    k, width, height = frame.camera.intrinsics, frame.camera.width, frame.camera.height
    is_pinhole = k[1, 0] == 0 and np.array_equal(k[2], (0, 0, 1))
    is_centred = 0 < k[0, 2] < width and 0 < k[1, 2] < height
    shares = k[0, 0] / width, k[1, 1] / height
    return bool(is_pinhole and is_centred and all(_MIN_FOCAL_SHARE < s < _MAX_FOCAL_SHARE for s in shares))


def moved_plausibly(frame: FeatureFrame, earlier: FeatureFrame, rules: PlausibilityRules) -> bool:
    """Return whether a camera can have got from the pose of `earlier` to that of `frame`, both possible, in between."""
    seconds = abs(frame.stamp_ns - earlier.stamp_ns) / SECOND_NS
    distance = float(np.linalg.norm(np.subtract(frame.position, earlier.position)))
    norms = np.linalg.norm(frame.orientation) * np.linalg.norm(earlier.orientation)
    # a quaternion means the same with either sign
    cosine = abs(float(np.dot(frame.orientation, earlier.orientation) / norms))
    turned = 2 * float(np.arccos(min(1.0, cosine)))
    return (
        distance <= rules.position_slack_m + rules.max_speed_mps * seconds
        and turned <= rules.turn_slack_rad + rules.max_turn_rate_rps * seconds
    )


def kept_camera(frame: FeatureFrame, earlier: FeatureFrame, rules: PlausibilityRules) -> bool:
    """Return whether both frames can be of one camera, to the share that the rules allow."""
    size = np.array([earlier.camera.width, earlier.camera.height] * 3)
    change = np.abs(_camera_numbers(frame.camera) - _camera_numbers(earlier.camera)) / size
    return bool(change.max() <= rules.max_camera_change)


def _camera_numbers(camera: PinholeCamera) -> np.ndarray:
    k = camera.intrinsics
    return np.array([k[0, 0], k[1, 1], k[0, 2], k[1, 2], camera.width, camera.height])
