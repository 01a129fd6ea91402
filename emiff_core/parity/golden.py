"""Reading golden files: arrays, the description of their inputs, samples of large tensors."""

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from emiff_core.errors import EmiffError
from emiff_core.parity.rules import check_rules

STATISTICS = '.stats'


class GoldenFile:
    """One file of recorded tensors.

    Attributes:
        path: of the file.
        arrays: its contents by name.
        info: how its inputs are made, by part.
        read: names of the arrays that were asked for.
    """

    def __init__(self, path: Path) -> None:
        """Read a file.

        Raises:
            EmiffError: it is missing, no .npz file of plain arrays, carries other rules, or does not describe itself.
        """
        self.path = path
        self.read: set[str] = set()
        try:
            with np.load(path, allow_pickle=False) as content:
                self.arrays: dict[str, NDArray[Any]] = dict(content)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise EmiffError(f'{path}: expected a .npz file of arrays: {error}') from None
        if 'rules' in self.arrays:
            check_rules(str(self['rules']), path)
        self.info = self._json('info_json' if 'info_json' in self.arrays else 'info')

    def __contains__(self, name: str) -> bool:
        return name in self.arrays

    def __getitem__(self, name: str) -> NDArray[Any]:
        self.read.add(name)
        try:
            return self.arrays[name]
        except KeyError:
            raise EmiffError(f'{self.path}: {name}: expected this array, found none') from None

    def text(self, part: str) -> str:
        """Return what `info` says about `part`.

        Raises:
            EmiffError: it says nothing about it.
        """
        if not isinstance(self.info.get(part), str):
            raise EmiffError(f'{self.path}: info: expected a text for {part!r}, found {self.info.get(part)!r}')
        return self.info[part]

    def meta(self, name: str) -> dict[str, Any]:
        """Return an array that holds JSON.

        Raises:
            EmiffError: it is missing or no JSON object.
        """
        return self._json(name)

    def number(self, pattern: str, text: str) -> int:
        """Return the integer that the group of `pattern` finds in `text`.

        Raises:
            EmiffError: it finds nothing.
        """
        return int(self._match(pattern, text).group(1))

    def seed(self, text: str) -> int:
        """Return the seed in 'RandomState(seed)'; errors as `number`."""
        return self.number(r'RandomState\((\d+)', text)

    def shape(self, text: str) -> tuple[int, ...]:
        """Return the first shape, such as '(1,64,32,48)', in `text`; errors as `number`."""
        return tuple(int(n) for n in self._match(r'\((\d+(?:,\s*\d+)+)\)', text).group(1).split(','))

    def normal(self, text: str) -> Tensor:
        """Return the float32 standard-normal tensor that `text` describes by seed and shape; errors as `number`."""
        return normal(self.seed(text), self.shape(text))

    def _match(self, pattern: str, text: str) -> re.Match[str]:
        found = re.search(pattern, text)
        if found is None:
            raise EmiffError(f'{self.path}: info: expected {pattern!r}, found {text!r}')
        return found

    def _json(self, name: str) -> dict[str, Any]:
        try:
            content = json.loads(str(self[name]))
        except json.JSONDecodeError as error:
            raise EmiffError(f'{self.path}: {name}: expected JSON: {error}') from None
        if not isinstance(content, dict):
            raise EmiffError(f'{self.path}: {name}: expected a JSON object, found {type(content).__name__}')
        return content


def normal(seed: int, shape: tuple[int, ...]) -> Tensor:
    """Return a float32 standard-normal tensor of NumPy's legacy generator, which golden files are made with."""
    return torch.from_numpy(np.random.RandomState(seed).standard_normal(shape).astype(np.float32))


def sample(full: NDArray[Any], golden: GoldenFile, name: str) -> NDArray[Any]:
    """Return the part of our tensor that the file keeps: every n-th entry along each axis.

    The steps are the file's `<name>.stride`; where it has none, the smallest that give the stored shape.
    """
    stored = golden[name]
    if stored.ndim != full.ndim:
        return full
    if f'{name}.stride' in golden:
        steps = [int(step) for step in golden[f'{name}.stride']]
    else:
        steps = [_smallest_step(size, kept) for size, kept in zip(full.shape, stored.shape, strict=True)]
    return full[tuple(slice(None, None, step) for step in steps)]


def statistics(tensor: NDArray[Any]) -> NDArray[np.float64]:
    """Return mean, standard deviation, sum of magnitudes, minimum and maximum."""
    values = tensor.astype(np.float64)
    if values.size == 0:
        return np.zeros(5)
    return np.array([values.mean(), values.std(), np.abs(values).sum(), values.min(), values.max()])


def _smallest_step(size: int, kept: int) -> int:
    return next((step for step in range(1, size + 1) if -(-size // step) == kept), 1)
