"""Shows what running nodes see: `emiff view --live`."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message

from emiff_core.config import load_config
from emiff_core.errors import EmiffError
from emiff_core.resources import config_dir
from emiff_core.stamps import stamp_of
from emiff_core.viewing.assembler import Assembler
from emiff_core.viewing.sinks import make_sink
from emiff_core.viewing.topics import TF_STATIC, ViewTopics, image_type
from emiff_ros import qos
from emiff_ros.parameters import declare
from emiff_ros.reports import Reports
from emiff_ros.run import RunnableNode, run
from emiff_ros.types import message_class

_CHECK_S = 2.0
_KEPT = 100  # of each small topic, ten seconds at 10 Hz
# whatever the others offer matches it
_LISTEN = QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=20, reliability=ReliabilityPolicy.BEST_EFFORT)


class ViewNode(RunnableNode):
    """Listens to cameras, roadside units and the vehicle node, and shows a moment for each image with boxes.

    Parameters: docs/view_node.md.
    """

    ends_on_errors = False

    def __init__(self) -> None:
        """Open the file or the window and subscribe.

        Raises:
            EmiffError: a parameter is not usable.
        """
        super().__init__('view_node')
        names = ViewTopics()
        save = declare(self, 'save', '', 'file to write, .rrd, .mp4 or .png; empty: a window')
        self._frames = declare(self, 'frames', 0, 'end after so many moments; 0: go on', (0, 1_000_000))
        config = declare(self, 'config', '', 'path of the model config, for its range; empty: the demo model')
        names = ViewTopics(
            vehicle_image=declare(self, 'vehicle_image', names.vehicle_image, "topic of the vehicle's images"),
            roadside_images=tuple(
                declare(self, 'roadside_images', list(names.roadside_images), 'topics of roadside cameras')
            ),
            features=tuple(declare(self, 'features', list(names.features), 'topics of roadside units')),
            vehicle_node=declare(self, 'vehicle_node', names.vehicle_node, 'full name of the vehicle node'),
            world_frame=declare(self, 'world_frame', names.world_frame, 'frame that both sides know'),
        )
        self._names = names
        self._reports = Reports(self)
        self._assembler = Assembler(names, _KEPT)
        self._waiting: int | None = None
        self._shown = 0
        voxels = load_config(Path(config) if config else config_dir() / 'emiff_demo.yaml').voxels
        self._sink = make_sink(Path(save) if save else None, voxels)
        for topic in names.images:
            self.create_subscription(message_class(image_type(topic)), topic, partial(self._take, topic), _LISTEN)
        for topic, type_name in names.small().items():
            profile = qos.LATCHED if topic == TF_STATIC else _LISTEN
            self.create_subscription(message_class(type_name), topic, self._reader(topic, type_name), profile, raw=True)
        self.create_timer(_CHECK_S, self._check)

    def _check(self) -> None:
        for topic in (*self._names.images, self._names.detections):
            if not self.count_publishers(topic):
                self._reports.warn(f'nobody {topic}', f'expected {topic}, found nobody who publishes there')

    def close(self) -> None:
        """Complete the file."""
        self._sink.close()

    def _reader(self, topic: str, type_name: str) -> Callable[[bytes], None]:
        kind = message_class(type_name)
        # raw, because the size is that of the bytes
        return lambda data: self._take(topic, deserialize_message(data, kind), len(data))

    def _take(self, topic: str, message: Any, size: int = 0) -> None:
        try:
            self._assembler.add(topic, message, size)
            if topic == self._names.detections:
                waiting, self._waiting = self._waiting, stamp_of(message)
                self._show(waiting)
        except EmiffError as error:
            self._reports.warn(topic, f'{topic}: {error}')

    def _show(self, stamp_ns: int | None) -> None:
        """Show the image before the one just answered: by now all that was said of it is here."""
        if stamp_ns is None or self.exit_code is not None or not self._assembler.is_answered(stamp_ns):
            return
        self._sink.show(self._assembler.moment(stamp_ns))
        self._shown += 1
        if self._shown == 1:
            self.get_logger().info('the first moment is shown')
        if self._shown == self._frames:
            self.exit_code = 0


def main(args: list[str] | None = None) -> int:
    """Run the node; returns the process's exit code."""
    return run(ViewNode, args)


if __name__ == '__main__':
    sys.exit(main())
