"""The draft of a stranger's file says what the file holds, and loads it by itself."""

from collections import Counter
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.field.drafts import draw
from tests.integration.ingest.environment import Site

LINES = Counter[str]()


@given(seed=st.integers(0, 2**32))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_draft_says_what_a_file_holds_and_loads_it(seed: int, site: Site) -> None:
    generated = draw(Random(seed))
    LINES["files"] += 1
    line = f"drafted_{LINES['files']}"
    parked = site.drop(f"claims/{line}/{generated.name}", generated.content)
    draft = site.draft(line)
    assert generated.problems(draft) == []

    assert site.put_contract(line, draft).status == "applied"

    file = site.file(parked["file_id"])
    assert (file["rows_loaded"], site.quarantine(file["file_id"])) == (generated.rows, {})
    rows = site.query(f"SELECT * FROM claimwatch.claim_{line} ORDER BY row_number")
    assert generated.differences(draft, rows) == []
