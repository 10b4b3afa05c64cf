"""What is freed is used again, where the C library can be told to."""

import platform

from claimwatch.allocation import keep_freed_memory


def test_glibc_is_told_and_others_are_left_alone() -> None:
    assert keep_freed_memory() == (platform.libc_ver()[0] == "glibc")
