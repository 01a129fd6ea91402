"""Roadside: camera image in, compressed feature out."""

import itertools
import secrets
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

from rclpy.node import Node

from emiff.msg import FeatureFrame as FeatureFrameMsg
from emiff.msg import ProcessingTime
from emiff_core.codec import NumericType, encode
from emiff_core.cooperation.feature_frame import FeatureFrame
from emiff_ros import messages
from emiff_ros.calibration import Transforms
from emiff_ros.camera_input import CameraImage, CameraInput
from emiff_ros.gate import Gate
from emiff_ros.model_parameters import ModelChoice, load_engine
from emiff_ros.qos import Profiles
from emiff_ros.reports import Reports


@dataclass(frozen=True)
class InfrastructureSettings:
    """The node's parameters; docs/infrastructure_node.md describes them."""

    agent_id: str
    world_frame: str
    model: ModelChoice
    transport: str
    profiles: Profiles


class InfrastructureWork:
    """A roadside unit with a model, its topics and its threads, from configure to cleanup."""

    def __init__(self, node: Node, gate: Gate, tf: Transforms, settings: InfrastructureSettings) -> None:
        """Load the model and make the topics.

        Raises:
            EmiffError: config or weights are not usable.
        """
        self._gate = gate
        self._settings = settings
        config, self._engine = load_engine(node, settings.model, 'infrastructure')
        self._numeric_type = NumericType[config.codec.name.upper()]
        self._numbering = _begin_numbering()
        self._transforms = tf
        outputs = settings.profiles.outputs
        with ExitStack() as undo:  # closes in the opposite order, also what was made before something failed
            self._features = node.create_publisher(FeatureFrameMsg, '~/output/features', outputs)
            undo.callback(node.destroy_publisher, self._features)
            self._times = node.create_publisher(ProcessingTime, '~/debug/processing_time', outputs)
            undo.callback(node.destroy_publisher, self._times)
            tf.listen()
            undo.callback(tf.stop)
            self._input = CameraInput(
                node, gate, Reports(node), self, settings.transport, settings.profiles.inputs
            )
            undo.callback(self._input.close)
            self._closing = undo.pop_all()

    def resume(self) -> None:
        """Begin to work."""

    def pause(self) -> None:
        """Drop what waits."""
        self._input.pause()

    def close(self) -> None:
        """End the worker thread and destroy the topics."""
        self._closing.close()

    def time_jumped(self) -> None:
        """Number anew."""
        self._numbering = _begin_numbering()

    def process(self, image: CameraImage) -> None:
        """Encode and send one image."""
        started = time.monotonic()
        camera_frame, world_frame = image.header.frame_id, self._settings.world_frame
        T_world_camera = self._transforms.lookup(world_frame, camera_frame, image.header.stamp, image.arrived)
        placed = time.monotonic()
        result = self._engine.encode_infrastructure(image.pixels, image.camera)
        encoded = time.monotonic()
        boot_id, sequences = self._numbering  # at once: a jump of the clock may exchange both
        frame = FeatureFrame.sealed_at(
            T_world_camera,
            agent_id=self._settings.agent_id,
            boot_id=boot_id,
            sequence=next(sequences),
            stamp_ns=image.stamp_ns,
            camera_frame=camera_frame,
            model_id=self._engine.model_id,
            world_frame=world_frame,
            camera=result.camera,
            scale=result.scale,
            latent=encode(result.latent, self._numeric_type),
        )
        message = messages.feature_frame_to_message(frame)

        def publish() -> None:
            self._features.publish(message)
            sent = time.monotonic()
            stages = {
                'wait': (started - image.arrived) * 1e3,
                'tf': (placed - started) * 1e3,
                **result.stage_ms,
                'codec': (sent - encoded) * 1e3,
            }
            self._times.publish(messages.processing_time(image.header, (sent - image.arrived) * 1e3, stages))

        self._gate.send(publish)


def _begin_numbering() -> tuple[int, Iterator[int]]:
    """Return a new boot id and the sequence numbers that count under it."""
    return secrets.randbits(64), itertools.count()
