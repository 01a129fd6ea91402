"""Digests of a data set: whether two copies hold the same labels, calibrations and pictures."""

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path

from emiff_core.data.json_files import read_json

_DECIMALS = 4  # of numbers in labels and calibrations: what another processor rounds otherwise lies far below

_HALF_TURN = round(math.pi, _DECIMALS)


@dataclass(frozen=True)
class Digests:
    """SHA-256 in hexadecimal.

    Attributes:
        labels: of every JSON file: labels, calibrations, stamps, pairs and splits, numbers to four decimals.
        images: of the pictures' bytes.
    """

    labels: str
    images: str


def digest_data_set(root: Path) -> Digests:
    """Digest a data set in the layout of DAIR-V2X-C.

    Raises:
        EmiffError: a file is no JSON.
    """
    labels, images = hashlib.sha256(), hashlib.sha256()
    for path in sorted(root.rglob('*.json')):
        content = json.dumps(_rounded(read_json(path)), sort_keys=True)
        labels.update(f'{path.relative_to(root).as_posix()}\n{content}\n'.encode())
    for path in sorted(root.rglob('*.jpg')):
        images.update(f'{path.relative_to(root).as_posix()}\n'.encode() + path.read_bytes())
    return Digests(labels.hexdigest(), images.hexdigest())


def _rounded(content: object) -> object:
    """Return JSON content with its numbers rounded; zero and a half turn have no sign."""
    if isinstance(content, float):
        number = round(content, _DECIMALS)
        return abs(number) if number in (0.0, -_HALF_TURN) else number
    if isinstance(content, dict):
        return {key: _rounded(value) for key, value in content.items()}
    return [_rounded(value) for value in content] if isinstance(content, list) else content
