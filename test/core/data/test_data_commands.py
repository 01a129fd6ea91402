"""`emiff synth` and `emiff bag` as a user calls them."""

import sys
from pathlib import Path

import pytest

from emiff_core.bag.reader import BagReader
from emiff_core.cli import main


@pytest.fixture
def emiff(monkeypatch, capsys):
    """Run the command line; return its exit status and what it said."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, 'argv', ['emiff', *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    return run


def test_a_drive_becomes_a_bag(emiff, tmp_path: Path):
    status, said, _ = emiff(
        'synth', '--out', tmp_path / 'data', '--frames', 2, '--seed', 5, '--width', 160, '--workers', 1
    )
    assert status == 0 and '2 cooperative frames (seed 5)' in said
    status, said, _ = emiff(
        'bag', '--data', tmp_path / 'data', '--out', tmp_path / 'bag', '--storage', 'sqlite3', '--raw'
    )
    assert status == 0 and '2 frames' in said
    with BagReader(tmp_path / 'bag') as bag:
        assert bag.topics['/vehicle/camera/image'] == 'sensor_msgs/msg/Image'
    # neither touches what is there
    for command in (
        ('synth', '--out', tmp_path / 'data'),
        ('bag', '--data', tmp_path / 'data', '--out', tmp_path / 'bag'),
    ):
        status, _, error = emiff(*command)
        assert status == 1 and error.count('\n') == 1 and 'found something' in error


def test_a_folder_that_is_no_data_set_is_one_line(emiff, tmp_path: Path):
    status, _, error = emiff('bag', '--data', tmp_path, '--out', tmp_path / 'bag')
    assert status == 1 and error.count('\n') == 1 and 'vehicle-side/data_info.json: expected a file' in error
    assert not (tmp_path / 'bag').exists()
