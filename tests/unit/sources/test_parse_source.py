"""The file of a source is read strictly, and all its problems are reported at once."""

import base64
import re
from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimwatch.domain.sources.parse import KEYS, parse_source
from claimwatch.domain.sources.schedule import interval_of, rate_of, schedule_problem
from claimwatch.domain.sources.source import Kind, Limits, Mode, Source
from claimwatch.domain.sources.source_name import is_source_name
from claimwatch.errors import RefusedSourceFile

TABLE: dict[str, str | None] = {
    "kind": "postgresql",
    "line": "motor",
    "table": "claims.motor_claim",
    "key": "[claim_id]",
    "schedule": "rate(15 minutes)",
    "secret": "claimwatch/prod/sources/policy-system",
}
HOST_KEY = "ssh-ed25519 " + base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0\x20" + bytes(32)).decode()
FILES: dict[str, str | None] = {
    "kind": "sftp",
    "line": "motor",
    "files": "out/*.csv",
    "schedule": "rate(1 hour)",
    "secret": "claimwatch/prod/sources/drop",
    "hostKeys": f"[{HOST_KEY}]",
}


def written(keys: dict[str, str | None]) -> str:
    return "\n".join(f"{key}: {value}" for key, value in keys.items() if value is not None)


def table(**changed: str | None) -> Source:
    return parse_source(written(TABLE | changed), "policy")


def files(**changed: str | None) -> Source:
    return parse_source(written(FILES | changed), "drop")


def problems(keys: dict[str, str | None], name: str = "policy") -> list[str]:
    with pytest.raises(RefusedSourceFile) as refused:
        parse_source(written(keys), name)
    return refused.value.problems


def test_a_table_has_the_defaults_that_the_documentation_names() -> None:
    source = table()
    assert source == Source(
        name="policy",
        kind=Kind.POSTGRESQL,
        line="motor",
        schedule="rate(15 minutes)",
        secret="claimwatch/prod/sources/policy-system",
        mode=Mode.HORIZON,
        table="claims.motor_claim",
        key=("claim_id",),
        silent_after=timedelta(minutes=45),
    )
    assert (source.dataset, source.limits, source.paused) == ("claims", Limits(500_000, 600), False)


@pytest.mark.parametrize(
    ("changed", "mode"),
    [
        ({}, Mode.HORIZON),
        ({"table": None, "query": "SELECT 1", "watermark": "updated_at"}, Mode.OVERLAP),
        ({"table": None, "query": "SELECT 1"}, Mode.DIFFERENCE),
        ({"kind": "mysql", "watermark": "updated_at"}, Mode.OVERLAP),
        ({"kind": "oracle"}, Mode.DIFFERENCE),
        ({"mode": "difference"}, Mode.DIFFERENCE),
    ],
)
def test_the_mode_depends_on_the_kind_and_on_the_watermark(
    changed: dict[str, str | None], mode: Mode
) -> None:
    assert table(**changed).mode is mode


def test_files_have_the_defaults_that_the_documentation_names() -> None:
    source = files()
    assert (source.mode, source.files, source.key) == (Mode.FILES, "out/*.csv", ())
    assert (source.settle, source.marker) == (timedelta(seconds=60), None)
    assert source.host_keys == (HOST_KEY,)
    assert files(settle="2 minutes").settle == timedelta(minutes=2)
    assert files(marker=".done").marker == ".done"


