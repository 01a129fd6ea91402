"""Roadside node: its parameters, and the work that they describe."""

import sys

from emiff_ros import qos
from emiff_ros.calibration import Transforms
from emiff_ros.camera_input import declare_transport
from emiff_ros.camera_pose import SOURCES, PoseChoice
from emiff_ros.infrastructure_work import InfrastructureSettings, InfrastructureWork
from emiff_ros.managed import ManagedNode
from emiff_ros.model_parameters import declare_model
from emiff_ros.parameters import declare
from emiff_ros.run import run


class InfrastructureNode(ManagedNode):
    """Encodes each image that it has time for and sends the latent with all that a receiver needs.

    Topics, services, parameters and failures: docs/infrastructure_node.md.
    """

    def __init__(self) -> None:
        """Make the node unconfigured.

        Raises:
            EmiffError: a parameter is not usable.
        """
        super().__init__('infrastructure_node')
        tf_wait_ms = declare(self, 'tf_wait_ms', 500.0, 'wait for transforms, from the image on, ms', (0.0, 60_000.0))
        self._settings = InfrastructureSettings(
            agent_id=declare(self, 'agent_id', 'infrastructure', 'name of this agent, unique on the road'),
            world_frame=declare(self, 'world_frame', 'map', 'frame that both sides know'),
            model=declare_model(self),
            transport=declare_transport(self),
            profiles=qos.declare_profiles(self),
            pose=PoseChoice(
                source=declare(self, 'camera_pose_source', 'tf', 'where the camera is: by what', choices=SOURCES),
                position=declare(
                    self, 'camera_position', [0.0, 0.0, 0.0], 'by parameters: x y z in world_frame, metres'
                ),
                orientation=declare(
                    self,
                    'camera_orientation',
                    [0.0, 0.0, 0.0, 1.0],
                    'by parameters: of the optical frame in world_frame, x y z w, or roll pitch yaw in radians',
                ),
                files=declare(self, 'camera_pose_files', [''], 'by file: one YAML file, or two of DAIR-V2X'),
            ),
        )
        self._transforms = Transforms(self, self.gate, tf_wait_ms / 1000)

    def make_work(self) -> InfrastructureWork:
        """Load the model, and make the topics.

        Raises:
            EmiffError: config or weights are not usable.
        """
        return InfrastructureWork(self, self.gate, self._transforms, self._settings)


def main(args: list[str] | None = None) -> int:
    """Run the node; returns the process's exit code."""
    return run(InfrastructureNode, args)


if __name__ == '__main__':
    sys.exit(main())
