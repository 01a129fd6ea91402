"""What a study found, in one JSON file."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from emiff_core import schema
from emiff_core.errors import EmiffError


@dataclass(frozen=True)
class Score:
    """An average precision at IoU 0.5.

    Attributes:
        protocol, kind: official or standard; 3d or bev.
        range: as `evaluation.ranges` names it.
        ap: percent; None where there is no truth.
        se: standard error over resampled places, percent; None where there are not two.
        n_truths: boxes in the range.
    """

    protocol: str
    kind: str
    range: str
    ap: float | None
    se: float | None
    n_truths: int


@dataclass(frozen=True)
class Row:
    """One variant under one setting, with one seed.

    Attributes:
        variant: title.
        published: its name among the published figures, or None.
        setting: name and value of what is varied.
        seed: of its training.
        frames: evaluated.
        scores: all of them.
        message_bytes, payload_bytes, paper_bytes: medians a frame, see `evaluation.metrics.Metrics`.
        age_ms: median age of what the roadside sent.
        model_ids: of its weights.
        hours: of the training of each; 0 where none is known.
    """

    variant: str
    published: str | None
    setting: tuple[tuple[str, float], ...]
    seed: int
    frames: int
    scores: tuple[Score, ...]
    message_bytes: float | None
    payload_bytes: float | None
    paper_bytes: float | None
    age_ms: float | None
    model_ids: tuple[str, ...]
    hours: tuple[float, ...]

    def score(self, protocol: str, kind: str, extent: str) -> Score | None:
        """Return one score, or None where it was not computed."""
        wanted = (protocol, kind, extent)
        return next((s for s in self.scores if (s.protocol, s.kind, s.range) == wanted), None)


@dataclass(frozen=True)
class Result:
    """A study.

    Attributes:
        name: of the study.
        data: of what data set, in words.
        own_range: name of the model's own range.
        seconds: that the evaluation took, trainings not counted; of what was computed in the last run.
        rows: all of them.
        command, commit, hardware: what made it.
    """

    name: str
    data: str
    own_range: str
    seconds: float
    rows: tuple[Row, ...]
    command: tuple[str, ...]
    commit: str | None
    hardware: str

    @property
    def seeds(self) -> int:
        """How many trainings of each variant there are."""
        return len({row.seed for row in self.rows})

    def save(self, path: Path) -> None:
        """Write it, replacing an earlier one at once.

        Raises:
            EmiffError: it cannot be written.
        """
        unfinished = path.with_suffix('.unfinished')
        try:
            unfinished.write_text(json.dumps(asdict(self), indent=1) + '\n', encoding='utf-8')
            unfinished.replace(path)
        except OSError as error:
            raise EmiffError(f'{path}: cannot write the result: {error.strerror}') from None


def load_result(path: Path) -> Result:
    """Read what `Result.save` wrote.

    Raises:
        EmiffError: the file cannot be read, or is none of these; one line names file and key.
    """
    try:
        content: Any = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise EmiffError(f'{path}: expected the result of emiff ablate: {error}') from None
    return schema.read(Result, content, str(path))
