"""Test data of third parties, which is not part of this repository: where it is, or None."""

import json
import os
from pathlib import Path
from typing import Any

from tests.cluster import PROJECT


def _folder() -> Path | None:
    given = os.environ.get("CLAIMWATCH_TESTDATA")
    places = [Path(given)] if given else [up / "shared" / "testdata" for up in PROJECT.parents]
    return next((place for place in places if place.is_dir()), None)


TESTDATA = _folder()
NO_TESTDATA = "no third-party test data; set CLAIMWATCH_TESTDATA to its folder"

FIELD = TESTDATA / "field" if TESTDATA and (TESTDATA / "field").is_dir() else None
"""Folder of cases that were rebuilt from public bug reports; ``cases.jsonl`` describes them."""

NO_FIELD = f"no field cases: {NO_TESTDATA}"

type Case = dict[str, Any]


def field_cases(group: str) -> list[Case]:
    """Return the cases of a group; none if the folder does not exist."""
    if FIELD is None:
        return []
    lines = (FIELD / "cases.jsonl").read_text("utf-8").splitlines()
    return [case for case in map(json.loads, lines) if case["group"] == group]
