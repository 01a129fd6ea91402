"""What all tests share: a DDS domain of their own, and a small world of nodes that is closed after each test."""

import os
import time
from collections.abc import Callable

import pytest

from emiff_core.demo.processes import own_domain

# Before anything imports rclpy: tests must never meet a robot, another test run, or the network.
os.environ.update(own_domain())


class RosWorld:
    """A ROS context with one executor, spun by the test itself, and the nodes that were made in it."""

    def __init__(self):
        """Begin a context of its own, so that tests cannot meet through the default one."""
        import rclpy
        from rclpy.executors import SingleThreadedExecutor

        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.nodes = []

    def node(self, name: str, **options):
        """Return a new node that is spun with the others; options go to rclpy.create_node."""
        import rclpy

        return self.add(rclpy.create_node(name, context=self.context, **options))

    def add(self, node):
        """Spin `node`, made with this context, with the others, and destroy it at the end."""
        self.nodes.append(node)
        self.executor.add_node(node)
        return node

    def spin_until(self, condition: Callable[[], object], seconds: float = 60.0):
        """Spin until condition() is true and return what it returned; fail after `seconds`."""
        deadline = time.monotonic() + seconds
        while not (result := condition()):
            if time.monotonic() > deadline:
                pytest.fail(f'nothing came of it within {seconds:g} s')
            self.executor.spin_once(timeout_sec=0.02)
        return result

    def close(self) -> None:
        """Destroy the nodes and the context, in this order."""
        import rclpy

        self.executor.shutdown()
        for node in self.nodes:
            node.destroy_node()
        rclpy.try_shutdown(context=self.context)


@pytest.fixture
def ros():
    """Give a RosWorld of this test's own."""
    world = RosWorld()
    yield world
    world.close()
