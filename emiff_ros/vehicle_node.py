"""Vehicle node: its parameters, and the work that they describe."""

import sys

from emiff_ros import qos
from emiff_ros.calibration import Transforms
from emiff_ros.camera_input import declare_transport
from emiff_ros.managed import ManagedNode
from emiff_ros.model_parameters import declare_model
from emiff_ros.parameters import declare
from emiff_ros.run import run
from emiff_ros.vehicle_work import VehicleSettings, VehicleWork


class VehicleNode(ManagedNode):
    """Detects in each image that it has time for, with whatever remote features are there by then.

    Topics, services, parameters and failures: docs/vehicle_node.md.
    """

    def __init__(self) -> None:
        """Make the node unconfigured.

        Raises:
            EmiffError: a parameter is not usable.
        """
        super().__init__('vehicle_node')
        tf_wait_ms = declare(self, 'tf_wait_ms', 500.0, 'wait for transforms, from the image on, ms', (0.0, 60_000.0))
        self._settings = VehicleSettings(
            detection_frame=declare(self, 'detection_frame', 'vehicle_lidar', 'frame of the boxes: x forward, z up'),
            world_frame=declare(self, 'world_frame', 'map', 'frame that both sides know'),
            max_age_ms=declare(self, 'max_age_ms', 300.0, 'oldest feature used, milliseconds', (0.0, 10_000.0)),
            max_ahead_ms=declare(self, 'max_ahead_ms', 40.0, 'clocks may differ by, milliseconds', (0.0, 1_000.0)),
            wait_for_features_ms=declare(
                self, 'wait_for_features_ms', 0.0, 'wait for features, milliseconds', (0.0, 10_000.0)
            ),
            model=declare_model(self),
            transport=declare_transport(self),
            profiles=qos.declare_profiles(self),
        )
        self._transforms = Transforms(self, self.gate, tf_wait_ms / 1000)

    def make_work(self) -> VehicleWork:
        """Load the model, and make the topics.

        Raises:
            EmiffError: config or weights are not usable.
        """
        return VehicleWork(self, self.gate, self._transforms, self._settings)


def main(args: list[str] | None = None) -> int:
    """Run the node; returns the process's exit code."""
    return run(VehicleNode, args)


if __name__ == '__main__':
    sys.exit(main())
