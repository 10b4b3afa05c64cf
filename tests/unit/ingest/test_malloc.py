"""Freed memory is kept if the C library supports it."""

import platform

from claimwatch.malloc import disable_heap_trim


def test_heap_trim_is_disabled_with_glibc_only() -> None:
    assert disable_heap_trim() == (platform.libc_ver()[0] == "glibc")
