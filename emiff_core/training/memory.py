"""How a training on a CPU keeps its memory."""

import ctypes
import sys

# of glibc's malloc.h
_TRIM_THRESHOLD, _MMAP_MAX = -1, -4
_NEVER = 2**31 - 1  # bytes


def keep_freed_memory() -> bool:
    """Let glibc keep what the process frees, for good.

    Left alone it returns every large tensor to the kernel, which clears the pages anew for the next one: a step of the
    demo's training spent half of its time there.

    Returns:
        Whether the C library took it; others than glibc are left as they are.
    """
    if not sys.platform.startswith('linux'):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except AttributeError:  # musl
        return False
    return bool(mallopt(_MMAP_MAX, 0)) and bool(mallopt(_TRIM_THRESHOLD, _NEVER))
