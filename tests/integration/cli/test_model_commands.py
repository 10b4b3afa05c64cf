"""Commands for models, as a data scientist, an auditor and an investigator use them."""

import hashlib
import webbrowser
from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from claimwatch.models import promote, trainings
from claimwatch.models.approve_exception import ExceptionRequest, approve_exception
from cli.main import app
from cli.stack import Stack
from tests.cluster import ClonedDatabase
from tests.integration.cli.conftest import answer
from tests.integration.ingest.environment import Site
from tests.integration.ingest.glass import GLASS
from tests.integration.models.environment import APPROVER, CALLER, LINE, ModelEnvironment
from tests.integration.models.test_trainings import FakeInstances


class Desk:
    """The command line with a stack whose functions run in this process."""

    def __init__(self, environment: ModelEnvironment) -> None:
        self.environment = environment
        self.end: tuple[trainings.End, str | None] | None = None

    def run(self, *words: object) -> Result:
        site = self.environment.site
        stack = Stack(
            "the test's stack",
            site.database.as_task("read"),
            site.objects,
            site,
            "landing",
            "artifacts",
            self._start_training,
            self._promote,
            self.environment,
            approve_exception=self._approve,
        )
        return CliRunner().invoke(
            app, [str(word) for word in words], obj=lambda _: stack, catch_exceptions=False
        )

    def _start_training(self, event: Mapping[str, Any]) -> dict[str, Any]:
        site = self.environment.site
        request = trainings.TrainingRequest.parse(event)
        assert request.training_id is not None
        started = trainings.start_training(
            trainings.Dependencies(
                site.database.as_task("dispatch"), FakeInstances(), site, timedelta(hours=1)
            ),
            request.training_id,
            request,
            CALLER,
        )
        if self.end:
            end, error = self.end
            if end == "registered":
                self.environment.register(started.version)
            trainings.end_training(site.database.as_task("training"), site, started.training_id, end, error)
        return {}

    def _promote(self, event: Mapping[str, Any]) -> dict[str, Any]:
        change = promote.ModelChange.parse(event)
        request = promote.Request(
            change.request_id or "", change.by, change.why, CALLER, change.as_of, change.trust
        )
        deps = self.environment.promoting
        if change.version is None:
            return asdict(promote.rollback(deps, request, change.line))
        return asdict(promote.promote(deps, request, change.line, change.version, change.role))

    def _approve(self, event: Mapping[str, Any]) -> dict[str, Any]:
        request = ExceptionRequest.parse(event)
        database = self.environment.site.database.as_task("approval")
        return asdict(approve_exception(database, request, request.request_id or "", APPROVER))


@pytest.fixture
def desk(database: ClonedDatabase, tmp_path: Path) -> Desk:
    site = Site.below(database, tmp_path / "buckets")
    assert site.put_contract("glass", GLASS).status == "applied"
    return Desk(ModelEnvironment(site))


def test_waiting_for_a_training_returns_its_version_and_metrics(desk: Desk) -> None:
    desk.end = ("registered", None)

    result = answer(desk.run("train", LINE, "--why", "drift", "--wait", "--json"))

    assert (result["version"], result["status"], result["metrics"]) == ("1", "registered", {"roc_auc": 0.9})


@pytest.mark.parametrize("end", ["refused", "failed"])
def test_an_unsuccessful_training_exits_with_1_and_the_reason(desk: Desk, end: trainings.End) -> None:
    desk.end = (end, "it leaks")

    result = desk.run("train", LINE, "--why", "drift", "--wait")

    assert result.exit_code == 1
    assert "it leaks" in result.stdout


def test_without_wait_the_training_runs_in_the_background(desk: Desk) -> None:
    assert answer(desk.run("train", LINE, "--why", "drift", "--json"))["status"] == "running"

    refused = desk.run("train", LINE, "--why", "again")

    assert refused.exit_code == 1
    assert "already being trained" in refused.stderr


