"""The launch files, as far as they can be checked without launch: what they name exists."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / 'launch').glob('*.launch.py'))
PAGES = {node: (ROOT / 'docs' / f'{node}.md').read_text() for node in ('vehicle_node', 'infrastructure_node')}


def strings(path: Path) -> set[str]:
    nodes = ast.walk(ast.parse(path.read_text()))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def imported(path: Path) -> set[str]:
    nodes = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom))
    return {alias.name for node in nodes if node.module == 'emiff_ros.launching' for alias in node.names}


def test_there_is_a_launch_file_for_each_use():
    assert [path.name.removesuffix('.launch.py') for path in FILES] == [
        'cooperative', 'infrastructure', 'replay', 'vehicle',
    ]  # fmt: skip


@pytest.mark.parametrize('path', FILES, ids=lambda path: path.name)
def test_what_a_launch_file_names_exists(path):
    used = strings(path)
    topics = {text for text in used if text.startswith('~/')}
    nodes = {text for text in used if text in PAGES} or set(PAGES)
    assert [topic for topic in topics if not any(f'`{topic}`' in PAGES[node] for node in nodes)] == []
    executables = {text for text in used if re.fullmatch(r'[a-z]\w*_node', text)}
    assert [name for name in executables if not (ROOT / 'emiff_ros' / f'{name}.py').exists()] == []
    files = {text for text in used if text.endswith('.yaml') and ' ' not in text}
    assert [name for name in files if not (ROOT / 'config' / name).exists()] == []
    functions = {
        node.name for node in ast.walk(ast.parse((ROOT / 'emiff_ros' / 'launching.py').read_text()))
        if isinstance(node, ast.FunctionDef)
    }  # fmt: skip
    assert imported(path) and imported(path) <= functions
    assert f'{path.name}' in (ROOT / 'docs' / 'launch.md').read_text()
