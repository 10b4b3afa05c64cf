"""Unmistakable personal values, planted wherever a sender can write, appear only where they must.

Each planted value is a word that begins with ``quex``; the rest of the word says where it was planted. The
test drops files, photos, outcomes and contracts, lets some of them fail on purpose, checks a week, and then
searches everything that the application wrote. ``ALLOWED`` says where each word may appear, and why.
"""

import csv
import io
import json
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from claimwatch.domain.evaluation.week import WEEK, last_complete, name_of
from claimwatch.storage import models
from samples import Book, BookConfig
from samples.delivery import deliver
from tests.cluster import database_at
from tests.deployed import Deployed, eventually
from tests.e2e.test_photos import jpeg, row, scene
from tests.e2e.test_trainings import Trainings
from tests.integration.ingest.glass import GLASS
from tests.motor_model import grow

WORD = re.compile(r"quex([a-z]+)", re.IGNORECASE)

ALLOWED: Mapping[str, frozenset[str]] = {
    # The contract of line motor says that a person must read these columns.
    "table claim_motor.incident_address": frozenset({"address"}),
    "table claim_motor.description": frozenset({"story"}),
    "table outcome.decided_by": frozenset({"decider"}),
    # A rejected row is kept as it came, for the person who corrects it; the reasons do not repeat it.
    "table quarantine.raw": frozenset(
        {"name", "mail", "address", "story", "extra", "cell", "decider", "outextra", "failed"}
    ),
    "command quarantine": frozenset({"name", "mail", "address", "story", "extra", "cell", "key"}),
    # Keys identify objects in S3. People who may see the ledger may see them.
    "table file.key": frozenset({"key"}),
    "table file.details": frozenset({"key", "header", "outheader"}),
    "table claim_image.key": frozenset({"event", "photo"}),
    "table claim_image.event_id": frozenset({"event"}),
    "table image_rejected.key": frozenset({"event", "photo"}),
    "table image_rejected.event_id": frozenset({"event"}),
    "table image_match.event_id": frozenset({"event"}),  # another test has sent a similar photo
    "table image_match.other_event_id": frozenset({"event"}),
    "command files": frozenset({"key"}),
    "command reasons": frozenset({"key"}),
    "command images": frozenset({"event", "photo"}),
    "command image": frozenset({"event", "photo"}),
    # S3's own events name the object; they wait in a queue, or stay as dead letters.
    "queue": frozenset({"key", "event", "photo"}),
    "queue dead letters": frozenset({"key"}),
    # The name of a column is reported once, so that somebody adds it to the contract.
    "table chunk.extra_columns": frozenset({"header", "outheader"}),
    "table extra_column.name": frozenset({"header", "outheader"}),
    "alert": frozenset({"header", "outheader", "contract"}),
    "table claim_motor.extra": frozenset({"header"}),
    "table outcome.extra": frozenset({"outheader"}),
    # The text of a contract, and what is wrong with it, is told to those who wrote it.
    "table contract.text": frozenset({"contract"}),
    "table contract.error": frozenset({"contract"}),
    "artifact contract": frozenset({"contract"}),
}