def test_all_settings_are_read() -> None:
    source = table(
        dataset="outcomes",
        columns="[claim_id, amount, updated_at]",
        watermark="updated_at",
        mode="overlap",
        overlap="2 hours",
        limits="{rows: 10_000, seconds: 60}",
        silentAfter="3 days",
        paused="true",
    )
    assert (source.dataset, source.columns) == ("outcomes", ("claim_id", "amount", "updated_at"))
    assert (source.watermark, source.mode, source.overlap) == ("updated_at", Mode.OVERLAP, timedelta(hours=2))
    assert (source.limits, source.silent_after) == (Limits(10_000, 60), timedelta(days=3))
    assert source.paused


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"kind": "postgres"}, "kind: 'postgres' is unknown; write 'postgresql'"),
        ({"kind": None}, "kind: is missing; add it"),
        ({"line": "Motor"}, "line: 'Motor' is not a valid name of a line: use at most 40"),
        ({"line": "[motor]"}, "line: must be a text"),
        ({"dataset": "photos"}, "dataset: 'photos' is unknown; write one of claims, outcomes"),
        ({"watermrk": "x"}, "'watermrk' is not a key; write 'watermark'"),
        ({"password": "x"}, "'password' is not a key; remove it; the keys are kind"),
        ({"table": "a.b.c.d"}, "table: has more than two parts"),
        ({"table": 'a"; DROP'}, "table: is not a name"),
        ({"table": None}, "table, query: both are missing; write one of them"),
        ({"query": "SELECT 1"}, "table, query: both are given; write one of them"),
        ({"table": None, "query": "DELETE FROM x"}, "query: must begin with SELECT or WITH"),
        ({"table": None, "query": "SELECT 1; DROP TABLE x"}, "query: contains ';'"),
        ({"table": None, "query": "SELECT 1 -- all"}, "query: contains '--', which begins a comment"),
        ({"key": None}, "key: is missing; add the columns that identify a row"),
        ({"key": "[]"}, "key: must be a list of texts"),
        ({"key": "[a, A]"}, "key: a column is duplicated; remove one"),
        ({"key": "['a;b']"}, "key: 'a;b' is not the name of a column"),
        ({"key": "[a, b, c, d, e, f, g, h, i]"}, "key: has 9 columns; at most 8 are possible"),
        ({"columns": "[amount]"}, "key: 'claim_id' is not among the columns to read; add it to columns"),
        ({"mode": "watermark"}, "mode: 'watermark' is unknown; write one of horizon, overlap, difference"),
        ({"kind": "mysql", "mode": "horizon"}, "mode: horizon is for tables of kind postgresql only"),
        ({"mode": "overlap"}, "watermark: is missing; mode overlap needs the column"),
        ({"mode": "difference", "watermark": "t"}, "watermark: is not used by mode difference"),
        ({"overlap": "5 minutes"}, "overlap: is for mode overlap, and this source has mode horizon"),
        ({"overlap": "5 parsecs"}, "overlap: must be a duration such as '90 seconds'"),
        ({"silentAfter": "400 days"}, "silentAfter: must be from 1 minute to 365 days"),
        ({"silentAfter": "999999999 days"}, "silentAfter: must be from 1 minute to 365 days"),
        ({"schedule": "every hour"}, "schedule: must be an expression such as 'rate(15 minutes)'"),
        ({"schedule": "rate(1 minutes)"}, "schedule: write 'minute' with 1 and 'minutes' with other"),
        ({"schedule": "rate(0 minutes)"}, "schedule: the interval is 0"),
        ({"schedule": "rate(400 days)"}, "schedule: the interval is longer than 365 days"),
        ({"schedule": "cron(0 6 * * ? *)"}, "silentAfter: is missing; add the time without a new row"),
        ({"schedule": "cron(0 6 * * * *)"}, "schedule: cron: write '?' for the day of the month or"),
        ({"schedule": "cron(0 25 * * ? *)"}, "schedule: cron: '25' is not a valid hours"),
        ({"schedule": "cron(0 6 * ?)"}, "schedule: cron has 4 fields; it needs six: minutes, hours"),
        ({"secret": "hunter2"}, "secret: must be the name of a secret such as claimwatch/<stack>/"),
        ({"limits": "{rows: 0}"}, "limits: rows: must be an integer from 1 to 5,000,000"),
        ({"limits": "{row: 5}"}, "limits: 'row' is not a key; write 'rows'"),
        ({"limits": "5"}, "limits: must be a mapping"),
        ({"paused": "yes"}, "paused: 'yes' is unknown; write one of true, false"),
        ({"hostKeys": "[x]"}, "hostKeys: is for sources of kind sftp, and this one is postgresql"),
        ({"files": "a.csv"}, "files: is for sources of kind sftp, and this one is postgresql"),
        ({"watermark": ""}, "watermark: has no value; add one"),
    ],
)
def test_a_wrong_table_is_refused_with_what_to_do(changed: dict[str, str | None], problem: str) -> None:
    assert any(each.startswith(problem) for each in problems(TABLE | changed))


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"files": None}, "files: is missing; add it"),
        ({"files": "out/a**/*.csv"}, "files: contains '**' within a name"),
        ({"files": "../*.csv"}, "files: must name files as 'folder/*.csv'"),
        ({"files": "out//*.csv"}, "files: must name files as 'folder/*.csv'"),
        ({"files": "out\\*.csv"}, "files: contains a control character or '\\'"),
        ({"files": "'[a.csv'"}, "files: contains '[' without ']'"),
        ({"hostKeys": None}, "hostKeys: is missing; add the server's public keys"),
        ({"hostKeys": "[ssh-dss AAAA]"}, "hostKeys, number 1: must begin with the type of the key"),
        ({"hostKeys": "[ssh-ed25519 AAAA]"}, "hostKeys, number 1: is not a key of type ssh-ed25519"),
        ({"marker": "a/b"}, "marker: must be a suffix such as '.done'"),
        ({"marker": ".done", "settle": "1 minute"}, "settle: is not used with marker"),
        ({"table": "claim"}, "table: is for tables, and a source of kind sftp has files; remove it"),
        ({"key": "[id]"}, "key: is for tables, and a source of kind sftp has files; remove it"),
        ({"mode": "horizon"}, "mode: 'horizon' is unknown; write one of files"),
    ],
)
def test_a_wrong_source_of_files_is_refused_with_what_to_do(
    changed: dict[str, str | None], problem: str
) -> None:
    assert any(each.startswith(problem) for each in problems(FILES | changed, "drop"))


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- kind", "the file is not a source"),
        ("", "the file is not a source"),
        ("kind: mysql\nkind: mysql", "the key 'kind' is duplicated"),
        ("kind: !!python/object x", "the value begins with a tag"),
        ("kind: [", "invalid YAML"),
    ],
)
def test_what_is_not_a_file_of_keys_is_refused(text: str, problem: str) -> None:
    with pytest.raises(RefusedSourceFile, match=re.escape(problem)):
        parse_source(text, "policy")


