"""The files that come with the code: model configs, message definitions, weights."""

import os
from pathlib import Path

from emiff_core.errors import EmiffError

RANDOM = 'random'


def config_dir() -> Path:
    """Return the folder of the model configs (*.yaml).

    Raises:
        EmiffError: the installation is not complete.
    """
    return _folder('config')


def msg_dir() -> Path:
    """Return the folder of this package's message definitions (*.msg).

    Raises:
        EmiffError: the installation is not complete.
    """
    return _folder('msg')


def weights_dir() -> Path:
    """Return the folder of the weights that come with the code.

    Raises:
        EmiffError: the installation is not complete.
    """
    return _folder('weights')


def find_weights(config: Path, weights: Path | None) -> Path | None:
    """Return the weights that a model runs with; None: random ones.

    Args:
        config: of the model.
        weights: what was asked for: a file, or the word random; None: those that come with the code, where the config
            does too and has some.
    """
    if weights is not None:
        return None if str(weights) == RANDOM else weights
    shipped = weights_dir() / f'{config.stem}.safetensors'
    ours = config_dir() / config.name
    return shipped if shipped.is_file() and ours.is_file() and ours.samefile(config) else None


def _folder(name: str) -> Path:
    package = Path(__file__).resolve().parent
    prefixes = filter(None, os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep))
    # a checkout, a pip install, a colcon install
    candidates = [package.parent, package / 'share', *(Path(prefix) / 'share' / 'emiff' for prefix in prefixes)]
    for candidate in candidates:
        # a site-packages folder may hold a foreign `config`; ours has a sign
        if next((candidate / name).glob(_SIGNS[name]), None) is not None:
            return candidate / name
    raise EmiffError(f'{name}: expected this folder in one of {", ".join(map(str, candidates))}, found none')


_SIGNS = {'config': 'emiff_*.yaml', 'msg': 'FeatureFrame.msg', 'weights': '*.safetensors'}
