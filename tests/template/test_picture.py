"""docs/pipeline.svg shows the functions that the template has."""

import re

from tests.template.application import FUNCTIONS, PROJECT, RESOURCES

PICTURE = (PROJECT / "docs" / "pipeline.svg").read_text(encoding="utf-8")
NAMES = {text for text in re.findall(r'<text class="name[^>]*>([^<]+)<', PICTURE) if " " not in text}
"""Names of boxes; headings have several words."""


def test_the_picture_shows_every_function() -> None:
    assert set(FUNCTIONS) - NAMES == set()


def test_the_picture_names_no_resource_that_does_not_exist() -> None:
    assert NAMES - RESOURCES.keys() == {"PostgreSQL"}
