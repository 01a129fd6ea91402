"""What a comparison found: a line for each tensor, as a table or as JSON."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from rich.table import Table

from emiff_core.parity.golden import STATISTICS, GoldenFile, sample, statistics

_LISTED = 8  # tensors that a summary names

Values = ArrayLike | torch.Tensor


@dataclass(frozen=True)
class Tolerance:
    """How far ours may be from theirs.

    Attributes:
        maximum: of the largest error.
        percentile, at_percentile: error that this percentile of the elements may have; None: no such bound.
        relative: errors are divided by the recorded magnitude where that exceeds 1.
    """

    maximum: float
    percentile: float | None = None
    at_percentile: float = 0.0
    relative: bool = False

    def __str__(self) -> str:
        bound = f'{self.maximum:g}{" rel" if self.relative else ""}'
        return bound if self.percentile is None else f'{self.at_percentile:g} at p{self.percentile:g}, {bound} max'


EXACT = Tolerance(0.0)
MODULE = Tolerance(1e-4)
RELATIVE = Tolerance(1e-4, relative=True)


@dataclass(frozen=True)
class Comparison:
    """One tensor.

    Attributes:
        name: in the golden file.
        elements: compared.
        max_error, p99, p999: largest absolute error (relative, where the tolerance is) and its percentiles; not a
            number where the shapes differ.
        tolerance: in words.
        ok: within it.
        note: what else there is to say.
    """

    name: str
    elements: int
    max_error: float
    p99: float
    p999: float
    tolerance: str
    ok: bool
    note: str = ''


@dataclass
class Report:
    """One golden file's comparisons, as they come in.

    Attributes:
        golden: the file.
        kind: what it was recognised as.
        comparisons: so far.
    """

    golden: GoldenFile
    kind: str
    comparisons: list[Comparison] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether something was compared and everything is within its tolerance."""
        return bool(self.comparisons) and all(each.ok for each in self.comparisons)

    @property
    def unused(self) -> list[str]:
        """Arrays of the file that were neither an input nor compared; recorded shapes aside."""
        return [
            name
            for name in self.golden.arrays
            if name not in self.golden.read | {'rules'} and not name.endswith('.shape')
        ]

    def add(self, name: str, ours: Values, tolerance: Tolerance = MODULE, note: str = '') -> None:
        """Compare a whole tensor of ours with the part that the file keeps of it under `name`, if it keeps any.

        Where the file has the whole tensor's statistics, they are compared as well, so that what is not kept counts.
        """
        full = _array(ours)
        if name in self.golden:
            self.pair(name, sample(full, self.golden, name), self.golden[name], tolerance, note)
        self.whole(f'{name}{STATISTICS}', statistics(full), RELATIVE)
        self.whole(f'{name}_stats', statistics(full), RELATIVE)

    def whole(self, name: str, ours: Values, tolerance: Tolerance = MODULE, note: str = '') -> None:
        """Compare with the tensor that the file keeps whole under `name`, if it keeps it."""
        if name in self.golden:
            self.pair(name, ours, self.golden[name], tolerance, note)

    def pair(self, name: str, ours: Values, theirs: Values, tolerance: Tolerance = MODULE, note: str = '') -> None:
        """Compare two arrays of one shape."""
        self.comparisons.append(compare(name, _array(ours), _array(theirs), tolerance, note))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON; errors that are no numbers become None."""
        return {
            'file': str(self.golden.path),
            'kind': self.kind,
            'ok': self.ok,
            'tensors': [
                {key: _plain(value) for key, value in asdict(comparison).items()} for comparison in self.comparisons
            ],
            'unused': self.unused,
        }

    def summary(self) -> str:
        """Say in a line or two what came of it."""
        failed = [each.name for each in self.comparisons if not each.ok]
        more = f' and {len(failed) - _LISTED} more' if len(failed) > _LISTED else ''
        verdict = (
            f'{len(failed)} out of tolerance: {", ".join(failed[:_LISTED])}{more}' if failed else 'all in tolerance'
        )
        unused = f'\nnot used: {", ".join(self.unused)}' if self.unused else ''
        return f'{len(self.comparisons)} comparisons, {verdict}{unused}\n'

    def table(self) -> Table:
        """Lay the comparisons out, a line each."""
        result = Table(title=f'{Path(self.golden.path).name} ({self.kind})', title_justify='left')
        for column in ('tensor', 'max error', 'p99', 'p99.9', 'tolerance', ''):
            result.add_column(column, justify='left' if column in ('tensor', '') else 'right', overflow='fold')
        for each in self.comparisons:
            verdict = '[green]ok[/green]' if each.ok else '[red]FAIL[/red]'
            errors = [f'{error:.3g}' for error in (each.max_error, each.p99, each.p999)]
            result.add_row(each.name, *errors, each.tolerance, f'{verdict} {each.note}'.rstrip())
        return result


def compare(name: str, ours: NDArray[Any], theirs: NDArray[Any], tolerance: Tolerance, note: str = '') -> Comparison:
    """Compare two arrays; equal infinities and two not-a-numbers count as equal."""
    if ours.shape != theirs.shape:
        nan = float('nan')
        note = f'expected shape {theirs.shape}, found {ours.shape}'
        return Comparison(name, 0, nan, nan, nan, str(tolerance), False, note)
    a, b = ours.astype(np.float64).ravel(), theirs.astype(np.float64).ravel()
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(invalid='ignore'):
        error = np.where(same, 0.0, np.abs(a - b))
    error = np.where(np.isnan(error), np.inf, error)
    if tolerance.relative:
        error = error / np.maximum(np.abs(np.nan_to_num(b)), 1.0)
    if error.size == 0:
        return Comparison(name, 0, 0.0, 0.0, 0.0, str(tolerance), True, note)
    # 'higher' errs on the strict side, and interpolating between infinities would give no number
    p99, p999 = np.percentile(error, [99, 99.9], method='higher')
    ok = error.max() <= tolerance.maximum
    if tolerance.percentile is not None:
        ok = ok and np.percentile(error, tolerance.percentile, method='higher') <= tolerance.at_percentile
    return Comparison(name, error.size, float(error.max()), float(p99), float(p999), str(tolerance), bool(ok), note)


def to_json(reports: Sequence[Report]) -> dict[str, Any]:
    """Return all files' comparisons as plain values."""
    return {'ok': all(report.ok for report in reports), 'files': [report.to_dict() for report in reports]}


def _array(values: Values) -> NDArray[Any]:
    return values.detach().cpu().numpy() if isinstance(values, torch.Tensor) else np.asarray(values)


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not np.isfinite(value) else value
