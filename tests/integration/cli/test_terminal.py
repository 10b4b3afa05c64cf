"""Nothing that a command prints can control the terminal, whatever the files and tables contain."""

import ast
import json
import webbrowser
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner, Result

from claimwatch.aws.seal_requests import SealRequests
from claimwatch.domain.evaluation.finding import CHECKS, Finding
from claimwatch.errors import RefusedContract, RefusedData
from claimwatch.storage import evaluations
from claimwatch.storage.evaluations import Window
from cli import calls, deploy, permissions, source_files, sources, stream
from cli.api import Answer
from cli.main import app
from cli.releases import PRODUCTION, Alias, Approval, DeployedRelease, Execution, Pipeline, Rollback, Stage
from cli.stack import Audit, Sources, Stack
from local.filesystem_object_store import FilesystemObjectStore
from tests.cluster import ClonedDatabase
from tests.integration.audit.record import MemorySeals

EVIL = "\x1b[2J\x07\x08\x0d\x7f\x9b31m\x85\u202e\u2066\u200f\u061c\u2028\u2029evil"
"""Clears the screen, rings, goes back, colours, and turns the direction of writing."""

NAME = "\x1b[2J\x9b31m\u202eevil"
"""As it can be a file's name."""

ALLOWED = {"\n"}

MONDAY = datetime(2026, 7, 20, tzinfo=UTC)


@dataclass
class Desk:
    """The command line, with a stack whose every text is hostile."""

    stack: Stack
    folder: Path

    def run(self, *words: object) -> Result:
        return CliRunner().invoke(
            app, [str(word) for word in words], obj=lambda *_: self.stack, catch_exceptions=False
        )


def registered() -> Iterator[tuple[str, ...]]:
    """Yield the words of every command."""
    for command in app.registered_commands:
        yield (str(command.name),)
    for group in app.registered_groups:
        assert group.typer_instance is not None
        for command in group.typer_instance.registered_commands:
            assert command.callback is not None
            yield (str(group.name), command.name or command.callback.__name__)


COMMANDS: Mapping[tuple[str, ...], list[tuple[object, ...]]] = {
    ("infer",): [("{folder}/{name}.csv",)],
    ("drop",): [("{folder}/{name}.csv", "--line", "glass", "--wait", wait) for wait in ("0", "1")],
    ("files",): [(), ("--status", "refused")],
    ("quarantine",): [("1",), ("1", "--reasons"), ("1", "--export", "{folder}/{name}-out.csv"), ("2",)],
    ("replay",): [("1",), ("2",)],
    ("protect-extra",): [(EVIL,)],
    ("image",): [(EVIL,), (EVIL, "--save", "{folder}/{name}-photos"), (f"{EVIL}?",)],
    ("images",): [()],
    ("contract", "check"): [("{folder}/{name}.yaml",)],
    ("contract", "put"): [("glass", "{folder}/{name}.yaml")],
    ("train",): [("glass", "--why", "w"), ("home", "--why", "w")],
    ("models",): [("glass",)],
    ("card",): [(EVIL, "1"), ("glass", EVIL), ("glass", "1", "--save", "{folder}/{name}-card.html")],
    ("approve",): [("glass", "1", "--exception", "bias", "--why", "w")],
    ("promote",): [("glass", "1", "--as", "champion", "--why", "w")],
    ("rollback",): [("glass", "--why", "w")],
    ("history",): [("glass",)],
    ("score",): [("glass",), (EVIL,)],
    ("referrals",): [("glass",), ("glass", "--reveal"), ("glass", "--export", "{folder}/{name}-work.csv")],
    ("evaluate",): [("glass", "--window", "2026-W30", "--wait")],
    ("evaluations",): [("glass",)],
    ("report",): [("glass", "--save", "{folder}/{name}.html"), ("glass",)],
    ("call", "scores"): [("{folder}/claims.json", "--line", "glass")],
    ("call", "claims"): [("{folder}/claims.json", "--line", "glass")],
    ("call", "claim"): [(EVIL, "--line", "glass")],
    ("call", "models"): [("--line", "glass")],
    ("call", "ready"): [()],
    ("call", "health"): [()],
    ("deploy", "status"): [(), ("--pipeline", EVIL)],
    ("deploy", "rollback"): [("--why", "w"), ("--why", "w", "--to", EVIL), ("--why", EVIL)],
    ("audit", "list"): [(), ("--claim", EVIL), ("--summary",)],
    ("audit", "verify"): [(), ("--export", "{folder}/{name}.csv")],
    ("audit", "export"): [("{folder}/{name}.ndjson",)],
    ("permissions",): [()],
    ("grant",): [("group:evil", "claim.read", "--why", "w")],
    ("revoke",): [("group:evil", "claim.read", "--why", "w")],
    ("sources",): [(), ("evil",)],
    ("source", "check"): [("{folder}/evil.yaml",), ("{folder}/evil.yaml", "--draft", "{folder}/{name}-d")],
    ("source", "put"): [("{folder}/evil.yaml", "--no-check")],
    ("source", "run"): [("evil",), ("evil", "--wait")],
    ("source", "pause"): [("evil", "--why", EVIL)],
    ("source", "resume"): [("evil",)],
    ("source", "remove"): [("evil", "--yes")],
    ("source", "discover"): [("evil",), ("{folder}/evil.yaml", "--output", "{folder}/{name}-drafts")],
    ("stream", "send"): [("{folder}/{name}.csv", "--line", "glass")],
    ("stream", "replay"): [("1", "--line", "glass"), ("3", "--line", "glass")],
}
"""Arguments that make each command print what it reads."""

