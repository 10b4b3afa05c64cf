"""Files of a line without a contract wait for one."""

import pytest

from claimwatch.aws.objects import ObjectRef
from claimwatch.errors import RefusedData
from claimwatch.ingest import drafting
from claimwatch.ingest.inspect import inspect
from claimwatch.ingest.replay import resume
from tests.integration.ingest.environment import ARTIFACTS, Site
from tests.integration.ingest.glass import GLASS, csv

CLAIMS = csv(*(f"G{number},2026-03-0{number % 9 + 1},{number},1,Ann Lee,it broke" for number in range(1, 60)))


def test_a_file_without_a_contract_is_parked_with_a_draft_and_one_notification(site: Site) -> None:
    first = site.drop("claims/glass/a.csv", CLAIMS, events=2)
    second = site.drop("claims/glass/b.csv", CLAIMS)

    assert (first["status"], second["status"]) == ("parked", "parked")
    assert f"s3://{ARTIFACTS}/contracts/glass.yaml" in first["error"]
    assert site.objects.exists(ARTIFACTS, "contracts/glass.draft.yaml")
    (alert,) = site.alerts
    assert "line glass has no contract" in alert.subject
    assert f"s3://{ARTIFACTS}/contracts/glass.draft.yaml" in alert.message
    assert "Ann Lee" not in alert.message


def test_the_draft_is_that_of_the_newest_waiting_file(site: Site) -> None:
    site.drop("claims/glass/a.csv", b"wrong,columns\n1,2\n")
    site.drop("claims/glass/b.csv", CLAIMS)

    draft = b"".join(site.objects.read(ObjectRef(ARTIFACTS, "contracts/glass.draft.yaml", "2"))).decode()

    assert "wrong" not in draft
    assert "Ann Lee" not in draft
    assert "classification: personal" in draft
    assert site.confirm("glass", draft).status == "applied"


def test_applying_the_contract_loads_the_waiting_files(site: Site) -> None:
    files = [site.drop(f"claims/glass/{name}.csv", CLAIMS) for name in "ab"]

    applied = site.put_contract("glass", GLASS)

    assert (applied.status, applied.replayed) == ("applied", 2)
    assert [site.file(file["file_id"])["status"] for file in files] == ["committed", "committed"]
    assert len(site.query("SELECT * FROM claimwatch.current_claim_glass")) == 59


def test_a_refused_contract_leaves_files_parked(site: Site) -> None:
    file = site.drop("claims/glass/a.csv", CLAIMS)

    applied = site.put_contract("glass", GLASS.replace("logicalType: date", "logicalType: dat"))

    assert applied.status == "refused"
    assert site.file(file["file_id"])["status"] == "parked"


def test_a_contract_that_arrives_during_parking_still_loads_the_file(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = site.put("claims/glass/a.csv", CLAIMS)
    file_id = site.register(created)
    write_draft = drafting.write_draft

    def slowly(*arguments: object) -> None:
        site.put_contract("glass", GLASS)  # finds no waiting file
        write_draft(*arguments)  # type: ignore[arg-type]

    execution = site.waiting.popleft()
    monkeypatch.setattr(drafting, "write_draft", slowly)
    site.waiting.append(execution)
    site.run()

    assert site.file(file_id)["status"] == "committed"


def test_a_crash_between_beginning_and_starting_an_attempt_strands_no_file(site: Site) -> None:
    file = site.drop("claims/glass/a.csv", CLAIMS)

    class Down:
        def start(self, *_: object) -> None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        resume(site.database, Down(), file["file_id"])
    assert site.file(file["file_id"])["status"] == "received"

    site.put_contract("glass", GLASS)  # the message is delivered again

    assert site.file(file["file_id"])["status"] == "committed"


def test_a_parked_file_is_notified_even_if_the_first_attempt_crashes_before(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    created = site.put("claims/glass/a.csv", CLAIMS)
    file_id = site.register(created)

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Site, "publish", crash)
        with pytest.raises(KeyboardInterrupt):
            inspect(site.inspection, file_id, 1)
    assert site.alerts == []

    assert inspect(site.inspection, file_id, 1)["status"] == "parked"

    assert len(site.alerts) == 1


def test_a_committed_file_is_not_replayed(glass: Site) -> None:
    file = glass.drop("claims/glass/a.csv", CLAIMS)

    with pytest.raises(RefusedData, match="is committed"):
        glass.replay(file["file_id"])
