"""The report is readable: its colours have enough contrast in light and dark."""

import re

import pytest

from claimwatch.evaluation.report.style import STYLE

READABLE = 4.5
"""Contrast that WCAG 2.2 AA requires for text of any size."""

PAIRS = (
    *(("text", ground) for ground in ("page", "box", "soft", "h0", "h1", "h2", "h3")),
    *(("quiet", ground) for ground in ("page", "box")),
    *(("accent", ground) for ground in ("page", "box")),
    *((tone, f"{tone}-soft") for tone in ("alarm", "watch", "ok", "none")),
    ("h4-text", "h4"),
)
LIGHT, DARK = (
    dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", part))
    for part in STYLE.split("@media (prefers-color-scheme", 1)
)


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("ink", "ground"), PAIRS)
def test_text_has_enough_contrast(scheme: dict[str, str], ink: str, ground: str) -> None:
    brighter, darker = sorted((luminance(scheme[ink]), luminance(scheme[ground])), reverse=True)
    assert (brighter + 0.05) / (darker + 0.05) >= READABLE


def test_light_and_dark_define_the_same_colours() -> None:
    assert LIGHT.keys() == DARK.keys()