def test_trainings_without_a_model_are_listed_newest_first_with_their_full_reason(desk: Desk) -> None:
    desk.end = ("registered", None)
    desk.run("train", LINE, "--why", "the first")
    reason = "the training split has 90 claims with an outcome, 4 of them frauds; " + "it needs more. " * 40
    for desk.end in (("refused", reason.strip()), ("failed", "the instance was taken away")):
        desk.run("train", LINE, "--why", "again", "--as-of", "2026-03-31", "--trust", "amount", "--wait")
    with desk.environment.site.database.transaction() as cursor:
        cursor.execute(
            "UPDATE claimwatch.training SET ended_at = ended_at + version::integer * interval '1 h'"
        )

    listed = answer(desk.run("models", LINE, "--json"))
    text = desk.run("models", LINE).stdout

    assert [model["version"] for model in listed["models"]] == ["1"]
    without = listed["trainings_without_model"]
    assert [(entry["version"], entry["status"], entry["error"]) for entry in without] == [
        ("3", "failed", "the instance was taken away"),
        ("2", "refused", reason.strip()),
    ]
    assert {(entry["as_of"], *entry["trusted"]) for entry in without} == {("2026-03-31", "amount")}
    assert [line.split()[:2] for line in text.splitlines()[1:4]] == [
        ["3", "failed"],
        ["2", "refused"],
        ["1", "registered"],
    ]
    assert reason.strip() in " ".join(text.split())
    assert max(map(len, text.splitlines())) <= 200
    assert "back-test as of 2026-03-31" in text
    assert "kept although they look like a leak: amount" in text


def test_the_history_says_that_a_promoted_model_is_from_a_back_test(desk: Desk) -> None:
    desk.environment.register("1", as_of=date(2026, 3, 31))

    refused = desk.run("promote", LINE, 1, "--as", "champion", "--why", "w")
    desk.run("promote", LINE, 1, "--as", "champion", "--why", "w", "--as-of", "2026-03-31")

    assert (refused.exit_code, "--as-of 2026-03-31" in refused.stderr) == (1, True)
    assert "from a back-test: it knows nothing after 2026-03-31" in desk.run("history", LINE).stdout
    [entry] = answer(desk.run("history", LINE, "--json"))["promotions"]
    assert entry["as_of"] == "2026-03-31"


def test_an_exception_is_approved_and_shown_with_the_model_and_in_the_history(desk: Desk) -> None:
    desk.environment.register("1", refused_because="bias: women 1.4", failed_gates=["bias"])
    advice = f'claimwatch approve {LINE} 1 --exception bias --why "..."'
    assert advice in " ".join(desk.run("models", LINE).stdout.split())

    approve = ("approve", LINE, 1, "--exception", "bias", "--why", "the law allows it", "--by", "rita")
    approved = desk.run(*approve)
    again = answer(desk.run(*approve, "--json"))
    promoted = desk.run("promote", LINE, 1, "--as", "champion", "--why", "w")

    assert (approved.exit_code, promoted.exit_code) == (0, 0), approved.output + promoted.output
    assert (again["changed"], again["bundle_sha256"]) == (False, "111")
    for text in (desk.run("models", LINE).stdout, desk.run("history", LINE).stdout, promoted.stdout):
        seen = " ".join(text.split())
        assert f"rita ({APPROVER})" in seen
        assert "the law allows it" in seen
    [model] = answer(desk.run("models", LINE, "--json"))["models"]
    [entry] = answer(desk.run("history", LINE, "--json"))["promotions"]
    assert model["excepted"] == entry["excepted"]
    assert (entry["excepted"]["gate"], entry["excepted"]["caller"]) == ("bias", APPROVER)


def test_an_exception_to_another_gate_is_incorrect_usage(desk: Desk) -> None:
    assert desk.run("approve", LINE, 1, "--exception", "leak", "--why", "w").exit_code == 2


def test_trust_in_a_column_is_asked_for_and_shown_in_the_history(desk: Desk) -> None:
    desk.environment.register("1", warnings=[{"kind": "disparity", "column": "panes", "found": "it is age"}])

    refused = desk.run("promote", LINE, 1, "--as", "champion", "--why", "w")
    promoted = desk.run("promote", LINE, 1, "--as", "champion", "--why", "w", "--trust", "panes")

    assert (refused.exit_code, promoted.exit_code) == (1, 0), promoted.output
    assert "--as champion --trust panes" in refused.stderr
    assert "Promoted in spite of warnings about: panes." in desk.run("history", LINE).stdout
    assert answer(desk.run("history", LINE, "--json"))["promotions"][0]["trusted"] == ["panes"]


