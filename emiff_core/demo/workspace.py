"""The demo's output folder."""

import shutil
from pathlib import Path

from emiff_core.errors import EmiffError

_LEFT_BEHIND = ('data', 'input', 'recording', 'logs', 'pictures', 'detections.mcap', 'summary.json')


def clear_workspace(out: Path) -> None:
    """Make `out`, without what an earlier run left there; anything else in it stays.

    Raises:
        EmiffError: it is a file, or cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name in _LEFT_BEHIND:
            path = out / name
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise EmiffError(f'{out}: expected a folder to write to: {error.strerror}') from error


def take_single_file(bag: Path, target: Path) -> Path:
    """Move the one .mcap file out of a bag's folder, which goes; a lone file opens in every viewer.

    Raises:
        EmiffError: the folder does not hold exactly one.
    """
    files = list(bag.glob('*.mcap'))
    if len(files) != 1:
        raise EmiffError(f'{bag}: expected one .mcap file, found {len(files)}')
    files[0].rename(target)
    shutil.rmtree(bag)
    return target
