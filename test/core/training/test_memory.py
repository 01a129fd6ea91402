"""What the process frees stays its own: counted in the kernel's page faults."""

import subprocess
import sys

import pytest

PROGRAM = """
import resource, sys
import torch
from emiff_core.training.memory import keep_freed_memory

if sys.argv[1] == 'keep':
    assert keep_freed_memory()
for _ in range(20):  # until the heap is as large as it will be
    torch.ones(20_000_000)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(8):
    torch.ones(20_000_000)  # beyond 32 MB glibc always asks the kernel
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def page_faults(how: str) -> int:
    command = [sys.executable, '-c', PROGRAM, how]
    return int(subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout)


@pytest.mark.skipif(not sys.platform.startswith('linux'), reason='other systems allocate in their own way')
def test_a_large_tensor_takes_the_place_of_the_one_before_it():
    assert page_faults('keep') * 10 < page_faults('leave')
