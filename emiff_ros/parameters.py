"""Parameters: every one declared through one helper, with a description, a default and a range."""

from typing import Any, TypeVar

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node

from emiff_core.errors import EmiffError

Value = TypeVar('Value', bool, int, float, str, list[str])


def declare(
    node: Node,
    name: str,
    default: Value,
    description: str,
    interval: tuple[float, float] | None = None,
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
    # typed by hand where it is real: rclpy takes `60` in a YAML file for an integer and refuses it
    is_real = isinstance(default, float)
    descriptor = ParameterDescriptor(description=description, read_only=True, dynamic_typing=is_real)
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
    if value is None:  # how rclpy reads an empty list
        value = []
    if is_real and (isinstance(value, bool) or not isinstance(value, int | float)):
        raise EmiffError(f'parameter {name}: expected a number, found {value!r}')
    if interval and not interval[0] <= value <= interval[1]:
        raise EmiffError(f'parameter {name}: expected {interval[0]:g} to {interval[1]:g}, found {value}')
    if choices and value not in choices:
        raise EmiffError(f'parameter {name}: expected one of {", ".join(choices)}, found {value!r}')
    result: Value = type(default)(value)
    return result
