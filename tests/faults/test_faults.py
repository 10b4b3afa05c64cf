"""A shorter run of `make faults`: whatever breaks, nothing is lost and nothing is doubled."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.cluster import Cluster
from tests.faults.photos.simulation import simulate_photos
from tests.faults.scores.simulation import simulate_scores
from tests.faults.simulation import simulate
from tests.faults.workers import Workers

SEEDS = range(1, 21)
SEEDS_OF_PHOTOS = range(1, 7)
SEEDS_OF_SCORES = range(1, 11)


@pytest.fixture(scope="module")
def workers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workers]:
    with closing(Workers(tmp_path_factory.mktemp("workers") / "log")) as prestarted:
        yield prestarted


@pytest.mark.parametrize("seed", SEEDS)
def test_no_schedule_of_faults_loses_or_doubles_a_row(seed: int, cluster: Cluster, workers: Workers) -> None:
    result = simulate(seed, cluster, workers)

    assert result.problems == []
    assert (result.lost, result.doubled) == (0, 0)


@pytest.mark.parametrize("seed", SEEDS_OF_PHOTOS)
def test_no_schedule_of_faults_loses_or_doubles_a_photo_or_a_match(
    seed: int, cluster: Cluster, workers: Workers
) -> None:
    result = simulate_photos(seed, cluster, workers)

    assert result.problems == []
    assert (result.lost, result.doubled) == (0, 0)


@pytest.mark.parametrize("seed", SEEDS_OF_SCORES)
def test_no_schedule_of_faults_loses_or_doubles_a_score_or_a_promotion(
    seed: int, cluster: Cluster, workers: Workers
) -> None:
    result = simulate_scores(seed, cluster, workers)

    assert result.problems == []
    assert (result.lost, result.doubled) == (0, 0)
