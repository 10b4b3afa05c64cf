"""Evidently's default drift report, run in Evidently's own environment without Claimwatch.

python drift_evidently.py FOLDER

The folder contains ``reference.npz`` and any number of ``week-*.npz`` with one array for each column. Names
that end in ``~`` are columns of category codes. For each week, ordered by name, the script prints a line of
JSON: the drifted columns, whether the data set drifted, the seconds, and the peak memory so far.
"""

import json
import sys
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

CATEGORY = "~"


def main(folder: Path) -> None:
    """Print the report of every week in the folder."""
    warnings.simplefilter("ignore")
    from evidently import DataDefinition, Dataset, Report  # noqa: PLC0415 - only that environment has it
    from evidently.presets import DataDriftPreset  # noqa: PLC0415

    reference = _frame(folder / "reference.npz")
    categories = [name for name in map(str, reference) if name.endswith(CATEGORY)]
    numbers = [name for name in map(str, reference) if not name.endswith(CATEGORY)]
    definition = DataDefinition(numerical_columns=numbers, categorical_columns=categories)
    for path in sorted(folder.glob("week-*.npz")):
        week = _frame(path)
        begun = time.perf_counter()
        run = Report([DataDriftPreset()]).run(
            Dataset.from_pandas(week, data_definition=definition),
            Dataset.from_pandas(reference, data_definition=definition),
        )
        metrics = run.dict()["metrics"]
        seconds = time.perf_counter() - begun
        peak = _peak()
        print(json.dumps({**_found(metrics), "seconds": seconds, "peak": peak}), flush=True)


def _peak() -> int:
    """Return the peak memory in bytes; ru_maxrss would include the parent's before the exec."""
    for line in Path("/proc/self/status").read_text("ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0


def _frame(path: Path) -> pd.DataFrame:
    """Read the columns of a file, converting category codes to text and nan to None."""
    with np.load(path) as arrays:
        columns = {name: arrays[name] for name in arrays}
    for name, values in columns.items():
        if name.endswith(CATEGORY):
            missing = np.isnan(values)
            named = np.array([f"c{code:02}" for code in range(int(np.nanmax(values)) + 1)], dtype=object)
            columns[name] = named[np.where(missing, 0, values).astype(np.int64)]
            columns[name][missing] = None
    return pd.DataFrame(columns)


def _found(metrics: list[dict[str, Any]]) -> dict[str, Any]:
    """Extract the verdicts: drift is a p-value below its threshold, or a distance of at least its threshold.

    By default, the data set drifts if half of the columns do.
    """
    drifted = []
    count: dict[str, float] = {}
    for metric in metrics:
        config, value = metric["config"], metric["value"]
        if config["type"].endswith("DriftedColumnsCount"):
            count = value
        elif config["type"].endswith("ValueDrift"):
            below = "p_value" in config["method"]
            if value < config["threshold"] if below else value >= config["threshold"]:
                drifted.append(config["column"])
    assert len(drifted) == count["count"], (drifted, count)
    return {"drifted": drifted, "data_set": count["share"] >= 0.5}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
