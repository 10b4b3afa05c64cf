"""Processor seconds of a benchmark and the processes that it has started."""

import contextlib

import psutil


def processor_seconds() -> float:
    """Return what this process and its descendants have used so far, including processes that have ended."""
    this = psutil.Process()
    seconds = 0.0
    for process in (this, *this.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended and counts as its parent's
            times = process.cpu_times()
            seconds += times.user + times.system + times.children_user + times.children_system
    return seconds
