"""The draft of a stranger's file says what the file holds, and loads it by itself."""

from itertools import count
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.field.drafted import DraftTally, load_by_draft
from benchmarks.field.drafts import draw
from tests.integration.ingest.environment import Site

NUMBERS = count(1)


@given(seed=st.integers(0, 2**32))
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_draft_says_what_a_file_holds_and_loads_it(seed: int, site: Site) -> None:
    tally = DraftTally()
    load_by_draft(site, f"drafted_{next(NUMBERS)}", draw(Random(seed)), tally)
    assert tally.problems == []
    assert tally.loading == 1
