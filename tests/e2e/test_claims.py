"""Files dropped into the landing bucket of the deployed application, from event to visible rows."""

import json
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import psycopg2
import pytest

from claimwatch.aws.executions import ClaimsPipeline
from claimwatch.ingest.fail import DELETED
from claimwatch.ingest.replay import replay
from claimwatch.storage.logins import renew_logins
from samples import Book, BookConfig, Dirt, Shape, write_week
from tests.cluster import database_at
from tests.deployed import Deployed, eventually
from tests.faults.claims.model import personal_values
from tests.faults.claims.schedule import SampleFile
from tests.integration.ingest.glass import GLASS, csv

MOTOR_WEEK = BookConfig(seed=21, claims_per_week=400, weeks=2)


@pytest.fixture(scope="module")
def motor_file(tmp_path_factory: pytest.TempPathFactory) -> SampleFile:
    """A week of claims with damaged and duplicate rows."""
    path = tmp_path_factory.mktemp("files") / "week.csv"
    manifest = write_week(path, Book(MOTOR_WEEK), 0, dirt=Dirt(0.05), duplicate_share=0.02)
    return SampleFile("week", "claims/motor/week.csv", path, Shape(), manifest, datetime.now(UTC), "")


def test_a_dirty_file_is_split_into_visible_rows_and_quarantine(
    deployed: Deployed, motor_file: SampleFile
) -> None:
    version = deployed.drop(motor_file.key, motor_file.path.read_bytes())

    file = deployed.ended(version)

    manifest = motor_file.manifest
    bad = len(manifest.damaged_rows) + len(manifest.duplicates)
    assert bad > 20
    assert (file["status"], file["rows_read"], file["rows_quarantined"]) == ("committed", manifest.rows, bad)
    visible = deployed.query(
        "SELECT count(*) AS rows FROM claimwatch.current_claim_motor WHERE file_id = %s", file["file_id"]
    )
    assert visible == [{"rows": manifest.rows - bad}]
    refused = deployed.query(
        "SELECT row_number FROM claimwatch.quarantine WHERE file_id = %s ORDER BY 1", file["file_id"]
    )
    assert [row["row_number"] for row in refused] == sorted(
        [*manifest.damaged_rows, *(duplicate.row for duplicate in manifest.duplicates)]
    )


def test_functions_connect_as_their_tasks_and_never_as_the_owner(
    deployed: Deployed, motor_file: SampleFile
) -> None:
    deployed.ended(deployed.drop(motor_file.key, motor_file.path.read_bytes()))
    connected = deployed.query(
        "SELECT DISTINCT usename::text FROM pg_stat_activity WHERE application_name = 'claimwatch'"
    )
    logins = {row["usename"] for row in connected}
    assert {"claimwatch_ingest_login", "claimwatch_contracts_login"} <= logins
    assert all(login.endswith("_login") for login in logins), logins


def test_a_deployment_may_renew_all_logins_while_functions_run(
    deployed: Deployed, motor_file: SampleFile
) -> None:
    name = f"{deployed.outputs['DatabaseParameters']}/ingest"
    before = deployed.client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]
    secret = deployed.client("secretsmanager").get_secret_value(
        SecretId=deployed.outputs["DatabaseSecretArn"]
    )
    prefix = deployed.outputs["DatabaseParameters"]

    class Store:
        """Stores logins as MigrateSchema does."""

        def put(self, task: str, credentials: Mapping[str, Any]) -> None:
            deployed.client("ssm").put_parameter(
                Name=f"{prefix}/{task}", Value=json.dumps(credentials), Type="SecureString", Overwrite=True
            )

    with closing(database_at(deployed.stack.database_url)) as owner:
        renew_logins(owner, json.loads(secret["SecretString"]), Store())
    superuser = deployed.stack.servers.postgres.superuser_url
    with closing(psycopg2.connect(superuser)) as connection, connection, connection.cursor() as cursor:
        cursor.execute(  # as when connections were idle for too long
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE usename = 'claimwatch_ingest_login'"
        )

    assert (
        deployed.ended(deployed.drop(motor_file.key, motor_file.path.read_bytes()))["status"] == "committed"
    )
    after = deployed.client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]
    assert json.loads(after["Value"])["password"] != json.loads(before["Value"])["password"]


