"""How a node does, once a second on /diagnostics."""

from collections.abc import Callable
from typing import NamedTuple

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.parameter import Parameter

from emiff_core.errors import EmiffError
from emiff_core.monitoring.health import Level, Limits, Report
from emiff_core.monitoring.window import Quantiles
from emiff_ros import qos
from emiff_ros.parameters import declare_live

_PERIOD_S = 1.0
_RATE, _LATENCY = (0.0, 1000.0), (0.0, 600_000.0)


class Description(NamedTuple):
    """Level, one line and figures."""

    level: Level
    message: str
    values: dict[str, str]


class Diagnostics:
    """Publishes one status of a node, in every state of it; the limits may be set while it runs."""

    def __init__(self, node: Node, describe: Callable[[Limits], Description]) -> None:
        """Declare the limits and begin to publish.

        Args:
            node: the owner.
            describe: called with the limits, in the executor's thread.

        Raises:
            EmiffError: the limits given contradict one another or are out of range.
        """
        self._node = node
        self._describe = describe
        self._live: dict[str, Callable[[], float]] = {}
        # before the parameters' own checks: the callback that was added first is called last, and only if they passed
        node.add_on_set_parameters_callback(self._check)
        self._live = {
            'warn_below_hz': declare_live(node, 'warn_below_hz', 5.0, 'diagnostics warn below this rate, Hz', _RATE),
            'error_below_hz': declare_live(node, 'error_below_hz', 1.0, 'diagnostics: an error below it, Hz', _RATE),
            'warn_above_ms': declare_live(
                node, 'warn_above_ms', 200.0, 'diagnostics warn above this latency (p95), ms', _LATENCY
            ),
        }
        self._limits()
        self._topic = node.create_publisher(DiagnosticArray, '/diagnostics', qos.OUTPUT)
        # on steady time: a simulated clock that says nothing is a reason to speak
        self._timer = node.create_timer(_PERIOD_S, self._publish, clock=Clock(clock_type=ClockType.STEADY_TIME))

    def _limits(self, **changes: float) -> Limits:
        return Limits(**{name: read() for name, read in self._live.items()} | changes)

    def _check(self, changes: list[Parameter]) -> SetParametersResult:
        if not self._live:  # still being declared
            return SetParametersResult(successful=True)
        try:
            self._limits(**{change.name: change.value for change in changes if change.name in self._live})
        except EmiffError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _publish(self) -> None:
        level, message, values = self._describe(self._limits())
        name = self._node.get_fully_qualified_name().lstrip('/')
        status = DiagnosticStatus(
            level=bytes([level]),
            name=f'{name}: perception',
            message=message,
            hardware_id=name,
            values=[KeyValue(key=key, value=value) for key, value in values.items()],
        )
        array = DiagnosticArray(status=[status])
        array.header.stamp = self._node.get_clock().now().to_msg()
        self._topic.publish(array)


def report_values(report: Report) -> dict[str, str]:
    """Return rates and latency of a node's work."""
    return {
        'image_rate_hz': f'{report.image_rate_hz:.1f}',
        'output_rate_hz': f'{report.output_rate_hz:.1f}',
        **quantile_values('latency', report.latency_ms),
    }


def quantile_values(name: str, found: Quantiles | None) -> dict[str, str]:
    """Return NAME_p50_ms and NAME_p95_ms; a dash where there was nothing."""
    told = ('-', '-') if found is None else (f'{found.p50:.1f}', f'{found.p95:.1f}')
    return {f'{name}_p50_ms': told[0], f'{name}_p95_ms': told[1]}
