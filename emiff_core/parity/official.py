"""The authors' detector as this project builds it: its config, its blocks and the whole model, rules' parameters in."""

from typing import TypeVar

from torch import nn

from emiff_core.config import EmiffConfig, load_config
from emiff_core.model.emiff import Emiff
from emiff_core.model.official_names import to_official
from emiff_core.parity import rules
from emiff_core.resources import config_dir

Module = TypeVar('Module', bound=nn.Module)


def official_config() -> EmiffConfig:
    """Return config/emiff_official.yaml.

    Raises:
        EmiffError: the installation is not complete.
    """
    return load_config(config_dir() / 'emiff_official.yaml')


def filled(module: Module, place: str) -> Module:
    """Fill a block as if it stood at `place` of the whole model (such as 'compression.'), and return it."""
    rules.fill(module, lambda name: to_official(place + name))
    return module


def filled_model(cls_bias_shift: float = rules.CLS_BIAS_SHIFT) -> Emiff:
    """Return the whole official model with the rules' parameters."""
    model = Emiff(official_config())
    rules.fill(model, to_official, cls_bias_shift)
    return model
