"""The parameters that choose a model, the same on both sides of the road."""

from pathlib import Path
from typing import Literal

import torch
from rclpy.node import Node

from emiff_core.config import EmiffConfig, load_config
from emiff_core.inference.eager import EagerEngine
from emiff_core.resources import config_dir
from emiff_ros.parameters import declare

_DEFAULT_CONFIG = 'emiff_demo.yaml'


def make_engine(node: Node, side: Literal['vehicle', 'infrastructure']) -> tuple[EmiffConfig, EagerEngine]:
    """Declare config, weights, seed, device and threads, and load that side's half of the model.

    Raises:
        EmiffError: a file is missing or does not fit; the line names it.
    """
    config_path = declare(node, 'config', '', 'path of the model config; empty: the demo model')
    weights = declare(node, 'weights', '', 'path of the weights (.safetensors); empty: random weights')
    seed = declare(node, 'seed', 0, 'seed of random weights; both sides need the same', (0, 2**31 - 1))
    device = declare(node, 'device', 'auto', 'where the model runs', choices=('auto', 'cpu', 'cuda'))
    threads = declare(node, 'threads', 0, 'CPU threads of the model; 0: what torch chooses', (0, 1024))
    if threads:
        torch.set_num_threads(threads)
    config = load_config(Path(config_path) if config_path else config_dir() / _DEFAULT_CONFIG)
    engine = EagerEngine(config, Path(weights) if weights else None, device, side, seed)
    node.get_logger().info(
        f'{side} half of {config_path or _DEFAULT_CONFIG}, {engine.weights_name} weights, '
        f'model {engine.model_id[:12]}, on {engine.device}'
    )
    return config, engine
