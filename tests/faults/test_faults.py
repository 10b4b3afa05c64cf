"""A shorter run of `make faults`: whatever breaks, nothing is lost and nothing is doubled."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.cluster import Cluster
from tests.faults.orchestrator import Workers
from tests.faults.simulation import simulate

SEEDS = range(1, 21)


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    with closing(Workers(tmp_path_factory.mktemp("workers") / "log")) as prestarted:
        yield prestarted


@pytest.mark.parametrize("seed", SEEDS)
def test_no_schedule_of_faults_loses_or_doubles_a_row(seed: int, cluster: Cluster, workers: Workers) -> None:
    result = simulate(seed, cluster, workers)

    assert result.problems == []
    assert (result.lost, result.doubled) == (0, 0)
