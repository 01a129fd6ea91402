"""What a training reports: a JSON line an event, and TensorBoard's files where TensorBoard is installed."""

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class TrainingLog:
    """Appends to log.jsonl in a folder."""

    def __init__(self, folder: Path) -> None:
        self._stream = (folder / 'log.jsonl').open('a', encoding='utf-8', buffering=1)
        self._board: Any = None
        if importlib.util.find_spec('tensorboard') is not None:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(folder / 'tensorboard'))

    def write(self, event: str, step: int, values: Mapping[str, float | None]) -> None:
        """Report values at a step; `event` is what kind they are ('step', 'validation')."""
        self._stream.write(json.dumps({'event': event, 'step': step, **values}) + '\n')
        if self._board is not None:
            for name, value in values.items():
                if value is None:
                    continue
                self._board.add_scalar(f'{event}/{name}', value, step)

    def close(self) -> None:
        """Finish the files."""
        self._stream.close()
        if self._board is not None:
            self._board.close()
