"""The docs keep their word: every command in them exists with its options, and those marked `run` run."""

import ast
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import click
import pytest
import typer

from emiff_core.cli import make_app

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / 'README.md', ROOT / 'CONTRIBUTING.md', *sorted((ROOT / 'docs').glob('*.md'))]
RUN = '<!-- run -->'

# First words of commands that no test runs or parses, and what they would need.
NEEDS = {
    'sudo': 'root',
    'docker': 'Docker and an NVIDIA GPU',
    'colcon': 'a ROS 2 distribution',
    'rosdep': 'a ROS 2 distribution',
    'ros2': 'a ROS 2 distribution; `ros2 launch emiff` and `ros2 run emiff` are checked below',
    'torchrun': 'hours; the command behind it is checked',
    'pip': 'the network',
}


def block_lines(page: Path) -> Iterator[tuple[str, bool]]:
    """Yield the lines of blocks, continuations joined, and whether `<!-- run -->` stands before the block."""
    marked = runs = fenced = False
    text = page.read_text().replace('\\\n', ' ')
    for line in text.splitlines():
        if line.startswith('```'):
            fenced = not fenced
        elif fenced or line.startswith('    '):
            runs, marked = runs or marked, False
            yield line.strip(), runs
        elif line.strip():
            marked, runs = line.strip() == RUN, False


def commands(page: Path) -> Iterator[list[str]]:
    """Yield every command of a page as words: lines of blocks, and whole `emiff ...` in running text."""
    lines = [line for line, _ in block_lines(page)]
    prose = re.sub(r'^( {4}.*|```.*)$', '', page.read_text(), flags=re.MULTILINE)
    lines += [' '.join(found.split()) for found in re.findall(r'`(emiff [a-z][^`]*)`', prose)]
    for line in lines:
        for part in line.split(' && '):
            words = part.split()
            if words and re.fullmatch(r'[a-z0-9./_-]+', words[0]):
                yield shlex.split(part, comments=True) if part.count("'") % 2 == 0 else words


def all_commands(first: str) -> list[tuple[str, list[str]]]:
    found = [(page.name, words) for page in PAGES for words in commands(page)]
    found = [(name, words[words.index('emiff') :] if 'torchrun' in words[:1] else words) for name, words in found]
    return [(name, words) for name, words in found if words[0] == first]


def named(case: tuple[str, list[str]]) -> str:
    return f'{case[0]}: {" ".join(case[1])}'[:80]


@pytest.mark.parametrize('case', all_commands('emiff'), ids=named)
def test_emiff_takes_what_the_docs_give_it(case):
    _, words = case
    command: click.Command = typer.main.get_command(make_app())
    words = [re.sub(r'^(\w+)\|.*', r'\1', word.replace('\\', '')) for word in words[1:] if word != '...']
    while hasattr(command, 'commands') and words and words[0] in command.commands:
        command = command.commands[words.pop(0)]
    assert not hasattr(command, 'commands') or words in ([], ['--help']), f'no such command: {words}'
    options = {name: option for option in command.params for name in (*option.opts, *option.secondary_opts)}
    given = [word.partition('=')[0] for word in words if word.startswith('--') and word != '--help']
    assert [name for name in given if name not in options] == []
    if not any(re.fullmatch(r'[A-Z]+', word) for word in words) and '--help' not in words:
        required = {option.opts[0] for option in command.params if option.required and option.opts[0].startswith('--')}
        # in running text `emiff bag` may stand for the command as such
        if given:
            command.make_context(command.name, list(words), resilient_parsing=not required <= set(given))


@pytest.mark.parametrize('case', all_commands('make'), ids=named)
def test_make_has_the_targets(case):
    targets = re.findall(r'^(\w+):', (ROOT / 'Makefile').read_text(), re.MULTILINE)
    assert [word for word in case[1][1:2] if word not in targets] == []


@pytest.mark.parametrize('case', all_commands('ros2'), ids=named)
def test_ros2_starts_what_there_is(case):
    words = case[1]
    if words[1:3] == ['run', 'emiff']:
        assert (ROOT / 'emiff_ros' / f'{words[3]}.py').exists()
    if words[1:3] == ['launch', 'emiff']:
        path = ROOT / 'launch' / words[3]
        given = {word.partition(':=')[0] for word in words[4:] if ':=' in word}
        assert not any(word.endswith(':=') for word in words)  # ros2 launch takes no empty values
        declared = set()
        trees = [ast.parse(source.read_text()) for source in (path, ROOT / 'emiff_ros' / 'launching.py')]
        for node in (node for tree in trees for node in ast.walk(tree)):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                declared.add(node.args[0].value)
            if isinstance(node, ast.Dict):
                declared |= {key.value for key in node.keys if isinstance(key, ast.Constant)}
        assert given <= declared, f'{path.name} has no {given - declared}'


@pytest.mark.parametrize('case', all_commands('python'), ids=named)
def test_python_runs_modules_that_there_are(case):
    words = case[1]
    if words[1:2] == ['-m'] and words[2].startswith('emiff'):
        assert (ROOT / f'{words[2].replace(".", "/")}.py').exists()
    elif words[1].endswith('.py'):
        assert (ROOT / words[1]).exists()


def test_every_command_is_checked_here_or_said_to_need_what_a_test_has_not():
    known = {'emiff', 'make', 'python', '.', 'cd', 'git', 'export', *NEEDS}
    others = {'apt', 'apt-get', 'cargo', 'curl', 'mkdocs', 'npm', 'ruff', 'snap', 'wget'}
    found = {words[0] for page in PAGES for words in commands(page)} & (known | others)
    assert found <= known


def test_no_shell_would_take_a_nodes_topic_for_the_home_folder():
    bare = [(page.name, found) for page in PAGES for found in re.findall(r'-r ~/\S+', page.read_text())]
    assert bare == []


def marked_pages() -> list[Path]:
    return [page for page in PAGES if RUN in page.read_text()]


@pytest.mark.parametrize('page', marked_pages(), ids=lambda page: page.name)
def test_what_is_marked_to_run_runs(page, tmp_path):
    lines = [line for line, runs in block_lines(page) if runs and line]
    assert lines
    emiff = f'{shlex.quote(sys.executable)} -c "from emiff_core.cli import main; main()"'
    script = '\n'.join(re.sub(r'^emiff ', f'{emiff} ', line) for line in lines)
    environment = {'PYTHONPATH': str(ROOT), 'PATH': '/usr/bin:/bin', 'HOME': str(tmp_path)}
    command = ['bash', '-euc', script]
    process = subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert process.returncode == 0, process.stdout + process.stderr


@pytest.mark.skipif(find_spec('mkdocs') is None, reason='mkdocs is not installed')
def test_every_page_is_in_the_sites_menu():
    menu = (ROOT / 'mkdocs.yml').read_text()
    assert [page.name for page in (ROOT / 'docs').glob('*.md') if f' {page.name}' not in menu] == []
