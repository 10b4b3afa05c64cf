"""Side files of tools alert nobody, and stay in the ledger."""

import pytest

from claimwatch.domain.files.side_files import is_side_photo, side_file_of
from claimwatch.storage import ledger
from tests.integration.ingest.environment import Site
from tests.integration.ingest.glass import csv

ROW = "G1,2026-03-01,1,2,Jane Roe,x"
SIDE_FILES = [
    "_SUCCESS",
    "_committed_1234567890",
    "_started_1234567890",
    "_metadata",
    "_common_metadata",
    ".part-00000-7f1c.snappy.parquet.crc",
    ".DS_Store",
    "._claims.csv",
    "Thumbs.db",
    "desktop.ini",
    "__MACOSX/._claims.csv",
    "__MACOSX/claims.csv",
    ".hive-staging_hive_2026-03-02_09-00-00_000_1-1/part-0.csv",
    "_temporary/0/task_1/part-00000.csv",
    "_delta_log/00000000000000000000.json",
    "claims.csv.part",
    "claims.csv.filepart",
    "claims.csv.tmp",
    "claims.csv._COPYING_",
    "out_$folder$",
    "manifest",
    "claims.manifest",
    "claims.csv.md5",
    "claims.csv.sha256",
    "12345678-1234-1234-1234-123456789abc.csv.metadata",
    "~$claims.xlsx",
    ".~lock.claims.csv#",
    "metadata/version-hint.text",
    "metadata/v3.metadata.json",
    "metadata/00003-12345678-1234-1234-1234-123456789abc.metadata.json",
    "metadata/snap-123456789-1-12345678-1234-1234-1234-123456789abc.avro",
    "hive/dt=2026-03-01-01-00/symlink.txt",
    "aws-programmatic-access-test-object",
]
DATA = [
    "_claims.csv",
    ".claims.csv",
    "_SUCCESS.csv",
    "metadata.csv",
    "manifest.csv",
    "part-00000",
    "claims.part1",
    "_temporary_claims.csv",
    "tmp/claims.csv",
    "claims.metadata.json",
    "metadata/part-0.csv",
    "claims.ok",
    "1",
]


@pytest.mark.parametrize("contract", [True, False], ids=["with a contract", "without a contract"])
def test_side_files_alert_nobody_and_leave_no_draft_but_a_row_in_the_ledger(
    contract: bool, site: Site, glass: Site
) -> None:
    line = "glass" if contract else "unknown"
    for number, name in enumerate(SIDE_FILES):
        file = glass.drop(f"claims/{line}/{number}/{name}", csv(ROW), events=2)
        assert (file["status"], file["side_file"], file["line"]) == ("refused", True, line), name
        assert "the name is that of a side file of" in file["error"]
        assert "drop it under another name" in file["error"]

    assert glass.alerts == []
    assert glass.started == {}
    assert not glass.objects.exists("artifacts", f"contracts/{line}.draft.yaml")
    with site.database.transaction() as cursor:
        assert ledger.list_files(cursor, line=line) == []
        assert len(ledger.list_files(cursor, line=line, side_files=True)) == len(SIDE_FILES)
        assert ledger.count_side_files(cursor, line=line) == len(SIDE_FILES)


@pytest.mark.parametrize(
    "key", [".DS_Store", "claims/.DS_Store", "claims/_SUCCESS", "claims/No Line/Thumbs.db"]
)
def test_a_side_file_without_a_line_alerts_nobody(key: str, glass: Site) -> None:
    file = glass.drop(key, b"\0\0\0\1Bud1")
    assert (file["status"], glass.alerts) == ("refused", [])


@pytest.mark.parametrize("name", DATA)
def test_data_is_read_whatever_its_name_begins_with(name: str, glass: Site) -> None:
    file = glass.drop(f"claims/glass/{name}", csv(ROW))
    assert (file["status"], file["rows_loaded"], file["side_file"]) == ("committed", 1, False)


def test_data_that_cannot_be_read_is_notified_whatever_its_name_begins_with(glass: Site) -> None:
    file = glass.drop("claims/glass/_claims.csv", b"")
    assert file["status"] == "refused"
    assert len(glass.alerts) == 1


def test_only_empty_signals_are_side_files() -> None:
    assert side_file_of("claims/glass/claims.csv.done", 0)
    assert not side_file_of("claims/glass/claims.csv.done", 7)


def test_a_line_may_have_the_name_of_a_folder_of_a_tool() -> None:
    assert not side_file_of("claims/_temporary/a.csv", 7)


def test_of_photos_only_side_files_of_operating_systems_are_ignored() -> None:
    for name in (".DS_Store", "._IMG_1.jpg", "Thumbs.db", "__MACOSX/IMG_1.jpg", "desktop.ini"):
        assert is_side_photo(f"images/E-1/{name}"), name
    for name in ("IMG_1.jpg", "_IMG_1.jpg", ".IMG_1.jpg", "IMG_1.jpg.tmp", "manifest"):
        assert not is_side_photo(f"images/E-1/{name}"), name
