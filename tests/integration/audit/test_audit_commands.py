"""`claimwatch audit` lists, verifies and exports access events, and each look is an access event itself."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest
from typer.testing import CliRunner, Result

from claimwatch.aws.seal_requests import SealRequests
from claimwatch.storage.connection import StatementRefused
from cli.main import app
from cli.stack import Audit, Stack
from local.filesystem_object_store import FilesystemObjectStore
from tests.integration.audit.record import Record

AUDITOR = "arn:aws:sts::123456789012:assumed-role/Auditor/ada"

LOOKS = """
    INSERT INTO claimwatch.access_event
        (at, actor, via, action, line, object, purpose, reason, request_id, outcome, model_version)
    VALUES
        ('2026-02-27', 'arn:a', 'v1', 'score', 'motor', 'C-1', 'claim_handling', NULL, 'r1', 'answered', '3'),
        ('2026-03-01', 'arn:a', 'v1', 'score', 'motor', 'C-2', 'claim_handling', NULL, 'r2', 'answered', '3'),
        ('2026-03-31 23:59', 'arn:b', 'v1', 'score', 'motor', 'C-1', 'testing', NULL, 'r3', 'answered', '3'),
        ('2026-04-01', 'arn:b', 'v1', 'score', 'motor', 'C-3', 'testing', NULL, 'r4', 'answered', '4'),
        ('2026-04-02', 'eva', 'app', 'claim.read', 'motor', 'C-1', 'complaint_handling', NULL, 'r5',
         'answered', NULL),
        ('2026-04-03', 'max', 'app', 'claim.unmask', 'motor', 'C-1', NULL, 'purpose', 'r6', 'refused', NULL),
        ('2026-04-04', 'eva', 'app', 'claim.read', 'home', '=1+1', 'audit', NULL, 'r7', 'answered', NULL)
