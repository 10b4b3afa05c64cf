"""Values of extra columns that were stored in clear are hashed, however often that is interrupted."""

import pytest

from claimwatch.domain.validation.extra_values import ExtraHashes
from claimwatch.ingest import protect_extra
from tests.integration.ingest.environment import KEY, Site
from tests.integration.ingest.glass import GLASS, csv

OLD = '{"Driver": "Jane Roe", "colour": "red", "weight": 7.0, "none": null}'
HASHED = ExtraHashes(KEY).of_members({"Driver": "Jane Roe", "colour": "red", "weight": "7", "none": None})


def extra_of(glass: Site) -> list[object]:
    return [
        row["extra"] for row in glass.query("SELECT extra FROM claimwatch.claim_glass ORDER BY row_number")
    ]


@pytest.fixture
def with_old_rows(glass: Site) -> Site:
    glass.drop("claims/glass/a.csv", csv(*(f"G{n},2026-03-01,1,,," for n in range(5))))
    with glass.database.transaction() as cursor:
        cursor.execute("UPDATE claimwatch.claim_glass SET extra = %s WHERE row_number <= 4", (OLD,))
    return glass


def test_values_in_clear_are_hashed_once(with_old_rows: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protect_extra, "AT_ONCE", 2)
    database = with_old_rows.database.as_task("contracts")

    first = protect_extra.protect_extra(database, KEY, "glass")
    assert (first.rows, first.changed, first.drop_again) == (4, 4, [1])
    assert extra_of(with_old_rows) == [HASHED] * 4 + [None]

    again = protect_extra.protect_extra(database, KEY, "glass")
    assert (again.rows, again.changed) == (4, 0)
    assert extra_of(with_old_rows) == [HASHED] * 4 + [None]


@pytest.mark.parametrize("written", ["plain", "drop"])
def test_the_contract_decides_what_stays(with_old_rows: Site, written: str) -> None:
    changed = GLASS.replace("version: 1.0.0", "version: 1.1.0").replace(
        "customProperties:\n", f"customProperties:\n  - {{property: extra, value: {written}}}\n", 1
    )
    with_old_rows.put_contract("glass", changed)

    protect_extra.protect_extra(with_old_rows.database.as_task("contracts"), KEY, "glass")

    kept = {"Driver": HASHED["Driver"], "colour": "red", "weight": 7.0, "none": None}
    assert extra_of(with_old_rows)[0] == (kept if written == "plain" else None)


def test_values_of_outcomes_are_hashed_too(glass: Site) -> None:
    glass.drop("outcomes/glass/o.csv", "claim_id,is_fraud,decided_at\nG1,true,2026-03-01\n")
    with glass.database.transaction() as cursor:
        cursor.execute("UPDATE claimwatch.outcome SET extra = %s", (OLD,))

    protect_extra.protect_extra(glass.database.as_task("contracts"), KEY, "glass")

    assert [row["extra"] for row in glass.query("SELECT extra FROM claimwatch.outcome")] == [HASHED]
