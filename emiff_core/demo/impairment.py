"""What a bad radio does to messages: a seeded schedule of losses, delays and copies. No clock of its own."""

from dataclasses import dataclass

import numpy as np

from emiff_core.errors import EmiffError

_MILLISECOND_NS = 1_000_000


@dataclass(frozen=True)
class Impairment:
    """How bad a radio is. Jitter above the time between two messages lets the later one overtake.

    Attributes:
        drop: share of the messages that are lost, in 0..1.
        delay_ms: what every message waits, milliseconds.
        jitter_ms: what it waits on top, drawn evenly from 0 to this, milliseconds.
        duplicate: share of the messages not lost that come twice, in 0..1; the copy draws a jitter of its own.
        seed: of all draws.

    Raises:
        EmiffError: a number is out of its range.
    """

    drop: float = 0.0
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    duplicate: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ('drop', 'duplicate'):
            if not 0 <= getattr(self, name) <= 1:
                raise EmiffError(f'{name}: expected a share in 0..1, found {getattr(self, name)}')
        for name in ('delay_ms', 'jitter_ms', 'seed'):
            if not getattr(self, name) >= 0:
                raise EmiffError(f'{name}: expected 0 or more, found {getattr(self, name)}')

    def send_times_ns(self, number: int, arrival_ns: int) -> tuple[int, ...]:
        """Return when a message leaves the radio: never, once or twice.

        The draws depend on the seed and the message's number alone: a machine that is busy changes no fate, and what is
        lost at 20 % is lost at 40 % too.

        Args:
            number: of the message, counted from 0 in the order of arrival.
            arrival_ns: when it came, nanoseconds of any clock.

        Returns:
            Times of the same clock, nanoseconds.
        """
        lost, twice, *late = np.random.default_rng([self.seed, number]).random(4)
        if lost < self.drop:
            return ()
        copies = 2 if twice < self.duplicate else 1
        waits_ms = (self.delay_ms + share * self.jitter_ms for share in late[:copies])
        return tuple(arrival_ns + round(wait_ms * _MILLISECOND_NS) for wait_ms in waits_ms)