def test_a_repeated_event_starts_no_execution(deployed: Deployed, motor_file: SampleFile) -> None:
    version = deployed.drop(motor_file.key, motor_file.path.read_bytes())
    file = deployed.ended(version)
    before = len(deployed.executions())
    queue, sqs = deployed.outputs["ClaimsQueueUrl"], deployed.client("sqs")
    event = {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "time": file["received_at"].isoformat(),
        "detail": {
            "bucket": {"name": file["bucket"]},
            "object": {"key": file["key"], "version-id": version, "size": 1, "sequencer": "0"},
        },
    }
    for _ in range(3):
        sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(event))
    last = deployed.drop("claims/motor/", b"")  # comes after the events in the queue
    deployed.ended(last)

    assert len(deployed.executions()) == before
    rows = deployed.query("SELECT * FROM claimwatch.file WHERE version_id = %s", version)
    assert rows == [file]


def test_an_outcome_file_is_loaded(deployed: Deployed) -> None:
    version = deployed.drop(
        "outcomes/motor/w1.csv",
        "claim_id,is_fraud,decided_at,decided_by,source\nMTR-000000000001,true,2026-02-01T10:00:00,inv-1,referral\n",
    )

    assert deployed.ended(version)["status"] == "committed"
    (row,) = deployed.query("SELECT * FROM claimwatch.current_outcome WHERE claim_id = 'MTR-000000000001'")
    assert row["is_fraud"] is True


def test_files_of_a_line_without_a_contract_wait_for_the_contract(deployed: Deployed) -> None:
    claims = csv(*(f"G{number},2026-03-{number + 1:02},{number},1,," for number in range(25)))
    versions = [deployed.drop(f"claims/glass/{name}.csv", claims) for name in "ab"]
    assert [deployed.ended(version)["status"] for version in versions] == ["parked", "parked"]
    deployed.alert("line glass has no contract")
    bucket = deployed.outputs["ArtifactBucket"]
    draft = deployed.client("s3").get_object(Bucket=bucket, Key="contracts/glass.draft.yaml")["Body"].read()
    assert b"claim_glass" in draft

    deployed.client("s3").put_object(Bucket=bucket, Key="contracts/glass.yaml", Body=GLASS.encode())

    files = [deployed.ended(version, "committed") for version in versions]
    assert [file["rows_loaded"] for file in files] == [25, 25]
    about = [alert for alert in deployed.alerts() if "line glass has no contract" in alert["Subject"]]
    assert len(about) == 1


def test_a_file_that_is_not_a_table_is_refused_with_an_alert_that_says_why(deployed: Deployed) -> None:
    version = deployed.drop("claims/motor/broken.csv", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + b"\0" * 100)

    file = deployed.ended(version)

    assert file["status"] == "refused"
    assert "PDF" in file["error"]
    assert "PDF" in deployed.alert(f"File {file['file_id']}:")["Message"]


def created(bucket: str, key: str, version: str) -> dict[str, Any]:
    """Return the event of an object that was created."""
    return {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "time": "2026-03-01T00:00:00Z",
        "detail": {
            "bucket": {"name": bucket},
            "object": {"key": key, "version-id": version, "size": 1, "sequencer": "0"},
        },
    }


def test_a_file_that_was_deleted_before_it_was_read_is_refused(deployed: Deployed) -> None:
    # Only the event arrives: deleting a dropped file before its inspection would be a race.
    event = created(deployed.outputs["LandingBucket"], "claims/motor/gone.csv", "gone")
    deployed.client("sqs").send_message(
        QueueUrl=deployed.outputs["ClaimsQueueUrl"], MessageBody=json.dumps(event)
    )

    file = deployed.ended("gone")

    assert (file["status"], file["error"]) == ("refused", DELETED)
    assert "drop it again" in deployed.alert(f"File {file['file_id']}:")["Message"]


def test_a_contract_that_was_deleted_before_it_was_read_is_ignored(deployed: Deployed) -> None:
    event = created(deployed.outputs["ArtifactBucket"], "contracts/gone.yaml", "gone")
    record = {"messageId": "1", "body": json.dumps(event), "eventSource": "aws:sqs"}

    assert deployed.invoke("ApplyContract", {"Records": [record]}) == {"batchItemFailures": []}
    assert deployed.query("SELECT FROM claimwatch.contract WHERE line = 'gone'") == []


def test_a_key_without_a_line_is_refused(deployed: Deployed) -> None:
    version = deployed.drop("somewhere/else.csv", "a,b\n1,2\n")

    file = deployed.ended(version)

    assert file["status"] == "refused"
    assert "else.csv" not in deployed.alert(f"File {file['file_id']}:")["Message"]