SCORED = {"probability": 0.5, "percentile": 99.0, "refer": True, "reasons": [{"text": EVIL}]}
REJECTED = {"problems": [{"column": EVIL, "rule": "type", "message": EVIL}]}
ANSWER: dict[str, Any] = {
    **dict.fromkeys(
        ("line", "model_version", "contract_version", "request_id", "key", "version_id", "see", "status"),
        EVIL,
    ),
    "results": [
        {"position": 0, "claim_id": EVIL, "status": "scored", **SCORED},
        {"position": 1, "claim_id": None, "status": "rejected", **REJECTED},
    ],
    "claim_id": EVIL,
    "score": {"probability": 0.5, "percentile": 99.0, "referred": True, "model_version": EVIL},
    "decision": {"is_fraud": True},
    "models": [
        {
            **dict.fromkeys(("version", "status", "created_at", "contract_version"), EVIL),
            "roles": [{"role": EVIL}],
        }
    ],
    "ready": False,
    "lines": [{"line": EVIL, "ready": False, "model_version": EVIL}],
    "permissions": [
        dict.fromkeys(("grantee", "permission", "line", "granted_at", "granted_by", "why"), EVIL)
    ],
    "conflicts": [[EVIL, EVIL]],
    "separation_of_duties": EVIL,
    **dict.fromkeys(("grantee", "permission", "warning"), EVIL),
}
"""What each route answers, in one document."""


SOURCE = """\
kind: postgresql
line: glass
table: claims.glass
key: [claim_id]
schedule: rate(15 minutes)
secret: claimwatch/prod/sources/evil
"""

CHECKED: dict[str, Any] = {
    "columns": [{"name": EVIL, "type": EVIL}],
    "rows": [[EVIL]],
    "draft": f"draft: {EVIL}",
    "remark": EVIL,
    "advice": [EVIL],
    "tables": [EVIL],
    "found": 1,
}
"""What CheckSource answers, whatever it is asked."""


class HostilePulls:
    """Pulls whose every text is hostile."""

    def start(self, *_: object, **__: object) -> str:
        """Return the execution that was started."""
        return EVIL

    def status(self, _: str) -> str:
        """Return how the execution has ended."""
        return "FAILED"


