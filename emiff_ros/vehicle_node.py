"""Vehicle node: its parameters, and the work that they describe."""

import sys

from emiff_core.cooperation.plausibility import PlausibilityRules
from emiff_ros import qos
from emiff_ros.calibration import Transforms
from emiff_ros.camera_input import declare_transport
from emiff_ros.managed import ManagedNode
from emiff_ros.model_parameters import declare_model
from emiff_ros.parameters import declare, declare_live
from emiff_ros.remote_poses import SOURCES
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
            max_age_ms=declare_live(self, 'max_age_ms', 300.0, 'oldest feature used, milliseconds', (0.0, 10_000.0)),
            max_ahead_ms=declare_live(self, 'max_ahead_ms', 40.0, 'clocks may differ by, milliseconds', (0.0, 1_000.0)),
            wait_for_features_ms=declare_live(
                self, 'wait_for_features_ms', 0.0, 'wait for features, milliseconds', (0.0, 10_000.0)
            ),
            score_threshold=declare_live(
                self, 'score_threshold', 0.0, 'boxes need more; the model config has its own', (0.0, 1.0)
            ),
            model=declare_model(self),
            transport=declare_transport(self),
            profiles=qos.declare_profiles(self),
            remote_pose_source=declare(
                self, 'remote_pose_source', 'message', "where the agents' cameras are: by what", choices=SOURCES
            ),
            max_range_m=declare(
                self, 'max_range_m', 300.0, 'farthest agent used, from its camera, metres', (0.0, 100_000.0)
            ),
            max_agents=declare(self, 'max_agents', 8, 'most agents fused into one image, the nearest ones', (1, 1000)),
            plausibility=PlausibilityRules(
                max_speed_mps=declare(
                    self, 'max_agent_speed', 70.0, "fastest that an agent's camera may move, m/s", (0.0, 1000.0)
                ),
                max_turn_rate_rps=declare(
                    self, 'max_agent_turn_rate', 2.0, "fastest that an agent's camera may turn, rad/s", (0.0, 100.0)
                ),
            ),
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
