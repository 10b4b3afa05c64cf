"""Every key that S3 allows is registered: as a file that is loaded, or as one that is refused."""

from dataclasses import replace

import pytest

from claimwatch.aws.objects import ObjectRef
from tests.integration.ingest.environment import Site
from tests.integration.ingest.glass import csv


@pytest.mark.parametrize(
    "key", ["claims/glass/a\0.csv", "claims/gl\0ass/a.csv", "\0", "outcomes\0/glass/a.csv"]
)
def test_a_key_with_nul_is_registered_as_refused(glass: Site, key: str) -> None:
    created = glass.put("claims/glass/a.csv", csv())
    file_id = glass.register(replace(created, ref=ObjectRef(created.ref.bucket, key, "1")))
    file = glass.file(file_id)
    assert file["status"] == "refused"
    assert file["error"] == "the key contains a NUL character: drop the file again under another key"
    assert file["key"] == key.replace("\0", "\ufffd")
    assert glass.waiting == type(glass.waiting)()
    assert len(glass.alerts) == 1


@pytest.mark.parametrize("folder", ["Glass", "GLASS", " glass"])
def test_a_file_in_a_folder_in_capitals_is_refused_without_quoting_it(glass: Site, folder: str) -> None:
    file = glass.drop(f"claims/{folder}/a.csv", csv())
    assert file["status"] == "refused"
    assert "; written in lower case, with _ for blanks, hyphens and dots, it is valid" in file["error"]
    (alert,) = glass.alerts
    assert folder not in file["error"] + alert.message


@pytest.mark.parametrize("line", ["\x1b[2Jmotor", "mo\u202etor", "m" * 900, "mo\ntor", "\x9b"])
def test_the_reason_against_a_key_is_printable_and_short(glass: Site, line: str) -> None:
    created = glass.put("claims/glass/a.csv", csv())
    key = f"claims/{line}/a.csv"
    file = glass.file(glass.register(replace(created, ref=ObjectRef(created.ref.bucket, key, "1"))))
    assert file["status"] == "refused"
    assert file["error"].isprintable()
    assert len(file["error"]) <= 500
    assert "is not a valid name of a line" in file["error"]
