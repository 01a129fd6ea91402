"""The rules by which golden files name their parameters, images and cameras without storing them.

Every golden file carries these rules as text; `RULES_DIGEST` is that text's SHA-256, so that a file made by other rules
is refused rather than compared with the wrong numbers.
"""

import hashlib
import re
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from emiff_core.errors import EmiffError

RULES_DIGEST = 'e89d2b2bdfd04291f8a6c4d3ea46f0cf71338a4e05b0fce391bac9735e4624c5'

FULL_WIDTH, FULL_HEIGHT = 1920, 1080  # pixels of the images that intrinsics refer to
CLS_BIAS_SHIFT = -3.70
_MEAN = np.array([123.675, 116.28, 103.53], dtype=np.float32)
_STD = np.array([58.395, 57.12, 57.375], dtype=np.float32)
_CAMERA_SCALE = np.array([1000, 1000, 500, 300, 1, 1, 1, 10, 1, 1, 1, 10, 1, 1, 1, 10], dtype=np.float32)

Array = NDArray[np.float32]
Adjustment = Callable[[Array], Array]


def check_rules(text: str, source: Path) -> None:
    """Refuse a file made by other rules.

    Raises:
        EmiffError: the text's digest is not `RULES_DIGEST`.
    """
    digest = hashlib.sha256(text.encode()).hexdigest()
    if digest != RULES_DIGEST:
        raise EmiffError(f'{source}: rules: expected the text of SHA-256 {RULES_DIGEST}, found {digest}')


def _times(factor: float) -> Adjustment:
    return lambda v: v * np.float32(factor)


def _plus(term: float) -> Adjustment:
    return lambda v: v + np.float32(term)


# The first that matches the whole name applies; they keep the activations of a random network near one.
_ADJUSTMENTS: tuple[tuple[str, Adjustment], ...] = (
    (r'ccmnet\.bn\.running_mean', lambda v: v * _CAMERA_SCALE),
    (r'ccmnet\.bn\.running_var', lambda v: v * (_CAMERA_SCALE * _CAMERA_SCALE)),
    (r'inf_compressor\.compressor0\.encoder\.1\.bias', _plus(2.0)),
    (r'backbone_[vi]\..*\.bn3\.weight', _times(0.25)),
    (r'neck_[vi]\..*\.conv\.weight', _times(0.5)),
    (r'inf_compressor\.compressor0\.decoder\.3\.weight', _times(2.0)),
    (r'ccmnet\.context_conv\.weight', _times(3.0)),
    (r'neck_3d\..*\.conv1\.bn\.weight', _times(0.5)),
    (r'bbox_head\.conv_cls\.weight', _times(2.0)),
    (r'bbox_head\.conv_reg\.weight', _times(0.2)),
)


def parameter(
    name: str, shape: tuple[int, ...], is_batch_norm: bool, cls_bias_shift: float = CLS_BIAS_SHIFT
) -> NDArray[np.generic]:
    """Return the tensor that the rules give to one of the authors' names.

    Args:
        name: of the authors' state_dict.
        shape: of the tensor.
        is_batch_norm: whether its module also has a running_mean.
        cls_bias_shift: added to the class branch's bias.

    Returns:
        float32 array of `shape`; int64 zero for num_batches_tracked.
    """
    stem, leaf = name.rsplit('.', 1)
    if leaf == 'num_batches_tracked':
        return np.zeros(shape, dtype=np.int64)
    v = np.random.RandomState(zlib.crc32(name.encode()) & 0x7FFFFFFF).standard_normal(shape).astype(np.float32)
    if is_batch_norm:
        value = _batch_norm(leaf, v)
    elif leaf == 'bias':
        value = np.float32(0.01) * v
    else:
        gain = 0.1 if stem.endswith('conv_offset') else 1.0
        value = v * np.float32(gain * np.sqrt(2 / np.prod(shape[1:])))
    if name == 'bbox_head.conv_cls.bias':
        return value + np.float32(cls_bias_shift)
    for pattern, adjust in _ADJUSTMENTS:
        if re.fullmatch(pattern, name):
            return adjust(value)
    return value


