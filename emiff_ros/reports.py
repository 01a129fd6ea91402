"""What a node says of its troubles: one clear line, at most once a second for each kind."""

import time

from rclpy.node import Node

_PAUSE_S = 1.0


class Reports:
    """Logs warnings by key; a repeated one waits its second and then tells how often it came."""

    def __init__(self, node: Node) -> None:
        self._logger = node.get_logger()
        self._said: dict[str, float] = {}
        self._kept_back: dict[str, int] = {}

    def warn(self, key: str, text: str) -> None:
        """Log `text` as a warning unless a line of this key was logged within the last second."""
        now = time.monotonic()
        if now - self._said.get(key, -_PAUSE_S) < _PAUSE_S:
            self._kept_back[key] = self._kept_back.get(key, 0) + 1
            return
        self._said[key] = now
        repeated = self._kept_back.pop(key, 0)
        self._logger.warning(f'{text} (and {repeated} more like it)' if repeated else text)
