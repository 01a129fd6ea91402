"""Real nodes in processes of their own, over DDS."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from emiff_core.resources import config_dir, weights_dir

FRAMES = 5


@dataclass(frozen=True)
class DemoRun:
    """A finished `emiff demo`: its folder, its process, and the summary that it printed."""

    out: Path
    config: Path
    weights: Path
    process: subprocess.CompletedProcess
    summary: dict


@pytest.fixture(scope='session')
def talkative_config(tmp_path_factory) -> Path:
    """Return the demo model's config with a threshold so low that random weights give boxes."""
    values = yaml.safe_load((config_dir() / 'emiff_demo.yaml').read_text())
    values['head'] |= {'score_threshold': 0.0, 'max_boxes': 20}
    path = tmp_path_factory.mktemp('config') / 'talkative.yaml'
    path.write_text(yaml.safe_dump(values))
    return path


@pytest.fixture(scope='session')
def tiny_config() -> Path:
    """Return the config of the smallest model, for tests that ask about nodes and not about the model."""
    return config_dir() / 'emiff_tiny.yaml'


@pytest.fixture(scope='session')
def demo_run(tmp_path_factory) -> DemoRun:
    """Run the demo once, as a newcomer does, for all tests that look at what it left."""
    out = tmp_path_factory.mktemp('demo') / 'out'
    process = emiff('demo', '--out', out, '--frames', FRAMES, '--json')
    assert process.returncode == 0, process.stderr
    weights = weights_dir() / 'emiff_demo.safetensors'
    return DemoRun(out, config_dir() / 'emiff_demo.yaml', weights, process, json.loads(process.stdout))


def emiff(*arguments: object, timeout: float = 300) -> subprocess.CompletedProcess:
    """Run the command line to its end."""
    return subprocess.run(emiff_command(*arguments), capture_output=True, text=True, timeout=timeout, check=False)


def emiff_command(*arguments: object) -> list[str]:
    """Return what to run for `emiff ARGUMENTS`."""
    return [sys.executable, '-c', 'from emiff_core.cli import main; main()', *map(str, arguments)]
