"""Who was heard, and what was refused and why. Safe to use from several threads."""

import threading
from collections import Counter


class FeatureTally:
    """Counts feature frames by what became of them."""

    def __init__(self, span_s: float) -> None:
        """Begin at zero; an agent counts as present for `span_s` seconds after a frame of its was believed."""
        self._span_s = span_s
        self._heard: dict[str, float] = {}
        self._refused: Counter[str] = Counter()
        self._lock = threading.Lock()

    def admitted(self, agent: str, now_s: float) -> None:
        """Note that a frame of this agent was believed; times never go back."""
        with self._lock:
            self._heard[agent] = now_s

    def refused(self, reason: str) -> None:
        """Note that a frame was refused."""
        with self._lock:
            self._refused[reason] += 1

    def agents(self, now_s: float) -> list[str]:
        """Return who is present, in alphabetical order."""
        with self._lock:
            self._heard = {agent: heard for agent, heard in self._heard.items() if now_s - heard < self._span_s}
            return sorted(self._heard)

    def refusals(self) -> dict[str, int]:
        """Return how often each reason came, since the beginning."""
        with self._lock:
            return dict(sorted(self._refused.items()))
