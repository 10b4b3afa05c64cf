"""A column stored as hashes becomes one in clear if its contract says what happens to its history."""

import pytest

from claimwatch.errors import TransientFault
from claimwatch.ingest.inspect import inspect
from claimwatch.ingest.load import load_chunk
from claimwatch.storage import contracts, ledger
from tests.integration.ingest.environment import Site

CITIES = """\
apiVersion: v3.1.0
kind: DataContract
id: cities
version: {version}
status: active
schema:
  - name: claim_cities
    properties:
      - {{name: claim_id, logicalType: string, required: true, unique: true,
         customProperties: [{{property: role, value: identifier}}]}}
      - {{name: day, logicalType: date, customProperties: [{{property: role, value: event_time}}]}}
      - {{name: city, logicalType: string, classification: {classification},
         customProperties: [{{property: role, value: {role}}}{more}]}}
"""
HASHED = CITIES.format(version="1.0.0", classification="personal", role="ignored", more="")
HISTORY = ", {property: history, value: empty}"
IN_CLEAR = CITIES.format(version="2.0.0", classification="internal", role="feature", more=HISTORY)
FIRST = "claim_id,day,city\nA,2026-03-01,Lyon\n"
SECOND = "claim_id,day,city\nB,2026-03-02,Rome\n"


@pytest.fixture
def cities(site: Site) -> Site:
    assert site.put_contract("cities", HASHED).status == "applied"
    site.drop("claims/cities/first.csv", FIRST)
    return site


def stored(site: Site) -> dict[str, tuple[str | None, bool]]:
    """Return of each claim the city in clear, and whether there is a hash of it."""
    rows = site.query("SELECT * FROM claimwatch.current_claim_cities")
    return {row["claim_id"]: (row["city"], row["hashes of city"] is not None) for row in rows}


def test_earlier_rows_have_no_value_until_their_files_are_dropped_again(cities: Site) -> None:
    applied = cities.put_contract("cities", IN_CLEAR)
    assert applied.status == "applied"
    [note] = applied.notes
    assert note == (
        "column 'city' is stored in clear now; rows loaded earlier have no value until their files "
        "are dropped again, and their hashes are in column 'hashes of city'"
    )
    cities.drop("claims/cities/second.csv", SECOND)
    assert stored(cities) == {"A": (None, True), "B": ("Rome", False)}

    cities.drop("claims/cities/first.csv", FIRST)
    assert stored(cities) == {"A": ("Lyon", False), "B": ("Rome", False)}


def test_the_next_version_changes_nothing_more(cities: Site) -> None:
    cities.put_contract("cities", IN_CLEAR)
    again = cities.put_contract("cities", IN_CLEAR.replace("2.0.0", "2.1.0"))
    assert (again.status, again.notes) == (
        "applied",
        ("column 'hashes of city' is not in the contract; it is kept, and new files leave it empty",),
    )
    assert stored(cities) == {"A": (None, True)}


def test_without_a_word_about_its_history_the_change_is_refused_with_the_ways(cities: Site) -> None:
    refused = cities.put_contract("cities", IN_CLEAR.replace(HISTORY, ""))
    assert refused.status == "refused"
    message = cities.alerts[-1].message
    assert "column 'city': it is stored as hashes and would be stored as plain values" in message
    assert "keep storeAs, or add the custom property 'history: empty' to the column" in message


def test_a_contract_waits_for_files_that_are_loaded_as_hashes(
    cities: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("claimwatch.ingest.apply_contract.PAUSE", 0.0)
    cities.drop("claims/cities/second.csv", SECOND, run=False)
    file_id, attempt = cities.waiting.popleft()
    [chunk] = inspect(cities.inspection, file_id, attempt)["chunks"]
    with pytest.raises(TransientFault, match="are being loaded by its running contract"):
        cities.put_contract("cities", IN_CLEAR)

    monkeypatch.setattr(ledger, "is_loading", lambda *_: False)  # the file was inspected at the same moment
    assert cities.put_contract("cities", IN_CLEAR).status == "applied"
    with pytest.raises(TransientFault, match="stores a column in another way: replay the file"):
        load_chunk(cities.loading, **chunk)
    cities.fail(file_id, attempt)
    assert cities.replay(file_id)["status"] == "committed"
    assert stored(cities) == {"A": (None, True), "B": ("Rome", False)}
    with cities.database.transaction() as cursor:
        running = contracts.find_running(cursor, "cities")
    assert running is not None
    assert (running.stored["city"].hashed, running.stored["hashes of city"].hashed) == (False, True)
