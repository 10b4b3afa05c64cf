"""Settings of the C library's memory allocator."""

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
"""Parameters of mallopt(3)."""

KEPT = 128 << 20
"""Bytes that may stay free at the end of the heap."""

MAPPED = 32 << 20
"""Size in bytes from which an allocation is a mapping of its own: the maximum that glibc accepts."""


def disable_heap_trim() -> bool:
    """Keep freed memory for the next allocation instead of returning it to the kernel each time.

    Files are processed in blocks of some megabytes, and the kernel clears every page of a new mapping, which
    took half of the time of an inspection. Returns whether the C library supports this.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError):
        return False
    return bool(mallopt(_MMAP_THRESHOLD, MAPPED) and mallopt(_TRIM_THRESHOLD, KEPT))
