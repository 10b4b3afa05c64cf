"""Names of sources. They become part of object keys and names of schedules."""

import re

SOURCE_NAME = re.compile(r"[a-z][a-z0-9-]{0,39}")

WATCH_SUFFIX = "-watch"
"""Suffix of the schedule that watches whether a source is silent, which no name may have."""

NAME_RULE = (
    "at most 40 lower-case letters, digits and '-', beginning with a letter, and not ending with "
    f"'{WATCH_SUFFIX}'"
)
"""What a name may be, in words."""


def is_source_name(name: str) -> bool:
    """Return whether a source may have this name."""
    return SOURCE_NAME.fullmatch(name) is not None and not name.endswith(WATCH_SUFFIX)
