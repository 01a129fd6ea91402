"""Checkpoints of others (.pth), read without executing what they contain, and the authors' ones, converted and back."""

import re
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from emiff_core.config import EmiffConfig
from emiff_core.errors import EmiffError
from emiff_core.model import weights
from emiff_core.model.emiff import Emiff
from emiff_core.model.official_names import from_official, to_official

# A checkpoint's notes (best score, metrics) may hold NumPy's numbers, which old releases pickled under another name.
_SCALAR, _ARRAY = np.float64().__reduce__()[0], np.empty(0).__reduce__()[0]
_HARMLESS: list[Any] = [
    *((_SCALAR, f'numpy.{core}.multiarray.scalar') for core in ('core', '_core')),
    *((_ARRAY, f'numpy.{core}.multiarray._reconstruct') for core in ('core', '_core')),
    *(np.ndarray, np.dtype, *(type(np.dtype(code)) for code in ('f8', 'f4', 'i8', 'i4', '?'))),
]


def from_official_checkpoint(path: Path, config: EmiffConfig) -> dict[str, Tensor]:
    """Read the authors' checkpoint under our names.

    Args:
        path: .pth, bare or wrapped with meta, optimizer and state_dict.
        config: the detector that it is of.

    Raises:
        EmiffError: see `read_checkpoint`; or tensors are missing, surplus or misshaped, listed by the authors' names.
    """
    tensors = read_checkpoint(path)
    expected = {to_official(name): tensor for name, tensor in Emiff(config).state_dict().items()}
    weights.check(tensors, expected, source=str(path))
    return {from_official(name): tensor for name, tensor in tensors.items()}


def to_official_checkpoint(path: Path, config: EmiffConfig) -> dict[str, Tensor]:
    """Read one of our weights files under the authors' names.

    Raises:
        EmiffError: the file cannot be read, its tensors are not the config's, or the authors' model lacks some of them.
    """
    tensors = weights.read(path)
    weights.check(tensors, Emiff(config).state_dict(), source=str(path))
    return {to_official(name): tensor for name, tensor in tensors.items()}


def load_backbone(model: Emiff, path: Path) -> None:
    """Start both ResNets from a torchvision state_dict (.pth or .safetensors) of the same depth; its fc is left out.

    Raises:
        EmiffError: the file cannot be read, or its tensors are not the ResNet's; the message names them.
    """
    tensors = weights.read(path) if path.suffix == '.safetensors' else read_checkpoint(path)
    tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith('fc.')}
    expected = model.vehicle.resnet.state_dict()
    if not any(name.endswith('num_batches_tracked') for name in tensors):  # the oldest torchvision files have none
        tensors |= {name: tensor for name, tensor in expected.items() if name.endswith('num_batches_tracked')}
    weights.check(tensors, expected, source=str(path))
    for encoder in model.encoders:
        encoder.resnet.load_state_dict(tensors)


def read_checkpoint(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a .pth checkpoint, bare or wrapped with meta, optimizer and state_dict.

    Nothing in the file is executed: only tensors and plain values are read.

    Raises:
        EmiffError: the file is missing, damaged, of another kind, or refers to code.
    """
    if not path.is_file():
        raise EmiffError(f'{path}: expected a checkpoint (.pth), found none')
    if torch.__version__ < '2.10':
        raise EmiffError(f'{path}: expected torch >= 2.10 to read it safely, found {torch.__version__}')
    try:
        _check_zip(path)
        with torch.serialization.safe_globals(_HARMLESS), warnings.catch_warnings():
            warnings.simplefilter('ignore')  # of foreign pickles; the refusal says it in one line
            content = torch.load(path, map_location='cpu', weights_only=True)
    except Exception as error:  # whatever the bytes of a damaged or hostile file lead the reader to
        raise EmiffError(f'{path}: {_reason(error)}') from None
    return _state_dict(content, path)


def _check_zip(path: Path) -> None:
    """Compare the archive's checksums, which torch.load does not."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if damaged := archive.testzip():
                raise zipfile.BadZipFile(damaged)


def _reason(error: Exception) -> str:
    if code := re.search(r'GLOBAL (\S+)', str(error)):
        return f'expected tensors and plain values only, found a reference to {code[1]}, which is refused'
    return 'expected a PyTorch checkpoint, found a file that is damaged or of another kind'


def _state_dict(content: Any, path: Path) -> dict[str, Tensor]:
    if isinstance(content, dict) and isinstance(content.get('state_dict'), dict):
        content = content['state_dict']
    if not isinstance(content, dict) or not content:
        raise EmiffError(f'{path}: expected a state_dict, found {type(content).__name__}')
    for name, value in content.items():
        if not isinstance(name, str) or not isinstance(value, Tensor):
            raise EmiffError(f'{path}: expected tensors by name, found {name!r}: {type(value).__name__}')
    return dict(content)
