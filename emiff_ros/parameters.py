"""Parameters: every one declared through one helper, with a description, a default and a range."""

from typing import TypeVar

from rcl_interfaces.msg import FloatingPointRange, ParameterDescriptor
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
        default: its value where none is given; its type is the parameter's type.
        description: one line with the unit.
        interval: the lowest and the highest value allowed, of a number.
        choices: the values allowed, of a string.

    Raises:
        EmiffError: the value given has another type, or lies outside the interval or the choices.
    """
    ranges = [FloatingPointRange(from_value=interval[0], to_value=interval[1])] if interval else []
    descriptor = ParameterDescriptor(description=description, read_only=True, floating_point_range=ranges)
    try:
        value: Value = node.declare_parameter(name, default, descriptor).value
    except (InvalidParameterTypeException, InvalidParameterValueException) as error:
        raise EmiffError(f'parameter {name} ({description}): {error}') from error
    if choices and value not in choices:
        raise EmiffError(f'parameter {name}: expected one of {", ".join(choices)}, found {value!r}')
    return value
