"""What every filter is: something whose output can be listened to."""

from collections.abc import Callable


class SimpleFilter:
    """Hands each output, one message or a set of them, to all registered callbacks."""

    def __init__(self) -> None:
        """Begin without callbacks."""
        self._callbacks: list[tuple[Callable[..., None], tuple]] = []

    def registerCallback(self, cb: Callable[..., None], *args) -> int:
        """Call cb(*messages, *args) for each output; return the number of this connection."""
        self._callbacks.append((cb, args))
        return len(self._callbacks) - 1

    def signalMessage(self, *messages) -> None:
        """Call all callbacks with these messages."""
        for callback, args in self._callbacks:
            callback(*messages, *args)