"""


class Requests:
    """A queue that counts its messages."""

    def __init__(self) -> None:
        self.sent = 0

    def send(self, messages: list[Mapping[str, Any]], delay_seconds: int | None = None) -> None:
        """Count messages."""
        assert delay_seconds is not None
        assert delay_seconds > 0
        self.sent += len(messages)


class Run(Protocol):
    """Runs the command line."""

    def __call__(self, *arguments: object) -> Result: ...


@pytest.fixture
def requests() -> Requests:
    return Requests()


@pytest.fixture
def run(record: Record, requests: Requests, tmp_path: Path) -> Run:
    def find(_name: str | None, task: str = "read") -> Stack:
        nothing: Any = FilesystemObjectStore(tmp_path / "buckets")
        return Stack(
            "the test's stack",
            record.owner.as_task(task),
            nothing,
            nothing,
            "landing",
            "artifacts",
            audit=lambda: Audit(record.seals, SealRequests(requests), AUDITOR),
        )

    def invoke(*arguments: object) -> Result:
        return CliRunner().invoke(app, ["audit", *map(str, arguments)], obj=find)

    return invoke


def listed(result: Result) -> list[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    events: list[dict[str, Any]] = json.loads(result.stdout)["events"]
    return events


def events(record: Record, action: str) -> list[tuple[Any, ...]]:
    return record.copy(
        f"SELECT actor, via, outcome, purpose, object FROM claimwatch.access_event WHERE action = '{action}'"
    )


def test_who_saw_a_claim_is_one_command(record: Record, run: Run) -> None:
    record.run(LOOKS)
    found = listed(run("list", "--claim", "C-1", "--line", "motor", "--json"))
    assert [(event["actor"], event["action"], event["purpose"], event["outcome"]) for event in found] == [
        ("max", "claim.unmask", None, "refused"),
        ("eva", "claim.read", "complaint_handling", "answered"),
        ("arn:b", "score", "testing", "answered"),
        ("arn:a", "score", "claim_handling", "answered"),
    ]


def test_who_used_a_model_in_a_month_and_for_what_is_one_command(record: Record, run: Run) -> None:
    record.run(LOOKS)
    result = run("list", "--model", "3", "--since", "2026-03", "--until", "2026-03", "--summary", "--json")
    rows = json.loads(result.stdout)["summary"]
    assert [(row["actor"], row["purpose"], row["events"]) for row in rows] == [
        ("arn:a", "claim_handling", 1),
        ("arn:b", "testing", 1),
    ]
    assert "claim_handling" in run("list", "--model", "3", "--summary").stdout


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--actor", "arn:b"), ["r4", "r3"]),
        (("--purpose", "testing"), ["r4", "r3"]),
        (("--line", "home"), ["r7"]),
        (("--since", "2026-04-02", "--until", "2026-04-02"), ["r5"]),
        (("--since", "2026-04-01T12:00:00", "--until", "2026-04-03T00:00:00"), ["r5"]),
        (("--model", "3", "--limit", "1"), ["r3"]),
        (("--claim", "C-9"), []),
    ],
)
def test_events_are_listed_by_any_of_their_fields(
    record: Record, run: Run, options: tuple[str, ...], expected: list[str]
) -> None:
    record.run(LOOKS)
    assert [event["request_id"] for event in listed(run("list", *options, "--json"))] == expected


@pytest.mark.parametrize("options", [("--since", "March"), ("--because", "curiosity"), ("--line", "Motor!")])
def test_what_cannot_be_meant_is_incorrect_usage(run: Run, options: tuple[str, ...]) -> None:
    assert run("list", *options).exit_code == 2


def test_every_look_is_an_event_and_requests_its_seal(
    record: Record, run: Run, requests: Requests, tmp_path: Path
) -> None:
    assert run("list", "--claim", "C-1", "--because", "complaint_handling").exit_code == 0
    assert run("verify").exit_code == 0
    assert run("export", tmp_path / "a.ndjson").exit_code == 0
    asked = '{"claim": "C-1"}'
    assert events(record, "audit.list") == [(AUDITOR, "cli", "answered", "complaint_handling", asked)]
    assert events(record, "audit.verify") == [(AUDITOR, "cli", "answered", "audit", None)]
    assert events(record, "audit.export") == [(AUDITOR, "cli", "answered", "audit", None)]
    assert requests.sent == 3
    manifest = json.loads((tmp_path / "a.ndjson.manifest.json").read_text())
    assert manifest["exported_by"] == AUDITOR


def test_the_login_of_the_command_line_adds_no_other_events_and_changes_none(record: Record) -> None:
    columns = "actor, via, action, purpose, outcome"
    for statement in (
        f"INSERT INTO claimwatch.access_event ({columns}) VALUES ('x', 'v1', 'score', 'audit', 'answered')",
        "UPDATE claimwatch.access_event SET actor = 'x'",
        "DELETE FROM claimwatch.access_event",
        "DELETE FROM claimwatch.audit_seal",
        "SELECT FROM claimwatch.claim_motor",
    ):
        with pytest.raises(StatementRefused), record.owner.as_task("audit").transaction() as cursor:
            cursor.execute(statement)


def test_a_record_that_is_as_written_is_verified(record: Record, run: Run) -> None:
    record.add(25)
    record.seal()
    result = run("verify")
    assert result.exit_code == 0
    assert "26 events: 25 agree with 3 seals, 1 is not sealed yet." in result.stdout
    described = json.loads(run("verify", "--json").stdout)
    assert (described["agrees"], described["first"], described["unsealed"]) == (True, None, 2)


def test_the_first_event_that_differs_is_named_and_the_exit_code_says_so(record: Record, run: Run) -> None:
    record.add(25)
    record.seal()
    record.run("UPDATE claimwatch.access_event SET actor = 'x' WHERE seq IN (9, 23)")
    record.run("DELETE FROM claimwatch.access_event WHERE seq = 12")
    result = run("verify")
    assert result.exit_code == 1
    assert "event 9 was altered" in result.stdout
    assert "event 12 was deleted" in result.stdout
    described = json.loads(run("verify", "--json").stdout)
    assert described["first"]["seq"] == 9
    assert described["counts"] == {"event_altered": 2, "event_deleted": 1}


def test_a_restore_fails_until_somebody_says_that_it_is_known(record: Record, run: Run) -> None:
    record.add(25)
    record.seal()
    record.run("DELETE FROM claimwatch.audit_seal WHERE number > 1")
    record.run("DELETE FROM claimwatch.access_event WHERE seq > 15")
    record.add(1)
    assert record.seal().restored
    assert run("verify").exit_code == 1
    known = run("verify", "--known-restore", 4)
    assert known.exit_code == 0
    assert "restored" in known.stdout
    record.run("UPDATE claimwatch.access_event SET actor = 'x' WHERE seq = 3")
    assert run("verify", "--known-restore", 4).exit_code == 1


# -- Exports -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ndjson", "csv"])
def test_an_export_is_verified_without_the_stack(record: Record, run: Run, tmp_path: Path, kind: str) -> None:
    record.run(LOOKS)
    record.add(20)
    record.seal()
    file = tmp_path / f"events.{kind}"
    exported = json.loads(run("export", file, "--json").stdout)
    assert (exported["events"], exported["seals"]) == (28, 3)
    verified = CliRunner().invoke(app, ["audit", "verify", "--export", str(file), "--json"], obj=None)
    described = json.loads(verified.stdout)
    assert (verified.exit_code, described["verified"], described["unsealed"]) == (0, 27, 1)
    assert described["newest_seal_sha256"] == exported["newest_seal_sha256"]


@pytest.mark.parametrize("kind", ["ndjson", "csv"])
def test_whatever_is_changed_in_an_export_is_named(
    record: Record, run: Run, tmp_path: Path, kind: str
) -> None:
    record.run(LOOKS)
    record.seal()
    file = tmp_path / f"events.{kind}"
    assert run("export", file).exit_code == 0
    content = file.read_text()
    assert content.count("complaint_handling") == 1

    def verified(changed: str) -> dict[str, Any]:
        file.write_text(changed)
        result = run("verify", "--export", file, "--json")
        described: dict[str, Any] = json.loads(result.stdout)
        assert (result.exit_code, described["agrees"]) == (1, False)
        return described

    altered = verified(content.replace("complaint_handling", "claim_handling"))
    assert (altered["first"]["kind"], altered["first"]["seq"]) == ("event_altered", 5)
    lines = content.splitlines(keepends=True)
    without = verified("".join(line for line in lines if "C-3" not in line))
    assert (without["first"]["kind"], without["first"]["seq"]) == ("event_deleted", 4)


def test_changed_seals_of_an_export_are_named(record: Record, run: Run, tmp_path: Path) -> None:
    record.add(30)
    record.seal()
    file = tmp_path / "events.ndjson"
    assert run("export", file).exit_code == 0
    seals = file.with_name("events.ndjson.seals.ndjson")
    lines = seals.read_bytes().splitlines(keepends=True)
    seals.write_bytes(lines[0] + lines[2])
    described = json.loads(run("verify", "--export", file, "--json").stdout)
    assert {finding["kind"] for finding in described["findings"]} == {"seal_missing", "seal_changed"}


def test_an_export_for_a_spreadsheet_computes_nothing(record: Record, run: Run, tmp_path: Path) -> None:
    record.run(LOOKS)
    assert run("export", tmp_path / "events.csv").exit_code == 0
    assert '"\'=1+1"' in (tmp_path / "events.csv").read_text()


def test_an_export_overwrites_nothing_and_has_a_known_format(run: Run, tmp_path: Path) -> None:
    (tmp_path / "events.csv.seals.ndjson").touch()
    assert run("export", tmp_path / "events.csv").exit_code == 1
    assert run("export", tmp_path / "events.xlsx").exit_code == 1
    (tmp_path / "notes.csv").write_text("a,b\n")
    assert run("verify", "--export", tmp_path / "notes.csv").exit_code == 1


def test_a_record_without_a_seal_is_not_called_verified(record: Record, run: Run) -> None:
    record.run(LOOKS)

    result = run("verify")

    assert result.exit_code == 0
    assert "Nothing is verified, because no event is sealed yet" in result.stderr
    assert "as it was written" not in result.output
