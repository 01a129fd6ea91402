"""Whether a node is at work: one gate that all its messages pass."""

import threading
from collections.abc import Callable


class Paused(Exception):
    """The node is not at work: what was computed is dropped, and nobody is to blame."""


class Gate:
    """Open while a node is active and enabled. Once `close` has returned, no message leaves any more.

    Attributes:
        session: counts the times it was opened or renewed; what began in an earlier one does not leave in this.
    """

    def __init__(self) -> None:
        self.session = 0
        self._is_open = False
        self._sending = threading.Lock()

    @property
    def is_open(self) -> bool:
        """Whether work is wanted."""
        return self._is_open

    def open(self) -> None:
        """Let messages pass."""
        with self._sending:
            self.session += 1
            self._is_open = True

    def close(self) -> None:
        """Let none pass; a message that is just leaving is waited for."""
        with self._sending:
            self._is_open = False

    def renew(self) -> None:
        """Begin another session, open or not."""
        with self._sending:
            self.session += 1

    def check(self) -> None:
        """Raise Paused unless the gate is open."""
        if not self._is_open:
            raise Paused

    def send(self, publish: Callable[[], None], session: int | None = None) -> None:
        """Call `publish`, which takes a moment and publishes.

        Args:
            publish: is called at once, or never.
            session: in which the work on it began; None: it is as good in any.

        Raises:
            Paused: the gate is closed or was in between, and nothing was published.
        """
        with self._sending:
            self.check()
            if session not in (None, self.session):
                raise Paused
            publish()