def test_the_error_of_a_secret_never_quotes_it() -> None:
    assert "hunter2" not in "".join(problems(TABLE | {"secret": "hunter2"}))


@pytest.mark.parametrize(
    ("name", "valid"),
    [
        ("policy", True),
        ("a1-b", True),
        ("Policy", False),
        ("1a", False),
        ("a" * 41, False),
        ("policy-watch", False),  # the name of the schedule that watches source policy
        ("a/b", False),
    ],
)
def test_a_name_becomes_part_of_keys_and_schedules(name: str, valid: bool) -> None:
    assert is_source_name(name) is valid
    if not valid:
        with pytest.raises(RefusedSourceFile, match="not a valid name of a source"):
            parse_source(written(TABLE), name)


@pytest.mark.parametrize(
    "expression",
    [
        "rate(1 minute)",
        "rate(365 days)",
        "cron(0 6 * * ? *)",
        "cron(0/15 8-18 ? * MON-FRI *)",
        "cron(0 0 L * ? 2027)",
        "cron(0 0 1,15W * ? *)",
        "cron(30 6 ? JAN-MAR,DEC 2#1 *)",
        "cron(30 6 ? * 6L *)",
    ],
)
def test_expressions_of_the_scheduler_are_valid(expression: str) -> None:
    assert schedule_problem(expression) is None


@pytest.mark.parametrize(
    "expression",
    [
        "rate(1.5 hours)",
        "rate(5 weeks)",
        "at(2027-01-01T00:00:00)",
        "cron(60 6 * * ? *)",
        "cron(0 6 ? * ? *)",
        "cron(0 6 32 * ? *)",
        "cron(0 6 * 13 ? *)",
        "cron(0 6 ? * 8 *)",
        "cron(0/0 6 * * ? *)",
        "cron(0 6 * * ? 1900)",
        "cron(, 6 * * ? *)",
    ],
)
def test_other_expressions_are_refused(expression: str) -> None:
    assert schedule_problem(expression) is not None


@given(st.timedeltas(timedelta(minutes=1), timedelta(days=365)))
def test_an_interval_becomes_a_valid_rate_that_is_not_shorter(interval: timedelta) -> None:
    expression = rate_of(interval)
    assert schedule_problem(expression) is None
    found = interval_of(expression)
    assert found is not None
    assert interval <= found < interval + timedelta(minutes=1)


@given(st.dictionaries(st.sampled_from(KEYS), st.text(max_size=20) | st.none()), st.text(max_size=5))
def test_any_file_is_read_or_refused(keys: dict[str, str | None], name: str) -> None:
    with suppress(RefusedSourceFile):
        parse_source(written(TABLE | keys), name or "policy")


@given(st.text(max_size=200))
def test_any_schedule_is_valid_or_refused(text: str) -> None:
    schedule_problem(f"cron({text})")
    schedule_problem(text)


@pytest.mark.parametrize(
    "changed",
    [
        {"line": "home"},
        {"table": "other"},
        {"key": "[id]"},
        {"columns": "[claim_id]"},
        {"mode": "difference"},
        {"watermark": "t"},
        {"secret": "claimwatch/prod/sources/other"},
        {"dataset": "outcomes"},
    ],
)
def test_another_selection_has_another_digest(changed: dict[str, str | None]) -> None:
    assert table(**changed).reads_sha256 != table().reads_sha256


@pytest.mark.parametrize(
    "changed",
    [{"schedule": "rate(1 hour)"}, {"paused": "true"}, {"limits": "{rows: 7}"}, {"silentAfter": "1 day"}],
)
def test_another_pace_has_the_same_digest(changed: dict[str, str | None]) -> None:
    assert table(**changed).reads_sha256 == table().reads_sha256
