"""Newest wins: a short queue that drops its oldest, between the thread that receives and the thread that works."""

import threading
from collections import deque
from typing import Generic, TypeVar

Item = TypeVar('Item')


class NewestSlot(Generic[Item]):
    """Holds the newest items only. A robot wants the present: what waited behind too many others is skipped."""

    def __init__(self, depth: int = 1) -> None:
        """Make an empty slot for at most `depth` items."""
        self._items: deque[Item] = deque()
        self._depth = depth
        self._closed = False
        self._changed = threading.Condition()

    def put(self, item: Item) -> Item | None:
        """Leave an item; return the one that it pushed out, None where there was room."""
        with self._changed:
            skipped = self._items.popleft() if len(self._items) == self._depth else None
            self._items.append(item)
            self._changed.notify()
            return skipped

    def get(self) -> Item | None:
        """Wait for an item and take the oldest; None once the slot is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._items or self._closed)
            return None if self._closed else self._items.popleft()

    def clear(self) -> int:
        """Drop what waits; return how many items that were."""
        with self._changed:
            dropped = len(self._items)
            self._items.clear()
            return dropped

    def close(self) -> None:
        """Wake the waiting thread for good; what still lies in the slot is dropped."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._changed.notify_all()
