"""Each version of a file on a server is pulled once, and none while it still grows."""

from datetime import timedelta

import pytest

from claimwatch.sources.plan_pull import Plan
from claimwatch.sources.reader import SourceUnreachable
from tests.integration.sources.environment import NOON, Environment, FakeServer

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"


def server(env: Environment, **changed: str) -> FakeServer:
    keys = {"kind": "sftp", "files": "out/*.csv", "hostKeys": f"[{HOST_KEY}]"}
    env.define(table=None, key=None, mode=None, **keys, **changed)
    env.server = FakeServer()
    return env.server


def wait_and_pull(env: Environment, execution: str = "one") -> str:
    plan = env.plan(execution)
    if plan.status == "wait":
        env.later(seconds=plan.seconds)
    return env.pull(execution)


def test_a_file_is_pulled_when_two_looks_found_it_unchanged(env: Environment) -> None:
    files = server(env)
    files.put("out/a.csv", b"id\n1\n")
    assert env.plan() == Plan("wait", "policy", generation=1, seconds=60)
    assert env.plan("other").status == "busy"
    env.later(seconds=60)
    assert env.pull() == "done"
    assert env.objects_of() == {"out/a.csv": [b"id\n1\n"]}
    assert env.rows("SELECT rows_read, object_bytes, last FROM source_window") == [(None, 5, True)]
    assert wait_and_pull(env, "two") == "idle"
    assert env.state().rows_at == NOON + timedelta(seconds=60)


def test_a_file_that_grows_is_left_until_it_has_settled(env: Environment) -> None:
    files = server(env)
    files.put("out/a.csv", b"id\n")
    plan = env.plan()
    env.later(seconds=plan.seconds)
    files.put("out/a.csv", b"id\n1\n")
    assert env.plan().status == "idle"  # the next execution looks again
    env.later(minutes=15)
    assert env.pull("two") == "done"
    assert env.objects_of() == {"out/a.csv": [b"id\n1\n"]}


def test_a_file_that_is_sent_again_is_a_new_version_of_its_object(env: Environment) -> None:
    files = server(env)
    files.put("out/a.csv", b"id\n1\n")
    assert wait_and_pull(env) == "done"
    files.put("out/a.csv", b"id\n2\n", NOON + timedelta(days=1))
    assert wait_and_pull(env, "two") == "done"
    assert env.objects_of() == {"out/a.csv": [b"id\n1\n", b"id\n2\n"]}


def test_files_are_pulled_in_the_order_of_their_times(env: Environment) -> None:
    files = server(env, marker=".done")
    files.put("out/b.csv", b"1", NOON)
    files.put("out/a.csv", b"2", NOON + timedelta(hours=1))
    files.put("out/c.csv", b"3", NOON - timedelta(hours=1))
    assert env.pull() == "done"
    assert env.rows("SELECT path, last FROM source_window ORDER BY number") == [
        ("out/c.csv", False),
        ("out/b.csv", False),
        ("out/a.csv", True),
    ]


def test_a_file_that_changed_after_its_plan_is_given_up_and_planned_again(env: Environment) -> None:
    files = server(env, marker=".done")
    files.put("out/a.csv", b"old")
    plan = env.plan()
    files.put("out/a.csv", b"newer")
    with pytest.raises(SourceUnreachable):
        env.extract(plan)
    env.fail("SourceUnreachable")
    assert env.pull("two") == "done"
    assert env.objects_of() == {"out/a.csv": [b"newer"]}
    assert env.rows("SELECT discarded_at IS NULL FROM source_window ORDER BY number") == [(False,), (True,)]


def test_a_file_that_is_gone_after_its_plan_does_not_block_others(env: Environment) -> None:
    files = server(env, marker=".done")
    files.put("out/a.csv", b"1")
    env.plan()
    del files.content["out/a.csv"]
    files.put("out/b.csv", b"2")
    assert env.pull() == "done"
    assert env.objects_of() == {"out/b.csv": [b"2"]}


def test_an_execution_that_is_killed_between_two_steps_is_continued(env: Environment) -> None:
    files = server(env, marker=".done")
    files.put("out/a.csv", b"1")
    plan = env.plan("killed")
    env.extract(plan)
    env.later(minutes=21)
    assert env.pull("next") == "done"
    assert env.objects_of() == {"out/a.csv": [b"1"]}
    assert env.pull("last") == "idle"


def test_another_glob_pulls_only_files_that_were_not_pulled(env: Environment) -> None:
    files = server(env, marker=".done")
    files.put("out/a.csv", b"1")
    env.pull()
    before = env.state().reads_sha256
    keys = {"kind": "sftp", "files": "out/*", "hostKeys": f"[{HOST_KEY}]", "marker": ".done"}
    env.define(table=None, key=None, mode=None, **keys)
    assert env.state().reads_sha256 == before
    files.put("out/b.txt", b"2")
    assert env.pull("two") == "done"
    assert env.objects_of() == {"out/a.csv": [b"1"], "out/b.txt": [b"2"]}


def test_all_files_are_pulled_again_from_the_start(env: Environment) -> None:
    files = server(env, marker=".done")
    files.put("out/a.csv", b"1")
    env.pull()
    assert env.pull("two", from_start=True) == "done"
    assert env.rows("SELECT count(*) FROM source_window WHERE committed_at IS NOT NULL") == [(2,)]
    assert env.objects_of() == {"out/a.csv": [b"1"]}  # the same bytes, so the same version


def test_a_file_that_cannot_be_an_object_is_skipped_and_counted(env: Environment) -> None:
    files = server(env, marker=".done")
    files.put("out/" + "a" * 1000, b"1")
    plan = env.plan()
    assert (plan.status, plan.skipped) == ("idle", 1)


def test_an_empty_file_and_one_from_the_root_become_objects(env: Environment) -> None:
    files = server(env, marker=".done")
    files.put("/out/a.csv", b"")
    assert env.pull() == "done"
    assert env.objects_of() == {"out/a.csv": [b""]}


def test_a_file_that_takes_too_long_is_refused_and_others_are_pulled(env: Environment) -> None:
    files = server(env, marker=".done")
    files.put("out/a.csv", b"1", NOON - timedelta(days=1))
    files.put("out/b.csv", b"2")
    for execution in ("one", "two"):
        plan = env.plan(execution)
        env.extract(plan, time_left=29)
        env.commit(plan)
        env.pull(execution)
        assert env.plan(f"after {execution}").status == "extract"  # the next execution tries it again
        env.later(seconds=3600)

    assert env.objects_of() == {"out/b.csv": [b"2"]}
    [(subject, message)] = env.sent.messages
    assert subject == "Claimwatch: a file of source policy was not pulled"
    assert "raise limits.seconds, or have it sent in smaller files" in message
    assert "a.csv" not in message

    env.pull("after two")
    assert env.objects_of() == {"out/a.csv": [b"1"], "out/b.csv": [b"2"]}
