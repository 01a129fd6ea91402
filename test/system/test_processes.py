"""Nodes that a command has started end with it, however it ends."""

import os
import signal
import subprocess
import sys
import time

import pytest

STARTS_A_NODE = """
import signal, sys, time
from pathlib import Path
from emiff_core.demo.processes import NodeGroup
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs are born deaf to it
with NodeGroup(Path(sys.argv[1]), {}) as group:
    print(group.start('emiff_ros.relay_node', {}).process.pid, flush=True)
    time.sleep(600)
"""


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize(('end', 'code'), [(signal.SIGTERM, 128 + signal.SIGTERM), (signal.SIGINT, -signal.SIGINT)])
def test_a_command_that_is_ended_takes_its_nodes_along(tmp_path, end, code):
    command = [sys.executable, '-c', STARTS_A_NODE, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as starter:
        assert starter.stdout is not None
        pid = int(starter.stdout.readline())
        assert is_alive(pid)
        starter.send_signal(end)
        assert starter.wait(120) == code
    deadline = time.monotonic() + 10
    while is_alive(pid) and time.monotonic() < deadline:  # until it is reaped
        time.sleep(0.05)
    assert not is_alive(pid)
