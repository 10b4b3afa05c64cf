"""docs/pipeline.svg shows the functions that the template has (tests/unit/docs checks its other names)."""

import re

from tests.template.application import FUNCTIONS, PROJECT


def test_the_picture_shows_every_function() -> None:
    picture = (PROJECT / "docs" / "pipeline.svg").read_text(encoding="utf-8")
    assert set(FUNCTIONS) - set(re.findall(r'<text class="name"[^>]*>([^<]+)<', picture)) == set()
