"""The results file of all benchmarks, and the figures that every benchmark reports."""

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import psutil

RESULTS = Path(__file__).with_name("results.json")


def median(values: Sequence[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def megabytes(size: float) -> float:
    """Convert bytes to MB (10^6 bytes) with one decimal."""
    return round(size / 1e6, 1)


def circumstances(*packages: str) -> dict[str, Any]:
    """Return when and where figures were measured, and with which versions of the packages."""
    return {
        "measured_at": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "machine": machine(),
        "versions": {"python": platform.python_version()}
        | {name: metadata.version(name) for name in packages},
    }


def machine() -> dict[str, Any]:
    """Return processor, cores and memory (GB of 10^9 bytes), but not the name of the machine."""
    return {
        "cpu": _processor(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": f"{platform.system()} {platform.machine()}",
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text("utf-8").splitlines()
    except OSError:
        return platform.processor() or "unknown"
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown"
    )


def record(name: str, figures: Mapping[str, Any], path: Path = RESULTS) -> None:
    """Write the figures of one benchmark into the results file; those of other benchmarks are kept."""
    known = json.loads(path.read_text("utf-8")) if path.exists() else {}
    known[name] = dict(figures)
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(json.dumps(dict(sorted(known.items())), indent=2) + "\n", "utf-8")
    unfinished.replace(path)


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Format a table; the first column is aligned left, all others right."""
    cells = [list(head), *([str(cell) for cell in row] for row in rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(head))]
    lines = [
        "  ".join(
            cell.rjust(width) if place else cell.ljust(width)
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])
