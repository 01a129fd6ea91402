"""Assembles docs/results.md out of the studies' JSONs: every table with what made it."""

from collections.abc import Sequence
from pathlib import Path

from emiff_core.ablation.plot import draw, panels_of
from emiff_core.ablation.result import Result, load_result
from emiff_core.ablation.tables import PUBLISHED_HEADINGS, markdown
from emiff_core.data.images import write_image
from emiff_core.errors import EmiffError

# the order of the page: heading, and what is asked
SECTIONS = {
    'comparison': ('The comparison', 'Does cooperation pay, and who pays how many bytes for it?'),
    'fusion': (
        'Boxes, features and images under errors',
        "What is sent, under known errors of the roadside's pose and under asynchrony.",
    ),
    'fc': ('Feature compression (FC)', 'Detectors trained with each compression: average precision against bytes.'),
    'quantisation': (
        'Coarser numbers',
        'The same weights, their latent written by the codec with fewer and fewer bits a number.',
    ),
    'mca': ('Multi-scale cross attention (MCA)', 'With and without, under known pose errors and asynchrony.'),
    'pose-error': (
        'False roadside poses',
        "The roadside's pose is moved by exactly so much, in a direction drawn for each frame; the truth is not.",
    ),
    'asynchrony': ('Asynchrony', 'The roadside exposes so much earlier than the vehicle; nothing is compensated.'),
    'calibration-noise': (
        'False calibrations',
        'Noise of both extrinsics, standard deviations about and along each axis, beside the errors that the data has.',
    ),
    'ccm': ('Camera-aware channel masking (CCM)', 'With and without, by distance.'),
    'cameras': ('More roadside units', 'Nought to three of them; truth is what any of the cameras sees.'),
}
_HEAD = """# Results

Written by `emiff report` from what `emiff ablate` measured; [ablations](ablations.md) says how. AP in percent at IoU
0.5. AP3D and APBEV are of the official protocol, over 0-100 m and then by distance; the column of the model's own range
is of the standard protocol ([evaluation](evaluation.md)). ± is a standard error: over trainings where there are several
seeds, else over places drawn with replacement, which says nothing of how much another training would differ.
"""
_PUBLISHED = (
    "Published figures are of DAIR-V2X-C, at the authors' size: another data set, to be read beside, not against.\n"
)


def write_report(results: Path, out: Path, images: Path) -> list[str]:
    """Write the page and its pictures.

    Args:
        results: folder of the JSONs.
        out: the Markdown file.
        images: folder of the pictures.

    Returns:
        The names of the studies in it.

    Raises:
        EmiffError: there is no result, one is damaged, or a file cannot be written.
    """
    found = [load_result(path) for name in SECTIONS if (path := results / f'{name}.json').is_file()]
    if not found:
        raise EmiffError(f'{results}: expected results of emiff ablate ({", ".join(SECTIONS)}), found none')
    try:
        images.mkdir(parents=True, exist_ok=True)
        sections = [_section(result, out, images) for result in found]
        out.write_text(_HEAD + ''.join(sections), encoding='utf-8')
    except OSError as error:
        raise EmiffError(f'{out}: cannot write the report: {error.strerror}') from None
    return [result.name for result in found]


def _section(result: Result, out: Path, images: Path) -> str:
    heading, question = SECTIONS[result.name]
    table = markdown(result)
    parts = [f'\n## {heading}\n', question + '\n', table]
    if PUBLISHED_HEADINGS[0] in table:
        parts.append(_PUBLISHED)
    panels = panels_of(result)
    if panels:
        picture = images / f'{result.name}.png'
        write_image(picture, draw(panels, 'APBEV at IoU 0.5, percent'))
        parts.append(f'![{heading}]({_relative(picture, out.parent)})\n')
    parts.append(_provenance(result))
    return '\n'.join(parts)


def _provenance(result: Result) -> str:
    frames = sorted({row.frames for row in result.rows})
    # some lines share a detector
    hours = sum({i: h for row in result.rows for i, h in zip(row.model_ids, row.hours, strict=True)}.values())
    seeds = f'{result.seeds} seed' + ('s' if result.seeds > 1 else ', so differences between trainings are not known')
    return (
        f'`{" ".join(result.command)}`\n\n'
        f'Commit {result.commit or "unknown"}; {result.hardware}; {hours:.1f} hours of training, besides '
        f'that of what it started from, {result.seconds / 60:.0f} minutes of evaluation; {seeds}; {result.data}, '
        f'{" to ".join(map(str, _ends(frames)))} frames a line; weights '
        f'{", ".join(sorted({i[:12] for row in result.rows for i in row.model_ids}))}.\n'
    )


def _ends(values: Sequence[int]) -> list[int]:
    return sorted({values[0], values[-1]})


def _relative(path: Path, start: Path) -> str:
    return Path(*path.resolve().relative_to(start.resolve()).parts).as_posix()
