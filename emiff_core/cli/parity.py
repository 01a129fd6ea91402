"""`emiff parity`: is this network the authors', number for number?"""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

_WIDTH = 160  # characters of a line where nobody has a terminal's


def parity(
    files: Annotated[list[Path], typer.Argument(help='Golden files (.npz): recordings of the official network.')],
    as_json: Annotated[bool, typer.Option('--json', help='Print JSON instead of tables.')] = False,
) -> None:
    """Compare this network with recordings of the authors', tensor by tensor; exit status 1 if one is off."""
    from rich.console import Console

    from emiff_core.parity.kinds import compare_file
    from emiff_core.parity.report import Report, to_json

    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    reports: list[Report] = []
    for path in files:
        report = compare_file(path)
        reports.append(report)
        if not as_json:
            console.print(report.table())
            console.print(report.summary())
    if as_json:
        print(json.dumps(to_json(reports), indent=2))
    if not all(report.ok for report in reports):
        raise typer.Exit(1)
