"""The card beside a weights file: what it was trained on, how, where and how well it did."""

import json
import platform
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from emiff_core import __version__


def write_card(path: Path, made: 'Provenance', settings: dict[str, object], results: dict[str, object]) -> None:
    """Write the card of a training.

    Args:
        path: JSON file.
        made: by what.
        settings: detector, training and data, plain values.
        results: model_id, steps, hours, metrics.
    """
    card = {**results, **asdict(made), 'settings': settings}
    path.write_text(json.dumps(card, indent=2) + '\n', encoding='utf-8')


@dataclass(frozen=True)
class Provenance:
    """What made a figure: the command, the commit (with a plus sign if files differ from it), versions, hardware."""

    command: tuple[str, ...]
    commit: str | None
    emiff: str
    torch: str
    python: str
    hardware: str


def provenance(device: torch.device) -> Provenance:
    """Return that of whatever this process makes on a device."""
    command = ('emiff', *sys.argv[1:])
    return Provenance(command, _commit(), __version__, torch.__version__, platform.python_version(), _hardware(device))


def _commit() -> str | None:
    """Return the commit of the checkout this code runs from, with a plus sign if files differ from it; or None."""
    root = Path(__file__).parents[2]
    if not (root / '.git').exists():
        return None
    try:
        commit = _git(root, 'rev-parse', 'HEAD')
        return commit + ('+' if _git(root, 'status', '--porcelain', '--untracked-files=no') else '')
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(root: Path, *arguments: str) -> str:
    return subprocess.run(['git', *arguments], cwd=root, check=True, capture_output=True, text=True).stdout.strip()


def _hardware(device: torch.device) -> str:
    if device.type == 'cuda':
        return torch.cuda.get_device_name(device)
    return f'{platform.machine()} CPU, {torch.get_num_threads()} threads'
