"""The parameter files in config/: every name is declared by its node, and every value is the node's default."""

import ast
from pathlib import Path

import pytest
import yaml

from emiff_core.resources import config_dir

SOURCES = Path(__file__).resolve().parents[2] / 'emiff_ros'
SHARED = ('camera_input', 'diagnostics', 'managed', 'model_parameters', 'qos')
DECLARE = ('declare', 'declare_live')
NOT_FOR_USERS = {'seed'}  # of random weights


def declared(node: str) -> dict[str, object]:
    """Return name -> default of every declare(...) that the node or what it is made of calls."""
    found = {}
    for module in (node, *SHARED):
        for call in ast.walk(ast.parse((SOURCES / f'{module}.py').read_text())):
            if isinstance(call, ast.Call) and getattr(call.func, 'id', None) in DECLARE:
                found[ast.literal_eval(call.args[1])] = ast.literal_eval(call.args[2])
    return found


@pytest.mark.parametrize('node', ['vehicle_node', 'infrastructure_node'])
def test_the_parameter_file_holds_the_nodes_parameters_and_their_defaults(node):
    values = yaml.safe_load((config_dir() / f'{node}.param.yaml').read_text())['/**']['ros__parameters']
    expected = {name: value for name, value in declared(node).items() if name not in NOT_FOR_USERS}
    assert values == expected


@pytest.mark.parametrize('node', ['vehicle_node', 'infrastructure_node', 'player_node', 'recorder_node'])
def test_the_nodes_page_describes_every_parameter(node):
    page = (SOURCES.parent / 'docs' / f'{node}.md').read_text()
    shared = (SOURCES.parent / 'docs' / 'infrastructure_node.md').read_text()
    names = declared(node) if node in ('vehicle_node', 'infrastructure_node') else own(node)
    assert names
    assert [name for name in names if f'`{name}`' not in page + shared] == []


def own(node: str) -> list[str]:
    tree = ast.parse((SOURCES / f'{node}.py').read_text())
    calls = [c for c in ast.walk(tree) if isinstance(c, ast.Call) and getattr(c.func, 'id', None) in DECLARE]
    return [ast.literal_eval(call.args[1]) for call in calls]
