"""Records topics into a bag, byte for byte, with the wall-clock time of their arrival."""

import sys
import time
from functools import partial
from pathlib import Path

from emiff_core.bag.writer import BagWriter
from emiff_core.errors import EmiffError
from emiff_ros import qos
from emiff_ros.parameters import declare
from emiff_ros.run import RunnableNode, run
from emiff_ros.types import message_class

_QUIET_S = 0.2
_LAST_S = 2.0


class RecorderNode(RunnableNode):
    """Writes what arrives on its topics; the bag is complete once the node has ended.

    Topics and parameters: docs/recorder_node.md.
    """

    def __init__(self) -> None:
        """Open the bag and subscribe.

        Raises:
            EmiffError: the bag exists already, or a topic's type is unknown.
        """
        super().__init__('recorder_node')
        out = declare(self, 'out', '', 'path of the bag to write')
        topics = declare(self, 'topics', [''], 'what to record, each "topic type"')
        self._progress_topic = declare(self, 'progress_topic', '', 'print a line for each of its messages')
        if not out:
            raise EmiffError('parameter out: expected the path of a bag to write, found nothing')
        if not any(topics):
            raise EmiffError('parameter topics: expected what to record, each "topic type", found nothing')
        self._recorded = 0
        recorded = [line.partition(' ')[::2] for line in topics]
        kinds = {type_name: message_class(type_name) for _, type_name in recorded}  # before there is a bag
        self._bag = BagWriter(Path(out), 'mcap')
        for topic, type_name in recorded:
            self._bag.add_topic(topic, type_name)
            self.create_subscription(kinds[type_name], topic, partial(self._record, topic), qos.RECORD, raw=True)

    def close(self) -> None:
        """Take what is still on its way, for 2 s at most where topics go on, then close the bag."""
        before, deadline = -1, time.monotonic() + _LAST_S
        while self.executor is not None and before != self._recorded and time.monotonic() < deadline:
            before = self._recorded
            self.executor.spin_once(timeout_sec=_QUIET_S)
        self._bag.close()

    def _record(self, topic: str, data: bytes) -> None:
        self._bag.write_raw(topic, time.time_ns(), data)
        self._recorded += 1
        if topic == self._progress_topic:
            print(topic, flush=True)


def main(args: list[str] | None = None) -> int:
    """Run the node; returns the process's exit code."""
    return run(RecorderNode, args)


if __name__ == '__main__':
    sys.exit(main())
