"""The last few seconds of something that happens again and again. Safe to use from several threads."""

import threading
from collections import deque
from typing import NamedTuple

import numpy as np


class Quantiles(NamedTuple):
    """Median and 95th percentile, in the values' own unit."""

    p50: float
    p95: float


class Window:
    """Values with the times at which they came, for as long as they are recent."""

    def __init__(self, span_s: float) -> None:
        """Make an empty window that reaches `span_s` seconds back."""
        self._span_s = span_s
        self._entries: deque[tuple[float, float]] = deque()
        self._lock = threading.Lock()

    def add(self, now_s: float, value: float = 0.0) -> None:
        """Note a value; times never go back."""
        with self._lock:
            self._entries.append((now_s, value))
            self._forget(now_s)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._entries.clear()

    def rate_hz(self, now_s: float, since_s: float) -> float:
        """Return how often something came, per second, over the window or, where that is shorter, the time since."""
        with self._lock:
            self._forget(now_s)
            return len(self._entries) / max(min(self._span_s, now_s - since_s), 1.0)

    def quantiles(self, now_s: float) -> Quantiles | None:
        """Return what the recent values are like; None where there is none."""
        with self._lock:
            self._forget(now_s)
            values = [value for _, value in self._entries]
        if not values:
            return None
        p50, p95 = np.percentile(values, (50, 95))
        return Quantiles(float(p50), float(p95))

    def _forget(self, now_s: float) -> None:
        while self._entries and self._entries[0][0] <= now_s - self._span_s:
            self._entries.popleft()
