"""Whether a perception node does well: its rate and latency against limits."""

from dataclasses import dataclass
from enum import IntEnum

from emiff_core.errors import EmiffError
from emiff_core.monitoring.window import Quantiles, Window

SPAN_S = 5.0
_SETTLE_S = 2.0


class Level(IntEnum):
    """How well; the numbers are those of diagnostic_msgs/DiagnosticStatus."""

    OK = 0
    WARN = 1
    ERROR = 2
    STALE = 3


@dataclass(frozen=True)
class Limits:
    """What is still well.

    Attributes:
        warn_below_hz, error_below_hz: images answered per second.
        warn_above_ms: 95th percentile of the latency, milliseconds.
    """

    warn_below_hz: float = 5.0
    error_below_hz: float = 1.0
    warn_above_ms: float = 200.0

    def __post_init__(self) -> None:
        if self.error_below_hz > self.warn_below_hz:
            expected = f'at most warn_below_hz ({self.warn_below_hz:g})'
            raise EmiffError(f'error_below_hz: expected {expected}, found {self.error_below_hz:g}')


@dataclass(frozen=True)
class Report:
    """The state of the work.

    Attributes:
        level, message: the judgement, and the reason for it.
        image_rate_hz, output_rate_hz: images that came and that were answered, per second.
        latency_ms, feature_age_ms: of the recent ones, milliseconds; None where there was none.
    """

    level: Level
    message: str
    image_rate_hz: float
    output_rate_hz: float
    latency_ms: Quantiles | None
    feature_age_ms: Quantiles | None


class Health:
    """Watches a node's work: what comes, what is answered, and when. Times are monotonic seconds."""

    def __init__(self) -> None:
        self._images, self._answers, self._ages = Window(SPAN_S), Window(SPAN_S), Window(SPAN_S)
        self._first_s: float | None = None  # when the first image came since the work began

    def begin(self) -> None:
        """Note that the work begins, perhaps again: what was before counts no more."""
        self._first_s = None
        for window in (self._images, self._answers, self._ages):
            window.clear()

    def arrived(self, now_s: float) -> None:
        """Note that an image came."""
        self._first_s = now_s if self._first_s is None else self._first_s
        self._images.add(now_s)

    def answered(self, now_s: float, latency_ms: float) -> None:
        """Note that an image was answered, so long after it came."""
        self._answers.add(now_s, latency_ms)

    def used(self, now_s: float, age_ms: float) -> None:
        """Note that a feature of this age was fused."""
        self._ages.add(now_s, age_ms)

    def report(self, now_s: float, limits: Limits) -> Report:
        """Judge a node that is at work.

        STALE before the first image: nothing is known yet. Then the node has two seconds to answer; from there on the
        rate counts, so that images which stop, or which all are refused, are an error.
        """
        first_s = self._first_s
        since_s = now_s if first_s is None else first_s
        answers_hz, latency = self._answers.rate_hz(now_s, since_s), self._answers.quantiles(now_s)
        if first_s is None:
            level, message = Level.STALE, 'no image yet'
        elif now_s - first_s < _SETTLE_S:
            level, message = Level.OK, 'first images'
        else:
            level, message = _judge(answers_hz, latency, limits)
        return Report(
            level, message, self._images.rate_hz(now_s, since_s), answers_hz, latency, self._ages.quantiles(now_s)
        )


def _judge(rate_hz: float, latency: Quantiles | None, limits: Limits) -> tuple[Level, str]:
    level, reasons = Level.OK, []
    if rate_hz < limits.warn_below_hz:
        is_error = rate_hz < limits.error_below_hz
        level = Level.ERROR if is_error else Level.WARN
        bound = limits.error_below_hz if is_error else limits.warn_below_hz
        reasons.append(f'{rate_hz:.1f} Hz, expected at least {bound:g}')
    if latency is not None and latency.p95 > limits.warn_above_ms:
        level = max(level, Level.WARN)
        reasons.append(f'latency p95 {latency.p95:.0f} ms, expected at most {limits.warn_above_ms:g}')
    return level, '; '.join(reasons) or 'well'
