"""Sets of messages, one of each input, whose stamps agree exactly or nearly."""

import itertools
import threading

from rclpy.clock import Clock, ClockType
from rclpy.duration import Duration
from rclpy.logging import get_logger
from rclpy.time import Time

from message_filters.simple_filter import SimpleFilter


class TimeSynchronizer(SimpleFilter):
    """Outputs sets of messages with equal stamps."""

    def __init__(self, fs: list[SimpleFilter], queue_size: int) -> None:
        """Listen to the filters `fs`; of each, at most `queue_size` messages wait for their partners."""
        super().__init__()
        self.queue_size = queue_size
        self.queues: list[dict[int, object]] = [{} for _ in fs]  # stamp [ns] -> message
        self.lock = threading.RLock()
        for index, each in enumerate(fs):
            each.registerCallback(self.add, index)

    def add(self, message, index: int) -> None:
        """Take in a message of input `index`, and output the sets that it completes."""
        stamp = self._stamp(message)
        if stamp is None:
            return
        with self.lock:
            queue = self.queues[index]
            queue[stamp] = message
            while len(queue) > self.queue_size:
                del queue[min(queue)]
            if stamp in queue:
                self._match(stamp, index)

    def _stamp(self, message) -> int | None:
        return Time.from_msg(message.header.stamp).nanoseconds

    def _match(self, stamp: int, _index: int) -> None:
        """Output the set of equal stamps, if it is complete."""
        if all(stamp in queue for queue in self.queues):
            self._emit([stamp] * len(self.queues))

    def _emit(self, stamps: list[int]) -> None:
        self.signalMessage(*(queue.pop(stamp) for queue, stamp in zip(self.queues, stamps, strict=True)))


class ApproximateTimeSynchronizer(TimeSynchronizer):
    """Outputs sets of messages whose stamps lie less than `slop` apart, the nearest partners first."""

    def __init__(self, fs: list[SimpleFilter], queue_size: int, slop: float, allow_headerless: bool = False) -> None:
        """Listen to the filters `fs`; `slop` in s.

        With `allow_headerless`, messages without a header get the time of their arrival; otherwise they are left
        out with a warning.
        """
        super().__init__(fs, queue_size)
        self.slop = Duration(seconds=slop)
        self.allow_headerless = allow_headerless
        self._clock = Clock(clock_type=ClockType.ROS_TIME)

    def _stamp(self, message) -> int | None:
        if hasattr(message, 'header'):
            return super()._stamp(message)
        if self.allow_headerless:
            return self._clock.now().nanoseconds
        get_logger('message_filters').warning(
            f'{type(message).__name__} has no header and allow_headerless is off: left out')
        return None

    def _match(self, stamp: int, index: int) -> None:
        """Output the first set of less than `slop` around the new message, in the order of nearness to it."""
        slop = self.slop.nanoseconds
        candidates = [
            [stamp] if i == index else sorted((s for s in queue if abs(s - stamp) < slop), key=lambda s: abs(s - stamp))
            for i, queue in enumerate(self.queues)
        ]
        for stamps in itertools.product(*candidates):
            if max(stamps) - min(stamps) < slop:
                self._emit(list(stamps))
                return
