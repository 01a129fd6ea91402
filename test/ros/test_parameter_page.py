"""docs/parameters.md is what the nodes declare."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parents[2] / 'scripts' / 'write_parameter_page.py'


def test_the_page_of_parameters_is_what_the_nodes_declare():
    process = subprocess.run([sys.executable, SCRIPT, '--check'], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr[-2000:]
