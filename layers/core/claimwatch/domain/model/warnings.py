"""Warnings of a training about columns, which a person answers for before the model goes live."""

from collections.abc import Mapping, Sequence

TO_BE_KNOWN = frozenset({"proxy"})
"""Kinds of warnings that nobody has to answer for.

A feature that stands for a protected attribute harms nobody by itself; if a group is referred more often than
others, a gate or another warning says so.
"""


def columns_to_answer_for(warnings: Sequence[Mapping[str, str]]) -> tuple[str, ...]:
    """Return the columns that a person has to name to promote a model with these warnings."""
    return tuple(
        dict.fromkeys(warning["column"] for warning in warnings if warning["kind"] not in TO_BE_KNOWN)
    )
