"""Node processes: started apart from the terminal, stopped in order, every exit code known."""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any, NoReturn

from emiff_core.errors import EmiffError

_STOP_S = 60.0  # a node finishes the image in work, which takes half a minute at the official size on a CPU
_POLL_S = 0.05
_LAST_DOMAIN = 101  # above it, discovery ports meet Linux's ephemeral ports
_DISCOVERY_PORT, _DOMAIN_PORTS = 7400, 250  # RTPS 2.2, section 9.6.1: port base and domain gain


@dataclass(frozen=True)
class NodeProcess:
    """A started node.

    Attributes:
        name: of the node.
        process: its process; stdout and stderr go to `log`.
        log: path of what it said.
    """

    name: str
    process: subprocess.Popen[bytes]
    log: Path


class NodeGroup:
    """Nodes that live and end together; leaving the context stops whatever still runs."""

    def __init__(self, log_dir: Path, environment: Mapping[str, str], prefix: Sequence[str] = ()) -> None:
        """Make an empty group.

        Args:
            log_dir: where each node's output goes; made if missing.
            environment: added to this process's own.
            prefix: command that runs the command behind it in its own process, such as nsenter.
        """
        log_dir.mkdir(parents=True, exist_ok=True)
        self._log_dir = log_dir
        self._environment = {**os.environ, **environment}
        self._prefix = list(prefix)
        self.nodes: list[NodeProcess] = []
        self._sigterm_before: Any = None

    def __enter__(self) -> 'NodeGroup':
        if threading.current_thread() is threading.main_thread():  # only that one may
            self._sigterm_before = signal.signal(signal.SIGTERM, _leave)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if self._sigterm_before is not None:
            signal.signal(signal.SIGTERM, self._sigterm_before)
            self._sigterm_before = None

    def start(
        self,
        module: str,
        parameters: Mapping[str, object],
        remappings: Mapping[str, str] | None = None,
    ) -> NodeProcess:
        """Start `python -m module` with ROS parameters and remappings.

        The node gets a session of its own, so that Ctrl-C reaches it through `stop` only, in order.
        """
        name = module.rpartition('.')[2]
        arguments = [*self._prefix, sys.executable, '-m', module, *ros_arguments(parameters, remappings)]
        log = self._log_dir / f'{name}.log'
        with log.open('wb') as output, _held_interrupts():
            process = subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
            )
            self.nodes.append(NodeProcess(name, process, log))
        return self.nodes[-1]

    def check(self) -> None:
        """Raise EmiffError, with the last line that it said, if a node has ended with an error."""
        for node in self.nodes:
            if node.process.poll():
                raise EmiffError(
                    f'{node.name} ended with exit code {node.process.returncode}: {last_line(node.log)} '
                    f'(all of it: {node.log})'
                )

    def stop(self) -> None:
        """Stop all nodes, the last started first: SIGINT, after a minute SIGKILL. Ended ones are left alone."""
        for node in reversed(self.nodes):
            if node.process.poll() is None:
                node.process.send_signal(signal.SIGINT)
                try:
                    node.process.wait(_STOP_S)
                except subprocess.TimeoutExpired:
                    node.process.kill()
                    node.process.wait()


def _leave(number: int, _: FrameType | None) -> NoReturn:
    """End in order at SIGTERM: nodes have sessions of their own, and would outlive this process."""
    raise SystemExit(128 + number)


@contextmanager
def _held_interrupts() -> Iterator[None]:
    """Let Ctrl-C wait until a process that has just been started is known to whoever will stop it."""
    if threading.current_thread() is not threading.main_thread():  # only that one is interrupted
        yield
        return
    held: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: held.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if held:
            signal.raise_signal(signal.SIGINT)


def ros_arguments(parameters: Mapping[str, object], remappings: Mapping[str, str] | None = None) -> list[str]:
    """Return parameters and remappings as a node's command line takes them."""
    arguments = ['--ros-args']
    for key, value in parameters.items():
        arguments += ['-p', f'{key}:={_ros_value(value)}']
    for source, target in (remappings or {}).items():
        arguments += ['-r', f'{source}:={target}']
    return arguments


def last_line(log: Path) -> str:
    """Return the last line with text in a log file."""
    lines = [line for line in log.read_text(errors='replace').splitlines() if line.strip()]
    return lines[-1] if lines else 'it said nothing'


def free_domain() -> int:
    """Return a ROS domain id in 1..101 that nobody on this machine discovers on at present."""
    candidates = random.SystemRandom().sample(range(1, _LAST_DOMAIN + 1), _LAST_DOMAIN)
    for domain in candidates:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(('', _DISCOVERY_PORT + _DOMAIN_PORTS * domain))
            except OSError:
                continue
            return domain
    raise EmiffError(f'expected a free ROS domain id in 1..{_LAST_DOMAIN}, found all of them in use')


def own_domain() -> dict[str, str]:
    """Return the environment of nodes that meet one another on this machine and nobody else."""
    domain = {'ROS_DOMAIN_ID': str(free_domain())}
    if os.environ.get('ROS_DISTRO') == 'humble':  # which does not know what later distributions ask for
        return domain | {'ROS_LOCALHOST_ONLY': '1'}
    return domain | {'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'}


def wait_for_exit(node: NodeProcess, group: NodeGroup, on_poll: Callable[[], None]) -> None:
    """Wait until `node` ends; `on_poll` is called meanwhile.

    Raises:
        EmiffError: a node of the group has died.
    """
    while node.process.poll() is None:
        group.check()
        on_poll()
        time.sleep(_POLL_S)
    group.check()
    on_poll()


def _ros_value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (list, tuple)):
        return '[' + ', '.join(_ros_value(item) for item in value) + ']'
    if isinstance(value, (str, Path)):
        return "'" + str(value).replace("'", "''") + "'"
    return str(value)
