"""Passes feature frames on as a bad radio would: some late, some twice, some never."""

import heapq
import itertools
import sys
import time

from rclpy.clock import Clock, ClockType

from emiff.msg import FeatureFrame
from emiff_core.demo.impairment import Impairment
from emiff_ros import qos
from emiff_ros.parameters import declare
from emiff_ros.run import RunnableNode, run

_LONGEST_MS = 10_000.0
_LARGEST_SEED = 2**31 - 1


class RelayNode(RunnableNode):
    """Stands between a roadside unit and a vehicle; waits are of real time, never of a simulated clock.

    Topics and parameters: docs/relay_node.md.
    """

    def __init__(self) -> None:
        """Start listening.

        Raises:
            EmiffError: a parameter is not usable.
        """
        super().__init__('relay_node')
        self._impairment = Impairment(
            drop=declare(self, 'drop', 0.0, 'share of the messages that are lost', (0.0, 1.0)),
            delay_ms=declare(self, 'delay_ms', 0.0, 'what each message waits, milliseconds', (0.0, _LONGEST_MS)),
            jitter_ms=declare(self, 'jitter_ms', 0.0, 'at most on top of it, milliseconds', (0.0, _LONGEST_MS)),
            duplicate=declare(self, 'duplicate', 0.0, 'share of the messages that come twice', (0.0, 1.0)),
            seed=declare(self, 'seed', 0, 'of all draws', (0, _LARGEST_SEED)),
        )
        self._arrivals, self._departures = itertools.count(), itertools.count()
        self._waiting: list[tuple[int, int, bytes]] = []  # a heap: send time, order among equals, message
        self._publisher = self.create_publisher(FeatureFrame, '~/output/features', qos.OUTPUT)
        self._timer = self.create_timer(1.0, self._send_due, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self._timer.cancel()
        self.create_subscription(FeatureFrame, '~/input/features', self._receive, qos.RECORD, raw=True)

    def close(self) -> None:
        """Lose what still waits."""
        self._timer.cancel()
        self._waiting.clear()

    def _receive(self, data: bytes) -> None:
        for send_ns in self._impairment.send_times_ns(next(self._arrivals), time.monotonic_ns()):
            heapq.heappush(self._waiting, (send_ns, next(self._departures), data))
        self._send_due()

    def _send_due(self) -> None:
        while self._waiting and self._waiting[0][0] <= time.monotonic_ns():
            self._publisher.publish(heapq.heappop(self._waiting)[-1])
        self._timer.cancel()
        if self._waiting:
            self._timer.timer_period_ns = max(0, self._waiting[0][0] - time.monotonic_ns())
            self._timer.reset()


def main(args: list[str] | None = None) -> int:
    """Run the node; returns the process's exit code."""
    return run(RelayNode, args)


if __name__ == '__main__':
    sys.exit(main())