def fill(module: nn.Module, official_name: Callable[[str], str], cls_bias_shift: float = CLS_BIAS_SHIFT) -> None:
    """Give every tensor of `module` the values of the rules and put the module into evaluation mode.

    Args:
        module: any part of the network.
        official_name: from a name of the module's state_dict to the authors' name.
        cls_bias_shift: see `parameter`.
    """
    state = module.state_dict()
    names = {name: official_name(name) for name in state}
    normed = _batch_norm_stems(names.values())
    for name, tensor in state.items():
        official = names[name]
        is_batch_norm = official.rsplit('.', 1)[0] in normed
        tensor.copy_(torch.from_numpy(parameter(official, tuple(tensor.shape), is_batch_norm, cls_bias_shift)))
    module.eval().requires_grad_(False)


def _batch_norm(leaf: str, v: Array) -> Array:
    if leaf == 'weight':
        return np.float32(1) + np.float32(0.1) * v
    if leaf == 'running_var':
        return np.float32(1) + np.float32(0.1) * np.abs(v)
    return np.float32(0.1) * v


def _batch_norm_stems(names: Iterable[str]) -> set[str]:
    return {name.removesuffix('.running_mean') for name in names if name.endswith('.running_mean')}


def image_u8(seed: int, height: int, width: int, cell: int = 20) -> NDArray[np.uint8]:
    """Return the (height, width, 3) RGB image of a seed: a coarse random grid, upsampled in integers, with noise."""
    rng = np.random.RandomState(seed)
    grid = rng.randint(0, 256, (-(-height // cell) + 1, -(-width // cell) + 1, 3))
    noise = rng.randint(-20, 21, (height, width, 3))
    y, x = np.arange(height), np.arange(width)
    rows = (cell - y % cell)[:, None, None] * grid[y // cell] + (y % cell)[:, None, None] * grid[y // cell + 1]
    left, right = rows[:, x // cell], rows[:, x // cell + 1]
    total = (cell - x % cell)[None, :, None] * left + (x % cell)[None, :, None] * right
    smooth = (2 * total + cell * cell) // (2 * cell * cell)
    return np.clip(smooth + noise, 0, 255).astype(np.uint8)


def network_input(image: NDArray[np.uint8], padded: tuple[int, int]) -> Tensor:
    """Normalise an RGB image and pad it right and below with zeros to (height, width): (3, height, width) float32."""
    tensor = torch.zeros(3, *padded)
    normalised = (image.astype(np.float32) - _MEAN) / _STD
    tensor[:, : image.shape[0], : image.shape[1]] = torch.from_numpy(normalised).permute(2, 0, 1)
    return tensor


def intrinsics(fx: float, fy: float, cx: float, cy: float) -> Array:
    """Return the 4 x 4 intrinsics, pixels of the full image."""
    k = np.eye(4, dtype=np.float32)
    k[0, 0], k[1, 1], k[0, 2], k[1, 2] = fx, fy, cx, cy
    return k


def extrinsics(position: tuple[float, float, float], yaw: float, pitch: float) -> Array:
    """Return the 4 x 4 T_camera_detection of a camera.

    Args:
        position: in the detection frame, metres.
        yaw: degrees about +z; 0 looks along +x.
        pitch: degrees; positive looks down.
    """
    a, p = np.deg2rad(yaw), np.deg2rad(pitch)
    forward = np.array([np.cos(p) * np.cos(a), np.cos(p) * np.sin(a), -np.sin(p)])
    right = np.array([np.sin(a), -np.cos(a), 0.0])
    rotation = np.stack([right, np.cross(forward, right), forward])
    matrix = np.eye(4)
    matrix[:3, :3] = rotation
    matrix[:3, 3] = -rotation @ np.asarray(position, dtype=np.float64)
    return matrix.astype(np.float32)
