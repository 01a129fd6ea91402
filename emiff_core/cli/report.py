"""`emiff report`: a page of all that was measured."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    results: Annotated[Path, typer.Option(help='Folder of the JSONs that emiff ablate wrote.')],
    out: Annotated[Path, typer.Option(help='The page (Markdown); pictures go into images/results beside it.')],
) -> None:
    """Write the tables and pictures of all studies found, each with its command, commit, hardware, hours and seeds."""
    from emiff_core.ablation.report import write_report

    names = write_report(results, out, out.parent / 'images' / 'results')
    print(f'{out}: {", ".join(names)}')
