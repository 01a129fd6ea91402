"""A run's results on disk, a line a frame, so that a run that was broken off goes on where it stopped."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from emiff_core.errors import EmiffError
from emiff_core.evaluation.frame_result import FrameResult


class Journal:
    """Finished frames of one run: a JSON Lines file whose first line says which run it is."""

    def __init__(self, path: Path, run: Mapping[str, Any]) -> None:
        """Open or begin a run's journal.

        Args:
            path: of the file.
            run: all that the results depend on, plain values.

        Raises:
            EmiffError: the file belongs to another run, is none of ours, or cannot be written.
        """
        self._path = path
        self.finished: dict[str, FrameResult] = {}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            content = path.read_bytes() if path.exists() else b''
            complete = content[: content.rfind(b'\n') + 1]
            if content:
                self._read(complete.splitlines(), run)
            else:
                complete = json.dumps(run).encode() + b'\n'
                path.write_bytes(complete)
            os.truncate(path, len(complete))  # a line without an end was being written when the run was broken off
        except OSError as error:
            raise EmiffError(f'{path}: cannot keep the results there: {error.strerror}') from error

    def add(self, result: FrameResult) -> None:
        """Write a finished frame."""
        with self._path.open('a', encoding='utf-8') as file:
            file.write(json.dumps(result.to_json()) + '\n')
        self.finished[result.frame_id] = result

    def _read(self, lines: list[bytes], run: Mapping[str, Any]) -> None:
        try:
            found = dict(json.loads(lines[0]))
            results = [FrameResult.from_json(json.loads(line)) for line in lines[1:]]
        except (LookupError, TypeError, ValueError) as error:
            raise EmiffError(f'{self._path}: expected the results of an evaluation, found something else') from error
        for key, value in run.items():
            if found.get(key) != value:
                told = '' if isinstance(value, dict) else f' {value!r}, found {found.get(key)!r}'
                raise EmiffError(f'{self._path}: expected a run of the same {key}{told}; choose another folder')
        self.finished = {result.frame_id: result for result in results}