def test_a_database_restart_only_delays_a_file(deployed: Deployed, motor_file: SampleFile) -> None:
    version = deployed.drop("claims/motor/restart.csv", motor_file.path.read_bytes())
    # From here on the state machine retries; earlier, only the queue would, after six minutes.
    deployed.ended(version, "received", "loading", "committed")
    deployed.stack.servers.postgres.restart("immediate")

    file = deployed.ended(version)

    assert (file["status"], file["rows_read"]) == ("committed", motor_file.manifest.rows)


def test_a_persistent_fault_sends_an_alert_and_the_file_can_be_replayed(
    deployed: Deployed, motor_file: SampleFile
) -> None:
    with deployed.denied("LoadChunkRole", "s3:GetObject*"):
        version = deployed.drop("claims/motor/outage.csv", motor_file.path.read_bytes())
        file = deployed.ended(version)
    assert file["status"] == "failed"
    assert deployed.query(
        "SELECT count(*) AS rows FROM claimwatch.current_claim_motor WHERE file_id = %s", file["file_id"]
    ) == [{"rows": 0}]
    alert = deployed.alert(f"File {file['file_id']}:")
    assert f"claimwatch replay {file['file_id']}" in alert["Message"]

    pipeline = ClaimsPipeline(deployed.client("stepfunctions"), deployed.outputs["ClaimsPipelineArn"])
    with closing(database_at(deployed.stack.database_url)) as database:
        replay(database, pipeline, file["file_id"])

    replayed = deployed.ended(version, "committed")
    assert (replayed["attempt"], replayed["rows_read"]) == (2, motor_file.manifest.rows)


def test_a_message_that_always_fails_becomes_a_dead_letter_and_raises_an_alarm(
    deployed: Deployed,
) -> None:
    sqs, queue = deployed.client("sqs"), deployed.outputs["ClaimsQueueUrl"]
    dead_letters = deployed.outputs["ClaimsDeadLetterQueueUrl"]
    original = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["VisibilityTimeout"])["Attributes"]
    # With the original timeout, five receives would take half an hour.
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "1"})
    poison = {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "time": "2026-01-01T00:00:00Z",
        "detail": {
            "bucket": {"name": deployed.outputs["LandingBucket"]},
            "object": {"key": "claims/motor/x.csv", "version-id": "1", "size": 10**30, "sequencer": "0"},
        },
    }
    try:
        sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(poison))
        # The failing message does not block other messages.
        version = deployed.drop("claims/motor/", b"")
        deployed.ended(version)

        def waiting() -> int:
            name = "ApproximateNumberOfMessages"
            found = sqs.get_queue_attributes(QueueUrl=dead_letters, AttributeNames=[name])
            return int(found["Attributes"][name])

        eventually(lambda: waiting() == 1, "the message is in the dead-letter queue")
    finally:
        sqs.set_queue_attributes(QueueUrl=queue, Attributes=original)

    # The emulator publishes no queue metrics, so the test publishes the metric.
    cloudwatch = deployed.client("cloudwatch")
    cloudwatch.put_metric_data(
        Namespace="AWS/SQS",
        MetricData=[
            {
                "MetricName": "ApproximateNumberOfMessagesVisible",
                "Dimensions": [{"Name": "QueueName", "Value": dead_letters.rsplit("/", 1)[-1]}],
                "Value": waiting(),
            }
        ],
    )
    alarm = deployed.resource("ClaimsDeadLettersAlarm")
    eventually(
        lambda: cloudwatch.describe_alarms(AlarmNames=[alarm])["MetricAlarms"][0]["StateValue"] == "ALARM",
        "the dead-letter alarm is in ALARM",
    )


def test_no_personal_data_is_in_a_log_a_state_or_a_notification(
    deployed: Deployed, motor_file: SampleFile
) -> None:
    deployed.ended(deployed.drop(motor_file.key, motor_file.path.read_bytes()))
    secrets = personal_values(motor_file)
    assert len(secrets) > 500

    alerts = "\n".join(f"{alert['Subject']} {alert['Message']}" for alert in deployed.alerts())
    states = deployed.client("stepfunctions")
    history = "\n".join(
        json.dumps(
            states.get_execution_history(executionArn=execution["executionArn"])["events"], default=str
        )
        for execution in deployed.executions()
    )
    logged = "\n".join(deployed.logs())
    files = "\n".join(str(row) for row in deployed.query("SELECT * FROM claimwatch.file"))

    assert "chunk loaded" in logged
    for where, text in (("alerts", alerts), ("states", history), ("logs", logged), ("ledger", files)):
        assert not [secret for secret in secrets if secret in text], where
