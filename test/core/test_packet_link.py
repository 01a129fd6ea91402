"""Datagrams between two namespaces through a bad radio."""

import json
import subprocess
import sys

import pytest

from emiff_core.demo.impairment import Impairment
from emiff_core.demo.packet_link import PacketLink
from emiff_core.errors import EmiffError

DATAGRAMS = 200
LISTEN = """
import json, socket, sys, time
listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
listener.bind(('10.77.0.2', 7000))
listener.settimeout(2.0)
print('ready', flush=True)
came = []
try:
    while True:
        data = listener.recv(65536)
        came.append((int(data[:8]), time.time(), len(data)))
except TimeoutError:
    print(json.dumps(came))
"""
SEND = """
import json, socket, sys, time
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sent = []
for number in range(int(sys.argv[1])):
    sent.append(time.time())
    sender.sendto(b'%08d' % number + bytes(int(sys.argv[2]) - 8), ('10.77.0.2', 7000))
    time.sleep(0.005)
print(json.dumps(sent))
"""


@pytest.fixture
def link():
    try:
        made = PacketLink()
    except EmiffError as error:
        pytest.skip(str(error))
    with made:
        yield made


def exchange(link: PacketLink, radio: Impairment, size: int = 100) -> tuple[list[float], list[tuple[int, float, int]]]:
    """Send datagrams of `size` bytes; return when each was sent, and number, time and size of those that came."""
    command = [*link.prefix('vehicle'), sys.executable, '-c', LISTEN]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as listener:
        assert listener.stdout.readline() == 'ready\n'
        # the devices have asked for one another's addresses before the radio turns bad
        subprocess.run([*link.prefix('roadside'), sys.executable, '-c', SEND, '1', '100'], check=True, timeout=30)
        link.impairment = radio
        send = [*link.prefix('roadside'), sys.executable, '-c', SEND, str(DATAGRAMS), str(size)]
        sent = json.loads(subprocess.run(send, check=True, capture_output=True, timeout=60).stdout)
        came = json.loads(listener.communicate(timeout=60)[0])
    assert came[0][0] == 0
    return sent, came[1:]


def test_a_good_radio_passes_everything_on_in_order(link):
    _, came = exchange(link, Impairment())
    assert [number for number, _, _ in came] == list(range(DATAGRAMS))


def test_nothing_passes_but_through_the_radio(link):
    _, came = exchange(link, Impairment(drop=1.0))
    assert came == []


def test_losses_copies_and_delays_are_those_of_the_schedule(link):
    sent, came = exchange(link, Impairment(drop=0.3, delay_ms=100.0, jitter_ms=100.0, duplicate=0.3, seed=1))
    numbers = [number for number, _, _ in came]
    assert len(set(numbers)) / DATAGRAMS == pytest.approx(0.7, abs=0.12)
    assert (len(numbers) - len(set(numbers))) / len(set(numbers)) == pytest.approx(0.3, abs=0.12)
    assert numbers != sorted(numbers)
    assert all(at - sent[number] >= 0.1 for number, at, _ in came)


def test_a_datagram_of_many_fragments_is_lost_with_any_of_them(link):
    _, came = exchange(link, Impairment(drop=0.2, seed=2), size=10_000)  # seven Ethernet frames: 0.8^7 = 0.21
    assert len(came) / DATAGRAMS == pytest.approx(0.21, abs=0.1)
    assert {size for _, _, size in came} == {10_000}
