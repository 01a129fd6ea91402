"""Whether a node is at work: one gate that all its messages pass."""

import threading
from collections.abc import Callable


class Paused(Exception):
    """The node is not at work: what was computed is dropped, and nobody is to blame."""


class Gate:
    """Open while a node is active and enabled. Once `close` has returned, no message leaves any more."""

    def __init__(self) -> None:
        self._is_open = False
        self._sending = threading.Lock()

    @property
    def is_open(self) -> bool:
        """Whether work is wanted."""
        return self._is_open

    def open(self) -> None:
        """Let messages pass."""
        self._is_open = True

    def close(self) -> None:
        """Let none pass; a message that is just leaving is waited for."""
        with self._sending:
            self._is_open = False

    def check(self) -> None:
        """Raise Paused unless the gate is open."""
        if not self._is_open:
            raise Paused

    def send(self, publish: Callable[[], None]) -> None:
        """Call `publish`, which takes a moment and publishes.

        Raises:
            Paused: the gate is closed, and nothing was published.
        """
        with self._sending:
            self.check()
            publish()
