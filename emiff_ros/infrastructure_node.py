"""Roadside: camera image in, compressed feature out."""

import itertools
import secrets
import sys
import time
from collections.abc import Iterator

from emiff.msg import FeatureFrame as FeatureFrameMsg
from emiff.msg import ProcessingTime
from emiff_core.codec import NumericType, encode
from emiff_core.cooperation.feature_frame import FeatureFrame
from emiff_ros import messages, qos
from emiff_ros.calibration import Transforms
from emiff_ros.camera_input import CameraImage, CameraInput
from emiff_ros.model_parameters import make_engine
from emiff_ros.parameters import declare
from emiff_ros.reports import Reports
from emiff_ros.run import RunnableNode, run


class InfrastructureNode(RunnableNode):
    """Encodes each image that it has time for and sends the latent with all that a receiver needs.

    Topics, parameters and failures: docs/infrastructure_node.md.
    """

    def __init__(self) -> None:
        """Load the model and start listening.

        Raises:
            EmiffError: a parameter, the config or the weights are not usable.
        """
        super().__init__('infrastructure_node')
        self._agent_id = declare(self, 'agent_id', 'infrastructure', 'name of this agent, unique on the road')
        self._world_frame = declare(self, 'world_frame', 'map', 'frame that both sides know')
        tf_wait_ms = declare(self, 'tf_wait_ms', 500.0, 'wait for transforms, from the image on, ms', (0.0, 60_000.0))
        config, self._engine = make_engine(self, 'infrastructure')
        self._numeric_type = NumericType[config.codec.name.upper()]
        self._numbering = _begin_numbering()

        self._features = self.create_publisher(FeatureFrameMsg, '~/output/features', qos.OUTPUT)
        self._times = self.create_publisher(ProcessingTime, '~/debug/processing_time', qos.OUTPUT)
        self._transforms = Transforms(self, tf_wait_ms / 1000)
        profile = qos.declare_input_profile(self)
        self._input = CameraInput(self, Reports(self), self._process, self._time_jumped, profile)

    def close(self) -> None:
        """End the worker thread."""
        self._input.close()

    def _time_jumped(self) -> None:
        self._numbering = _begin_numbering()

    def _process(self, image: CameraImage) -> None:
        started = time.monotonic()
        camera_frame = image.header.frame_id
        T_world_camera = self._transforms.lookup(self._world_frame, camera_frame, image.header.stamp, image.arrived)
        placed = time.monotonic()
        result = self._engine.encode_infrastructure(image.pixels, image.camera)
        encoded = time.monotonic()
        boot_id, sequences = self._numbering  # at once: a jump of the clock may exchange both
        frame = FeatureFrame.sealed_at(
            T_world_camera,
            agent_id=self._agent_id,
            boot_id=boot_id,
            sequence=next(sequences),
            stamp_ns=image.stamp_ns,
            camera_frame=camera_frame,
            model_id=self._engine.model_id,
            world_frame=self._world_frame,
            camera=result.camera,
            scale=result.scale,
            latent=encode(result.latent, self._numeric_type),
        )
        self._features.publish(messages.feature_frame_to_message(frame))
        sent = time.monotonic()
        stages = {
            'wait': (started - image.arrived) * 1e3,
            'tf': (placed - started) * 1e3,
            **result.stage_ms,
            'codec': (sent - encoded) * 1e3,
        }
        self._times.publish(messages.processing_time(image.header, (sent - image.arrived) * 1e3, stages))


def _begin_numbering() -> tuple[int, Iterator[int]]:
    """Return a new boot id and the sequence numbers that count under it."""
    return secrets.randbits(64), itertools.count()


def main(args: list[str] | None = None) -> int:
    """Run the node; returns the process's exit code."""
    return run(InfrastructureNode, args)


if __name__ == '__main__':
    sys.exit(main())
