"""Newest image wins: a queue of one, between the thread that receives and the thread that computes."""

import threading
from typing import Generic, TypeVar

Item = TypeVar('Item')


class NewestSlot(Generic[Item]):
    """Holds the newest item only. A robot wants the present: an image that waited behind another is skipped."""

    def __init__(self) -> None:
        self._item: Item | None = None
        self._closed = False
        self._changed = threading.Condition()

    def put(self, item: Item) -> Item | None:
        """Leave an item; return the one that it pushed out, None where the slot was free."""
        with self._changed:
            skipped, self._item = self._item, item
            self._changed.notify()
            return skipped

    def get(self) -> Item | None:
        """Wait for an item and take it; None once the slot is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._item is not None or self._closed)
            item, self._item = self._item, None
            return None if self._closed else item

    def close(self) -> None:
        """Wake the waiting thread for good; what still lies in the slot is dropped."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
