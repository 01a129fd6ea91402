"""`emiff data`: what is in a data set."""

from pathlib import Path
from typing import Annotated

import typer

_EXAMPLES = 3

data = typer.Typer(help='Look into a data set.', no_args_is_help=True)


@data.callback()
def _group() -> None:
    """Keep it a group while it has one command."""


@data.command()
def check(
    root: Annotated[Path, typer.Argument(metavar='DIR', help='Data set in the layout of DAIR-V2X-C.')],
    every: Annotated[bool, typer.Option('--all', help='List every finding, not three of each kind.')] = False,
    as_json: Annotated[bool, typer.Option('--json', help='Print all findings as JSON.')] = False,
) -> None:
    """Audit a data set: what is missing, malformed or odd, by kind; exit status 1 if a frame does not load."""
    import json

    from rich.console import Console
    from rich.progress import Progress

    from emiff_core.data.check import check as audit_data
    from emiff_core.data.findings import Kind

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task('checking', total=None)
        audit = audit_data(root, lambda done, total: bar.update(task, completed=done, total=total))
    if as_json:
        findings = [
            {'severity': f.kind.severity.value, 'kind': f.kind.title, 'finding': f.line} for f in audit.findings
        ]
        content = {'frames': audit.frames, 'unusable': audit.unusable, 'boxes': audit.boxes, 'findings': findings}
        print(json.dumps(content, indent=2))
    else:
        console = Console(soft_wrap=True, highlight=False, markup=False)
        counts = audit.counts()
        for kind in Kind:
            if not counts[kind]:
                continue
            console.print(f'{kind.severity.value}: {kind.title}: {counts[kind]}')
            lines = [finding.line for finding in audit.findings if finding.kind is kind]
            for line in lines if every else lines[:_EXAMPLES]:
                console.print(f'    {line}')
            if not every and len(lines) > _EXAMPLES:
                console.print('    ...')
        console.print(f'{audit.frames} cooperative frames with {audit.boxes} boxes; {audit.unusable} do not load')
    if not audit.ok:
        raise typer.Exit(1)
