"""Read nested mappings (YAML, JSON) into frozen dataclasses, and say precisely what is wrong where they do not fit."""

import dataclasses
import difflib
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import yaml

from emiff_core.errors import EmiffError

T = TypeVar('T')


@dataclass(frozen=True)
class Range:
    """Closed interval that a number must lie in; stands in an `Annotated` type."""

    low: float
    high: float = math.inf


PositiveInt = Annotated[int, Range(1)]
Fraction = Annotated[float, Range(0.0, 1.0)]


def load(cls: type[T], path: Path) -> T:
    """Build the dataclass `cls` from a YAML file.

    Raises:
        EmiffError: the file cannot be read, is no YAML, or as `read`; one line names file and key.
    """
    try:
        value = yaml.safe_load(Path(path).read_text(encoding='utf-8'))
    except (OSError, UnicodeDecodeError) as error:
        raise EmiffError(f'{path}: cannot read the config: {error}') from None
    except yaml.YAMLError as error:
        raise EmiffError(f'{path}: expected YAML: {" ".join(str(error).split())}') from None
    return read(cls, value, source=str(path))


def plain(value: Any) -> Any:
    """Return a dataclass as nested plain values (dict, list, str, numbers) that `read` reads back."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [plain(item) for item in value]
    return value


def read(cls: type[T], value: object, source: str, key: str = '') -> T:
    """Build the dataclass `cls` from a mapping.

    Args:
        cls: a frozen dataclass. Its fields may be bool, int, float, str, Literal, tuple, another dataclass, one of
            these or None, and Annotated with a `Range`. A field without a default must be given.
        value: the mapping, as a YAML or JSON reader returns it.
        source: what the user calls the origin (a file's path); opens each message.
        key: dotted path of `value` inside the source.

    Raises:
        EmiffError: an unknown or missing key, a wrong type or a number out of range; the message names source and key.
    """
    if not isinstance(value, Mapping):
        raise _error(source, key, 'a mapping', value)
    fields = {field.name: field for field in dataclasses.fields(cls)}  # type: ignore[arg-type]
    hints = typing.get_type_hints(cls, include_extras=True)
    for name in value:
        if name not in fields:
            close = difflib.get_close_matches(str(name), fields, n=1)
            hint = f'did you mean {close[0]}? ' if close else ''
            raise EmiffError(f'{source}: {_join(key, name)}: unknown key; {hint}expected one of {", ".join(fields)}')
    for name, field in fields.items():
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if required and name not in value:
            raise EmiffError(f'{source}: {_join(key, name)}: missing key')
    parts = {str(name): _convert(hints[name], item, source, _join(key, name)) for name, item in value.items()}
    try:
        return cls(**parts)
    except EmiffError as error:  # a rule that spans fields, stated by the dataclass itself
        raise EmiffError(f'{source}: {_join(key, error)}') from None


def _convert(hint: Any, value: object, source: str, key: str) -> Any:
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        number = _convert(args[0], value, source, key)
        for limit in args[1:]:
            if isinstance(limit, Range) and not limit.low <= number <= limit.high:
                bounds = f'at least {limit.low:g}' + ('' if math.isinf(limit.high) else f', at most {limit.high:g}')
                raise _error(source, key, bounds, value)
        return number
    if origin in (Union, types.UnionType):  # X | None
        inner = next(arg for arg in args if arg is not type(None))
        return None if value is None else _convert(inner, value, source, key)
    if origin is Literal:
        if value not in args:
            raise _error(source, key, f'one of {", ".join(map(str, args))}', value)
        return value
    if origin is tuple:
        return _convert_tuple(args, value, source, key)
    if dataclasses.is_dataclass(hint):
        return read(typing.cast('type[Any]', hint), value, source, key)
    return _convert_scalar(hint, value, source, key)


def _convert_tuple(args: tuple[Any, ...], value: object, source: str, key: str) -> tuple[Any, ...]:
    repeated = len(args) == 2 and args[1] is Ellipsis
    if not isinstance(value, list | tuple):
        raise _error(source, key, 'a list', value)
    if not repeated and len(value) != len(args):
        raise _error(source, key, f'a list of {len(args)}', value)
    hints = [args[0]] * len(value) if repeated else list(args)
    return tuple(
        _convert(hint, item, source, f'{key}[{i}]') for i, (hint, item) in enumerate(zip(hints, value, strict=True))
    )


def _convert_scalar(hint: type, value: object, source: str, key: str) -> Any:
    names = {bool: 'true or false', int: 'a whole number', float: 'a number', str: 'text'}
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    # bool is an int in Python, yet `width: true` is a mistake
    right_type = isinstance(value, hint) and (hint is bool or not isinstance(value, bool))
    if not right_type or (isinstance(value, float) and not math.isfinite(value)):
        raise _error(source, key, names[hint], value)
    return value


def _join(key: str, name: object) -> str:
    return f'{key}.{name}' if key else str(name)


def _error(source: str, key: str, expected: str, found: object) -> EmiffError:
    place = f'{source}: {key}' if key else source
    return EmiffError(f'{place}: expected {expected}, found {found!r}')
