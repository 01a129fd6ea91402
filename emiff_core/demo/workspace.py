"""The demo's output folder."""

import shutil
from pathlib import Path

from emiff_core.errors import EmiffError

_SIGN = '.emiff_demo'
_LEFT_BEHIND = ('data', 'input', 'recording', 'logs', 'pictures', 'detections.mcap', 'summary.json')


def clear_workspace(out: Path, data: Path | None = None) -> None:
    """Make `out`, without what an earlier run left there; anything else in it stays.

    Args:
        out: the folder. A sign in it tells an earlier run's data, logs and pictures from somebody else's.
        data: the data set that the run will read; None where it makes one.

    Raises:
        EmiffError: it is a file, cannot be written, or `data` or another's files would be lost.
    """
    if data is not None and any(data.resolve().is_relative_to((out / name).resolve()) for name in _LEFT_BEHIND):
        raise EmiffError(f'{out}: expected a folder apart from the data set, which the run would delete, found {data}')
    found = [name for name in _LEFT_BEHIND if (out / name).exists()]
    if found and not (out / _SIGN).exists():
        others = ', '.join(found)
        raise EmiffError(f'{out}: expected a new folder or that of an earlier demo, found {others} of another')
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / _SIGN).touch()
        for name in found:
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
