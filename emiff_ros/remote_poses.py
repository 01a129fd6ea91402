"""Where the agents' cameras stand for one image of the vehicle: by their messages or by tf."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emiff_core.cooperation.admission import AdmittedFrame
from emiff_core.cooperation.placement import nearest, place
from emiff_core.cooperation.refusal import Refusal
from emiff_core.errors import EmiffError
from emiff_core.inference.eager import RemoteFeature
from emiff_ros.calibration import Transforms
from emiff_ros.camera_input import CameraImage
from emiff_ros.messages import time_of
from emiff_ros.reports import Reports

SOURCES = ('message', 'tf')

_NO_WAIT = float('-inf')  # as if the feature had arrived long ago


@dataclass(frozen=True)
class RemotePoseRules:
    """The node's parameters; docs/vehicle_node.md describes them."""

    source: str
    world_frame: str
    detection_frame: str
    max_range_m: float
    max_agents: int


class RemotePoses:
    """Places features in the vehicle's detection frame, each side at its own capture time, composed in float64."""

    def __init__(
        self,
        rules: RemotePoseRules,
        tf: Transforms,
        reports: Reports,
        refuse: Callable[[AdmittedFrame, Refusal, CameraImage], None],
    ) -> None:
        """Remember who is told what: `refuse` is called for each feature that cannot be placed for an image."""
        self._rules = rules
        self._tf = tf
        self._reports = reports
        self._refuse = refuse
        self._lost_ns: int | None = None  # stamp of the last image whose place in the world was not known in time

    def forget(self) -> None:
        """Forget whether the vehicle knew its pose: the clock has jumped back."""
        self._lost_ns = None

    def place(self, chosen: Iterable[AdmittedFrame], image: CameraImage) -> list[tuple[AdmittedFrame, RemoteFeature]]:
        """Return those that can be placed; an unknown pose costs features and never the image.

        Raises:
            Paused: the node is no longer at work.
        """
        chosen = list(chosen)
        if not chosen:
            return []
        rules = self._rules
        try:
            T_world_detection = self._look_up_vehicle(image)
        except EmiffError as error:
            self._reports.warn('pose', f'detecting alone: {error}')
            for admitted in chosen:
                self._refuse(admitted, Refusal.NO_VEHICLE_POSE, image)
            return []
        placed = []
        for admitted in chosen:
            verdict = self._place_one(admitted, T_world_detection)
            if isinstance(verdict, Refusal):
                self._refuse(admitted, verdict, image)
            else:
                frame = admitted.frame
                placed.append((admitted, RemoteFeature(admitted.latent, frame.camera, frame.scale, verdict)))
        kept = nearest([remote.T_camera_detection for _, remote in placed], rules.max_agents)
        for (admitted, _), is_near in zip(placed, kept, strict=True):
            if not is_near:
                self._refuse(admitted, Refusal.TOO_MANY_AGENTS, image)
        return [each for each, is_near in zip(placed, kept, strict=True) if is_near]

    def _look_up_vehicle(self, image: CameraImage) -> NDArray[np.float64]:
        """Return T_world_detection; wait for it unless localisation is silent since it was waited for in vain."""
        target, source = self._rules.world_frame, self._rules.detection_frame
        newest_ns = self._tf.newest_ns(target, source)
        is_lost = self._lost_ns is not None and (newest_ns is None or newest_ns < self._lost_ns)
        try:
            found = self._tf.lookup(target, source, image.header.stamp, _NO_WAIT if is_lost else image.arrived)
        except EmiffError:
            self._lost_ns = self._lost_ns if is_lost else image.stamp_ns
            raise
        self._lost_ns = None
        return found

    def _place_one(
        self, admitted: AdmittedFrame, T_world_detection: NDArray[np.float64]
    ) -> NDArray[np.float64] | Refusal:
        frame, rules = admitted.frame, self._rules
        T_world_camera = admitted.T_world_camera
        if rules.source == 'tf':
            try:
                # without a wait: one agent's missing transform must not hold up the others and the vehicle
                stamp = time_of(frame.stamp_ns)
                T_world_camera = self._tf.lookup(rules.world_frame, frame.camera_frame, stamp, _NO_WAIT)
            except EmiffError as error:
                self._reports.warn('agent pose', f'{frame.agent_id}: {error}')
                return Refusal.NO_AGENT_POSE
        return place(T_world_camera, T_world_detection, rules.max_range_m)
