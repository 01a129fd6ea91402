"""`emiff ...`: a file a command. Each imports what it needs when it runs, so that `emiff --help` is instant."""

import sys
from typing import NoReturn

import typer
from rich.console import Console
from rich.text import Text

from emiff_core.errors import EmiffError


def make_app() -> typer.Typer:
    """Assemble the command line."""
    from emiff_core.cli.ablate import ablate
    from emiff_core.cli.bag import bag
    from emiff_core.cli.bench import bench
    from emiff_core.cli.bench_nodes import nodes
    from emiff_core.cli.bench_robustness import robustness
    from emiff_core.cli.convert_checkpoint import convert_checkpoint
    from emiff_core.cli.data import data
    from emiff_core.cli.demo import demo
    from emiff_core.cli.evaluate import evaluate
    from emiff_core.cli.parity import parity
    from emiff_core.cli.report import report
    from emiff_core.cli.synth import synth
    from emiff_core.cli.train import train
    from emiff_core.cli.view import view

    app = typer.Typer(
        name='emiff',
        help='EMIFF: camera-only cooperative 3D detection between roadside and vehicle.',
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    for command in (demo, view, synth, bag, train, evaluate, ablate, report, parity, convert_checkpoint):
        app.command()(command)
    benchmarks = typer.Typer(help='Measure this machine.', no_args_is_help=True)
    benchmarks.command('model')(bench)
    benchmarks.command('nodes')(nodes)
    benchmarks.command('robustness')(robustness)
    app.add_typer(benchmarks, name='bench')
    app.add_typer(data, name='data')
    return app


def main() -> None:
    """Run the command line; what a user can mend ends it with one line and exit status 1."""
    try:
        make_app()()
    except EmiffError as error:
        _fail(str(error))
    except OSError as error:
        if error.filename is None or error.strerror is None:  # of no file: a mistake of ours, to be seen whole
            raise
        _fail(f'{error.filename}: {error.strerror}')


def _fail(reason: str) -> NoReturn:
    # assembled, because a path or a value in the message may look like rich's markup
    message = Text.assemble(('error:', 'red'), f' {reason}')
    Console(stderr=True, soft_wrap=True, highlight=False).print(message)
    sys.exit(1)