def test_the_columns_that_a_training_refused_are_shown_with_their_reasons(desk: Desk) -> None:
    desk.environment.register("1", refused_columns={"paid": "it tells fraud from other claims without error"})

    text = " ".join(desk.run("models", LINE).stdout.split())

    assert "column paid is not used: it tells fraud from other claims without error" in text
    [model] = answer(desk.run("models", LINE, "--json"))["models"]
    assert list(model["refused_columns"]) == ["paid"]


def test_equal_models_are_recognised_in_the_list(desk: Desk) -> None:
    for version, served in (("1", "same"), ("2", "other"), ("3", "same")):
        desk.environment.register(version, served_sha256=served)

    text = " ".join(desk.run("models", LINE).stdout.split())

    assert text.count("equal to model") == 1
    assert "Model 3 equal to model 1: every claim gets the same score" in text


def test_the_history_lists_promotions_and_rollbacks(desk: Desk) -> None:
    for version in "12":
        desk.environment.register(version)

    for words in (("promote", LINE, 1), ("promote", LINE, 2)):
        result = desk.run(*words, "--as", "champion", "--why", f"better than {words[2]}", "--by", "bob")
        assert result.exit_code == 0, result.output
    assert answer(desk.run("rollback", LINE, "--why", "too many", "--by", "eve", "--json"))["version"] == "1"

    result = answer(desk.run("history", LINE, "--json"))
    assert result["live"] == {"champion": "1"}
    assert [(entry["action"], entry["version"], entry["by"]) for entry in result["promotions"]] == [
        ("rollback", "1", "eve"),
        ("promote", "2", "bob"),
        ("promote", "1", "bob"),
    ]
    assert "too many" in desk.run("history", LINE).stdout
    assert answer(desk.run("history", LINE, "--on", "2020-01-01", "--json"))["live"] == {}
    listed = answer(desk.run("models", LINE, "--json"))["models"]
    assert {model["version"]: model["role"] for model in listed} == {"1": "champion", "2": None}
    assert "champion" in desk.run("models", LINE).stdout


def test_warnings_of_a_training_are_shown_with_its_model(desk: Desk) -> None:
    warning = {"kind": "strong_feature", "column": "amount", "found": "alone it has a ROC-AUC of 0.952"}
    desk.environment.register("1", warnings=[warning])
    desk.environment.register("2")

    listed = answer(desk.run("models", LINE, "--json"))["models"]
    assert {model["version"]: model["warnings"] for model in listed} == {"1": [warning], "2": []}
    shown = desk.run("models", LINE)
    assert "column amount: alone it has a ROC-AUC of 0.952" in " ".join(shown.output.split())


def test_an_impossible_promotion_is_refused_with_a_reason(desk: Desk) -> None:
    result = desk.run("promote", LINE, 9, "--as", "champion", "--why", "w")

    assert result.exit_code == 1
    assert "no model 9" in result.stderr


AUDITED = {"f7", "f17", "f27"}
REFERRED = {"f2", "f17", "f20", "f21"}


@pytest.fixture
def reviewers(desk: Desk) -> Desk:
    """The desk with 30 scored claims: four are referred, three in the random audit, one in both."""
    desk.environment.register("1")
    desk.environment.promote("1")
    amounts = [4100 + number if f"f{number}" in REFERRED else 10 * number for number in range(30)]
    desk.environment.score(desk.environment.drop(*amounts)["file_id"])
    return desk


def test_the_work_list_has_referrals_and_audit_and_does_not_say_which_are_which(reviewers: Desk) -> None:
    listed = answer(reviewers.run("referrals", LINE, "--json"))

    assert {claim["claim_id"] for claim in listed["referrals"]} == AUDITED | REFERRED
    assert listed["total"] == 6
    assert all(claim.keys() == {"claim_id", "received_at", "file_id"} for claim in listed["referrals"])
    text = reviewers.run("referrals", LINE).stdout
    assert all(claim_id in text for claim_id in AUDITED | REFERRED)
    assert "0.8" not in text


def test_the_order_of_the_work_list_is_the_same_each_time_and_independent_of_the_score(
    reviewers: Desk,
) -> None:
    def order(*options: str) -> list[str]:
        listed = answer(reviewers.run("referrals", LINE, "--json", *options))["referrals"]
        return [claim["claim_id"] for claim in listed]

    first = order()
    assert first == order()
    assert first[:2] == order("--limit", "2")
    hashes = [hashlib.md5(claim_id.encode(), usedforsecurity=False).hexdigest() for claim_id in first]
    assert hashes == sorted(hashes)
    # The next day comes after all claims of this day, however suspicious its claims are.
    reviewers.environment.site.hours += 24
    reviewers.environment.score(reviewers.environment.drop(10, 4900, name="next")["file_id"])
    assert order() == [*first, "next1"]


