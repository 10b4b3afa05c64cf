"""What is freed is used again, where the C library can be told to."""

import platform

from claimwatch.malloc import disable_heap_trim


def test_glibc_is_told_and_others_are_left_alone() -> None:
    assert disable_heap_trim() == (platform.libc_ver()[0] == "glibc")
