"""Claims are pulled from another database on schedule, once each, and people are told what is wrong."""

import json
import secrets
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
import pytest
from psycopg2 import sql

from local.servers import STACK_NAME
from samples import Book, BookConfig, write_week
from tests.deployed import Deployed, Row, eventually

ROWS = 3_000
WEEK = BookConfig(seed=71, claims_per_week=ROWS, weeks=1)
NAMES = f"claimwatch/{STACK_NAME}/sources"


@dataclass(frozen=True)
class Company:
    """A database of the insurer with a table of claims, whose logins are secrets of the stack."""

    address: dict[str, str]
    passwords: dict[str, str]

    @contextmanager
    def connected(self) -> Iterator[Any]:
        with closing(psycopg2.connect(psycopg2.extensions.make_dsn(**self.address))) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                yield cursor

    def change(self, statement: str) -> None:
        with self.connected() as cursor:
            cursor.execute(statement)


@pytest.fixture(scope="module")
def company(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> Company:
    path = tmp_path_factory.mktemp("files") / "week.csv"
    write_week(path, Book(WEEK), 0)
    address = psycopg2.extensions.parse_dsn(deployed.stack.database_url)
    own = Company(address | {"dbname": "policies"}, {})
    with Company(address, {}).connected() as cursor:
        cursor.execute("CREATE DATABASE policies")
    with own.connected() as cursor:
        create_claims(cursor, path)
        for login, grant in (("reader", "SELECT"), ("writer", "SELECT, INSERT")):
            own.passwords[login] = secrets.token_urlsafe(24)
            role = sql.Identifier(login)
            cursor.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD %s").format(role), [own.passwords[login]])
            cursor.execute(sql.SQL("GRANT USAGE ON SCHEMA claims TO {}").format(role))
            cursor.execute(sql.SQL("GRANT {} ON claims.motor_claim TO {}").format(sql.SQL(grant), role))
    own.passwords["stranger"] = secrets.token_urlsafe(24)
    for login, password in own.passwords.items():
        secret = {
            "host": address["host"],
            "port": int(address["port"]),
            "dbname": "policies",
            "username": login,
            "password": password,
            "sslmode": "disable",  # the server of the laptop has no certificate
        }
        deployed.client("secretsmanager").create_secret(
            Name=f"{NAMES}/{login}", SecretString=json.dumps(secret)
        )
    return own


def create_claims(cursor: Any, path: Path) -> None:
    """Create the table with the rows of a file, as texts: COPY writes them as they are."""
    with path.open(encoding="utf-8") as opened:
        names = opened.readline().strip().split(",")
        columns = sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(name)) for name in names)
        cursor.execute("CREATE SCHEMA claims")
        cursor.execute(
            sql.SQL("CREATE TABLE claims.motor_claim ({}, PRIMARY KEY (claim_id))").format(columns)
        )
        opened.seek(0)
        cursor.copy_expert("COPY claims.motor_claim FROM STDIN (FORMAT csv, HEADER)", opened)


def define(deployed: Deployed, name: str, login: str, *lines: str, schedule: str = "rate(1 day)") -> str:
    """Store the file of a source and return its version."""
    text = "\n".join(
        [
            "kind: postgresql",
            "line: motor",
            "table: claims.motor_claim",
            "key: [claim_id]",
            f"schedule: {schedule}",
            f"secret: {NAMES}/{login}",
            *lines,
        ]
    )
    version: str = deployed.client("s3").put_object(
        Bucket=deployed.outputs["ArtifactBucket"], Key=f"sources/{name}.yaml", Body=text.encode()
    )["VersionId"]
    return version


def applied(deployed: Deployed, version: str, status: str = "applied") -> None:
    def stored() -> bool:
        found = deployed.query("SELECT status FROM claimwatch.source_version WHERE version_id = %s", version)
        return [row["status"] for row in found] == [status]

    eventually(stored, f"the file of the source is {status}")


def pull(deployed: Deployed, name: str) -> Row:
    """Pull a source now and return the execution when it has ended."""
    executions = deployed.client("stepfunctions")
    arn = executions.start_execution(
        stateMachineArn=deployed.outputs["PullSourceArn"], input=json.dumps({"source": name})
    )["executionArn"]
    found: Row = {}

    def ended() -> bool:
        found.update(executions.describe_execution(executionArn=arn))
        return bool(found["status"] != "RUNNING")

    eventually(ended, "the pull ended")
    return found


def windows(deployed: Deployed, name: str) -> list[Row]:
    return deployed.query(
        "SELECT * FROM claimwatch.source_window WHERE source = %s AND committed_at IS NOT NULL"
        " ORDER BY number",
        name,
    )


def schedules(deployed: Deployed, name: str) -> dict[str, str]:
    """Return the expressions of the schedules of a source."""
    scheduler, group = deployed.client("scheduler"), deployed.resource("SourceSchedules")
    found: dict[str, str] = {}
    for each in (name, f"{name}-watch"):
        try:
            given = scheduler.get_schedule(Name=each, GroupName=group)
        except scheduler.exceptions.ResourceNotFoundException:
            continue
        found[each] = given["ScheduleExpression"]
    return found


