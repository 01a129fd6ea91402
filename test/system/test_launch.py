"""The launch files under the real launch, where it is installed: they start, replay a bag, and pass failures on."""

import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from emiff_core.bag.dair_to_bag import write_bag
from emiff_core.data.dair_v2x import DairV2xDataset
from emiff_core.data.synthetic import generate

FILES = Path(__file__).resolve().parents[2] / 'launch'
STOP_S, START_S = 120, 240

pytestmark = pytest.mark.skipif(
    find_spec('launch_ros') is None, reason='launch_ros comes with a ROS 2 distribution; there are no wheels of it'
)

# what `ros2 launch FILE name:=value ...` and `ros2 launch FILE --show-args` do, for where ros2cli is not installed
LAUNCH = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
pairs = [tuple(argument.split(':=', 1)) for argument in sys.argv[2:]]
if any(len(pair) < 2 or not pair[1] for pair in pairs):
    sys.exit('malformed launch argument')  # as ros2 launch has it
source = PythonLaunchDescriptionSource(sys.argv[1])
service = LaunchService()
service.include_launch_description(
    LaunchDescription([IncludeLaunchDescription(source, launch_arguments=pairs)])
)
sys.exit(service.run())
"""
SHOW = """
import sys
from launch.launch_description_sources import get_launch_description_from_python_launch_file as read
for argument in read(sys.argv[1]).get_launch_arguments():
    print(argument.name, '|', argument.description)
"""


@pytest.fixture(scope='module')
def bag(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp('drive')
    generate(root / 'data', 2, seed=7, size=(480, 270))
    write_bag(DairV2xDataset(root / 'data'), root / 'bag')
    return root / 'bag'


def start(script: str, file: str, *arguments: object) -> subprocess.Popen:
    command = [sys.executable, '-u', '-c', script, str(FILES / f'{file}.launch.py'), *map(str, arguments)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )


def run(script: str, file: str, *arguments: object) -> tuple[int, str]:
    with start(script, file, *arguments) as process:
        try:
            said, _ = process.communicate(timeout=START_S)
        finally:
            end(process)
    return process.returncode, said


def end(process: subprocess.Popen) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)


@pytest.mark.parametrize('file', ['vehicle', 'infrastructure', 'replay', 'cooperative'])
def test_every_argument_has_a_description(file):
    code, said = run(SHOW, file)
    described = dict(line.split(' | ') for line in said.splitlines())
    assert code == 0 and {'log_level', 'start'} <= described.keys(), said
    assert all(len(text) > 10 for text in described.values())


@pytest.mark.parametrize('who', ['node', 'launch'])
def test_a_bag_is_replayed_to_its_end_and_everybody_ends_well(bag, tiny_config, who):
    code, said = run(LAUNCH, 'replay', f'bag:={bag}', f'config:={tiny_config}', f'start:={who}')
    assert code == 0, said
    assert said.count('process has finished cleanly') == 3, said
    assert 'Traceback' not in said


@pytest.mark.parametrize('who', ['node', 'launch'])
def test_a_node_that_cannot_start_fails_the_launch_with_its_line(who):
    code, said = run(LAUNCH, 'cooperative', 'units:=none', 'weights:=/nowhere.safetensors', f'start:={who}')
    assert code == 1 and '/nowhere.safetensors: expected a weights file' in said, said


def test_several_units_and_a_vehicle_run_until_ctrl_c(tiny_config):
    with start(LAUNCH, 'cooperative', 'units:=north,south', f'config:={tiny_config}') as process:
        try:
            ready, lines = set(), []
            for line in process.stdout:
                lines.append(line)
                ready |= {name for name in ('north', 'south', 'vehicle') if f'[{name}.' in line and 'half of' in line}
                if len(ready) == 3:
                    break
            os.killpg(process.pid, signal.SIGINT)  # Ctrl-C in a terminal reaches the whole group
            said, _ = process.communicate(timeout=STOP_S)
        finally:
            end(process)
    assert process.returncode == 0 and said.count('process has finished cleanly') == 3, ''.join(lines) + said
