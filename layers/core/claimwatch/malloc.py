"""How the C library's allocator treats what is freed."""

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""mallopt(3)'s names for them."""

KEPT = 128 << 20
"""Bytes that may lie free at the end of the heap."""

MAPPED = 32 << 20
"""Bytes from which an allocation is a mapping of its own; glibc takes no more than this."""


def disable_heap_trim() -> bool:
    """Have freed blocks of some megabytes used again, and not given back to the kernel each time.

    The work goes block by block, and a block that is mapped afresh is cleared by the kernel page by page as
    it is touched: half of the time of an inspection went into that. Returns whether the C library can.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return bool(mallopt(_MMAP_THRESHOLD, MAPPED) and mallopt(_TRIM_THRESHOLD, KEPT))
