"""The parameters that choose a model, the same on both sides of the road."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from rclpy.node import Node

from emiff_core.config import load_config
from emiff_core.inference.eager import EagerEngine
from emiff_core.inference.warm_up import warm_up
from emiff_core.resources import config_dir, find_weights
from emiff_ros.parameters import declare

_DEFAULT_CONFIG = 'emiff_demo.yaml'


@dataclass(frozen=True)
class ModelChoice:
    """Which model, and where it runs.

    Attributes:
        config: path of the model config; empty: the demo model.
        weights: path of the weights; empty: those that come with the config; random, or no such: drawn from `seed`.
        seed: of random weights.
        device: auto, cpu or cuda.
        threads: CPU threads; 0: what torch chooses.
    """

    config: str
    weights: str
    seed: int
    device: str
    threads: int


def declare_model(node: Node) -> ModelChoice:
    """Declare config, weights, seed, device and threads.

    Raises:
        EmiffError: a value is not one of those allowed.
    """
    return ModelChoice(
        config=declare(node, 'config', '', 'path of the model config; empty: the demo model'),
        weights=declare(node, 'weights', '', 'path (.safetensors), or random; empty: those of the config'),
        seed=declare(node, 'seed', 0, 'seed of random weights; both sides need the same', (0, 2**31 - 1)),
        device=declare(node, 'device', 'auto', 'where the model runs', choices=('auto', 'cpu', 'cuda')),
        threads=declare(node, 'threads', 0, 'CPU threads of the model; 0: what torch chooses', (0, 1024)),
    )


def load_engine(node: Node, choice: ModelChoice, side: Literal['vehicle', 'infrastructure']) -> EagerEngine:
    """Load that side's half of the model and run it once.

    Raises:
        EmiffError: a file is missing or does not fit, or the weights give no finite numbers; the line names it.
    """
    if choice.threads:
        torch.set_num_threads(choice.threads)
    path = Path(choice.config) if choice.config else config_dir() / _DEFAULT_CONFIG
    weights = find_weights(path, Path(choice.weights) if choice.weights else None)
    engine = EagerEngine(load_config(path), weights, choice.device, side, choice.seed)
    warm_up(engine)
    node.get_logger().info(
        f'{side} half of {choice.config or _DEFAULT_CONFIG}, {engine.weights_name} weights, '
        f'model {engine.model_id[:12]}, on {engine.device}'
    )
    return engine