def test_revealed_the_most_suspicious_come_first_with_reasons(reviewers: Desk) -> None:
    listed = answer(reviewers.run("referrals", LINE, "--json", "--reveal"))["referrals"]

    assert [claim["claim_id"] for claim in listed] == ["f21", "f20", "f17", "f2", "f27", "f7"]
    assert [claim["because"] for claim in listed] == [
        *(["referral"], ["referral"], ["referral", "audit"], ["referral"]),
        *(["audit"], ["audit"]),
    ]
    assert listed[0]["reasons"] == [{"feature": "amount", "value": 4121.0}]
    assert "audit" in reviewers.run("referrals", LINE, "--reveal").stdout


def test_an_exported_work_list_is_a_file_of_outcomes_to_fill_in(reviewers: Desk, tmp_path: Path) -> None:
    path = tmp_path / "work.csv"

    exported = answer(reviewers.run("referrals", LINE, "--export", path, "--json"))

    assert exported["exported"] == str(path)
    lines = path.read_text("utf-8").splitlines()
    assert lines[0] == "claim_id,is_fraud,decided_at,decided_by,source"
    decided = [line.replace(",,,,", ",false,2026-03-20,eve,review") for line in lines[1:3]]
    site = reviewers.environment.site
    file = site.drop(f"outcomes/{LINE}/work.csv", "\n".join([lines[0], *decided]) + "\n")
    assert (file["status"], file["rows_loaded"]) == ("committed", 2)
    assert answer(reviewers.run("referrals", LINE, "--json"))["total"] == 4
    assert answer(reviewers.run("referrals", LINE, "--json", "--decided"))["total"] == 6


def test_an_export_never_overwrites_a_work_list(reviewers: Desk, tmp_path: Path) -> None:
    path = tmp_path / "work.csv"
    path.write_text("filled in", "utf-8")

    refused = reviewers.run("referrals", LINE, "--export", path, "--reveal")

    assert refused.exit_code == 1
    assert "exists already" in refused.stderr
    assert path.read_text("utf-8") == "filled in"


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_file_that_cannot_be_written_is_named(
    reviewers: Desk, tmp_path: Path, options: tuple[str, ...]
) -> None:
    path = tmp_path / "missing" / "work.csv"

    result = reviewers.run("referrals", LINE, "--export", path, *options)

    assert result.exit_code == 1
    assert f"{path} cannot be used: no such file or directory" in result.stderr.replace("\n", "")


def test_scoring_stored_claims_needs_a_champion(desk: Desk) -> None:
    assert desk.run("score", LINE).exit_code == 1
    desk.environment.register("1")
    desk.environment.promote("1")

    result = answer(desk.run("score", LINE, "--since", "2026-03-02", "--json"))

    assert result["since"].startswith("2026-03-02")
    [(line, _, since, only_unscored)] = desk.environment.backfills
    assert (line, str(since), only_unscored) == (LINE, "2026-03-02 00:00:00+00:00", False)


def test_the_card_of_a_model_is_fetched_and_opened(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.environment.register("1")
    missing = desk.run("card", LINE, "1")
    assert (missing.exit_code, "the card no longer exists" in missing.stderr) == (1, True)
    desk.environment.site.objects.write("artifacts", f"models/{LINE}/1/card.html", [b"<h1>Card</h1>"])
    opened: list[str] = []

    def browser(address: str) -> bool:
        opened.append(address)
        return True

    monkeypatch.setattr(webbrowser, "open", browser)

    file = Path(desk.run("card", LINE, "1").stdout.strip())
    assert file.read_bytes() == b"<h1>Card</h1>"
    assert opened == [file.as_uri()]

    saved = answer(desk.run("card", LINE, "1", "--save", tmp_path / "card.html", "--json"))
    assert saved["file"] == str(tmp_path / "card.html")
    assert "exists: choose another name" in desk.run("card", LINE, "1", "--save", saved["file"]).stderr
    assert f"`claimwatch models {LINE}` lists its models" in desk.run("card", LINE, "2").stderr
    assert len(opened) == 1
