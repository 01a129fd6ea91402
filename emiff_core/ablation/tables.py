"""A study's result as a table in Markdown."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emiff_core.ablation.published import Four, Published, published
from emiff_core.ablation.result import Result, Row
from emiff_core.evaluation.ranges import BENCHMARK_RANGES, OVERALL

Setting = tuple[tuple[str, float], ...]

PUBLISHED_HEADINGS = ('published: AP3D', 'APBEV', 'bytes')
_KINDS = {'3d': 'AP3D', 'bev': 'APBEV'}


@dataclass(frozen=True)
class Cell:
    """A mean with its standard error, percent; None where there is none."""

    mean: float | None
    error: float | None

    def __str__(self) -> str:
        if self.mean is None:
            return '-'
        return f'{self.mean:.2f}' if self.error is None else f'{self.mean:.2f} ± {self.error:.2f}'


@dataclass(frozen=True)
class Line:
    """The rows of one variant under one setting, a row a seed."""

    variant: str
    setting: Setting
    rows: tuple[Row, ...]

    def cell(self, protocol: str, kind: str, extent: str) -> Cell:
        """Return the mean over the seeds: its error is theirs, or of one seed that over resampled places."""
        scores = [row.score(protocol, kind, extent) for row in self.rows]
        values = [s.ap for s in scores if s is not None and s.ap is not None]
        if not values:
            return Cell(None, None)
        if len(values) > 1:
            return Cell(float(np.mean(values)), float(np.std(values, ddof=1) / np.sqrt(len(values))))
        return Cell(values[0], next(s.se for s in scores if s is not None))

    def median(self, name: str) -> float | None:
        """Return the median over the seeds of a number that rows have (payload_bytes, age_ms, ...)."""
        values = [getattr(row, name) for row in self.rows if getattr(row, name) is not None]
        return float(np.median(values)) if values else None


def lines_of(result: Result) -> list[Line]:
    """Return the result's lines in the order of its rows."""
    keys = list(dict.fromkeys((row.variant, row.setting) for row in result.rows))
    return [Line(*key, tuple(r for r in result.rows if (r.variant, r.setting) == key)) for key in keys]


def markdown(result: Result) -> str:
    """Return the table; of settings that not all lines have, the missing ones are shown as a dash."""
    lines = lines_of(result)
    settings = list(dict.fromkeys(name for line in lines for name, _ in line.setting))
    names = [row.published for row in result.rows]
    with_published = any(published(name) for name in names) and len(set(names)) > 1
    headings = ['variant', *(name.replace('_', ', ') for name in settings)]
    headings += [f'{label} {part}' for label in _KINDS.values() for part in ('0-100 m', '0-30 / 30-50 / 50-100')]
    headings += [f'APBEV {result.own_range} m, standard', 'bytes', 'of the message', 'as the paper counts', 'age, ms']
    headings += PUBLISHED_HEADINGS if with_published else []
    table = [headings, ['---', *['--:'] * (len(headings) - 1)]]
    for line in lines:
        values = dict(line.setting)
        cells = [line.variant, *(f'{values[name]:g}' if name in values else '-' for name in settings)]
        for kind in _KINDS:
            cells.append(str(line.cell('official', kind, OVERALL.name)))
            parts = [line.cell('official', kind, extent.name).mean for extent in BENCHMARK_RANGES[1:]]
            cells.append(' / '.join('-' if part is None else f'{part:.2f}' for part in parts))
        cells.append(str(line.cell('standard', 'bev', result.own_range)))
        for name in ('payload_bytes', 'message_bytes', 'paper_bytes', 'age_ms'):
            value = line.median(name)
            cells.append('0' if value is None else f'{value:.0f}')
        if with_published:
            cells += _published_cells(published(line.rows[0].published))
        table.append(cells)
    return ''.join(f'| {" | ".join(cells)} |\n' for cells in table)


def _published_cells(line: Published | None) -> list[str]:
    if line is None:
        return ['-', '-', '-']
    return [_joined(line.ap_3d), _joined(line.ap_bev), line.sent]


def _joined(values: Four | float | None) -> str:
    if values is None:
        return '-'
    numbers: Sequence[float] = values if isinstance(values, tuple) else (values,)
    return ' / '.join(f'{value:g}' for value in numbers)
