"""Run one node until SIGINT or SIGTERM, then close it in order."""

import signal
import sys
import threading
import traceback
from abc import abstractmethod
from collections.abc import Callable
from contextlib import ExitStack

import rclpy
from rclpy.exceptions import NameValidationException
from rclpy.executors import SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.signals import SignalHandlerOptions

from emiff_core.errors import EmiffError
from emiff_ros.parameters import refuse_unknown

RCLError = rclpy_implementation.RCLError


class RunnableNode(Node):
    """A node with threads of its own.

    Attributes:
        exit_code: of the process; None for as long as there is work.
        ends_on_errors: whether an unexpected exception of a callback ends the node, or costs the message that it was
            about: what one message does must not silence a robot.
    """

    exit_code: int | None = None
    ends_on_errors: bool = True

    def begin(self) -> None:
        """Do what comes before the first callback; called once. What a user can mend raises EmiffError."""

    @abstractmethod
    def close(self) -> None:
        """End the node's threads; called before the node is destroyed."""


def run(make_node: Callable[[], RunnableNode], args: list[str] | None = None) -> int:
    """Make a node, spin it in a single-threaded executor, and close it on a signal or when it says that it is done.

    The signals are handled here and not by rclpy, whose own handler invalidates the context under a running spin.
    A single thread for callbacks, because rclpy's multi-threaded executor queues one callback many times over.

    Returns:
        The process's exit code: the node's own, 0 after a signal, 1 with one line of what a user can mend.
    """
    stop = threading.Event()
    signals = (signal.SIGINT, signal.SIGTERM)
    for number in signals:
        signal.signal(number, lambda *_: stop.set())
    try:
        _begin(args)
        return _spin(make_node(), stop)
    except (EmiffError, NameValidationException) as error:
        print(f'error: {" ".join(str(error).split())}', file=sys.stderr, flush=True)
        return 1
    finally:
        rclpy.try_shutdown()
        for number in signals:  # the interpreter takes seconds to go; a second signal must not change the exit code
            signal.signal(number, signal.SIG_IGN)


def _begin(args: list[str] | None) -> None:
    try:
        rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    except RuntimeError as error:  # rclpy's own errors have no public name below it
        raise EmiffError(f'expected arguments that ROS 2 can read: {error}') from error


def _spin(node: RunnableNode, stop: threading.Event) -> int:
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    with ExitStack() as ending:  # from the last to the first, each even where one before it fails
        ending.callback(node.destroy_node)
        ending.callback(executor.shutdown)
        ending.callback(executor.remove_node, node)
        ending.callback(node.close)
        refuse_unknown(node)
        node.begin()
        while not stop.is_set() and node.exit_code is None and rclpy.ok():
            try:
                executor.spin_once(timeout_sec=0.1)
            except RCLError as error:  # before Kilted an illegal lifecycle request ends in the executor
                node.get_logger().error(f'a request was not answered: {" ".join(str(error).split())}')
            except Exception as error:
                if node.ends_on_errors:
                    raise
                node.get_logger().error(f'a message was dropped: unexpected {type(error).__name__}: {error}')
                node.get_logger().debug(traceback.format_exc())
    return node.exit_code or 0