class HostileService:
    """A service that fails with a hostile text."""

    def describe_stacks(self, **_: object) -> None:
        """Raise the service's error."""
        raise ClientError({"Error": {"Code": EVIL, "Message": EVIL}}, EVIL)


class HostileApi:
    """An API whose every text is hostile."""

    def request(self, *_: object) -> Answer:
        """Answer any request."""
        return Answer(ANSWER, 0.1)


class HostileReleases:
    """A pipeline and its stacks whose every text is hostile."""

    def __init__(self, _: object) -> None:
        """Need no client."""

    def pipeline(self, _: str) -> Pipeline:
        """Return a pipeline that waits for a person."""
        return Pipeline(
            EVIL,
            {PRODUCTION: EVIL},
            [Stage(EVIL, EVIL, EVIL)],
            [Approval(EVIL, EVIL, MONDAY, EVIL)],
            [self.release_before()],
        )

    def deployed(self, stage: str, stack: str) -> DeployedRelease:
        """Return a release whose traffic shifts."""
        alias = Alias(EVIL, EVIL, EVIL, {EVIL: 0.1})
        return DeployedRelease(stage, stack, EVIL, EVIL, EVIL, [alias], [EVIL])

    def shifting(self, _: str) -> list[str]:
        """Return the deployments that shift traffic."""
        return [EVIL]

    def stop(self, _: object) -> None:
        """Stop deployments."""

    def release_before(self, *_: object) -> Execution:
        """Return an execution."""
        return Execution(EVIL, EVIL, EVIL, MONDAY, EVIL, EVIL)

    def roll_back(self, *_: object) -> str:
        """Return the id of the execution that was started."""
        return EVIL

    def record(self, *_: object) -> Rollback:
        """Return what is on record."""
        return Rollback(MONDAY, EVIL, EVIL, EVIL)

    def rollbacks(self, _: str) -> list[Rollback]:
        """Return what is on record."""
        return [self.record()]


def test_every_command_is_tried() -> None:
    assert COMMANDS.keys() == set(registered())


def test_only_the_screen_prints() -> None:
    """What passes the module ``screen`` is made visible there, so no other module may write."""
    for path in (Path(__file__).parents[3] / "cli").glob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        called = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
        names = {each.id for each in called if isinstance(each, ast.Name)}
        names |= {each.attr for each in called if isinstance(each, ast.Attribute)}
        written = names & {"print", "echo", "secho", "Console", "print_exc"}
        assert path.name == "screen.py" or not written, path


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_no_output_of_a_command_controls_the_terminal(
    desk: Desk, command: tuple[str, ...], as_json: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda _: False)
    for module in (calls, permissions):
        monkeypatch.setattr(module, "find_api", lambda *_: HostileApi())
    monkeypatch.setattr(deploy, "find_clients", lambda *_: ("a-stack", None))
    monkeypatch.setattr(deploy, "Releases", HostileReleases)
    monkeypatch.setattr(stream, "find_clients", lambda *_: (EVIL, lambda _: HostileService()))
    monkeypatch.setattr(source_files, "LONGEST_WAIT", 0)
    monkeypatch.setattr(sources, "LONGEST_WAIT", 0)
    seen = ""
    for arguments in COMMANDS[command]:
        words = [
            each.replace("{folder}", str(desk.folder)).replace("{name}", NAME)
            if isinstance(each, str)
            else each
            for each in arguments
        ]
        result = desk.run(*command, *words, *(["--json"] if as_json else []))
        assert result.exit_code in (0, 1, 2, 3), result.output
        written = result.stdout + result.stderr
        wrong = {letter for letter in written if not letter.isprintable()} - ALLOWED
        assert not wrong, (command, arguments, wrong)
        if as_json and result.stdout:
            json.loads(result.stdout)
        seen += written
    assert "evil" in seen


