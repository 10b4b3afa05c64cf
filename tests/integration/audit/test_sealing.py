"""Every access event gets into exactly one seal, wherever a run ends and whoever writes meanwhile."""

import dataclasses
import threading
from contextlib import closing

import pytest

from claimwatch.domain.audit.raw_event import RawEvent
from claimwatch.domain.audit.seal import parse_seal
from claimwatch.errors import TransientFault
from claimwatch.governance.seal_audit import LOCK_ATTEMPTS, seal_audit
from claimwatch.storage.connection import StatementRefused
from tests.integration.audit.record import ADD, Record


def sealed_numbers(record: Record) -> list[int]:
    contents = (record.seals.contents[number] for number in sorted(record.seals.contents))
    return [seq for content in contents for seq, _ in parse_seal(content).sealed()]


def test_events_are_sealed_in_ranges_and_only_once(record: Record) -> None:
    record.add(25)
    result = record.seal()
    assert (result.numbers, result.events, result.restored, result.finished) == ([1, 2, 3], 25, False, True)
    assert record.seal().numbers == []
    record.add(3)
    assert record.seal().numbers == [4]
    assert sealed_numbers(record) == list(range(1, 29))
    verification = record.verify()
    assert (verification.verified, verification.unsealed, verification.findings) == (28, 0, [])


def test_without_events_there_is_no_seal(record: Record) -> None:
    assert record.seal().numbers == []
    assert record.verify().findings == []


def test_every_column_of_an_event_is_sealed(record: Record) -> None:
    """A column that is added to the table has to be added to its canonical form."""
    columns = record.copy(
        "SELECT attname::text FROM pg_attribute WHERE attrelid = 'claimwatch.access_event'::regclass"
        " AND attnum > 0 AND NOT attisdropped"
    )
    assert {name for (name,) in columns} == set(RawEvent._fields)


def test_a_run_without_time_ends_between_two_seals_and_the_next_one_goes_on(record: Record) -> None:
    record.add(25)
    left = iter([False, True])
    result = seal_audit(record.deps, time_is_up=lambda: next(left))
    assert (result.numbers, result.finished) == ([1], False)
    assert record.seal().numbers == [2, 3]
    assert record.verify().findings == []


def test_a_run_that_is_killed_before_the_row_is_continued_by_the_next_one(record: Record) -> None:
    record.add(25)
    with record.killed_before_the_row():
        record.seal()
    record.add(5)
    assert (list(record.seals.contents), record.verify().findings) == ([1], [])
    result = record.seal()
    assert (result.numbers, result.restored) == ([1, 2, 3], False)
    assert sealed_numbers(record) == list(range(1, 31))
    assert (record.verify().findings, record.alerts.sent) == ([], [])


def test_two_runs_at_the_same_time_make_one_chain(record: Record) -> None:
    record.add(95)
    errors: list[BaseException] = []

    def run() -> None:
        with closing(record.owner.separately("seal")) as database:
            try:
                seal_audit(dataclasses.replace(record.deps, database=database))
            except TransientFault as fault:  # the queue repeats the run
                errors.append(fault)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    record.seal()
    assert sealed_numbers(record) == list(range(1, 96))
    assert record.verify().findings == []
    assert record.alerts.sent == []


