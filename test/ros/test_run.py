"""What ends a node, and what does not."""

import signal

import pytest
import rclpy

from emiff_ros.gate import Gate, Paused
from emiff_ros.run import RCLError, RunnableNode, run


class Clumsy(RunnableNode):
    """Its first callback fails, the third is the last."""

    def __init__(self, error: Exception) -> None:
        super().__init__('clumsy')
        self.calls = 0
        self._error = error
        self.create_timer(0.01, self._call)

    def _call(self) -> None:
        self.calls += 1
        if self.calls == 1:
            raise self._error
        if self.calls == 3:
            self.exit_code = 0

    def close(self) -> None:
        """Have no threads."""


@pytest.fixture(autouse=True)
def _handlers():
    kept = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


def test_a_node_survives_what_rclpy_raises_at_a_request(capfd):
    # before Kilted the service of lifecycle transitions lets an illegal one through to the executor
    assert run(lambda: Clumsy(RCLError('no transition 3 from state active'))) == 0
    assert 'no transition 3 from state active' in capfd.readouterr().err


def test_a_mistake_of_ours_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        run(lambda: Clumsy(ZeroDivisionError()))
    assert not rclpy.ok()


def test_a_node_on_a_robot_drops_the_message_that_it_fails_on_and_goes_on(capfd):
    def robot() -> Clumsy:
        node = Clumsy(ZeroDivisionError('a message of ours'))
        node.ends_on_errors = False
        return node

    assert run(robot) == 0
    assert 'ZeroDivisionError: a message of ours' in capfd.readouterr().err


def test_what_began_before_a_gate_was_shut_does_not_leave_when_it_is_open_again():
    gate, sent = Gate(), []
    gate.open()
    before = gate.session
    gate.close()
    gate.open()
    with pytest.raises(Paused):
        gate.send(lambda: sent.append('stale'), before)
    gate.send(lambda: sent.append('new'), gate.session)
    gate.send(lambda: sent.append('of any'))
    assert sent == ['new', 'of any']