def test_json_keeps_every_character(desk: Desk) -> None:
    listed = json.loads(desk.run("files", "--json").stdout)["files"]
    assert any(EVIL in file["key"] for file in listed)


class _Queue:
    def send(self, *_: object, **__: object) -> None:
        """Take any message."""


@pytest.fixture
def desk(database: ClonedDatabase, tmp_path: Path) -> Desk:
    objects = FilesystemObjectStore(tmp_path / "buckets")
    stack = Stack(
        f"stack {EVIL}",
        database,
        objects,
        _Pipeline(),
        "landing",
        "artifacts",
        start_training=lambda event: _train(database, event),
        promote_model=_refuse,
        approve_exception=_refuse,
        backfill=_Backfill(),
        open_for_replays=lambda: database,
        plan_evaluation=lambda _: {
            "line": "glass",
            "window": "2026-W30",
            "model_version": "1",
            "planned": True,
        },
        audit=lambda: Audit(MemorySeals(), SealRequests(_Queue()), EVIL),
        sources=lambda: Sources(lambda _: CHECKED, HostilePulls(), lambda _: None, EVIL),
    )
    objects.write("artifacts", "sources/evil.yaml", [SOURCE.encode()])
    (tmp_path / "evil.yaml").write_text(SOURCE)
    (tmp_path / "claims.json").write_text('{"claim_id": "1"}\n')
    (tmp_path / f"{NAME}.csv").write_text(f"claim_id,{EVIL.replace(chr(13), '')}\n1,2\n2,{EVIL[:5]}\n")
    (tmp_path / f"{NAME}.yaml").write_text("apiVersion: v3.1.0\n\u202eevil: 1\n", "utf-8")
    with database.transaction() as cursor:
        cursor.execute(
            "INSERT INTO claimwatch.access_event (actor, via, action, line, object, purpose, outcome)"
            " VALUES (%(evil)s, 'v1', 'score', %(evil)s, %(evil)s, %(evil)s, 'answered')",
            {"evil": EVIL},
        )
        for status in ("committed", "refused"):
            cursor.execute(
                "INSERT INTO claimwatch.file (dataset, line, bucket, key, version_id, received_at, status,"
                " format, error, rows_read, rows_loaded, rows_quarantined, committed_at, details, chunks)"
                " VALUES ('claims', 'glass', 'landing', %(key)s, '1', now(), %(status)s, %(evil)s, %(evil)s,"
                " 1, 0, 1, CASE WHEN %(status)s = 'committed' THEN now() END, %(plan)s, 1)",
                {
                    "key": f"claims/glass/{status} {EVIL}",
                    "status": status,
                    "evil": EVIL,
                    "plan": json.dumps(PLAN),
                },
            )
        cursor.execute(
            "INSERT INTO claimwatch.file (dataset, bucket, key, version_id, received_at, status, error)"
            " VALUES ('unknown', 'landing', %s, '1', now(), 'refused', %s)",
            (f"claims-stream-errors/{EVIL}", EVIL),
        )
        cursor.execute(
            "INSERT INTO claimwatch.source (source, line, kind, text, received_at, sequencer, paused,"
            " reads_sha256, failing_since, error) VALUES"
            " ('evil', 'glass', 'postgresql', %s, now(), '1', false, '', now(), %s)",
            (SOURCE, EVIL),
        )
        cursor.execute(
            "INSERT INTO claimwatch.source_window (source, number, cycle_number, cycle, last, object_key,"
            " execution, path) VALUES ('evil', 1, 1, '{}', true, %(evil)s, %(evil)s, %(evil)s)",
            {"evil": EVIL},
        )
        cursor.execute(
            "INSERT INTO claimwatch.quarantine VALUES (1, 1, %s, %s)",
            (f"a,{EVIL}", json.dumps([{"column": EVIL, "rule": EVIL, "message": EVIL}])),
        )
        for place, event in enumerate((EVIL, f"other {EVIL}"), 1):
            cursor.execute(
                "INSERT INTO claimwatch.claim_image (event_id, bucket, key, version_id, sha256, format,"
                " width, height, frames, size_bytes, display, thumbnail, received_at)"
                " VALUES (%s, 'landing', %s, '1', '', %s, 1, 1, 1, 1, 'x', 'x', now())",
                (event, f"images/{place}/{EVIL}.jpg", EVIL),
            )
        cursor.execute(
            "INSERT INTO claimwatch.image_match (image_id, other_image_id, event_id, other_event_id,"
            " distance) VALUES (2, 1, %s, %s, 0)",
            (f"other {EVIL}", EVIL),
        )
        cursor.execute(
            "INSERT INTO claimwatch.image_rejected (event_id, bucket, key, version_id, reason, received_at)"
            " VALUES (%s, 'landing', %s, '2', %s, now())",
            (EVIL, f"images/{EVIL}", EVIL),
        )
        cursor.execute(
            "INSERT INTO claimwatch.model_version (line, version, status, metrics, data_sha256, code_version,"
            " contract_version, bundle_uri, bundle_sha256, refused_because) VALUES"
            " ('glass', '1', 'registered', '{}', '', %(evil)s, '1', 's3://artifacts/m/', '', NULL),"
            " ('glass', %(evil)s, 'refused', '{}', '', %(evil)s, '1', NULL, NULL, %(evil)s)",
            {"evil": EVIL},
        )
        cursor.execute(
            "INSERT INTO claimwatch.promotion (request_id, line, version, role, action, by, why, bundle_uri,"
            " bundle_sha256) VALUES ('r', 'glass', '1', 'champion', 'promote', %(evil)s, %(evil)s, '', '')",
            {"evil": EVIL},
        )
        cursor.execute(
            "INSERT INTO claimwatch.score (claim_id, line, file_id, model_version, role, probability,"
            " percentile, referred, audit_sample, reasons, contract_version, code_version, threshold)"
            " VALUES (%s, 'glass', 1, '1', 'champion', 0.5, 99, true, false, %s, '1', '', 0.5)",
            (EVIL, json.dumps([{"text": EVIL}])),
        )
        window = Window("glass", MONDAY, MONDAY + timedelta(weeks=1), "1", None, "planned")
        evaluations.add_window(cursor, window)
        for check in CHECKS:
            found = [Finding("psi", 0.4, 900, "alarm", EVIL, EVIL)] if check == "feature_drift" else []
            evaluations.mark_done(cursor, window, check, found, 0.1)
        evaluations.close_window(
            cursor,
            window.key,
            closed_at=MONDAY + timedelta(weeks=1),
            claims=900,
            report_uri=f"s3://artifacts/{EVIL[-4:]}",
            missing={"bias": EVIL},
        )
    objects.write("artifacts", EVIL[-4:], [b"<title>"])
    return Desk(stack, tmp_path)


PLAN = {"source": ["landing", "claims/glass/a.csv", "1"], "delimiter": ",", "fields": ["a", EVIL]}
PLAN |= {"keys": [], "chunks": []}


class _Pipeline:
    def start(self, *_: object) -> None:
        raise RefusedData(EVIL)


class _Backfill:
    def start(self, *_: object, **__: object) -> str:
        return EVIL


def _refuse(_: Mapping[str, Any]) -> dict[str, Any]:
    raise RefusedContract([EVIL])


def _train(database: ClonedDatabase, event: Mapping[str, Any]) -> dict[str, Any]:
    with database.transaction() as cursor:
        cursor.execute(
            "INSERT INTO claimwatch.training (training_id, line, version, why, asked_by, status, deadline,"
            " ended_at, error) VALUES (%s, %s, '2', %s, %s, 'failed', now(), now(), %s)",
            (event["training_id"], event["line"], EVIL, EVIL, EVIL),
        )
    return {}
