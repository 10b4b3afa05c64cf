"""The file of a source is its only truth: the newest version runs, whatever comes late or twice."""

from datetime import timedelta

import pytest

from claimwatch.aws.events import CreatedObject, DeletedObject
from claimwatch.aws.objects import ObjectRef
from claimwatch.aws.pull_events import WatchedSource
from claimwatch.errors import TransientFault
from claimwatch.sources import apply_source, watch_source
from claimwatch.sources.apply_source import Applied
from tests.integration.sources.environment import NOON, Environment, Killed, table_of

BUCKET, KEY = "artifacts", "sources/policy.yaml"
TEXT = """
kind: mysql
line: motor
table: claim
key: [claim_id]
schedule: rate(15 minutes)
secret: claimwatch/test/sources/policy
"""


class Schedules:
    """Schedules in memory; ``fault`` is raised once."""

    def __init__(self) -> None:
        self.kept: dict[str, tuple[str, str | None]] = {}
        self.fault: BaseException | None = None

    def put(self, source: str, pull: str, watch: str | None) -> None:
        self._fail()
        self.kept[source] = (pull, watch)

    def delete(self, source: str) -> None:
        self._fail()
        self.kept.pop(source, None)

    def _fail(self) -> None:
        if self.fault is not None:
            fault, self.fault = self.fault, None
            raise fault


class Files:
    """The bucket with the files of sources, which knows which version is the current one."""

    def __init__(self, env: Environment) -> None:
        self._objects = env.objects
        self.current: dict[str, ObjectRef] = {}

    def put(
        self, text: str | bytes, *, second: int = 0, key: str = KEY, sequencer: str = ""
    ) -> CreatedObject:
        body = text.encode() if isinstance(text, str) else text
        ref = self._objects.write(BUCKET, key, [body])
        self.current[key] = ref
        return CreatedObject(ref, len(body), sequencer, NOON + timedelta(seconds=second))

    def delete(self, *, second: int, key: str = KEY) -> DeletedObject:
        self.current.pop(key, None)
        marker = ObjectRef(BUCKET, key, f"marker-{second}")
        return DeletedObject(marker, "", NOON + timedelta(seconds=second), permanent=False)

    def latest(self, _: str, key: str) -> tuple[ObjectRef, object] | None:
        ref = self.current.get(key)
        return (ref, NOON) if ref else None

    def __getattr__(self, name: str) -> object:
        return getattr(self._objects, name)


class Company:
    """Stores files of sources and applies their events."""

    def __init__(self, env: Environment) -> None:
        self.env = env
        self.files = Files(env)
        self.schedules = Schedules()

    def apply(self, changed: CreatedObject | DeletedObject) -> Applied:
        deps = apply_source.Dependencies(
            self.env.database.as_task("sources"),
            self.files,  # type: ignore[arg-type]
            self.env.sent,
            self.schedules,
            self.env.now,
        )
        return apply_source.apply_source(deps, changed)

    def watch(self) -> str:
        deps = watch_source.Dependencies(self.env.database.as_task("sources"), self.env.sent, self.env.now)
        return watch_source.watch_source(deps, WatchedSource("policy"))

    def statuses(self) -> list[str]:
        rows = self.env.rows("SELECT status FROM source_version ORDER BY source_version_id")
        return [status for (status,) in rows]


@pytest.fixture
def company(env: Environment) -> Company:
    return Company(env)


def test_a_file_becomes_the_running_version_with_two_schedules(company: Company) -> None:
    created = company.files.put(TEXT)
    assert company.apply(created) == Applied("applied", "policy")
    assert company.schedules.kept == {"policy": ("rate(15 minutes)", "rate(45 minutes)")}
    state = company.env.state()
    assert (state.text, state.paused, state.removed) == (TEXT, False, False)
    assert company.apply(created).status == "applied"
    assert company.statuses() == ["applied"]


def test_a_source_that_may_always_be_silent_is_not_watched(company: Company) -> None:
    company.apply(company.files.put(TEXT + "silentAfter: never\n"))
    assert company.schedules.kept == {"policy": ("rate(15 minutes)", None)}