@pytest.fixture(scope="module")
def found(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Plant the values, run everything, and return the words that were found by place."""
    events = deployed.events_queue("planted-events")
    _plant_claims(deployed, tmp_path_factory.mktemp("book"))
    _plant_other_files(deployed)
    _plant_photos(deployed)
    _crash_training(deployed)
    with _dead_letter(deployed):
        return _search(deployed, events)


@pytest.mark.timeout(900)
def test_planted_values_appear_only_where_they_are_allowed(found: Mapping[str, set[str]]) -> None:
    wrong = {place: words - ALLOWED.get(place, frozenset()) for place, words in found.items()}
    assert {place: sorted(words) for place, words in wrong.items() if words} == {}


def test_the_search_finds_every_planted_value(found: Mapping[str, set[str]]) -> None:
    """A word that is found nowhere was not planted, or is not looked for where it is allowed."""
    planted = {"name", "mail", "address", "story", "extra", "cell", "key", "header", "decider", "contract"}
    assert planted | {"event", "photo", "outheader"} <= set().union(*found.values())
    never = {"exif", "parked", "headless", "crash"}
    assert not never & set().union(*found.values())


# -- Planting ------------------------------------------------------------------------------------------------


def _plant_claims(deployed: Deployed, folder: Path) -> None:
    """Load two weeks of claims with planted values, score them, and check the last complete week."""
    monday = last_complete(datetime.now(UTC))
    config = BookConfig(seed=77, start=monday - WEEK, weeks=2, claims_per_week=150)
    sent = [file for file in deliver(config, folder) if file.part == "claims"]
    book = Book(config)
    model = grow(folder, [book.week_label(week) for week in range(2)], version="planted")
    bucket = deployed.outputs["ArtifactBucket"]
    for key, content in model.keys().items():
        deployed.client("s3").put_object(Bucket=bucket, Key=key, Body=content)
    with database_at(deployed.stack.database_url).transaction() as cursor:
        models.add_version(cursor, model.registered(bucket))
    promoted = deployed.command(
        "promote", "motor", "planted", "--as", "champion", "--why", "test", "--by", "ann"
    )
    assert promoted["changed"], promoted
    for number, file in enumerate(sent):
        planted = _with_planted((folder / file.key).read_text("utf-8"))
        loaded = deployed.ended(deployed.drop(f"claims/motor/Quexkey Roe {number}.csv", planted), "committed")
        assert loaded["rows_quarantined"] > 20
    eventually(
        lambda: not deployed.query("SELECT file_id FROM claimwatch.unscored_file WHERE line = 'motor'"),
        "the claims have scores",
    )
    claims = deployed.query("SELECT claim_id FROM claimwatch.current_claim_motor LIMIT 2")
    outcomes = "claim_id,is_fraud,decided_at,decided_by,source,Quexoutheader\n" + "".join(
        f"{claim['claim_id']},true,2026-02-01T10:00:00,Quexdecider Roe,referral,Quexoutextra Roe\n"
        for claim in claims
    )
    outcomes += "Quexcell Roe,maybe,Quexcell,Quexdecider,Quexcell,Quexoutextra\n"
    deployed.ended(deployed.drop("outcomes/motor/Quexkey Roe.csv", outcomes), "committed")
    deployed.invoke("PlanEvaluation", {"line": "motor", "window": name_of(monday)})
    eventually(
        lambda: bool(
            deployed.query(
                "SELECT status FROM claimwatch.evaluation_window WHERE model_version = 'planted'"
                " AND status <> 'planned' AND told_at IS NOT NULL"
            )
        ),
        "the week is closed",
    )


def _with_planted(table: str) -> str:
    """Return a CSV file with planted values, and for each column one more row with a planted cell."""
    rows: list[dict[str, str]] = list(csv.DictReader(io.StringIO(table)))
    for number, claim in enumerate(rows):
        claim["policyholder_name"] = f"Quexname Roe {number}"
        claim["policyholder_email"] = f"quexmail{number}@example.org"
        claim["incident_address"] = f"Quexaddress Street {number}"
        claim["description"] = f"Quexstory Roe said that nobody was there, {number} times"
        claim["Quexheader"] = f"Quexextra Roe {number}"
    columns = [name for name in rows[0] if name != "Quexheader"]
    broken = [
        rows[place % len(rows)] | {name: "Quexcell Roe 1980-02-03"} for place, name in enumerate(columns)
    ]
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0].keys(), lineterminator="\n")
    writer.writeheader()
    writer.writerows([*rows, *broken])
    return text.getvalue()


def _plant_other_files(deployed: Deployed) -> None:
    """Drop files that are parked, refused and failed, and contracts."""
    versions = [
        deployed.drop(
            "claims/planted/Quexkey 1.csv",
            "claim_no,lost_on,Kind\n"
            + "".join(f"{n},2026-01-02,Quexparked Roe {n % 3}\n" for n in range(60)),
        ),
        deployed.drop(
            "claims/planted_too/Quexkey 2.csv", "Quexheadless Roe,1980-02-03,5\nQuexheadless,1980-02-04,6\n"
        ),
        deployed.drop("claims/motor/Quexkey refused.csv", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + b"\0" * 100),
        deployed.drop("Quexkey Roe/else.csv", "a,b\n"),
        deployed.drop("claims/Quexkey Roe/else.csv", "a,b\n"),
    ]
    statuses = [deployed.ended(version)["status"] for version in versions]
    assert statuses == ["parked", "parked", "refused", "refused", "refused"]
    bucket, s3 = deployed.outputs["ArtifactBucket"], deployed.client("s3")
    described = GLASS.replace("glass", "planted_glass").replace(
        "physicalType: table\n", "physicalType: table\n    description: Claims of Quexcontract Roe\n"
    )
    for text in (described, described.replace("Quexcontract Roe\n", "x\n    quexcontract_roe: 1\n")):
        s3.put_object(Bucket=bucket, Key="contracts/planted_glass.yaml", Body=text.encode())
    eventually(
        lambda: (
            {
                row["status"]
                for row in deployed.query(
                    "SELECT status FROM claimwatch.contract WHERE line = 'planted_glass'"
                )
            }
            == {"applied", "refused"}
        ),
        "the contracts are applied and refused",
    )
    with deployed.denied("LoadChunkRole", "s3:GetObject*"):
        version = deployed.drop(
            "claims/planted_glass/Quexkey failed.csv",
            "claim_id,broken_on,amount,panes,driver,story\nG1,2026-03-01,1,1,Quexname Roe,Quexfailed Roe\n",
        )
        assert deployed.ended(version)["status"] == "failed"


def _plant_photos(deployed: Deployed) -> None:
    exif = Image.Exif()
    for tag in (0x010E, 0x010F, 0x0110, 0x013B, 0x8298):  # description, make, model, artist, copyright
        exif[tag] = "Quexexif Roe"
    exif.get_ifd(0x8769)[0xA430] = "Quexexif Roe"  # owner of the camera
    good = deployed.drop("images/Quexevent Roe/Quexphoto.jpg", jpeg(scene(77), exif=exif.tobytes()))
    bad = deployed.drop("images/Quexevent Roe/Quexphoto.txt", b"Quexexif is not a photo")
    row(deployed, good)
    row(deployed, bad, "image_rejected")


def _crash_training(deployed: Deployed) -> None:
    trainings = Trainings(deployed, deployed.resource("TrainingTemplate"))
    trainings.sabotage("echo 'raise ValueError(\"Quexcrash Roe 1980-02-03\")' >> training/run.py\n")
    try:
        assert "ValueError in run" in trainings.error(trainings.start())
    finally:
        trainings.sabotage()


@contextmanager
def _dead_letter(deployed: Deployed) -> Iterator[None]:
    """Let an event end in the dead-letter queue while the block runs."""
    sqs, queue = deployed.client("sqs"), deployed.outputs["ClaimsQueueUrl"]
    dead_letters = deployed.outputs["ClaimsDeadLetterQueueUrl"]
    sqs.purge_queue(QueueUrl=dead_letters)
    original = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["VisibilityTimeout"])["Attributes"]
    poison = {
        "source": "aws.s3",
        "detail-type": "Object Created",
        "time": "2026-01-01T00:00:00Z",
        "detail": {
            "bucket": {"name": deployed.outputs["LandingBucket"]},
            "object": {
                "key": "claims/motor/Quexkey.csv",
                "version-id": "1",
                "size": 10**30,
                "sequencer": "0",
            },
        },
    }
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "1"})
    try:
        sqs.send_message(QueueUrl=queue, MessageBody=json.dumps(poison))
        waiting = "ApproximateNumberOfMessages"
        eventually(
            lambda: (
                sqs.get_queue_attributes(QueueUrl=dead_letters, AttributeNames=[waiting])["Attributes"][
                    waiting
                ]
                == "1"
            ),
            "the event is a dead letter",
        )
        yield
    finally:
        sqs.set_queue_attributes(QueueUrl=queue, Attributes=original)
        sqs.purge_queue(QueueUrl=dead_letters)


# -- Searching -----------------------------------------------------------------------------------------------


def _search(deployed: Deployed, events: str) -> dict[str, set[str]]:
    """Return the planted words by the place in which they were found."""
    found: dict[str, set[str]] = defaultdict(set)
    sizes: dict[str, int] = defaultdict(int)
    for place, text in _texts(deployed, events):
        sizes[place.partition(" ")[0]] += len(text)
        if words := {word.lower() for word in WORD.findall(text)}:
            found[place] |= words
    searched = {
        "log",
        "states",
        "queue",
        "event",
        "alert",
        "artifact",
        "table",
        "metric",
        "command",
        "instance",
    }
    assert {kind for kind, size in sizes.items() if size} == searched
    return found


def _texts(deployed: Deployed, events: str) -> Iterator[tuple[str, str]]:
    """Yield everything that the application wrote, with the place."""
    for alert in deployed.alerts():
        yield "alert", f"{alert['Subject']}\n{alert['Message']}"
    yield from _logs(deployed)
    yield from _executions(deployed)
    for url in deployed.client("sqs").list_queues()["QueueUrls"]:
        if _name(url) == _name(events):
            yield from (("event", text) for text in _messages(deployed, url))
        elif _name(url) != _name(deployed.alert_queue):
            dead = _name(url) == _name(deployed.outputs["ClaimsDeadLetterQueueUrl"])
            yield from (
                ("queue dead letters" if dead else "queue", text) for text in _messages(deployed, url)
            )
    yield from _artifacts(deployed)
    yield from _tables(deployed)
    for page in deployed.client("cloudwatch").get_paginator("list_metrics").paginate():
        yield "metric", json.dumps(page["Metrics"])
    yield "instance", deployed.instance_output()
    yield from _commands(deployed)


def _logs(deployed: Deployed) -> Iterator[tuple[str, str]]:
    for page in deployed.client("logs").get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            for stream, message in deployed.log_messages(group["logGroupName"]):
                yield from (("log", stream), ("log", message))


def _executions(deployed: Deployed) -> Iterator[tuple[str, str]]:
    states = deployed.client("stepfunctions")
    for machine in states.list_state_machines()["stateMachines"]:
        listed = states.get_paginator("list_executions").paginate(stateMachineArn=machine["stateMachineArn"])
        for arn in [execution["executionArn"] for page in listed for execution in page["executions"]]:
            yield "states", json.dumps(states.describe_execution(executionArn=arn), default=str)
            for page in states.get_paginator("get_execution_history").paginate(executionArn=arn):
                yield "states", json.dumps(page["events"], default=str)


def _name(url: str) -> str:
    return url.rpartition("/")[2]


def _messages(deployed: Deployed, url: str) -> list[str]:
    """Return the messages of a queue, which stay in it."""
    sqs = deployed.client("sqs")
    bodies: dict[str, str] = {}
    while received := sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=2, WaitTimeSeconds=0
    ).get("Messages"):
        bodies |= {message["MessageId"]: message["Body"] for message in received}
    return list(bodies.values())


def _artifacts(deployed: Deployed) -> Iterator[tuple[str, str]]:
    """Yield the keys and the contents of the artifact bucket, except copies of landed files and the code."""
    s3, bucket = deployed.client("s3"), deployed.outputs["ArtifactBucket"]
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for item in page.get("Contents", []):
            key = item["Key"]
            yield "artifact key", key
            if key.startswith(("staging/", "code/", "snapshots/")):
                continue
            draft = key.endswith(".draft.yaml")
            kind = key.partition("/")[0].removesuffix("s") if not draft else "draft"
            content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            yield f"artifact {kind}", content.decode("utf-8", "replace")


def _tables(deployed: Deployed) -> Iterator[tuple[str, str]]:
    """Yield every value of every text, JSON, array and binary column."""
    columns = deployed.query(
        "SELECT table_name, column_name, data_type FROM information_schema.columns"
        " JOIN information_schema.tables USING (table_schema, table_name)"
        " WHERE table_schema = 'claimwatch' AND table_type = 'BASE TABLE'"
        " AND data_type IN ('text', 'character varying', 'jsonb', 'json', 'ARRAY', 'bytea')"
    )
    assert len(columns) > 60
    for column in columns:
        name = f"{column['table_name']}.{column['column_name']}"
        quoted = f'"{column["column_name"]}"'
        text = f"encode({quoted}, 'escape')" if column["data_type"] == "bytea" else f"{quoted}::text"
        table = f'claimwatch."{column["table_name"]}"'
        rows = deployed.query(f"SELECT {text} AS value FROM {table} WHERE {text} ILIKE '%%quex%%'")
        yield f"table {name}", " ".join(str(row["value"]) for row in rows) or "-"


def _commands(deployed: Deployed) -> Iterator[tuple[str, str]]:
    week = name_of(last_complete(datetime.now(UTC)))
    [committed, *_] = deployed.query(
        "SELECT file_id FROM claimwatch.file WHERE key LIKE 'claims/motor/Quexkey Roe%%' ORDER BY file_id"
    )
    number = str(committed["file_id"])
    commands: Sequence[tuple[str, ...]] = (
        ("files",),
        ("files", "--status", "refused"),
        ("quarantine", number),
        ("quarantine", number, "--reasons"),
        ("images",),
        ("image", "Quexevent Roe"),
        ("models", "motor"),
        ("history", "motor"),
        ("referrals", "motor"),
        ("evaluations", "motor"),
        ("evaluate", "motor", "--window", week, "--wait"),
    )
    for command in commands:
        place = "reasons" if "--reasons" in command else command[0]
        yield f"command {place}", json.dumps(deployed.command(*command), ensure_ascii=False)
