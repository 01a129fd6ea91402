"""Reading JSON files of a data set with errors that name the file, the key and what was expected."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emiff_core.errors import EmiffError
from emiff_core.geometry import transforms


def read_json(path: Path) -> object:
    """Return the content of a JSON file.

    Raises:
        EmiffError: the file is missing or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding='utf-8'))
    except OSError as error:
        raise EmiffError(f'{path}: expected a file, found {error.strerror or error}') from error
    except (ValueError, RecursionError) as error:
        raise EmiffError(f'{path}: expected JSON: {error}') from error


def read_list(path: Path) -> list[Mapping[str, object]]:
    """Return the objects of a JSON file that holds a list of them.

    Raises:
        EmiffError: the file holds something else.
    """
    content = read_json(path)
    if not isinstance(content, list) or not all(isinstance(item, dict) for item in content):
        raise EmiffError(f'{path}: expected a list of objects, found {type(content).__name__}')
    return content


def read_object(path: Path) -> Mapping[str, object]:
    """Return the object of a JSON file.

    Raises:
        EmiffError: the file holds something else.
    """
    content = read_json(path)
    if not isinstance(content, dict):
        raise EmiffError(f'{path}: expected an object, found {type(content).__name__}')
    return content


def text_of(entry: Mapping[str, object], key: str, source: object) -> str:
    """Return a text under `key`; `source` names the entry in errors.

    Raises:
        EmiffError: there is none, or it is empty.
    """
    value = entry.get(key)
    if not isinstance(value, str) or not value:
        raise EmiffError(f'{source}: key {key!r}: expected a text, found {value!r}')
    return value


def numbers_of(entry: Mapping[str, object], key: str, count: int, source: object) -> NDArray[np.float64]:
    """Return `count` numbers under `key`, of any nesting; numbers written as text count, as published files have them.

    Raises:
        EmiffError: the key is missing, or not so many finite numbers stand there.
    """
    if key not in entry:
        raise EmiffError(f'{source}: expected the key {key!r}, found {", ".join(sorted(entry)) or "none"}')
    try:
        values = np.array([float(value) for value in _leaves(entry[key])])
    except (ValueError, OverflowError) as error:
        raise EmiffError(f'{source}: key {key!r}: expected {count} numbers: {error}') from error
    if len(values) != count or not np.isfinite(values).all():
        raise EmiffError(f'{source}: key {key!r}: expected {count} finite numbers, found {values.tolist()}')
    return values


def number_of(entry: Mapping[str, object], key: str, source: object) -> float:
    """Return one number under `key`; a number written as text counts.

    Raises:
        EmiffError: there is none.
    """
    return float(numbers_of(entry, key, 1, source)[0])


def rigid_of(path: Path) -> NDArray[np.float64]:
    """Return the (4, 4) transform of a calibration file: `rotation` and `translation`, at the top or under `transform`.

    Raises:
        EmiffError: the file or a key is missing, or it is no rigid transform.
    """
    content = read_object(path)
    inner = content.get('transform', content)
    if not isinstance(inner, dict):
        raise EmiffError(f'{path}: key "transform": expected an object, found {inner!r}')
    rotation, translation = numbers_of(inner, 'rotation', 9, path), numbers_of(inner, 'translation', 3, path)
    try:
        return transforms.rigid(rotation, translation)
    except EmiffError as error:
        raise EmiffError(f'{path}: {error}') from error


def _leaves(value: object) -> Iterator[str | float]:
    """Yield the numbers and texts of nested lists in order; anything else, true and false too, is a ValueError."""
    if isinstance(value, list):
        for item in value:
            yield from _leaves(item)
    elif isinstance(value, int | float | str) and not isinstance(value, bool):
        yield value
    else:
        raise ValueError(f'found {value!r}')