def test_a_refused_file_is_notified_once_and_the_running_version_stays(company: Company) -> None:
    company.apply(company.files.put(TEXT))
    wrong = company.files.put(TEXT.replace("mysql", "mysqll") + "lines: 5\n", second=1)
    for _ in range(2):
        assert company.apply(wrong).status == "refused"
    [(subject, message)] = company.env.sent.messages
    assert subject == "Claimwatch refused a source: policy"
    assert "  - kind: 'mysqll' is unknown; write 'mysql'\n" in message
    assert "  - 'lines' is not a key; write 'line'\n" in message
    assert company.env.state().text == TEXT
    assert company.statuses() == ["applied", "refused"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"\xff\xfe", "byte 1 of the file is not UTF-8"),
        (b"kind: \0", "byte 7 of the file is zero"),
        (b"#" * (1 << 20) + b"##", "the file is larger than 1,048,576 bytes"),
        (b"", "the file is not a source"),
    ],
)
def test_what_is_not_a_text_is_refused(company: Company, content: bytes, reason: str) -> None:
    assert company.apply(company.files.put(content)).status == "refused"
    assert reason in company.env.sent.messages[0][1]


def test_a_refusal_that_was_not_notified_is_notified_again(company: Company) -> None:
    wrong = company.files.put("kind: x")
    company.env.sent.fault = Killed()
    with pytest.raises(Killed):
        company.apply(wrong)
    company.apply(wrong)
    company.apply(wrong)
    assert len(company.env.sent.messages) == 1


def test_events_in_any_order_leave_the_newest_version_running(company: Company) -> None:
    old = company.files.put(TEXT, second=1)
    new = company.files.put(TEXT.replace("15", "30"), second=2)
    assert company.apply(new).status == "applied"
    assert company.apply(old).status == "superseded"
    assert company.schedules.kept == {"policy": ("rate(30 minutes)", "rate(90 minutes)")}
    assert company.env.state().text == TEXT.replace("15", "30")


def test_versions_of_the_same_second_are_ordered_by_their_sequencers(company: Company) -> None:
    new = company.files.put(TEXT.replace("15", "30"), sequencer="10")
    old = company.files.put(TEXT, sequencer="9")
    company.apply(new)
    assert company.apply(old).status == "superseded"


def test_a_late_repetition_of_an_old_event_keeps_the_schedules_of_the_new_version(company: Company) -> None:
    old = company.files.put(TEXT, second=1)
    company.apply(old)
    company.apply(company.files.put(TEXT.replace("15", "30"), second=2))
    assert company.apply(old).status == "applied"
    assert company.schedules.kept["policy"] == ("rate(30 minutes)", "rate(90 minutes)")


def test_schedules_that_were_not_written_are_written_when_the_event_comes_again(company: Company) -> None:
    created = company.files.put(TEXT)
    company.schedules.fault = TransientFault("Scheduler did not answer")
    with pytest.raises(TransientFault):
        company.apply(created)
    assert company.schedules.kept == {}
    company.apply(created)
    assert "policy" in company.schedules.kept
    assert company.statuses() == ["applied"]


def test_a_paused_source_has_no_schedules(company: Company) -> None:
    company.apply(company.files.put(TEXT))
    company.apply(company.files.put(TEXT + "paused: true\n", second=1))
    assert company.schedules.kept == {}
    assert company.env.plan().status == "paused"
    company.apply(company.files.put(TEXT, second=2))
    assert "policy" in company.schedules.kept
    assert company.env.plan().status == "idle"


def test_a_deleted_file_removes_the_source_until_it_is_stored_again(company: Company) -> None:
    company.apply(company.files.put(TEXT))
    table_of(company.env, 3)
    company.env.pull()
    deleted = company.files.delete(second=1)
    for _ in range(2):
        assert company.apply(deleted).status == "removed"
    assert company.schedules.kept == {}
    assert company.env.plan().status == "removed"
    assert company.statuses() == ["applied", "removed"]
    company.apply(company.files.put(TEXT, second=2))
    assert company.env.plan().status == "extract"
    assert company.env.state().position == {"from": 0, "to": 3}


