"""Every release of the rehearsal arrives or stops where it must; it takes a quarter of an hour."""

import os
from pathlib import Path

import pytest

from local.rehearsal import rehearse

pytestmark = pytest.mark.skipif(
    os.environ.get("CLAIMWATCH_REHEARSAL") != "1", reason="CLAIMWATCH_REHEARSAL=1 runs the rehearsal"
)


@pytest.mark.timeout(2400)
def test_every_release_ends_where_it_must(tmp_path: Path) -> None:
    assert rehearse(tmp_path / "rehearsal", set()) == 0, (tmp_path / "rehearsal" / "report.json").read_text()
