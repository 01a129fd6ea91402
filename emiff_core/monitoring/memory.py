"""How much memory this process holds."""

import os
from pathlib import Path

_STATM = Path('/proc/self/statm')  # Linux, proc(5): pages in total, pages resident


def resident_mib() -> float:
    """Return the resident set, MiB."""
    return int(_STATM.read_text().split()[1]) * os.sysconf('SC_PAGE_SIZE') / 2**20
