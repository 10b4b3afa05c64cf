"""The later decision about a claim counts, not the later arrival, wherever outcomes are read."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from tests.cluster import ClonedDatabase
from tests.integration.ingest.environment import Site
from tests.integration.ingest.glass import GLASS

RECEIVED = datetime(2026, 11, 20, 9, 0, tzinfo=UTC)
HEADER = "claim_id,is_fraud,decided_at\n"


@pytest.fixture
def site(database: ClonedDatabase, tmp_path: Path) -> Site:
    site = Site.below(database, tmp_path / "buckets")
    assert site.put_contract("glass", GLASS).status == "applied"
    return site


def decide(site: Site, name: str, *rows: str, at: datetime = RECEIVED) -> None:
    file = site.drop(f"outcomes/glass/{name}.csv", HEADER + "".join(f"{row}\n" for row in rows), at=at)
    assert file["status"] == "committed"


def current(site: Site) -> dict[str, bool]:
    found = site.query("SELECT claim_id, is_fraud FROM claimwatch.current_outcome WHERE line = 'glass'")
    return {row["claim_id"]: row["is_fraud"] for row in found}


def test_an_older_note_that_arrives_later_does_not_replace_a_decision(site: Site) -> None:
    decide(site, "court", "a,true,2026-11-10", "b,false,2026-11-10T08:00:00+01:00")
    decide(site, "desk", "a,false,2026-10-01", "b,true,2026-11-10T07:30:00Z", at=RECEIVED + timedelta(1))
    assert current(site) == {"a": True, "b": True}


def test_of_decisions_of_the_same_time_the_last_that_arrived_counts(site: Site) -> None:
    decide(site, "one", "a,true,2026-11-10")
    decide(site, "two", "a,false,2026-11-10", at=RECEIVED + timedelta(1))
    assert current(site) == {"a": False}


def test_a_decision_dated_in_the_future_counts_from_its_arrival_and_not_for_ever(site: Site) -> None:
    decide(site, "typo", "a,true,2099-12-31", "b,true,2099-12-31", "c,true,9999-12-01")
    assert current(site) == {"a": True, "b": True, "c": True}
    decide(site, "later", "a,false,2026-11-25", "b,false,2026-11-02", at=RECEIVED + timedelta(7))
    assert current(site) == {"a": False, "b": True, "c": True}


def test_a_decision_without_a_date_is_quarantined(site: Site) -> None:
    file = site.drop("outcomes/glass/none.csv", HEADER + "a,true,\n")
    assert (file["rows_loaded"], file["rows_quarantined"]) == (0, 1)


@pytest.mark.parametrize("seed", range(5))
def test_the_current_outcome_is_the_latest_decision_in_any_order_of_arrival(site: Site, seed: int) -> None:
    random = Random(seed)
    claims = [f"c{number}" for number in range(12)]
    effective: dict[str, tuple[datetime, int, bool]] = {}
    for place in range(6):
        arrival = RECEIVED + timedelta(hours=place)
        rows = []
        for claim in random.sample(claims, 8):
            decided = RECEIVED + timedelta(days=random.randint(-20, 2), hours=random.randint(0, 3))
            fraud = random.random() < 0.5
            rows.append(f"{claim},{str(fraud).lower()},{decided.isoformat()}")
            stands = (min(decided, arrival), place, fraud)
            effective[claim] = max(effective.get(claim, stands), stands)
        decide(site, f"f{place}", *rows, at=arrival)
    assert current(site) == {claim: fraud for claim, (_, _, fraud) in effective.items()}
