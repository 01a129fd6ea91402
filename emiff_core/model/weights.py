"""Weights: drawn from a seed, read from and written to safetensors files, and named by a digest."""

import hashlib
import math
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck

from emiff_core.errors import EmiffError
from emiff_core.model.cross_attention import DeformableBlock
from emiff_core.model.emiff import Emiff
from emiff_core.model.neck3d import ResidualBlock3d

_RESIDUAL_GAIN = 0.25  # small residual branches keep the depth's activations bounded before training
_HEAD_GAIN = 0.1  # ... and its first predictions near the anchors
_LISTED = 20  # names an error message spells out


def model_id(tensors: dict[str, Tensor]) -> str:
    """Return 64 hexadecimal digits: SHA-256 over the sorted names, each followed by its tensor's bytes, row by row."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode())
        digest.update(tensors[name].detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def initialise(model: Emiff, seed: int) -> None:
    """Give the model the weights that training starts from, the same on every machine.

    Each tensor is drawn from its own stream, seeded by `seed` and its name: uniform with He's variance. Offsets of the
    deformable convolutions start at zero, the class bias at the prior, residual branches small.
    """
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.ndim < 2:  # biases 0, norms 1 and 0
                parameter.fill_(1.0 if name.endswith('weight') else 0.0)
                continue
            bound = math.sqrt(6 / math.prod(parameter.shape[1:]))
            generator = np.random.Generator(np.random.PCG64([seed, zlib.crc32(name.encode())]))
            values = (generator.random(tuple(parameter.shape), dtype=np.float32) * 2 - 1) * np.float32(bound)
            parameter.copy_(torch.from_numpy(values))
        for module in model.modules():
            _soften(module)
        for layer in (model.head.classes, model.head.boxes, model.head.directions):
            layer.weight.mul_(_HEAD_GAIN)
        model.get_parameter('head.classes.bias').fill_(model.head.prior_logit)


def _soften(module: nn.Module) -> None:
    if isinstance(module, BasicBlock):
        module.bn2.weight.fill_(_RESIDUAL_GAIN)
    elif isinstance(module, Bottleneck):
        module.bn3.weight.fill_(_RESIDUAL_GAIN)
    elif isinstance(module, ResidualBlock3d):
        module.conv1.bn.weight.fill_(_RESIDUAL_GAIN)
    elif isinstance(module, DeformableBlock) and module.offset is not None:
        module.offset.weight.zero_()


def save(model: Emiff, path: Path) -> None:
    """Write all tensors of a whole model.

    Raises:
        EmiffError: the file cannot be written.
    """
    write(model.state_dict(), path)


def write(tensors: dict[str, Tensor], path: Path) -> None:
    """Write named tensors and their `model_id` to a safetensors file.

    Raises:
        EmiffError: the file cannot be written.
    """
    # copies, because the format refuses tensors that share memory
    copies = {name: t.detach().cpu().clone(memory_format=torch.contiguous_format) for name, t in tensors.items()}
    try:
        path.write_bytes(safetensors.torch.save(copies, metadata={'model_id': model_id(tensors)}))
    except (OSError, SafetensorError) as error:
        raise EmiffError(f'{path}: cannot write the weights: {error}') from None


def read(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file's tensors onto the CPU.

    Raises:
        EmiffError: the file is missing or no whole safetensors file.
    """
    if not Path(path).is_file():
        raise EmiffError(f'{path}: expected a weights file (.safetensors), found none')
    try:
        return safetensors.torch.load_file(path)
    except (OSError, SafetensorError) as error:
        raise EmiffError(f'{path}: expected a safetensors file: {error}') from None


def load(model: Emiff, path: Path) -> str:
    """Load a weights file into a whole model.

    Returns:
        The file's `model_id`.

    Raises:
        EmiffError: the file cannot be read, or its tensors are not the model's; the message names them.
    """
    tensors = read(path)
    check(tensors, model.state_dict(), source=str(path))
    model.load_state_dict(tensors)
    return model_id(tensors)


def load_blocks(model: Emiff, path: Path, blocks: Mapping[str, str]) -> str:
    """Load those tensors of some blocks whose shapes are the model's; the others stay as they are.

    Args:
        model: of this config or another.
        path: a weights file.
        blocks: block of the model, such as 'vehicle' or 'neck' -> block of the file.

    Returns:
        The file's `model_id`.

    Raises:
        EmiffError: the file cannot be read, or has nothing for one of the blocks.
    """
    tensors, own = read(path), model.state_dict()
    for block, source in blocks.items():
        parts = [name.removeprefix(block) for name in own if name.startswith(f'{block}.')]
        offered = {block + part: tensors[source + part] for part in parts if source + part in tensors}
        fitting = {name: tensor for name, tensor in offered.items() if tensor.shape == own[name].shape}
        if not fitting:
            raise EmiffError(f'{path}: expected tensors of {source} that fit the {block} of this config, found none')
        model.load_state_dict(fitting, strict=False)
    return model_id(tensors)


def check(found: dict[str, Tensor], expected: dict[str, Tensor], source: str) -> None:
    """Compare names, shapes and kinds of number.

    Raises:
        EmiffError: they differ; one line lists missing, surplus and misshaped tensors.
    """
    missing = sorted(expected.keys() - found.keys())
    surplus = sorted(found.keys() - expected.keys())
    misshaped = [
        f'{name} {_form(found[name])} instead of {_form(expected[name])}'
        for name in sorted(expected.keys() & found.keys())
        if _form(found[name]) != _form(expected[name])
    ]
    problems = [
        f'{kind} {_listed(names)}'
        for kind, names in (('missing', missing), ('surplus', surplus), ('misshaped', misshaped))
        if names
    ]
    if problems:
        raise EmiffError(f'{source}: expected the tensors of this config, found {"; ".join(problems)}')


def _form(tensor: Tensor) -> str:
    kind = 'float' if tensor.is_floating_point() else 'int'  # the width of floats may differ: float16 halves a file
    return f'{kind}{list(tensor.shape)}'


def _listed(names: list[str]) -> str:
    rest = len(names) - _LISTED
    return f'({len(names)}) ' + ', '.join(names[:_LISTED]) + (f' and {rest} more' if rest > 0 else '')