def test_no_event_comes_too_late_because_transactions_that_add_some_are_waited_for(record: Record) -> None:
    """Numbers are given before transactions commit, so a smaller number may become visible later."""
    pauses: list[float] = []
    deps = dataclasses.replace(record.deps, sleep=pauses.append)
    with closing(record.owner.separately("record")) as late, late.transaction() as cursor:
        cursor.execute(ADD.format(count=1))
        with closing(record.owner.separately("record")) as early, early.transaction() as other:
            other.execute(ADD.format(count=2))
        with pytest.raises(TransientFault):
            seal_audit(deps)
        assert len(pauses) == LOCK_ATTEMPTS - 1
        assert record.seals.contents == {}
    assert record.seal().events == 3
    assert record.verify().findings == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE claimwatch.audit_seal SET events = 0",
        "DELETE FROM claimwatch.audit_seal",
        "UPDATE claimwatch.access_event SET actor = 'x'",
        "DELETE FROM claimwatch.access_event",
        "INSERT INTO claimwatch.access_event (actor, via, action, outcome) VALUES ('', '', '', '')",
    ],
)
def test_the_task_that_seals_can_change_no_event_and_no_seal(record: Record, statement: str) -> None:
    record.add(3)
    record.seal()
    with (
        pytest.raises(StatementRefused, match="InsufficientPrivilege"),
        record.owner.as_task("seal").transaction() as cursor,
    ):
        cursor.execute(statement)


# -- Restores ------------------------------------------------------------------------------------------------


def restore(record: Record, seals: int, events: int) -> None:
    """Restore the database to a state with so many seals and events."""
    record.run(
        f"DELETE FROM claimwatch.audit_seal WHERE number > {seals};"
        f"DELETE FROM claimwatch.access_event WHERE seq > {events};"
        f"ALTER TABLE claimwatch.access_event ALTER seq RESTART WITH {events + 1}"
    )


def test_after_a_restore_sealing_goes_on_and_says_so(record: Record) -> None:
    record.add(50)
    record.seal()
    restore(record, seals=2, events=34)
    record.add(30)
    result = record.seal()
    assert result.restored
    # Seal 3 still fits its events; those of seals 4 and 5 are gone or were numbered anew.
    assert result.numbers == [3, 4, 5, 6, 7, 8, 9]
    seal = parse_seal(record.seals.contents[6])
    assert (seal.reason, seal.replaces, seal.first_seq) == ("restored", 4, 31)
    verification = record.verify()
    assert [finding.kind for finding in verification.findings] == ["restored"]
    assert (verification.verified, verification.unsealed) == (64, 0)
    [(subject, message)] = record.alerts.sent
    assert "restored" in subject
    assert "Seal 6 replaces seals 4 to 5" in message


def test_a_run_that_is_killed_while_it_records_a_restore_is_continued(record: Record) -> None:
    record.add(50)
    record.seal()
    restore(record, seals=2, events=34)
    record.add(30)
    with record.killed_before_the_row():
        record.seal()
    result = record.seal()
    assert result.restored
    verification = record.verify()
    assert [finding.kind for finding in verification.findings] == ["restored"]
    assert verification.verified == 64
    assert len(record.seals.contents) == 9


def test_a_restore_of_a_backup_from_before_a_restore_is_recorded_too(record: Record) -> None:
    record.add(50)
    record.seal()
    record.run(
        "CREATE TABLE backup_events AS TABLE claimwatch.access_event;"
        "CREATE TABLE backup_seals AS TABLE claimwatch.audit_seal"
    )
    restore(record, seals=2, events=20)
    record.add(30)
    record.seal()
    for seals, events in ((4, 40), (1, 10)):
        record.run(
            "DELETE FROM claimwatch.audit_seal; DELETE FROM claimwatch.access_event;"
            "INSERT INTO claimwatch.access_event OVERRIDING SYSTEM VALUE SELECT * FROM backup_events;"
            "INSERT INTO claimwatch.audit_seal SELECT * FROM backup_seals"
        )
        restore(record, seals, events)
        record.add(5)
        assert record.seal().restored
        verification = record.verify()
        assert verification.verified == events + 5
        assert set(verification.counts) == {"restored"}


def test_events_that_were_changed_between_the_object_and_the_row_are_not_sealed_silently(
    record: Record,
) -> None:
    record.add(8)
    with record.killed_before_the_row():
        record.seal()
    record.run("UPDATE claimwatch.access_event SET actor = 'somebody else' WHERE seq = 5")
    assert record.seal().restored
    assert len(record.alerts.sent) == 1
    assert record.verify().counts["restored"] == 1
