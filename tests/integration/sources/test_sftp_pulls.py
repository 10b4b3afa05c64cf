"""Files of a real OpenSSH server are pulled, each version once, however often a step is repeated."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimwatch.aws.objects import ObjectRef
from claimwatch.aws.pull_events import FailedPull, PullRequest, WindowRef
from claimwatch.domain.sources.parse import parse_source
from claimwatch.domain.sources.source import Source
from claimwatch.domain.sources.windows import object_path
from claimwatch.errors import ClaimwatchError
from claimwatch.sources import commit_window, extract_window, plan_pull, record_pull_failure, sftp
from claimwatch.sources.plan_pull import Plan
from claimwatch.sources.reader import FileChanged, FileReader, RemoteFile, SourceUnreachable
from claimwatch.storage import sources
from local.filesystem_object_store import FilesystemObjectStore
from tests.cluster import ClonedDatabase
from tests.sshd import SftpServer, needs_sshd, server_for_nobody

pytestmark = needs_sshd

BEGIN = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@dataclass
class Alerts:
    """Keeps alerts."""

    published: list[str] = field(default_factory=list)

    def publish(self, subject: str, message: str) -> None:
        self.published.append(f"{subject}\n{message}")


@dataclass
class Pull:
    """Pulls source ``partner`` as the state machine does, at a time that only tests advance."""

    database: ClonedDatabase
    server: SftpServer
    objects: FilesystemObjectStore
    now: datetime = BEGIN
    alerts: Alerts = field(default_factory=Alerts)
    executions: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.task = self.database.as_task("sources")

    def put(self, files: str = "out/*", *lines: str) -> None:
        """Apply a file of the source."""
        keys = "".join(f"  - {key}\n" for key in self.server.host_keys)
        text = (
            f"kind: sftp\nline: motor\nfiles: '{files}'\nhostKeys:\n{keys}schedule: rate(1 hour)\n"
            "secret: claimwatch/claimwatch/sources/partner\n" + "".join(f"{line}\n" for line in lines)
        )
        moment = self.now.strftime("%H%M%S")
        submission = sources.Submission(
            "partner", "artifacts", "sources/partner.yaml", moment, self.now, moment, text
        )
        with self.task.transaction() as cursor:
            sources.apply(cursor, submission, parse_source(text, "partner"), self.now)

    def plan(self, execution: str) -> Plan:
        deps = plan_pull.Dependencies(self.task, self.alerts, self.open_reader, lambda: self.now)
        return plan_pull.plan_pull(deps, PullRequest("partner", execution))

    def extract(self, plan: Plan) -> None:
        deps = extract_window.Dependencies(
            self.task, self.objects, "landing", self.open_reader, lambda: b"", lambda: self.now
        )
        extract_window.extract_window(deps, self._ref(plan), lambda: 900.0)

    def commit(self, plan: Plan) -> bool:
        deps = commit_window.Dependencies(self.task, self.objects, self.alerts, "landing", lambda: self.now)
        return commit_window.commit_window(deps, self._ref(plan)).more

    def fail(self, execution: str, error: Exception) -> None:
        deps = record_pull_failure.Dependencies(self.task, self.alerts, lambda: self.now)
        cause = f'{{"errorMessage": "{error}"}}'
        record_pull_failure.record_pull_failure(
            deps, FailedPull("partner", execution, type(error).__name__, cause)
        )

    def run(self) -> list[str]:
        """Run an execution to its end; return the statuses of its plans."""
        execution = f"execution-{next(self.executions)}"
        statuses: list[str] = []
        while True:
            plan = self.plan(execution)
            statuses.append(plan.status)
            if plan.status == "wait":
                self.now += timedelta(seconds=plan.seconds)
            elif plan.status != "extract":
                return statuses
            else:
                try:
                    self.extract(plan)
                except FileChanged:
                    statuses.append("changed")
                    continue
                except ClaimwatchError as error:
                    self.fail(execution, error)
                    return [*statuses, type(error).__name__]
                if not self.commit(plan):
                    return statuses

    def pulled(self) -> dict[str, list[bytes]]:
        """Return the objects below the folder of the source: all versions of each path."""
        prefix = "claims/motor/pull/partner/"
        with self.database.transaction() as cursor:
            cursor.execute(
                "SELECT object_key, version_id FROM claimwatch.source_window"
                " WHERE committed_at IS NOT NULL AND version_id IS NOT NULL ORDER BY number"
            )
            found: dict[str, list[bytes]] = {}
            for key, version in cursor.fetchall():
                assert key.startswith(prefix)
                content = b"".join(self.objects.read(ObjectRef("landing", key, version)))
                found.setdefault(key.removeprefix(prefix), []).append(content)
        assert sum(map(len, found.values())) == len(list(self.objects.folder.glob("*/*/[0-9]*")))
        return found

    def open_reader(self, source: Source) -> FileReader:
        return sftp.open_sftp(source, self.server.secret)

    def _ref(self, plan: Plan) -> WindowRef:
        return WindowRef(plan.source, plan.number, plan.generation)


@pytest.fixture
def pull(database: ClonedDatabase, tmp_path: Path) -> Iterator[Pull]:
    with SftpServer(tmp_path / "sftp") as server:
        server.put("out/.keep", b"")
        yield Pull(database, server, FilesystemObjectStore(tmp_path / "objects"))


def test_a_file_is_pulled_once_when_two_looks_found_it_unchanged(pull: Pull) -> None:
    pull.put("out/*", "settle: 60 seconds")
    pull.server.put("out/a.csv", b"x\n1\n")

    assert pull.run() == ["wait", "extract"]
    assert pull.now == BEGIN + timedelta(seconds=60)
    assert pull.run() == ["idle"]
    assert pull.pulled() == {"out/a.csv": [b"x\n1\n"]}


def test_a_file_that_grows_is_pulled_when_it_has_stopped(pull: Pull) -> None:
    pull.put("out/*", "settle: 60 seconds")
    content = b"x\n"
    for number in range(5):
        content += f"{number}\n".encode()
        pull.server.put("out/a.csv", content)
        assert pull.plan("grows").status in ("wait", "idle")
        pull.now += timedelta(seconds=59)
    assert pull.pulled() == {}

    pull.now += timedelta(hours=1)
    pull.run()
    assert pull.pulled() == {"out/a.csv": [content]}


def test_an_upload_of_the_same_name_is_a_new_version_of_the_same_object(pull: Pull) -> None:
    pull.put()
    for number in range(3):
        pull.server.put("out/a.csv", f"x\n{number}\n".encode(), modified_at=1_760_000_000 + number)
        pull.run()
        pull.now += timedelta(hours=1)
    assert pull.pulled() == {"out/a.csv": [b"x\n0\n", b"x\n1\n", b"x\n2\n"]}


def test_an_upload_with_the_same_time_and_another_size_is_a_new_version(pull: Pull) -> None:
    pull.put()
    pull.server.put("out/a.csv", b"x\n1\n")
    pull.run()
    pull.server.put("out/a.csv", b"x\n1\n2\n")
    pull.run()
    assert pull.pulled() == {"out/a.csv": [b"x\n1\n", b"x\n1\n2\n"]}


def test_an_upload_with_the_same_size_and_time_is_not_pulled(pull: Pull) -> None:
    pull.put()
    pull.server.put("out/a.csv", b"x\n1\n")
    pull.run()
    pull.server.put("out/a.csv", b"x\n2\n")
    pull.run()
    assert pull.pulled() == {"out/a.csv": [b"x\n1\n"]}


def test_a_renamed_file_is_another_file(pull: Pull) -> None:
    pull.put()
    pull.server.put("out/a.csv", b"x\n1\n").rename(pull.server.files / "out" / "b.csv")
    pull.run()
    (pull.server.files / "out" / "b.csv").rename(pull.server.files / "out" / "c.csv")
    pull.run()
    assert pull.pulled() == {"out/b.csv": [b"x\n1\n"], "out/c.csv": [b"x\n1\n"]}


@pytest.mark.parametrize("change", ["deleted", "replaced"])
def test_a_file_that_changes_between_plan_and_extraction_blocks_no_other(pull: Pull, change: str) -> None:
    pull.put("out/*", "settle: 1 second")
    target = pull.server.put("out/a.csv", b"x\n1\n", modified_at=1_750_000_000)
    pull.server.put("out/b.csv", b"x\n2\n")
    assert pull.plan("first").status == "wait"
    pull.now += timedelta(seconds=1)
    plan = pull.plan("first")
    assert plan.status == "extract"
    if change == "deleted":
        target.unlink()
    else:
        pull.server.put("out/a.csv", b"x\n3\n", modified_at=1_750_000_001)
    with pytest.raises(FileChanged):
        pull.extract(plan)

    pull.now += timedelta(hours=1)
    pull.run()
    pull.run()
    replaced = {} if change == "deleted" else {"out/a.csv": [b"x\n3\n"]}
    assert pull.pulled() == {"out/b.csv": [b"x\n2\n"]} | replaced
    assert pull.alerts.published == []


def test_a_file_that_changes_after_its_extraction_is_pulled_in_both_versions(pull: Pull) -> None:
    pull.put("out/*", "settle: 1 second")
    pull.server.put("out/a.csv", b"x\n1\n")
    pull.plan("first")
    pull.now += timedelta(seconds=1)
    plan = pull.plan("first")
    pull.extract(plan)
    pull.server.put("out/a.csv", b"x\n2\n", modified_at=1_760_000_001)
    pull.commit(plan)
    pull.now += timedelta(hours=1)
    pull.run()
    assert pull.pulled() == {"out/a.csv": [b"x\n1\n", b"x\n2\n"]}


def test_with_a_marker_a_file_is_pulled_at_the_first_look_after_it(pull: Pull) -> None:
    pull.put("out/*", "marker: .done")
    pull.server.put("out/a.csv", b"x\n1\n")
    assert pull.run() == ["idle"]
    pull.server.put("out/a.csv.done", b"")
    assert pull.run() == ["extract"]
    assert pull.pulled() == {"out/a.csv": [b"x\n1\n"]}


def test_times_of_the_server_decide_nothing_but_whether_a_file_has_changed(pull: Pull) -> None:
    pull.put("out/*", "settle: 60 seconds")
    pull.server.put("out/future.csv", b"x\n1\n", modified_at=(BEGIN + timedelta(days=3650)).timestamp())
    pull.server.put("out/past.csv", b"x\n2\n", modified_at=0)
    assert pull.run() == ["wait", "extract", "extract"]
    pull.server.put("out/future.csv", b"x\n3\n", modified_at=(BEGIN - timedelta(days=365)).timestamp())
    pull.run()
    assert pull.pulled() == {"out/past.csv": [b"x\n2\n"], "out/future.csv": [b"x\n1\n", b"x\n3\n"]}


def test_files_are_pulled_from_the_oldest_to_the_newest(pull: Pull) -> None:
    pull.put()
    for age, name in enumerate(["c", "a", "b"]):
        pull.server.put(f"out/{name}.csv", name.encode(), modified_at=1_760_000_000 - age)
    pull.run()
    with pull.database.transaction() as cursor:
        cursor.execute("SELECT path FROM claimwatch.source_window ORDER BY number")
        assert [path for (path,) in cursor.fetchall()] == ["out/b.csv", "out/a.csv", "out/c.csv"]


@pytest.mark.parametrize("after", ["plan", "extract", "commit"])
def test_a_file_is_pulled_once_whatever_step_is_killed_or_repeated(pull: Pull, after: str) -> None:
    pull.put("out/*", "settle: 1 second")
    pull.server.put("out/a.csv", b"x\n" * 2_000_000)
    pull.server.put("out/b.csv", b"x\n1\n")
    pull.plan("killed")
    pull.now += timedelta(seconds=1)
    plan = pull.plan("killed")
    for step in (pull.extract, pull.commit)[: ("plan", "extract", "commit").index(after)]:
        step(plan)
        step(plan)
    pull.now += timedelta(hours=1)

    pull.run()
    assert {path: len(versions) for path, versions in pull.pulled().items()} == {
        "out/a.csv": 1,
        "out/b.csv": 1,
    }


def test_a_file_that_may_not_be_read_blocks_no_other_and_is_tried_again(
    database: ClonedDatabase, tmp_path: Path
) -> None:
    with server_for_nobody() as server:
        pull = Pull(database, server, FilesystemObjectStore(tmp_path / "objects"))
        pull.put("out/*", "marker: .done")
        for name, modified_at in (("mueller", 1_750_000_000), ("b", 1_760_000_000)):
            server.put(f"out/{name}.csv", b"x\n1\n", modified_at=modified_at)
            server.put(f"out/{name}.csv.done", b"")
        (server.files / "out" / "mueller.csv").chmod(0o600)

        assert pull.run() == ["extract", "extract"]
        assert pull.run() == ["extract"]
        assert pull.pulled() == {"out/b.csv": [b"x\n1\n"]}
        [alert] = pull.alerts.published
        assert "Why: the login may not read the file; allow it\n" in alert
        assert "mueller" not in alert

        (server.files / "out" / "mueller.csv").chmod(0o644)
        pull.run()
        assert set(pull.pulled()) == {"out/b.csv", "out/mueller.csv"}
        assert pull.run() == ["idle"]


def test_a_server_that_restarts_while_a_file_is_read_costs_a_repetition(
    pull: Pull, monkeypatch: pytest.MonkeyPatch
) -> None:
    pull.put("out/*", "settle: 1 second")
    content = b"x\n" * 10_000_000
    pull.server.put("out/a.csv", content)
    pull.run()
    pull.server.put("out/a.csv", content + b"1\n")
    read = sftp.SftpReader.read

    def breaking(reader: sftp.SftpReader, file: RemoteFile) -> Iterator[bytes]:
        blocks = read(reader, file)
        yield next(blocks)
        pull.server.restart()
        yield from blocks

    with monkeypatch.context() as patched:
        patched.setattr(sftp.SftpReader, "read", breaking)
        assert pull.run() == ["wait", "extract", "SourceUnreachable"]
    assert len(pull.alerts.published) == 1
    assert pull.run() == ["extract"]
    assert pull.pulled() == {"out/a.csv": [content, content + b"1\n"]}


def test_a_source_that_begins_again_stores_no_second_version_of_the_same_bytes(pull: Pull) -> None:
    pull.put()
    pull.server.put("out/a.csv", b"x\n1\n")
    pull.run()
    with pull.task.transaction() as cursor:
        sources.begin_again(cursor, "partner", pull.now)
    pull.run()
    assert len(list(pull.objects.folder.glob("*/*/[0-9]*"))) == 1


def test_hostile_names_become_different_objects(pull: Pull) -> None:
    names = [
        *("a b.csv", "100%25.csv", "100%.csv", "a+b.csv", "zeile\n.csv", "\x1b[31m.csv", "Schäden 事故.csv"),
        *("a..b.csv", "..csv", "back\\slash.csv", "e\u0301.csv", "\u00e9.csv", "#?&=;.csv", "'\".csv"),
    ]
    for name in names:
        pull.server.put(f"out/{name}", name.encode())
    (pull.server.files / "out" / "latin-\udce9.csv").write_bytes(b"latin")
    pull.put("out/*")
    pull.run()

    expected = {f"out/{name}": [name.encode()] for name in names if not name.startswith(".")}
    assert pull.pulled() == expected | {"out/latin-\uefe9.csv": [b"latin"]}


PATHS = st.lists(
    st.text("a%+/ .\n\x01é\uefe9", min_size=1, max_size=5).map(lambda name: name.strip("/") or "a"),
    min_size=1,
    max_size=3,
).map("/".join)


@given(PATHS, PATHS, st.sampled_from(["", "/"]))
def test_two_paths_of_a_glob_never_become_the_same_object(one: str, other: str, root: str) -> None:
    assert (object_path(root + one) == object_path(root + other)) == (one == other)


def test_many_files_are_pulled_in_executions_of_limited_length(
    pull: Pull, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_pull, "MOST_WINDOWS", 10)
    pull.put("out/*", "settle: 1 second")
    for number in range(25):
        pull.server.put(f"out/{number:02}.csv", f"x\n{number}\n".encode())

    lengths = []
    for _ in range(3):
        lengths.append(pull.run().count("extract"))
        pull.now += timedelta(minutes=30)

    assert lengths == [10, 10, 5]
    assert pull.pulled() == {f"out/{number:02}.csv": [f"x\n{number}\n".encode()] for number in range(25)}


def test_no_alert_names_a_path(pull: Pull) -> None:
    pull.put("out/mue*")
    pull.server.put("out/mueller.csv", b"x\n1\n")
    pull.plan("execution-0")
    pull.now += timedelta(minutes=1)
    plan = pull.plan("execution-0")
    pull.server.stop()
    with pytest.raises(SourceUnreachable) as caught:
        pull.extract(plan)
    pull.fail("execution-0", caught.value)

    [alert] = pull.alerts.published
    assert "mueller" not in alert
