"""The command line as a whole: how a failure reaches the user."""

import sys

import pytest

from emiff_core.cli import main


@pytest.mark.parametrize('name', ['plain', '[old] data', '[', '[/old]'])
def test_a_failure_is_one_line_with_the_path_as_the_user_wrote_it(monkeypatch, capsys, tmp_path, name):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, 'argv', ['emiff', 'bag', '--data', name, '--out', 'bag'])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1 and lines[0].startswith('error: ') and name in lines[0]


def test_what_the_disk_refuses_is_one_line_too(monkeypatch, capsys, tmp_path):
    def refuse() -> None:
        (tmp_path / 'no' / 'such' / 'folder').write_text('card')

    monkeypatch.setattr('emiff_core.cli.make_app', lambda: refuse)
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines == [f'error: {tmp_path}/no/such/folder: No such file or directory']
