"""Run one node until SIGINT or SIGTERM, then close it in order."""

import signal
import sys
import threading
from abc import abstractmethod
from collections.abc import Callable

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from emiff_core.errors import EmiffError


class RunnableNode(Node):
    """A node with threads of its own.

    Attributes:
        exit_code: of the process; None for as long as there is work.
    """

    exit_code: int | None = None

    @abstractmethod
    def close(self) -> None:
        """End the node's threads; called before the node is destroyed."""


def run(make_node: Callable[[], RunnableNode], args: list[str] | None = None) -> int:
    """Make a node, spin it in a single-threaded executor, and close it on a signal or when it says that it is done.

    The signals are handled here and not by rclpy, whose own handler invalidates the context under a running spin.
    A single thread for callbacks, because rclpy's multi-threaded executor queues one callback many times over.

    Returns:
        The process's exit code: the node's own, 0 after a signal, 1 when the node could not be made.
    """
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    try:
        node = make_node()
    except EmiffError as error:
        print(f'error: {error}', file=sys.stderr, flush=True)
        rclpy.try_shutdown()
        return 1
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        while not stop.is_set() and node.exit_code is None and rclpy.ok():
            executor.spin_once(timeout_sec=0.1)
    finally:
        node.close()
        executor.remove_node(node)
        executor.shutdown()
        node.destroy_node()
        rclpy.try_shutdown()
    return node.exit_code or 0