def test_a_schedule_pulls_all_rows_and_later_pulls_bring_only_what_is_new(
    deployed: Deployed, company: Company
) -> None:
    applied(deployed, define(deployed, "policies", "reader", schedule="rate(1 minute)"))
    assert schedules(deployed, "policies") == {
        "policies": "rate(1 minute)",
        "policies-watch": "rate(3 minutes)",
    }
    eventually(lambda: bool(windows(deployed, "policies")), "the schedule pulled")
    applied(deployed, define(deployed, "policies", "reader"))
    assert schedules(deployed, "policies")["policies"] == "rate(1 day)"

    [window] = [each for each in windows(deployed, "policies") if each["version_id"]]
    assert window["rows_pulled"] == ROWS
    assert window["object_key"] == f"claims/motor/pull/policies/{window['number']:08}.csv"
    file = deployed.ended(window["version_id"])
    assert (file["status"], file["rows_read"], file["rows_quarantined"]) == ("committed", ROWS, 0)
    assert file["key"] == window["object_key"]

    assert pull(deployed, "policies")["status"] == "SUCCEEDED"
    assert [each["number"] for each in windows(deployed, "policies") if each["version_id"]] == [
        window["number"]
    ]
    company.change(
        "UPDATE claims.motor_claim SET claim_id = claim_id WHERE claim_id IN"
        " (SELECT claim_id FROM claims.motor_claim ORDER BY claim_id LIMIT 7)"
    )
    assert pull(deployed, "policies")["status"] == "SUCCEEDED"
    *_, newest = windows(deployed, "policies")
    assert newest["rows_pulled"] == 7
    again = deployed.ended(newest["version_id"])
    assert (again["status"], again["rows_read"]) == ("committed", 7)
    visible = deployed.query(
        "SELECT count(*) AS rows FROM claimwatch.current_claim_motor WHERE file_id IN (%s, %s)",
        file["file_id"],
        again["file_id"],
    )
    assert visible == [{"rows": ROWS}]


def test_a_paused_source_is_not_pulled_and_a_removed_one_has_no_schedules(
    deployed: Deployed, company: Company
) -> None:
    applied(deployed, define(deployed, "resting", "reader", "paused: true"))
    ended = pull(deployed, "resting")
    assert (ended["status"], json.loads(ended["output"])["status"]) == ("SUCCEEDED", "paused")
    assert windows(deployed, "resting") == []
    assert schedules(deployed, "resting").keys() <= {"resting", "resting-watch"}

    bucket = deployed.outputs["ArtifactBucket"]
    deployed.client("s3").delete_object(Bucket=bucket, Key="sources/resting.yaml")
    eventually(lambda: schedules(deployed, "resting") == {}, "the schedules are deleted")
    ended = pull(deployed, "resting")
    assert (ended["status"], json.loads(ended["output"])["status"]) == ("SUCCEEDED", "removed")


def test_a_login_that_may_write_is_refused_and_the_alert_has_the_grants_to_use(
    deployed: Deployed, company: Company
) -> None:
    applied(deployed, define(deployed, "careless", "writer"))
    assert pull(deployed, "careless")["status"] == "FAILED"
    alert = deployed.alert("cannot pull source careless")
    assert "may change data" in alert["Message"]
    assert "GRANT SELECT ON claims.motor_claim" in alert["Message"]
    assert windows(deployed, "careless") == []


def test_a_source_that_fails_again_and_again_is_reported_once_and_without_its_secret(
    deployed: Deployed, company: Company
) -> None:
    company.passwords["stranger"] = "never-stored-anywhere-but-here"
    deployed.client("secretsmanager").update_secret(
        SecretId=f"{NAMES}/stranger",
        SecretString=json.dumps(
            {
                "host": company.address["host"],
                "port": int(company.address["port"]),
                "dbname": "policies",
                "username": "stranger",
                "password": company.passwords["stranger"],
                "sslmode": "disable",
            }
        ),
    )
    applied(deployed, define(deployed, "locked", "stranger"))
    ended = [pull(deployed, "locked") for _ in range(2)]
    assert [each["error"] for each in ended] == ["PullFailed", "PullFailed"]
    alert = deployed.alert("cannot pull source locked")
    assert [each for each in deployed.alerts() if "source locked" in each["Subject"]] == [alert]
    [state] = deployed.query(
        "SELECT error, execution, failing_since FROM claimwatch.source WHERE source = 'locked'"
    )
    assert state["failing_since"] is not None
    assert state["execution"] is None
    told = json.dumps([alert, state, *ended], default=str) + "".join(deployed.logs())
    for password in company.passwords.values():
        assert password not in told


def test_a_file_that_is_refused_is_reported_and_changes_nothing(deployed: Deployed, company: Company) -> None:
    applied(deployed, define(deployed, "steady", "reader"))
    before = schedules(deployed, "steady")
    applied(deployed, define(deployed, "steady", "reader", "keys: [claim_id]"), "refused")
    assert "keys" in deployed.alert("refused a source: steady")["Message"]
    assert schedules(deployed, "steady") == before
    assert deployed.query("SELECT paused, removed FROM claimwatch.source WHERE source = 'steady'") == [
        {"paused": False, "removed": False}
    ]
