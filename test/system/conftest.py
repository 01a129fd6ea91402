"""Real nodes in processes of their own, over DDS."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from emiff_core.resources import config_dir

FRAMES = 5


@dataclass(frozen=True)
class DemoRun:
    """A finished `emiff demo`: its folder, its process, and the summary that it printed."""

    out: Path
    config: Path
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
def tiny_config(tmp_path_factory) -> Path:
    """Return a config with every block in the smallest size, for tests that ask about nodes and not about the model."""
    values = yaml.safe_load((config_dir() / 'emiff_demo.yaml').read_text())
    values['image'] |= {'width': 128, 'height': 54}
    values['backbone'] |= {'width': 8, 'fpn_channels': 16}
    values['voxels'] |= {'shape': [25, 20, 6]}
    values['neck'] |= {'channels': [8, 8], 'out_channels': 8, 'bev_channels': []}
    path = tmp_path_factory.mktemp('config') / 'tiny.yaml'
    path.write_text(yaml.safe_dump(values))
    return path


@pytest.fixture(scope='session')
def demo_run(tmp_path_factory, talkative_config) -> DemoRun:
    """Run the demo once for all tests that look at what it left."""
    out = tmp_path_factory.mktemp('demo') / 'out'
    process = emiff('demo', '--out', out, '--frames', FRAMES, '--config', talkative_config, '--json')
    assert process.returncode == 0, process.stderr
    return DemoRun(out, talkative_config, process, json.loads(process.stdout))


def emiff(*arguments: object, timeout: float = 300) -> subprocess.CompletedProcess:
    """Run the command line to its end."""
    return subprocess.run(emiff_command(*arguments), capture_output=True, text=True, timeout=timeout, check=False)


def emiff_command(*arguments: object) -> list[str]:
    """Return what to run for `emiff ARGUMENTS`."""
    return [sys.executable, '-c', 'from emiff_core.cli import main; main()', *map(str, arguments)]
