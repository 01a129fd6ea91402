"""Where a training stands, in one file that is replaced at once or not at all."""

import os
from pathlib import Path
from typing import Any

import torch

from emiff_core import schema
from emiff_core.config import EmiffConfig
from emiff_core.errors import EmiffError
from emiff_core.training.config import TrainingConfig


def save_checkpoint(path: Path, state: dict[str, Any], settings: dict[str, object]) -> None:
    """Write a training's state.

    Args:
        path: the file; an earlier one is replaced in one go, so that a kill leaves either the old or the new one.
        state: tensors and plain values.
        settings: what the training depends on, plain values.

    Raises:
        EmiffError: the file cannot be written.
    """
    unfinished = path.with_suffix('.unfinished')
    try:
        with unfinished.open('wb') as stream:
            torch.save({'state': state, 'settings': settings}, stream)
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.replace(path)
    except OSError as error:
        raise EmiffError(f'{path}: cannot write the checkpoint: {error.strerror}') from None


def load_checkpoint(path: Path, settings: dict[str, object]) -> dict[str, Any]:
    """Read what `save_checkpoint` wrote; nothing in the file is executed.

    Args:
        path: the file.
        settings: of the training that goes on, which must be those of the file; a detector's or training's option
            that is younger than the file has its default there.

    Raises:
        EmiffError: the file is damaged or of another kind, or of a training with other settings.
    """
    try:
        content = torch.load(path, map_location='cpu', weights_only=True)
        state, found = dict(content['state']), dict(content['settings'])
    except Exception:  # whatever the bytes of a damaged file lead the reader to
        raise EmiffError(f'{path}: expected a checkpoint of emiff train, found a damaged file or another') from None
    difference = _first_difference(_with_defaults(found, str(path)), settings)
    if difference:
        raise EmiffError(f'{path}: expected a checkpoint of the same settings, found {difference}')
    return state


def _with_defaults(settings: dict[str, Any], source: str) -> dict[str, Any]:
    kinds: dict[str, type[Any]] = {'detector': EmiffConfig, 'training': TrainingConfig}
    completed = {
        name: schema.plain(schema.read(kind, settings[name], source, name))
        for name, kind in kinds.items()
        if name in settings
    }
    return settings | completed


def _first_difference(found: Any, expected: Any, key: str = '') -> str:
    """Return where two nested mappings differ first, in words, or nothing."""
    if isinstance(found, dict) and isinstance(expected, dict):
        for name in sorted(found.keys() | expected.keys()):
            inner = _first_difference(found.get(name), expected.get(name), f'{key}.{name}' if key else str(name))
            if inner:
                return inner
        return ''
    return '' if found == expected else f'{key} {found!r} instead of {expected!r}'
