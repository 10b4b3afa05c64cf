"""Processor seconds of a benchmark and all that it has started: others' work is not in them."""

import contextlib

import psutil


def processor_seconds() -> float:
    """What this process and its descendants have used so far, those that have ended among them."""
    this = psutil.Process()
    seconds = 0.0
    for process in (this, *this.children(recursive=True)):
        with contextlib.suppress(psutil.NoSuchProcess):  # it has ended since, and is its parent's past
            times = process.cpu_times()
            seconds += times.user + times.system + times.children_user + times.children_system
    return seconds
