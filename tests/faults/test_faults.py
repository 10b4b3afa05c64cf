"""A shorter run of `make faults`: whatever fails, nothing is lost and nothing is doubled."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.cluster import Cluster
from tests.faults.claims.simulation import ClaimsSimulation
from tests.faults.photos.simulation import PhotosSimulation
from tests.faults.publications.simulation import PublicationsSimulation
from tests.faults.pulls.simulation import MariadbPullsSimulation, PullsSimulation, SftpPullsSimulation
from tests.faults.requests.simulation import RequestsSimulation
from tests.faults.scores.simulation import ScoresSimulation
from tests.faults.simulation import Simulation, simulate
from tests.faults.workers import Workers
from tests.mariadb import MISSING as MARIADB_MISSING
from tests.sshd import PROGRAM as SSHD

SCHEDULES: list[tuple[type[Simulation], int]] = [
    *((ClaimsSimulation, seed) for seed in range(1, 21)),
    *((PhotosSimulation, seed) for seed in range(1, 7)),
    *((ScoresSimulation, seed) for seed in range(1, 11)),
    *((RequestsSimulation, seed) for seed in range(1, 5)),
    *((PublicationsSimulation, seed) for seed in range(1, 7)),
    *((PullsSimulation, seed) for seed in range(1, 6)),
    *((MariadbPullsSimulation, seed) for seed in range(1, 3)),
    *((SftpPullsSimulation, seed) for seed in range(1, 4)),
]


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    with closing(Workers(tmp_path_factory.mktemp("workers") / "log")) as prestarted:
        yield prestarted


@pytest.mark.parametrize(("kind", "seed"), SCHEDULES)
def test_no_schedule_of_faults_loses_or_doubles_anything(
    kind: type[Simulation], seed: int, cluster: Cluster, workers: Workers
) -> None:
    if kind is MariadbPullsSimulation and MARIADB_MISSING:
        pytest.skip(MARIADB_MISSING)
    if kind is SftpPullsSimulation and SSHD is None:
        pytest.skip("sshd is missing: `make setup-sources` installs it on Debian")
    result = simulate(kind, seed, cluster, workers)

    assert result.problems == []
    assert (result.lost, result.doubled) == (0, 0)
