"""What is loaded from a generated file equals the truth of its generator, or the row is in quarantine."""

from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.field.kinds import KINDS
from benchmarks.field.loaded import Tally, load
from tests.integration.ingest.environment import Site


@pytest.mark.parametrize("kind", KINDS)
@given(seed=st.integers(0, 2**32))
@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_row_of_a_generated_file_is_loaded_with_another_value(kind: str, seed: int, site: Site) -> None:
    tally = Tally()
    load(site, KINDS[kind](Random(seed)), tally)
    assert tally.wrong == []
    assert tally.lost == []