def test_a_source_that_is_removed_while_it_is_pulled_is_not_committed(company: Company) -> None:
    company.apply(company.files.put(TEXT))
    table_of(company.env, 3)
    plan = company.env.plan()
    company.apply(company.files.delete(second=1))
    with pytest.raises(Exception, match="changed after this step's plan"):
        company.env.extract(plan)
    assert company.env.fail("Superseded") == "removed"


def test_the_deletion_of_an_old_version_removes_nothing(company: Company) -> None:
    company.apply(company.files.put(TEXT))
    old = DeletedObject(ObjectRef(BUCKET, KEY, "old"), "", NOON, permanent=True)
    assert company.apply(old).status == "ignored"
    assert "policy" in company.schedules.kept


def test_a_deletion_that_comes_late_does_not_remove_what_was_stored_after_it(company: Company) -> None:
    deleted = company.files.delete(second=1)
    company.apply(company.files.put(TEXT, second=2))
    assert company.apply(deleted).status == "ignored"
    company.files.current.clear()  # and was deleted again, of which the event is still under way
    company.apply(deleted)
    assert "policy" in company.schedules.kept


def test_a_source_of_another_line_begins_again_while_it_is_pulled(company: Company) -> None:
    company.apply(company.files.put(TEXT))
    table = table_of(company.env, 3)
    company.env.extract(company.env.plan())
    applied = company.apply(company.files.put(TEXT.replace("motor", "home"), second=1))
    assert applied == Applied("applied", "policy", began_again=True)
    assert company.env.pull("two") == "done"
    assert "00000002.csv" in company.env.objects_of("claims/home/pull/policy")
    assert len(table.rows) == company.env.rows("SELECT rows_pulled FROM source_window WHERE number = 2")[0][0]


def test_other_objects_are_ignored(company: Company) -> None:
    for key in ("sources/readme.txt", "contracts/motor.yaml"):
        assert company.apply(company.files.put(TEXT, key=key)).status == "ignored"
    assert company.apply(company.files.delete(second=1, key="sources/unknown.yaml")).status == "ignored"


def test_a_file_whose_name_cannot_be_a_source_is_refused(company: Company) -> None:
    created = company.files.put(TEXT, key="sources/Policy System.yaml")
    assert company.apply(created).status == "refused"
    assert "not a valid name of a source" in company.env.sent.messages[0][1]


def test_a_silent_source_is_notified_once_until_it_has_a_new_row(company: Company) -> None:
    env = company.env
    company.apply(company.files.put(TEXT))
    table = table_of(env, 1)
    env.pull()
    env.later(minutes=45)
    assert company.watch() == "fine"
    env.later(minutes=1)
    env.pull("two")
    assert [company.watch(), company.watch()] == ["silent", "silent"]
    [(subject, message)] = env.sent.messages
    assert subject == "Claimwatch: source policy is silent"
    assert "no new row for more than 45 minutes" in message
    assert "It was last looked at on 2026-01-05 at 12:46 UTC" in message
    table.put("c2", 1)
    env.pull("three")
    assert company.watch() == "fine"
    env.later(hours=1)
    assert company.watch() == "silent"
    assert len(env.sent.messages) == 2


def test_a_source_that_was_never_pulled_is_silent_too(company: Company) -> None:
    company.apply(company.files.put(TEXT))
    company.env.later(hours=1)
    assert company.watch() == "silent"
    assert "It was last pulled to its end never" in company.env.sent.messages[0][1]


@pytest.mark.parametrize("addition", ["paused: true\n", "silentAfter: never\n"])
def test_a_source_that_need_not_be_watched_is_not(company: Company, addition: str) -> None:
    company.apply(company.files.put(TEXT + addition))
    company.env.later(days=5)
    assert company.watch() == "unwatched"


def test_a_source_that_goes_on_after_a_pause_is_given_its_time(company: Company) -> None:
    company.apply(company.files.put(TEXT + "paused: true\n"))
    company.env.later(days=5)
    company.apply(company.files.put(TEXT, second=1))
    assert company.watch() == "fine"
