"""What was computed leaves in a thread of its own, so that no image waits for the network."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from emiff_core.inference.newest import NewestSlot

Item = TypeVar('Item')


class Outbox(Generic[Item]):
    """Sends items in their order; where sending is behind, the oldest is dropped and counted.

    Attributes:
        dropped: items that never left.
    """

    def __init__(self, send: Callable[[Item], bool], depth: int) -> None:
        """Begin to wait for items.

        Args:
            send: called for each in the outbox's thread; returns whether it left, and handles its own failures.
            depth: items that may wait beside the one that is leaving.
        """
        self.dropped = 0
        self._lock = threading.Lock()
        self._send = send
        self._waiting: NewestSlot[Item] = NewestSlot(depth)
        self._thread = threading.Thread(target=self._work, name='sending', daemon=True)
        self._thread.start()

    def put(self, item: Item) -> None:
        """Leave an item; returns at once. One thread only may do so."""
        if self._waiting.put(item) is not None:
            self._drop(1)

    def clear(self) -> None:
        """Drop what waits."""
        self._drop(self._waiting.clear())

    def close(self) -> None:
        """Drop what waits and end the thread; what is leaving leaves first."""
        self._waiting.close()
        self._thread.join()

    def _work(self) -> None:
        while (item := self._waiting.get()) is not None:
            if not self._send(item):
                self._drop(1)

    def _drop(self, items: int) -> None:
        with self._lock:
            self.dropped += items
