"""A bad radio below DDS: two network namespaces of this machine, and a bridge that loses and delays Ethernet frames.

Linux only, and allowed to root or to whoever may make network namespaces and TAP devices (CAP_NET_ADMIN).
"""

import ctypes
import fcntl
import heapq
import itertools
import os
import select
import struct
import subprocess
import threading
import time
from types import TracebackType

from emiff_core.demo.impairment import Impairment
from emiff_core.errors import EmiffError

SIDES = ('roadside', 'vehicle')

_DEVICE = 'radio0'
_CLONE_NEWNET = 0x40000000  # linux/sched.h
_TUNSETIFF, _IFF_TAP, _IFF_NO_PI = 0x400454CA, 0x0002, 0x1000  # linux/if_tun.h
_FRAME_BYTES = 65536
_READY_S = 10.0


class PacketLink:
    """Two namespaces, each with one network device, and the only way between them.

    What runs behind `prefix(side)` reaches the other side through the radio alone.

    Attributes:
        impairment: how bad the radio is for each Ethernet frame, whatever is in it; may be exchanged at any time.
    """

    def __init__(self) -> None:
        """Make the namespaces and begin to pass frames on, all and at once.

        Raises:
            EmiffError: this machine or user may not; the line says what failed.
        """
        self.impairment = Impairment()
        self._frames = [0, 0]
        self._devices: list[int] = []
        self._namespaces: list[int] = []
        self._failure: str | None = None
        self._ready = threading.Event()
        self._wake_read, self._wake_write = os.pipe()
        # only this thread leaves its namespace; the rest of the process stays where it is
        self._thread = threading.Thread(target=self._run, name='radio', daemon=True)
        self._thread.start()
        self._ready.wait(_READY_S)
        if self._failure is not None or not self._ready.is_set():
            self.close()
            raise EmiffError(f'expected to be allowed network namespaces and TAP devices: {self._failure}')

    def __enter__(self) -> 'PacketLink':
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def prefix(self, side: str) -> list[str]:
        """Return what to put before a command, so that it runs on a side, one of SIDES."""
        return ['nsenter', f'--net=/proc/{os.getpid()}/fd/{self._namespaces[SIDES.index(side)]}']

    @property
    def frames(self) -> tuple[int, int]:
        """Ethernet frames that came to the radio and that left it so far; copies count."""
        return self._frames[0], self._frames[1]

    def close(self) -> None:
        """End the radio; the namespaces go with the last process in them."""
        os.write(self._wake_write, b'x')
        self._thread.join()
        for descriptor in (*self._devices, *self._namespaces, self._wake_read, self._wake_write):
            os.close(descriptor)

    def _run(self) -> None:
        try:
            for number in range(len(SIDES)):
                self._enter_new_namespace()
                self._devices.append(_open_tap(_DEVICE))
                _configure(_DEVICE, f'10.77.0.{number + 1}/24')
        except (OSError, subprocess.CalledProcessError) as error:
            told = error.stderr.decode().strip() if isinstance(error, subprocess.CalledProcessError) else ''
            self._failure = told or str(error)
            self._ready.set()
            return
        self._ready.set()
        self._pass_on()

    def _enter_new_namespace(self) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(_CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), f'unshare: {os.strerror(ctypes.get_errno())}')
        self._namespaces.append(os.open('/proc/thread-self/ns/net', os.O_RDONLY))

    def _pass_on(self) -> None:
        other_of = dict(zip(self._devices, reversed(self._devices), strict=True))
        order = itertools.count()
        waiting: list[tuple[int, int, int, bytes]] = []  # a heap: send time, order among equals, device, frame
        while True:
            wait_s = max(0.0, (waiting[0][0] - time.monotonic_ns()) / 1e9) if waiting else None
            readable, _, _ = select.select([*self._devices, self._wake_read], [], [], wait_s)
            if self._wake_read in readable:
                return
            for device in readable:
                frame = os.read(device, _FRAME_BYTES)
                for send_ns in self.impairment.send_times_ns(self._frames[0], time.monotonic_ns()):
                    heapq.heappush(waiting, (send_ns, next(order), other_of[device], frame))
                self._frames[0] += 1
            while waiting and waiting[0][0] <= time.monotonic_ns():
                _, _, device, frame = heapq.heappop(waiting)
                os.write(device, frame)
                self._frames[1] += 1


def _open_tap(name: str) -> int:
    descriptor = os.open('/dev/net/tun', os.O_RDWR)
    try:
        fcntl.ioctl(descriptor, _TUNSETIFF, struct.pack('16sH14x', name.encode(), _IFF_TAP | _IFF_NO_PI))
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _configure(device: str, address: str) -> None:
    for command in (
        'link set lo up',
        f'addr add {address} dev {device}',
        f'link set {device} up',
        f'route add 224.0.0.0/4 dev {device}',  # by which DDS introduces itself
    ):
        subprocess.run(['ip', *command.split()], check=True, capture_output=True)
