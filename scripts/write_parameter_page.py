"""Write docs/parameters.md from what the nodes declare when they are made; --check only says whether it is that."""

import argparse
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any
from unittest.mock import patch

import rclpy

from emiff_core.errors import EmiffError
from emiff_ros import parameters

PAGE = Path(__file__).resolve().parent.parent / 'docs' / 'parameters.md'
NODES = ('vehicle_node', 'infrastructure_node', 'player_node', 'recorder_node', 'relay_node', 'view_node')
HEAD = """# Parameters

What each node declares, in the order of its declarations. This page is written by `scripts/write_parameter_page.py`
(`make docs` runs it) from the nodes themselves; the nodes' pages say more. *live*: may be set while the node runs; all
others are read when it starts. A value out of range, of another type, or of a name that is not here ends the node with
one line.
"""


def declarations(node: str) -> dict[str, tuple[Any, ...]]:
    """Return (default, description, interval, choices, read_only) by name; no model is loaded, nothing is opened."""
    found: dict[str, tuple[Any, ...]] = {}
    original: Callable[..., Any] = parameters._declare

    def record(owner: Any, name: str, *values: Any, read_only: bool) -> Any:
        found[name] = (*values, read_only)
        return original(owner, name, *values, read_only=read_only)

    module = import_module(f'emiff_ros.{node}')
    maker = getattr(module, ''.join(word.capitalize() for word in node.split('_')))
    # view_node would open a window, managed nodes load their model
    given = {'view_node': 'save:=/dev/null'}.get(node, 'auto_start:=false')
    rclpy.init(args=['--ros-args', '-p', given])
    try:
        with patch.object(parameters, '_declare', record):
            maker().destroy_node()
    except EmiffError:  # the player asks for its bag, the recorder for its file, once all is declared
        pass
    finally:
        rclpy.shutdown()
    return found


def page() -> str:
    """Return the page's text."""
    parts = [HEAD]
    for node in NODES:
        parts.append(f'## {node}\n\n| Name | Type | Default | Range | Description |\n|---|---|---|---|---|')
        for name, (default, description, interval, choices, read_only) in declarations(node).items():
            live = '' if read_only else ' *live*'
            cells = (f'`{name}`{live}', _type(default), _value(default), _range(interval, choices), description)
            parts.append('| ' + ' | '.join(cells) + ' |')
        parts.append('')
    return '\n'.join(parts)


def _type(default: Any) -> str:
    if isinstance(default, list):
        return f'list of {_type(default[0])}s'
    return {bool: 'true or false', int: 'integer', float: 'number', str: 'text'}[type(default)]


def _value(default: Any) -> str:
    if default in ('', ['']):
        return ''
    if isinstance(default, list):
        return ', '.join(map(_value, default))
    if isinstance(default, bool):
        return str(default).lower()
    return f'`{default}`' if isinstance(default, str) else f'{default:g}'


def _range(interval: tuple[float, float] | None, choices: tuple[str, ...]) -> str:
    if choices:
        return ', '.join(f'`{choice}`' for choice in choices)
    return f'{interval[0]:.10g} to {interval[1]:.10g}' if interval else ''


def main() -> int:
    """Write or check the page; returns the process's exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--check', action='store_true', help='write nothing; exit status 1 where the page differs')
    text = page()
    if parser.parse_args().check:
        if PAGE.read_text() != text:
            print(f'{PAGE}: expected what the nodes declare; write it anew: make docs', file=sys.stderr)
            return 1
        return 0
    PAGE.write_text(text)
    return 0


if __name__ == '__main__':
    sys.exit(main())
