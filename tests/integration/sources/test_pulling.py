"""Every row of a source is pulled once, whatever is killed, repeated or started twice."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from claimwatch.aws.objects import ObjectRef
from claimwatch.aws.pull_events import PullRequest
from claimwatch.errors import Superseded
from claimwatch.sources import plan_pull
from claimwatch.sources.plan_pull import MOST_WINDOWS, Plan
from claimwatch.sources.reader import RefusedSource, SourceUnreachable, WindowTooLarge
from tests.integration.sources.environment import (
    LANDING,
    NOON,
    Environment,
    Killed,
    copying_table_of,
    table_of,
)


def test_a_table_is_pulled_in_windows_of_one_object_each(env: Environment) -> None:
    env.define(limits="{rows: 4}")
    table = table_of(env, 10)
    assert env.pull() == "done"
    assert list(env.objects_of()) == ["00000001.csv", "00000002.csv", "00000003.csv"]
    assert [row["claim_id"] for row in env.pulled()] == sorted(table.rows)
    assert env.objects_of()["00000003.csv"] == [b"claim_id,amount\nc008,8\nc009,9\n"]
    assert env.rows("SELECT number, rows_read, rows_pulled, committed_at FROM source_window ORDER BY 1") == [
        (1, 4, 4, NOON),
        (2, 4, 4, NOON),
        (3, 2, 2, NOON),
    ]
    state = env.state()
    assert (state.execution, state.lease_until, state.cycle) == (None, None, None)
    assert (state.looked_at, state.rows_at, state.position) == (NOON, NOON, {"from": 0, "to": 10})
    assert table.opened == table.closed


def test_a_window_is_stored_before_anything_is_read(env: Environment) -> None:
    env.define()
    table_of(env, 3)
    plan = env.plan()
    assert plan == Plan("extract", "policy", 1, 1)
    assert env.objects_of() == {}
    assert env.rows("SELECT upto_key, committed_at FROM source_window") == [(["c002"], None)]


def test_a_source_without_rows_has_no_object(env: Environment) -> None:
    env.define()
    assert env.pull() == "idle"
    assert env.objects_of() == {}
    assert (env.state().looked_at, env.state().rows_at) == (NOON, None)


@pytest.mark.parametrize("killed_after", ["plan", "extract", "commit"])
def test_an_execution_that_is_killed_between_two_steps_is_continued(
    env: Environment, killed_after: str
) -> None:
    env.define(limits="{rows: 2}")
    table = table_of(env, 5)
    plan = env.plan("killed")
    if killed_after != "plan":
        env.extract(plan)
    if killed_after == "commit":
        env.commit(plan)
    assert env.pull("early") == "busy"
    env.later(minutes=21)
    assert env.pull("next") == "done"
    assert [row["claim_id"] for row in env.pulled()] == sorted(table.rows)
    assert all(len(versions) == 1 for versions in env.objects_of().values())


def test_an_extraction_that_is_killed_leaves_no_object_and_is_repeated(env: Environment) -> None:
    env.define()
    table = table_of(env, 5)
    plan = env.plan()

    def kill() -> None:
        raise Killed

    table.after_batch = kill
    with pytest.raises(Killed):
        env.extract(plan)
    assert env.objects_of() == {}
    table.after_batch = lambda: None
    env.extract(plan)
    env.commit(plan)
    assert len(env.pulled()) == 5
    assert env.rows("SELECT count(*) FROM source_row") == [(5,)]
    assert env.rows("SELECT count(*) FROM source_window_row") == [(0,)]


def test_a_repeated_extraction_writes_the_same_bytes_once(env: Environment) -> None:
    env.define()
    copying_table_of(env, 5)
    plan = env.plan()
    env.extract(plan)
    env.rows("UPDATE source_window SET extracted_at = NULL")  # killed before it was recorded
    again = env.extract(plan)
    assert [len(versions) for versions in env.objects_of().values()] == [1]
    assert again.rows_read == 5


def test_a_recorded_extraction_is_not_repeated(env: Environment) -> None:
    env.define()
    table = table_of(env, 5)
    plan = env.plan()
    first = env.extract(plan)
    opened = table.opened
    assert env.extract(plan) == first
    assert table.opened == opened


def test_a_repeated_commit_has_no_second_effect(env: Environment) -> None:
    env.define(limits="{rows: 2}")
    table_of(env, 3)
    plan = env.plan()
    env.extract(plan)
    assert env.commit(plan) == env.commit(plan)
    assert env.state().after_key == ["c001"]
    plan = env.plan()
    env.extract(plan)
    assert [env.commit(plan).more, env.commit(plan).more] == [False, False]
    assert env.pull("two") == "done"


def test_the_scheduler_firing_twice_starts_one_pull(env: Environment) -> None:
    env.define(limits="{rows: 2}")
    table_of(env, 5)
    plan = env.plan("one")
    assert env.plan("two").status == "busy"
    env.extract(plan)
    assert env.plan("two").status == "busy"
    env.commit(plan)
    assert env.plan("two").status == "busy"
    assert env.pull("one") == "done"
    assert env.plan("two").status == "extract"


def test_steps_of_an_earlier_plan_change_nothing(env: Environment) -> None:
    env.define()
    table_of(env, 3)
    stale = env.plan("one")
    env.later(minutes=21)
    fresh = env.plan("two")
    assert (fresh.number, fresh.generation) == (stale.number, stale.generation + 1)
    with pytest.raises(Superseded):
        env.extract(stale)
    env.extract(fresh)
    with pytest.raises(Superseded):
        env.commit(stale)
    assert env.state().after_key is None
    assert env.commit(fresh).more is False


def test_an_extraction_that_was_superseded_while_it_read_records_nothing(env: Environment) -> None:
    env.define()
    table = table_of(env, 6)
    stale = env.plan("one")
    planned: list[Plan] = []

    def supersede() -> None:
        table.after_batch = lambda: None
        env.later(minutes=21)
        planned.append(env.plan("two"))

    table.after_batch = supersede
    with pytest.raises(Superseded):
        env.extract(stale)
    assert env.objects_of() == {}
    env.extract(planned[0])
    env.commit(planned[0])
    assert len(env.pulled()) == 6
    assert env.rows("SELECT count(*) FROM source_row") == [(6,)]


def test_the_same_execution_keeps_its_lease_from_step_to_step(env: Environment) -> None:
    env.define(limits="{rows: 2}")
    table_of(env, 5)
    for _ in range(2):
        plan = env.plan("long")
        env.later(minutes=14)
        env.extract(plan)
        env.later(minutes=14)
        assert env.plan("other").status == "busy"
        env.commit(plan)


def test_an_object_that_is_gone_is_extracted_again(env: Environment) -> None:
    env.define()
    table_of(env, 3)
    plan = env.plan()
    env.extract(plan)
    env.objects.path(ObjectRef(LANDING, "claims/motor/pull/policy/00000001.csv", "1")).unlink()
    with pytest.raises(Superseded, match="extracted again"):
        env.commit(plan)
    assert env.pull() == "done"
    assert len(env.pulled()) == 3


def test_a_window_without_an_extraction_cannot_be_committed(env: Environment) -> None:
    env.define()
    table_of(env, 3)
    plan = env.plan()
    with pytest.raises(Superseded, match="not extracted"):
        env.commit(plan)


def test_a_window_that_takes_too_long_is_halved_and_grows_back(env: Environment) -> None:
    env.define(limits="{rows: 8, seconds: 100}")
    table = table_of(env, 20)

    def slow() -> None:
        env.seconds += 40

    table.after_batch = slow
    plan = env.plan()
    with pytest.raises(WindowTooLarge):
        env.extract(plan)
    narrowed = env.plan(narrow=True)
    assert (narrowed.number, narrowed.generation) == (1, 2)
    assert env.rows("SELECT upto_key, row_limit, last FROM source_window") == [(["c003"], 4, False)]
    env.extract(narrowed)
    assert env.commit(narrowed).more
    table.after_batch = lambda: None
    table.asked_rows.clear()
    assert env.pull() == "done"
    assert table.asked_rows == [4, 8, 8]
    assert [row["claim_id"] for row in env.pulled()] == sorted(table.rows)


def test_a_step_that_is_about_to_end_gives_its_window_up(env: Environment) -> None:
    env.define()
    table = table_of(env, 6)

    def slow() -> None:
        env.seconds += 40

    table.after_batch = slow
    with pytest.raises(WindowTooLarge):
        env.extract(env.plan(), time_left=60)


def test_the_last_window_of_a_cycle_is_halved_without_ending_the_cycle(env: Environment) -> None:
    env.define(limits="{rows: 100}")
    table = table_of(env, 3)
    env.plan()
    narrowed = env.plan(narrow=True)
    env.extract(narrowed)
    assert env.commit(narrowed).more
    assert env.pull() == "done"
    assert [row["claim_id"] for row in env.pulled()] == sorted(table.rows)


def test_a_single_row_that_takes_too_long_is_refused_with_what_to_do(env: Environment) -> None:
    env.define(limits="{rows: 1}")
    table_of(env, 3)
    env.plan()
    with pytest.raises(RefusedSource, match=r"raise limits\.seconds"):
        env.plan(narrow=True)


def test_only_new_and_changed_rows_are_pulled_by_difference(env: Environment) -> None:
    env.define(limits="{rows: 4}")
    table = table_of(env, 10)
    env.pull()
    table.put("c003", 33)
    table.put("c999", 1)
    assert env.pull("two") == "done"
    assert env.rows(
        "SELECT number, rows_read, rows_pulled, version_id IS NOT NULL FROM source_window"
        " WHERE cycle_number = 2 ORDER BY 1"
    ) == [(4, 4, 1, True), (5, 4, 0, False), (6, 3, 1, True)]
    assert env.objects_of()["00000004.csv"] == [b"claim_id,amount\nc003,33\n"]
    assert env.amounts() == {key: str(values[1]) for key, (_, values) in table.rows.items()}


def test_deleted_rows_are_reported_by_difference(env: Environment) -> None:
    env.define(limits="{rows: 4}")
    table = table_of(env, 10)
    env.pull()
    table.delete("c002")
    table.delete("c009")
    env.later(minutes=15)
    assert env.pull("two") == "done"
    assert env.rows("SELECT key, cycle_number FROM source_deletion ORDER BY 1") == [("c002", 2), ("c009", 2)]
    assert env.sent.subjects == ["Claimwatch: 2 rows of source policy are gone"]
    assert "c002" not in env.sent.messages[0][1]
    assert env.pull("three") == "done"
    assert len(env.sent.messages) == 1
    table.put("c002", 2)
    env.pull("four")
    assert env.amounts()["c002"] == "2"


def test_a_deletion_is_reported_again_rather_than_lost_after_a_crash(env: Environment) -> None:
    env.define()
    table = table_of(env, 3)
    env.pull()
    table.delete("c001")
    plan = env.plan("two")
    env.extract(plan)
    env.sent.fault = Killed()
    with pytest.raises(Killed):
        env.commit(plan)
    assert env.rows("SELECT count(*) FROM source_deletion") == [(0,)]
    assert env.commit(plan).deleted == 1
    assert len(env.sent.messages) == 1


def test_a_source_that_lost_all_its_rows_reports_them(env: Environment) -> None:
    env.define()
    table = table_of(env, 2)
    env.pull()
    table.rows.clear()
    assert env.pull("two") == "idle"
    assert env.sent.subjects == ["Claimwatch: 2 rows of source policy are gone"]


def test_repetitions_of_the_overlap_are_dropped(env: Environment) -> None:
    env.define(mode="overlap", watermark="changed_at")
    table = table_of(env, 10)
    table.overlap = 4
    env.pull()
    assert env.rows("SELECT key FROM source_row ORDER BY 1") == [(f"c00{n}",) for n in (6, 7, 8, 9)]
    table.put("c100", 1)
    env.pull("two")
    assert env.rows("SELECT rows_read, rows_pulled FROM source_window WHERE number = 2") == [(5, 1)]
    assert env.objects_of()["00000002.csv"] == [b"claim_id,amount\nc100,1\n"]
    assert env.rows("SELECT key FROM source_row ORDER BY 1") == [(f"c00{n}",) for n in (7, 8, 9)] + [
        ("c100",)
    ]
    assert env.rows("SELECT count(*) FROM source_deletion") == [(0,)]


def test_rows_of_the_same_watermark_that_come_late_are_pulled(env: Environment) -> None:
    env.define(mode="overlap", watermark="changed_at")
    table = table_of(env, 5)
    table.overlap = 3
    env.pull()
    table.rows["c900"] = (4, ["c900", "late"])  # its transaction ended after the last pull
    env.pull("two")
    assert env.amounts()["c900"] == "late"


def test_a_copied_window_passes_as_it_is(env: Environment) -> None:
    env.define(kind="postgresql", mode="horizon", limits="{rows: 4}")
    table = copying_table_of(env, 6)
    assert env.pull() == "done"
    assert env.objects_of()["00000002.csv"] == [b"claim_id,amount\nc004,4\nc005,5\n"]
    assert env.rows("SELECT count(*) FROM source_row") == [(0,)]
    table.put("c001", 11)
    assert env.pull("two") == "done"
    assert env.objects_of()["00000003.csv"] == [b"claim_id,amount\nc001,11\n"]
    assert env.pull("three") == "idle"


def test_a_copied_window_whose_rows_have_all_changed_has_no_object(env: Environment) -> None:
    env.define(kind="postgresql", mode="horizon")
    table = copying_table_of(env, 2)
    plan = env.plan()
    table.put("c000", 5)
    table.put("c001", 5)
    assert env.extract(plan).has_object is False
    assert env.commit(plan).more is False
    assert env.pull("two") == "done"
    assert env.amounts() == {"c000": "5", "c001": "5"}


def test_a_login_that_may_write_is_refused(env: Environment) -> None:
    env.define()
    table_of(env, 3).may_write = True
    with pytest.raises(RefusedSource, match="GRANT SELECT"):
        env.plan()
    assert env.rows("SELECT count(*) FROM source_window") == [(0,)]


def test_a_pull_from_the_start_has_all_rows_again(env: Environment) -> None:
    env.define(limits="{rows: 2}")
    table_of(env, 3)
    env.pull()
    assert env.pull("two", from_start=True) == "done"
    assert len(env.pulled()) == 6
    assert env.rows("SELECT count(*) FROM source_deletion") == [(0,)]


def test_a_source_that_reads_something_else_begins_again(env: Environment) -> None:
    env.define(limits="{rows: 2}")
    table_of(env, 5)
    plan = env.plan()
    env.extract(plan)
    env.define("policy", True, line="home", limits="{rows: 2}")
    with pytest.raises(Superseded):
        env.commit(plan)
    assert env.pull("two") == "done"
    keys = [key for key in env.objects_of("claims") if key.startswith("home/")]
    assert keys == [f"home/pull/policy/0000000{number}.csv" for number in (2, 3, 4)]
    assert env.rows("SELECT discarded_at IS NULL FROM source_window ORDER BY number")[:2] == [
        (False,),
        (True,),
    ]


def test_a_file_that_changes_only_the_pace_does_not_disturb_the_cycle(env: Environment) -> None:
    env.define(limits="{rows: 2}")
    table = table_of(env, 5)
    plan = env.plan()
    env.define(limits="{rows: 10}")
    env.extract(plan)
    assert env.commit(plan).more
    assert env.pull() == "done"
    assert [row["claim_id"] for row in env.pulled()] == sorted(table.rows)


def test_a_paused_source_waits_and_goes_on_where_it_was(env: Environment) -> None:
    env.define(limits="{rows: 2}")
    table = table_of(env, 5)
    plan = env.plan()
    env.extract(plan)
    env.define(limits="{rows: 2}", paused="true")
    assert env.commit(plan).more
    assert env.plan().status == "paused"
    assert env.state().execution is None
    env.define(limits="{rows: 2}")
    assert env.pull("two") == "done"
    assert [row["claim_id"] for row in env.pulled()] == sorted(table.rows)


def test_an_unknown_source_is_removed(env: Environment) -> None:
    assert env.plan().status == "removed"


def test_an_execution_plans_a_limited_number_of_windows(env: Environment) -> None:
    env.define()
    table_of(env, 3)
    env.plan()
    env.rows(
        "INSERT INTO source_window (source, number, cycle_number, cycle, last, object_key, execution,"
        " extracted_at, committed_at) SELECT 'policy', n + 1000, 1, '{}', false, '', 'one', now(), now()"
        " FROM generate_series(1, %s) AS n",
        MOST_WINDOWS - 1,
    )
    assert env.plan("one").status == "continue"
    assert env.plan("two").status == "extract"


def test_other_columns_are_noted_once(env: Environment) -> None:
    env.define()
    table = table_of(env, 2)
    env.pull()
    table.columns[1] = type(table.columns[1])("sum", "int")
    table.put("c000", 9)
    assert env.plan("two").changed == ("amount", "sum")
    assert env.state().columns == [["claim_id", "text"], ["sum", "int"]]
    assert env.plan("two").changed == ()


def test_a_failure_is_notified_once_until_the_source_works_again(env: Environment) -> None:
    env.define()
    table = table_of(env, 2)
    table.unreachable = True
    for execution in ("one", "two"):
        with pytest.raises(SourceUnreachable):
            env.plan(execution)
        assert env.fail("SourceUnreachable", "source policy does not answer", execution) == "failing"
    assert env.sent.subjects == ["Claimwatch cannot pull source policy"]
    assert "source policy does not answer" in env.sent.messages[0][1]
    state = env.state()
    assert (state.failing_since, state.execution) == (NOON, None)
    assert state.error == "SourceUnreachable: source policy does not answer"
    table.unreachable = False
    assert env.pull("three") == "done"
    assert (env.state().failing_since, env.state().error) == (None, None)
    table.unreachable = True
    with pytest.raises(SourceUnreachable):
        env.plan("four")
    env.fail("SourceUnreachable", execution="four")
    assert len(env.sent.messages) == 2


def test_a_failure_notification_that_is_killed_is_sent_again(env: Environment) -> None:
    env.define()
    table_of(env, 1)
    env.plan()
    env.sent.fault = Killed()
    with pytest.raises(Killed):
        env.fail("RefusedSource")
    assert env.fail("RefusedSource") == "failing"
    assert len(env.sent.messages) == 1


def test_a_step_that_lost_the_source_is_no_failure(env: Environment) -> None:
    env.define()
    table_of(env, 1)
    env.plan("one")
    assert env.fail("Superseded") == "superseded"
    env.plan("two")
    assert env.fail("States.Timeout", execution="one") == "superseded"
    assert env.state().execution == "two"
    assert env.sent.messages == []


def test_of_executions_that_start_at_the_same_time_one_pulls(env: Environment) -> None:
    env.define()
    table = table_of(env, 3)

    def plan(execution: str) -> str:
        with closing(env.database.separately("sources")) as database:
            deps = plan_pull.Dependencies(database, env.sent, table.open, env.now)
            return plan_pull.plan_pull(deps, PullRequest("policy", execution)).status

    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(plan, ["one", "two", "three", "four"]))
    assert statuses == ["busy", "busy", "busy", "extract"]
    assert env.rows("SELECT count(*) FROM source_window") == [(1,)]
