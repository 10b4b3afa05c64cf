"""Commands about sources, against buckets in a folder and a check that a test answers."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import pytest
from typer.testing import CliRunner, Result

from claimwatch.domain.contract.parse import parse_contract
from claimwatch.domain.sources.parse import parse_source
from claimwatch.errors import RefusedData
from claimwatch.storage import contracts, source_overview
from cli import sources
from cli.main import app
from cli.stack import Sources, Stack
from local.filesystem_object_store import FilesystemObjectStore

PROJECT = Path(__file__).resolve().parents[3]
CALLER = "arn:aws:sts::123456789012:assumed-role/engineer/ann"

TEXT = """\
# Policies are in Leeds.
kind: postgresql
line: motor
table: claims.motor_claim
key: [claim_id]
schedule: rate(15 minutes)  # every quarter
secret: claimwatch/prod/sources/policies
"""

CONTRACT = """
apiVersion: v3.1.0
kind: DataContract
id: motor
version: 1.0.0
status: active
customProperties: [{property: line, value: motor}]
schema:
  - name: claim_motor
    physicalType: table
    properties:
      - name: claim_id
        logicalType: string
        required: true
        unique: true
        customProperties: [{property: role, value: identifier}]
      - name: lost_on
        logicalType: date
        required: true
        customProperties: [{property: role, value: event_time}]
      - name: amount
        logicalType: number
        customProperties: [{property: role, value: feature}]
