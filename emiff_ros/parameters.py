"""Parameters: every one declared through one helper, with a description, a default and a range."""

import difflib
from collections.abc import Callable
from typing import Any, TypeVar

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node
from rclpy.parameter import Parameter

from emiff_core.errors import EmiffError

Value = TypeVar('Value', bool, int, float, str, list[str], list[float])
Interval = tuple[float, float]


def declare(
    node: Node,
    name: str,
    default: Value,
    description: str,
    interval: Interval | None = None,
    choices: tuple[str, ...] = (),
) -> Value:
    """Declare a read-only parameter and return its value.

    Args:
        node: the owner.
        name: the parameter's name.
        default: its value where none is given; its type is the parameter's type. A whole number is a real one too.
        description: one line with the unit.
        interval: the lowest and the highest value allowed, of a number.
        choices: the values allowed, of a string.

    Raises:
        EmiffError: the value given has another type, or lies outside the interval or the choices.
    """
    return _declare(node, name, default, description, interval, choices, read_only=True)


def declare_live(
    node: Node, name: str, default: Value, description: str, interval: Interval | None = None
) -> Callable[[], Value]:
    """Declare a parameter that may be set while the node runs, and return what reads it, from any thread.

    A value that does not fit is refused with the reason. Arguments and errors: as `declare`.
    """
    _declare(node, name, default, description, interval, (), read_only=False)

    def check(changes: 'list[Parameter[Any]]') -> SetParametersResult:  # quoted: not generic before Kilted
        try:
            for change in changes:
                if change.name == name:
                    _checked(name, change.value, default, interval, ())
        except EmiffError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    node.add_on_set_parameters_callback(check)
    kind: type[Value] = type(default)
    return lambda: kind(node.get_parameter(name).value)


def refuse_unknown(node: Node) -> None:
    """Refuse parameters that were given to a node which does not declare them; call it once all are declared.

    Raises:
        EmiffError: there is one; the line names it, and what it may have been meant to be.
    """
    declared = sorted(node.list_parameters([], 0).names)
    for name in sorted(node._parameter_overrides):  # what command line and files give has no public name in rclpy
        if not node.has_parameter(name):
            close = difflib.get_close_matches(name, declared, n=1)
            hint = f'did you mean {close[0]}? ' if close else ''
            raise EmiffError(f'parameter {name}: unknown; {hint}expected one of {", ".join(declared)}')


def _declare(
    node: Node,
    name: str,
    default: Value,
    description: str,
    interval: Interval | None,
    choices: tuple[str, ...],
    read_only: bool,
) -> Value:
    # typed by hand where it is real: rclpy takes `60` in a YAML file for an integer and refuses it
    is_real = isinstance(default, float)
    is_open = is_real or _is_real_list(default)
    descriptor = ParameterDescriptor(description=description, read_only=read_only, dynamic_typing=is_open)
    if interval and is_real:
        descriptor.floating_point_range = [FloatingPointRange(from_value=interval[0], to_value=interval[1])]
    elif interval:
        descriptor.integer_range = [IntegerRange(from_value=int(interval[0]), to_value=int(interval[1]), step=1)]
    try:
        value: Any = node.declare_parameter(name, default, descriptor).value
    except InvalidParameterTypeException:
        raise EmiffError(f'parameter {name}: expected a value of type {type(default).__name__}') from None
    except InvalidParameterValueException as error:
        raise EmiffError(f'parameter {name}: {error}') from error
    return _checked(name, value, default, interval, choices)


def _checked(name: str, value: Any, default: Value, interval: Interval | None, choices: tuple[str, ...]) -> Value:
    if value is None:  # how rclpy reads an empty list
        value = []
    if isinstance(default, float) and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise EmiffError(f'parameter {name}: expected a number, found {value!r}')
    if _is_real_list(default):
        value = _real_list(name, value)
    if interval and not interval[0] <= value <= interval[1]:
        raise EmiffError(f'parameter {name}: expected {interval[0]:g} to {interval[1]:g}, found {value}')
    if choices and value not in choices:
        raise EmiffError(f'parameter {name}: expected one of {", ".join(choices)}, found {value!r}')
    result: Value = type(default)(value)
    return result


def _is_real_list(default: Any) -> bool:
    return isinstance(default, list) and isinstance(default[0], float)


def _real_list(name: str, value: Any) -> list[float]:
    # rclpy hands arrays on as arrays, and takes [1, 2] in a YAML file for integers
    if isinstance(value, str | bytes) or not hasattr(value, '__iter__'):
        raise EmiffError(f'parameter {name}: expected a list of numbers, found {value!r}')
    numbers = list(value)
    if any(isinstance(number, bool) or not isinstance(number, int | float) for number in numbers):
        raise EmiffError(f'parameter {name}: expected a list of numbers, found {numbers!r}')
    return [float(number) for number in numbers]
