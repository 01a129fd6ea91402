"""Roadside: camera image in, compressed feature out."""

import itertools
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from std_msgs.msg import Header

from emiff.msg import FeatureFrame as FeatureFrameMsg
from emiff.msg import ImageRefusal, ProcessingTime
from emiff_core.codec import encode
from emiff_core.cooperation.feature_frame import FeatureFrame
from emiff_core.inference.eager import InfrastructureFeature
from emiff_core.inference.outbox import Outbox
from emiff_core.monitoring.health import Report
from emiff_ros import messages
from emiff_ros.calibration import Transforms
from emiff_ros.camera_input import CameraImage, CameraInput
from emiff_ros.camera_pose import PoseChoice, make_camera_pose
from emiff_ros.diagnostics import report_values
from emiff_ros.gate import Gate, Paused
from emiff_ros.model_parameters import ModelChoice, load_engine
from emiff_ros.qos import Profiles, make_publisher
from emiff_ros.reports import Reports

_OUTBOX_DEPTH = 2


@dataclass(frozen=True)
class InfrastructureSettings:
    """The node's parameters; docs/infrastructure_node.md describes them."""

    agent_id: str
    world_frame: str
    model: ModelChoice
    transport: str
    profiles: Profiles
    pose: PoseChoice


class InfrastructureWork:
    """A roadside unit with a model, its topics and its threads, from configure to cleanup."""

    def __init__(self, node: Node, gate: Gate, tf: Transforms, settings: InfrastructureSettings) -> None:
        """Load the model and make the topics.

        Raises:
            EmiffError: config, weights or the camera's pose are not usable.
        """
        self._gate = gate
        self._tf = tf
        self._settings = settings
        self._engine = load_engine(node, settings.model, 'infrastructure')
        self._numbering = _begin_numbering()
        self._reports = Reports(node)
        self._T_world_camera = make_camera_pose(settings.pose, tf, settings.world_frame)
        outputs = settings.profiles.outputs
        with ExitStack() as undo:  # closes in the opposite order, also what was made before something failed
            self._features = make_publisher(node, undo, FeatureFrameMsg, '~/output/features', outputs)
            self._refusals = make_publisher(node, undo, ImageRefusal, '~/output/refusals', outputs)
            self._times = make_publisher(node, undo, ProcessingTime, '~/debug/processing_time', outputs)
            self._outbox = Outbox(self._send, _OUTBOX_DEPTH)
            undo.callback(self._outbox.close)
            tf.listen()
            undo.callback(tf.stop)
            self._input = CameraInput(
                node, gate, self._reports, self, settings.transport, settings.profiles.inputs
            )
            undo.callback(self._input.close)
            self.health = self._input.health
            self._closing = undo.pop_all()

    def values(self, report: Report) -> dict[str, str]:
        """Return the figures of the diagnostics."""
        return {
            'agent_id': self._settings.agent_id,
            'model_id': self._engine.model_id,
            'weights': self._engine.weights_name,
            **report_values(report),
            **self._input.counts.values(),
            'features_dropped': str(self._outbox.dropped),
        }

    def pause(self) -> None:
        """Drop what waits: images and features."""
        self._input.pause()
        self._outbox.clear()

    def close(self) -> None:
        """End the worker thread and destroy the topics."""
        self._closing.close()

    def time_jumped(self) -> None:
        """Number anew, and forget all transforms."""
        self._tf.forget()
        self._numbering = _begin_numbering()

    def refused(self, header: Header, reason: str) -> None:
        """Tell that an image gets no feature."""
        with suppress(Paused):
            self._gate.send(lambda: self._refusals.publish(ImageRefusal(header=header, reason=reason)))

    def process(self, image: CameraImage) -> None:
        """Encode one image and hand it to the sender."""
        started = time.monotonic()
        T_world_camera = self._T_world_camera(image)
        placed = time.monotonic()
        result = self._engine.encode_infrastructure(image.pixels, image.camera)
        self._outbox.put(_Encoded(image, T_world_camera, result, started, placed, time.monotonic()))

    def _send(self, encoded: '_Encoded') -> bool:
        try:
            self._gate.send(partial(self._publish, self._seal(encoded), encoded), encoded.image.session)
        except Paused:
            return False
        except Exception as error:  # whatever fails on one feature, the next gets its chance
            self._reports.warn('send', f'feature not sent: unexpected {type(error).__name__}: {error}')
            return False
        return True

    def _seal(self, encoded: '_Encoded') -> FeatureFrameMsg:
        image, result = encoded.image, encoded.feature
        boot_id, sequences = self._numbering  # at once: a jump of the clock may exchange both
        frame = FeatureFrame.sealed_at(
            encoded.T_world_camera,
            agent_id=self._settings.agent_id,
            boot_id=boot_id,
            sequence=next(sequences),
            stamp_ns=image.stamp_ns,
            camera_frame=image.header.frame_id,
            model_id=self._engine.model_id,
            world_frame=self._settings.world_frame,
            camera=result.camera,
            scale=result.scale,
            latent=encode(result.latent, self._engine.config.codec),
        )
        return messages.feature_frame_to_message(frame)

    def _publish(self, message: FeatureFrameMsg, encoded: '_Encoded') -> None:
        self._features.publish(message)
        sent = time.monotonic()
        arrived = encoded.image.arrived
        stages = {
            'wait': (encoded.image.taken - arrived) * 1e3,
            'convert': (encoded.started - encoded.image.taken) * 1e3,
            'tf': (encoded.placed - encoded.started) * 1e3,
            **encoded.feature.stage_ms,
            'codec': (sent - encoded.done) * 1e3,
        }
        latency_ms = (sent - arrived) * 1e3
        self._times.publish(messages.processing_time(encoded.image.header, latency_ms, stages))
        self.health.answered(sent, latency_ms)


@dataclass(frozen=True, eq=False)
class _Encoded:
    """An image's feature on its way to the sender, with the times, time.monotonic(), at which its stages ended."""

    image: CameraImage
    T_world_camera: NDArray[np.float64]
    feature: InfrastructureFeature
    started: float
    placed: float
    done: float


def _begin_numbering() -> tuple[int, Iterator[int]]:
    """Return a new boot id and the sequence numbers that count under it."""
    return secrets.randbits(64), itertools.count()