"""


def now() -> datetime:
    """Return the time; the tests of a long run begin long after this module was imported."""
    return datetime.now(UTC)


def columns(*names: str) -> dict[str, Any]:
    return {
        "columns": [{"name": name, "type": "text"} for name in names],
        "rows": [["A-99"] * len(names)],
        "draft": "draft: true\n",
        "remark": None,
    }


class NoDatabase:
    """Stands for the database of a stack whose queries a test answers itself."""

    def transaction(self) -> Self:
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@dataclass
class FakePulls:
    """Pulls that end at once."""

    ends_as: str = "SUCCEEDED"
    started: list[tuple[str, bool]] = field(default_factory=list)

    def start(self, source: str, _request_id: str, *, from_start: bool) -> str:
        self.started.append((source, from_start))
        return f"arn:{source}"

    def status(self, _execution: str) -> str:
        return self.ends_as


@dataclass
class FakeStack:
    """A stack that applies every source at once, and pulls without bringing a row."""

    folder: Path
    answer: Callable[[Mapping[str, Any]], dict[str, Any]] = lambda _: columns("claim_id", "lost_on", "amount")
    contract: str | None = CONTRACT
    refusal: str | None = None
    pulls: FakePulls = field(default_factory=FakePulls)
    asked: list[Mapping[str, Any]] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    seen: list[dict[str, Any]] = field(default_factory=list)
    """What the list of sources shows next, before it shows what is stored."""

    def __post_init__(self) -> None:
        self.objects = FilesystemObjectStore(self.folder)

    def text(self, name: str = "policies") -> str:
        return self.objects.newest("artifacts", f"sources/{name}.yaml").decode()

    def run(self, *arguments: object) -> Result:
        stack = Stack(
            "the test's stack",
            NoDatabase(),  # type: ignore[arg-type]
            self.objects,
            None,  # type: ignore[arg-type]
            "landing",
            "artifacts",
            sources=lambda: Sources(self._check, self.pulls, self.removed.append, CALLER),
        )
        words = [str(argument) for argument in arguments]
        return CliRunner().invoke(app, words, obj=lambda _: stack, catch_exceptions=False)

    def _check(self, event: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append(event)
        return self.answer(event)

    # -- what the database would answer ------------------------------------------------------------------

    def find_version(self, *_: object) -> tuple[str, str | None]:
        return ("refused", self.refusal) if self.refusal else ("applied", None)

    def list_sources(self, _cursor: object, source: str | None = None) -> list[dict[str, Any]]:
        names = [source] if source else ["policies"]
        return [
            stored(name, self.text(name), **(self.seen.pop(0) if self.seen else {}))
            for name in names
            if self.objects.exists("artifacts", f"sources/{name}.yaml")
        ]

    def is_running(self, _cursor: object, source: str) -> bool:
        return f"sources/{source}.yaml" not in self.removed


def stored(name: str, text: str, **other: Any) -> dict[str, Any]:
    source = parse_source(text, name)
    return {
        "source": name,
        "kind": str(source.kind),
        "line": source.line,
        "text": text,
        "paused": source.paused,
        "applied_at": now() - timedelta(days=1),
        "looked_at": now() - timedelta(minutes=4),
        "rows_at": now() - timedelta(minutes=4),
        "failing_since": None,
        "error": None,
        "pulling": False,
        "window": 3,
        "window_rows": 120,
        "window_at": now() - timedelta(minutes=4),
        "rows": 4_120,
        "objects": 2,
        "deletions": 0,
        "refused": None,
        **other,
    }


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeStack:
    fake = FakeStack(tmp_path / "buckets")
    for name in ("find_version", "list_sources", "is_running"):
        monkeypatch.setattr(source_overview, name, getattr(fake, name))
    monkeypatch.setattr(
        contracts, "running", lambda *_: fake.contract and parse_contract(fake.contract, "motor")
    )
    return fake


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "policies.yaml"
    path.write_text(TEXT)
    return path


# -- check ---------------------------------------------------------------------------------------------------


def test_a_check_shows_columns_and_shapes_and_pulls_nothing(stack: FakeStack, file: Path) -> None:
    result = stack.run("source", "check", file)
    assert result.exit_code == 0, result.output
    assert "claim_id" in result.stdout
    assert "A-99" in result.stdout
    assert "can be pulled in mode horizon; its login may not write" in result.stdout
    assert "The columns fit contract 1.0.0 of line motor" in result.stderr
    assert stack.asked == [{"source": "policies", "text": TEXT}]
    assert stack.pulls.started == []


def test_a_check_compares_the_columns_with_the_contract(stack: FakeStack, file: Path) -> None:
    stack.answer = lambda _: columns("Claim-ID", "lost_on", "agent")
    result = stack.run("source", "check", file)
    assert result.exit_code == 0
    assert "Not in the source: amount." in result.stderr
    assert "Stored in 'extra': agent." in result.stderr
    described = json.loads(stack.run("source", "check", file, "--json").stdout)["contract"]
    assert (described["missing"], described["extra"]) == (["amount"], ["agent"])


def test_a_source_without_a_required_column_fails_the_check(stack: FakeStack, file: Path) -> None:
    stack.answer = lambda _: columns("claim_id", "amount")
    result = stack.run("source", "check", file)
    assert result.exit_code == 1
    assert "would refuse every file" in result.stderr
    assert "lost_on" in result.stderr
    refused = stack.run("source", "put", file)
    assert refused.exit_code == 1
    assert "every file of the source would be refused" in refused.stderr
    assert not stack.objects.exists("artifacts", "sources/policies.yaml")


def test_a_refusal_inside_the_network_is_a_sentence(stack: FakeStack, file: Path) -> None:
    def refuse(_: Mapping[str, Any]) -> dict[str, Any]:
        raise RefusedData("the login may change claims.motor_claim: GRANT it SELECT only")

    stack.answer = refuse
    for command in ("check", "put"):
        result = stack.run("source", command, file)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "GRANT it SELECT only" in result.stderr
    assert not stack.objects.exists("artifacts", "sources/policies.yaml")


def test_a_draft_is_written_for_a_line_without_a_contract(
    stack: FakeStack, file: Path, tmp_path: Path
) -> None:
    stack.contract = None
    assert "--draft FILE writes a drafted one" in stack.run("source", "check", file).stderr
    draft = tmp_path / "motor-draft.yaml"
    assert stack.run("source", "check", file, "--draft", draft).exit_code == 0
    assert draft.read_text() == "draft: true\n"
    again = stack.run("source", "check", file, "--draft", draft)
    assert again.exit_code == 1
    assert "exists already" in again.stderr


def test_a_file_that_is_not_valid_is_refused_before_anything_is_asked(stack: FakeStack, file: Path) -> None:
    file.write_text(TEXT.replace("rate(15 minutes)", "often").replace("line: motor", "lime: motor"))
    for command in ("check", "put"):
        result = stack.run("source", command, file, "--json")
        assert result.exit_code == 1
        problems = json.loads(result.stdout)["problems"]
        assert any("schedule" in problem for problem in problems)
        assert any("write 'line'" in problem for problem in problems)
    assert stack.asked == []


# -- put, pause and resume -----------------------------------------------------------------------------------


def test_put_checks_stores_and_waits(stack: FakeStack, file: Path) -> None:
    result = stack.run("source", "put", file)
    assert result.exit_code == 0, result.output
    assert "Source policies is applied in the test's stack" in result.stdout
    assert stack.text() == TEXT
    assert len(stack.asked) == 1
    assert stack.run("source", "put", file, "--no-check", "--name", "other").exit_code == 0
    assert stack.text("other") == TEXT
    assert len(stack.asked) == 1


def test_a_refused_file_is_reported_with_its_problems(stack: FakeStack, file: Path) -> None:
    stack.refusal = "secret: it does not exist\nline: it is unknown"
    result = stack.run("source", "put", file, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["problems"] == ["secret: it does not exist", "line: it is unknown"]


def test_pause_and_resume_keep_every_other_byte(stack: FakeStack, file: Path) -> None:
    stack.run("source", "put", file)
    result = stack.run("source", "pause", "policies", "--why", "the server\nmoves: a: b")
    assert result.exit_code == 0, result.output
    paused = stack.text()
    assert paused.startswith(TEXT)
    note, line = paused.removeprefix(TEXT).splitlines()
    assert note.startswith(f"# paused by {CALLER} at {now():%Y-}")
    assert note.endswith("Z: the server moves: a: b")
    assert line == "paused: true"
    assert parse_source(paused, "policies").paused
    again = stack.run("source", "pause", "policies", "--why", "w")
    assert again.exit_code == 1
    assert "is paused already" in again.stderr
    assert stack.run("source", "resume", "policies").exit_code == 0
    assert stack.text() == TEXT
    assert "is not paused already" in stack.run("source", "resume", "policies").stderr


def test_a_pause_that_people_wrote_is_removed_with_its_line(stack: FakeStack, file: Path) -> None:
    file.write_text(f"paused:   true  # until May\n{TEXT.rstrip()}")
    stack.run("source", "put", file)
    assert stack.run("source", "resume", "policies").exit_code == 0
    assert stack.text() == TEXT


def test_a_file_that_cannot_be_edited_by_lines_is_left_alone(stack: FakeStack, file: Path) -> None:
    flow = ", ".join(line.partition("  #")[0] for line in TEXT.splitlines()[1:])
    file.write_text(f"{{{flow}}}\n")
    stack.run("source", "put", file)
    before = stack.text()
    result = stack.run("source", "pause", "policies", "--why", "w")
    assert result.exit_code == 1
    assert "write or remove 'paused: true' in it" in result.stderr
    assert stack.text() == before


def test_a_source_that_does_not_exist_is_a_sentence(stack: FakeStack) -> None:
    for words in (("pause", "--why", "w"), ("resume",), ("run",), ("remove", "--yes")):
        result = stack.run("source", words[0], "unknown", *words[1:])
        assert (result.exit_code, result.stdout) == (1, ""), words
        assert "there is no source unknown" in result.stderr
    assert stack.run("source", "run", "Policies").exit_code == 2


# -- run, remove, discover and the lists ---------------------------------------------------------------------


def test_run_starts_a_pull_and_waits_for_its_end(stack: FakeStack, file: Path) -> None:
    stack.run("source", "put", file)
    assert "is being pulled: arn:policies" in stack.run("source", "run", "policies").stdout
    stack.seen = [{"looked_at": None}]
    waited = stack.run("source", "run", "policies", "--from-start", "--wait", "--json")
    assert waited.exit_code == 0
    row = json.loads(waited.stdout)
    assert (row["status"], row["rows"], row["last_window"]["number"]) == ("SUCCEEDED", 4_120, 3)
    assert stack.pulls.started == [("policies", False), ("policies", True)]
    stack.pulls.ends_as = "FAILED"
    assert stack.run("source", "run", "policies", "--wait").exit_code == 1


def test_a_pull_of_several_executions_is_waited_for(
    stack: FakeStack, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "POLL_SECONDS", 0)
    stack.run("source", "put", file)
    between = {"looked_at": None}
    stack.seen = [between, {"looked_at": None, "pulling": True}, between, between]
    row = json.loads(stack.run("source", "run", "policies", "--wait", "--json").stdout)
    assert stack.seen == []
    assert row["looked_at"] is not None

    monkeypatch.setattr(sources, "LONGEST_HANDOVER", -1)
    stack.seen = [between, between]
    assert json.loads(stack.run("source", "run", "policies", "--wait", "--json").stdout)["looked_at"] is None

    stack.seen = [between, {"looked_at": None, "failing_since": now(), "error": "the server does not answer"}]
    failed = stack.run("source", "run", "policies", "--wait")
    assert failed.exit_code == 1
    assert "the server does not answer" in failed.stdout


def test_a_paused_source_is_not_run(stack: FakeStack, file: Path) -> None:
    file.write_text(f"{TEXT}paused: true\n")
    stack.run("source", "put", file)
    result = stack.run("source", "run", "policies")
    assert result.exit_code == 1
    assert "claimwatch source resume policies" in result.stderr
    assert stack.pulls.started == []


def test_remove_deletes_the_file_after_a_question(stack: FakeStack, file: Path) -> None:
    stack.run("source", "put", file)
    assert stack.run("source", "remove", "policies").exit_code == 1
    assert stack.removed == []
    result = stack.run("source", "remove", "policies", "--yes")
    assert "Its claims stay" in result.stdout
    assert stack.removed == ["sources/policies.yaml"]


def test_discovery_lists_tables_and_drafts_each(stack: FakeStack, file: Path, tmp_path: Path) -> None:
    def answer(event: Mapping[str, Any]) -> dict[str, Any]:
        if event.get("discover"):
            return {"tables": ["claims.Motor Claim", "claims.empty", "hr.salary"], "found": 3}
        if event["table"] == "claims.empty":
            return columns("a") | {"draft": None, "remark": "there are no rows to draft a contract from"}
        if event["table"] == "hr.salary":
            raise RefusedData("the login may not read it")
        return columns("claim_id")

    stack.answer = answer
    listed = stack.run("source", "discover", file, "--only", "claims")
    assert "claims.empty" in listed.stdout
    assert "hr.salary" not in listed.stdout
    folder = tmp_path / "drafts"
    result = stack.run("source", "discover", file, "--output", folder, "--json")
    drafts = {draft["name"]: draft for draft in json.loads(result.stdout)["drafts"]}
    assert [path.name for path in folder.iterdir()] == ["motor_claim.yaml"]
    assert {"motor_claim", "empty", "salary"} == {event["line"] for event in stack.asked if "line" in event}
    assert drafts["claims.empty"]["remark"].startswith("there are no rows")
    assert drafts["hr.salary"]["remark"] == "the login may not read it"


def test_the_list_shows_state_lag_and_what_to_read(stack: FakeStack, monkeypatch: pytest.MonkeyPatch) -> None:
    failing = stored(
        "failing",
        TEXT,
        failing_since=now(),
        error="the server does not answer",
        deletions=2,
        refused="no key",
    )
    silent = stored("silent", TEXT, rows_at=now() - timedelta(hours=1))
    monkeypatch.setattr(
        source_overview, "list_sources", lambda *_: [stored("policies", TEXT), failing, silent]
    )
    result = stack.run("sources")
    assert result.exit_code == 0
    table = result.stdout
    for shown in ("horizon", "rate(15 minutes)", "4,120", "4 min", "failing", "silent"):
        assert shown in table
    for note in ("the server does not answer", "2 rows missing", "was refused", "no new row since"):
        assert note in table
    found = {row["source"]: row for row in json.loads(stack.run("sources", "--json").stdout)["sources"]}
    assert {name: row["state"] for name, row in found.items()} == {
        "policies": "ok",
        "failing": "failing",
        "silent": "silent",
    }
    next_run = datetime.fromisoformat(found["policies"]["next_run"])
    assert abs(next_run - now() - timedelta(minutes=11)) < timedelta(seconds=30)


def test_windows_are_listed_with_their_files(
    stack: FakeStack, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = {
        "number": 3,
        "cycle": 2,
        "planned_at": now(),
        "committed_at": now(),
        "attempts": 1,
        "rows_read": 120,
        "rows_pulled": 100,
        "object_bytes": 9_000,
        "object_key": "claims/motor/pull/policies/00000003.csv",
        "version_id": "v",
        "file_id": 17,
        "status": "committed",
        "rows_loaded": 99,
        "rows_quarantined": 1,
        "path": None,
        "error": None,
    }
    empty = window | {"number": 2, "version_id": None, "file_id": None, "status": None}
    reason = "the login may not read the file; allow it"
    key = "claims/motor/pull/policies/out/a.csv"
    refused = empty | {
        "number": 1,
        "path": "out/a.csv",
        "object_key": key,
        "status": "refused",
        "error": reason,
    }
    monkeypatch.setattr(source_overview, "list_windows", lambda *_: [window, empty, refused])
    stack.run("source", "put", file)
    shown = stack.run("sources", "policies").stdout
    assert "claims/motor/pull/policies/00000003.csv" in shown
    assert "committed" in shown
    assert shown.count("(nothing new)") == 1
    assert key in shown
    assert reason in shown
    assert json.loads(stack.run("sources", "policies", "--json").stdout)["windows"][0]["file_id"] == 17
    assert stack.run("sources", "unknown").exit_code == 1
