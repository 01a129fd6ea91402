"""The demo's folder: an earlier run makes room for the next, and nothing of the user's is ever deleted."""

import pytest

from emiff_core.demo.workspace import clear_workspace
from emiff_core.errors import EmiffError


def test_what_an_earlier_run_left_goes_and_anything_else_stays(tmp_path):
    out = tmp_path / 'deep' / 'out'
    clear_workspace(out)
    (out / 'pictures').mkdir()
    (out / 'pictures' / 'frame.png').touch()
    (out / 'summary.json').touch()
    (out / 'notes.txt').write_text('mine')
    clear_workspace(out)
    assert [path.name for path in out.iterdir() if not path.name.startswith('.')] == ['notes.txt']


def test_a_folder_that_only_looks_like_a_runs_is_left_alone(tmp_path):
    (tmp_path / 'pictures').mkdir()
    (tmp_path / 'pictures' / 'holiday.png').touch()
    with pytest.raises(EmiffError, match='found pictures of another'):
        clear_workspace(tmp_path)
    assert (tmp_path / 'pictures' / 'holiday.png').exists()


@pytest.mark.parametrize('inside', ['data', 'data/cooperative-vehicle-infrastructure'])
def test_the_data_set_to_play_is_not_deleted_before_it_is_read(tmp_path, inside):
    clear_workspace(tmp_path)
    (tmp_path / inside).mkdir(parents=True)
    with pytest.raises(EmiffError, match='apart from the data set'):
        clear_workspace(tmp_path, tmp_path / inside)
    assert (tmp_path / inside).exists()


def test_a_file_is_not_a_folder(tmp_path):
    (tmp_path / 'out').touch()
    with pytest.raises(EmiffError, match='expected a folder'):
        clear_workspace(tmp_path / 'out')
