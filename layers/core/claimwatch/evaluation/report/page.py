"""The page as a whole: its sections in the order in which a person needs them."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from claimwatch.evaluation.facts import Findings, PastWindow, WindowFacts


def report_page(
    facts: WindowFacts,
    findings: Findings,
    history: Sequence[PastWindow] = (),
    promised: Mapping[str, Any] | None = None,
) -> str:
    """The report of a window, as one HTML page without a network.

    ``history`` are the windows before it, the oldest first (twelve are enough). ``promised`` are the
    champion's metrics on its test split, as table ``model_version`` keeps them.
    """
    title = escape(f"{facts.line} {facts.window}")
    return f'<!doctype html>\n<html lang="en"><head><title>{title}</title></head><body></body></html>\n'
