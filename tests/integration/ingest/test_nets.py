"""An error that nobody expected neither fails a file nor costs other rows, and people learn of it."""

import random
import string
from collections.abc import Callable
from dataclasses import replace

import pytest
from botocore.exceptions import ClientError

from claimwatch.aws.objects import ObjectMissing
from claimwatch.domain.validation.keyed_hash import KeyedHashes
from claimwatch.errors import ReaderFault, TransientFault
from claimwatch.ingest import inspect, load
from claimwatch.ingest.reader_faults import reader_faults
from tests.integration.ingest.environment import Site
from tests.integration.ingest.glass import csv

ROWS = 100


def rows(bad: str, *places: int) -> str:
    """Return a file in which the rows at these places are ``bad``; G<n> is the claim id of row n."""
    return csv(
        *(
            f"G{number},2026-03-01,{bad if number in places else number},,Ann Lee,"
            for number in range(1, ROWS + 1)
        )
    )


@pytest.fixture
def reported(glass: Site, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The faults that the steps report."""
    faults: list[str] = []
    monkeypatch.setattr(Site, "inspection", replace(glass.inspection, report=faults.append))
    monkeypatch.setattr(Site, "loading", replace(glass.loading, report=faults.append))
    return faults


def loaded(site: Site, file_id: int) -> set[int]:
    found = site.query("SELECT row_number FROM claimwatch.claim_glass WHERE file_id = %s", file_id)
    return {row["row_number"] for row in found}


def test_rows_that_postgresql_refuses_are_quarantined_and_the_others_loaded(
    glass: Site, reported: list[str]
) -> None:
    # A value that passes validation and that PostgreSQL cannot store.
    with glass.database.transaction() as cursor:
        cursor.execute("CREATE INDEX ON claimwatch.claim_glass ((1 / (amount - 4444)))")
    file = glass.drop("claims/glass/a.csv", rows("4444", 1, 57))

    assert (file["status"], file["rows_read"], file["rows_loaded"]) == ("committed", ROWS, ROWS - 2)
    found = glass.quarantine(file["file_id"])
    assert set(found) == {1, 57}
    assert loaded(glass, file["file_id"]) == set(range(1, ROWS + 1)) - {1, 57}
    [reason] = found[57]
    assert (reason["column"], reason["rule"]) == (None, "reader")
    assert "DivisionByZero" in reason["message"]
    assert "4444" not in reason["message"]
    assert any("DivisionByZero" in fault for fault in reported)


def test_an_index_entry_that_is_too_large_is_not_retried(glass: Site) -> None:
    with glass.database.transaction() as cursor:
        cursor.execute("CREATE INDEX ON claimwatch.claim_glass (story)")
    long = "".join(random.Random(1).choices(string.ascii_letters, k=9000))  # random: PostgreSQL compresses
    file = glass.drop("claims/glass/a.csv", csv(f'G1,2026-03-01,1,,,"{long}"', "G2,2026-03-01,1,,,"))

    assert (file["status"], file["rows_loaded"], file["rows_quarantined"]) == ("committed", 1, 1)
    assert "ProgramLimitExceeded" in glass.quarantine(file["file_id"])[1][0]["message"]


def test_rows_that_break_the_code_are_quarantined_and_the_others_loaded(
    glass: Site, reported: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(hashes: KeyedHashes, text: str) -> str:
        raise RecursionError(text)

    monkeypatch.setattr(KeyedHashes, "__missing__", broken)
    text = rows("1").replace("Ann Lee", "").replace("G7,2026-03-01,7,,,", "G7,2026-03-01,7,,Zoe Lee,")
    file = glass.drop("claims/glass/a.csv", text)

    assert (file["status"], file["rows_loaded"], file["rows_quarantined"]) == ("committed", ROWS - 1, 1)
    assert [reason["rule"] for reason in glass.quarantine(file["file_id"])[7]] == ["reader"]
    assert reported
    assert not any("Zoe Lee" in fault for fault in reported)


def test_rows_are_not_separated_for_ever(
    glass: Site, reported: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with glass.database.transaction() as cursor:
        cursor.execute("CREATE INDEX ON claimwatch.claim_glass ((1 / (amount - 4444)))")
    monkeypatch.setattr(load, "MOST_FAULTS", 20)
    file = glass.drop("claims/glass/a.csv", rows("4444", *range(1, ROWS, 2)))

    assert (file["status"], file["rows_read"]) == ("committed", ROWS)
    assert file["rows_loaded"] + file["rows_quarantined"] == ROWS
    assert len(loaded(glass, file["file_id"])) == file["rows_loaded"] > 0
    assert len(reported) < 30


def test_a_file_that_breaks_the_reader_is_refused(
    glass: Site, reported: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise IndexError("Ann Lee")

    monkeypatch.setattr(inspect, "_layout", broken)
    file = glass.drop("claims/glass/a.csv", rows("1"))

    assert file["status"] == "refused"
    assert "this file breaks the reader (IndexError in inspect." in file["error"]
    assert "Ann Lee" not in file["error"]
    assert len(reported) == 1
    assert len(glass.alerts) == 1


def test_a_first_file_that_breaks_the_draft_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr("claimwatch.ingest.drafting.draft_contract", broken)
    assert "MemoryError" in site.drop("claims/new/a.csv", "a,b\n1,2\n")["error"]


@pytest.mark.parametrize(
    "error",
    [
        TransientFault("S3 broke off"),
        ObjectMissing("gone"),
        ClientError({"Error": {"Code": "AccessDenied"}}, "GetObject"),
    ],
)
def test_faults_that_the_content_does_not_cause_pass_the_net(error: Exception) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(type(error)), reader_faults():
        fail()


@pytest.mark.parametrize("error", [RecursionError, UnicodeEncodeError, MemoryError, OSError])
def test_the_net_catches_every_other_error_and_quotes_none(error: Callable[..., Exception]) -> None:
    def fail() -> None:
        raise (
            UnicodeEncodeError("utf-8", "Ann Lee", 0, 1, "Ann Lee")
            if error is UnicodeEncodeError
            else error("Ann Lee")
        )

    with pytest.raises(ReaderFault) as caught, reader_faults():
        fail()
    assert "Ann Lee" not in str(caught.value)
