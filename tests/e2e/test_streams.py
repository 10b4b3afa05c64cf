"""Claims that systems send one by one to the deployed application's stream, each accounted for once.

`make bench-stream` runs this with 100,000 records.
"""

import json
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import batched
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from claimwatch.domain.files.undelivered import undelivered_records
from tests.deployed import Deployed, Row, eventually
from tests.integration.ingest.glass import GLASS

RECORDS = int(os.environ.get("CLAIMWATCH_STREAM_RECORDS", "6000"))
LINES = ("stream_glass", "stream_pipes", "stream_theft")
REPEATED, BAD, RUBBISH = 0.1, 0.02, 0.01
"""Shares of records that send a claim again, break a rule of the contract, and fit no line."""
PATIENCE = 60 + RECORDS / 400
SETTLED = 6.0
"""Seconds without a new file after which the stream has written all of it."""

FILES = """
SELECT file_id, key, status, line, rows_read, rows_loaded, rows_quarantined, error FROM claimwatch.file
WHERE (line = ANY(%s) AND key LIKE '%%/stream/%%') OR key LIKE 'claims-stream-errors/%%'
"""


@dataclass
class Book:
    """Records of all lines in the order in which they are sent, and what has to become of them."""

    records: list[bytes] = field(default_factory=list)
    newest: dict[tuple[str, str], float] = field(default_factory=dict)
    """The amount of each claim that must be visible."""
    refused: int = 0
    bad: int = 0

    @classmethod
    def of(cls, number: int, seed: int) -> "Book":
        """Return a book of that many records."""
        chance, book = random.Random(seed), cls()
        sent: dict[str, list[str]] = {line: [] for line in LINES}
        for position in range(number):
            line, kind = chance.choice(LINES), chance.random()
            if kind < RUBBISH:
                book._add_rubbish(chance.choice(list(_rubbish(position))))
            elif kind < RUBBISH + BAD:
                book.bad += 1
                book._add(line, f"B{position}", chance.choice([-1, "many", None]))
            else:
                repeats = kind > 1 - REPEATED and bool(sent[line])
                claim = chance.choice(sent[line]) if repeats else f"C{position}"
                sent[line].append(claim)
                book.newest[line, claim] = position % 5000
                book._add(line, claim, position % 5000)
        return book

    def _add(self, line: str, claim: str, amount: object) -> None:
        record = {"line": line, "claim_id": claim, "broken_on": "2026-03-01", "amount": amount}
        self.records.append(json.dumps(record).encode())

    def _add_rubbish(self, record: bytes) -> None:
        self.refused += 1
        self.records.append(record)


def _rubbish(number: int) -> Iterator[bytes]:
    claim = {"claim_id": f"R{number}", "broken_on": "2026-03-01", "amount": 5}
    yield b"rubbish %d" % number
    yield json.dumps(claim).encode()
    yield json.dumps(claim | {"line": "Stream_Glass"}).encode()
    yield json.dumps(claim | {"line": "../outcomes/stream_glass"}).encode()
    yield json.dumps([claim]).encode()
    yield json.dumps(claim | {"line": "stream_glass"}).encode()[:-1]
    yield b"\xff\xfe\x00"


@pytest.fixture(scope="module")
def lines(deployed: Deployed, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """Lines with a contract."""
    folder = tmp_path_factory.mktemp("contracts")
    for line in LINES:
        contract = folder / f"{line}.yaml"
        text = GLASS.replace("value: glass}", f"value: {line}}}").replace("claim_glass", f"claim_{line}")
        contract.write_text(text.replace("id: glass", f"id: {line}"))
        assert deployed.command("contract", "put", line, str(contract))["status"] == "applied"
    return LINES


@pytest.fixture(scope="module")
def producer(deployed: Deployed) -> dict[str, str]:
    """Credentials of a system that has the policy of senders and nothing else."""
    iam = deployed.client("iam")
    iam.create_user(UserName="producer")
    iam.attach_user_policy(UserName="producer", PolicyArn=deployed.outputs["SendStreamPolicyArn"])
    key = iam.create_access_key(UserName="producer")["AccessKey"]
    return {"aws_access_key_id": key["AccessKeyId"], "aws_secret_access_key": key["SecretAccessKey"]}


def stream_files(deployed: Deployed) -> list[Row]:
    return deployed.query(FILES, list(LINES))


def settled(deployed: Deployed) -> list[Row]:
    """Wait until the stream has written everything and all of it is loaded or refused; return the files."""
    last, since = -1, time.monotonic()
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        files = stream_files(deployed)
        done = all(file["status"] in ("committed", "refused", "failed", "parked") for file in files)
        if len(files) != last or not done:
            last, since = len(files), time.monotonic()
        elif time.monotonic() - since > SETTLED and files:
            return files
        time.sleep(0.5)
    raise AssertionError(f"not settled after {PATIENCE:.0f} s: {Counter(file['status'] for file in files)}")


def refused_number(file: Row) -> int:
    return int(file["error"].split(" ", 1)[0].replace(",", ""))


def test_every_record_is_loaded_quarantined_or_refused_once(
    deployed: Deployed, lines: tuple[str, ...], producer: dict[str, str]
) -> None:
    book = Book.of(RECORDS, seed=19)
    firehose, name = deployed.client("firehose", **producer), deployed.outputs["ClaimsStreamName"]
    began = time.monotonic()
    for batch in batched(book.records, 500, strict=False):
        answer = firehose.put_record_batch(
            DeliveryStreamName=name, Records=[{"Data": record} for record in batch]
        )
        assert answer["FailedPutCount"] == 0
    sent = time.monotonic()
    files = settled(deployed)
    ended = time.monotonic() - SETTLED

    errors = [file for file in files if file["line"] is None]
    loaded = [file for file in files if file["line"] is not None]
    refused = sum(map(refused_number, errors))
    totals = {
        name: sum(file[name] for file in loaded) for name in ("rows_read", "rows_loaded", "rows_quarantined")
    }
    print(
        f"\n{RECORDS:,} records over {len(lines)} lines in {len(loaded)} files of claims and {len(errors)} "
        f"of errors: {totals['rows_loaded']:,} loaded, {totals['rows_quarantined']:,} quarantined,"
        f" {refused:,} refused; sent in {sent - began:.0f} s, loaded after {ended - began:.0f} s"
    )
    assert {file["status"] for file in loaded} == {"committed"}
    assert {file["status"] for file in errors} == {"refused"}
    assert refused == book.refused
    assert totals["rows_read"] + refused == RECORDS
    assert totals["rows_loaded"] + totals["rows_quarantined"] == totals["rows_read"]
    reasons = deployed.query(
        """
        SELECT reason->>'rule' AS rule, count(*) AS rows
        FROM claimwatch.quarantine, jsonb_array_elements(reasons) AS reason
        WHERE file_id = ANY(%s) GROUP BY 1
        """,
        [file["file_id"] for file in loaded],
    )
    rows = {row["rule"]: row["rows"] for row in reasons}
    assert sum(rows.values()) - rows.get("replaced", 0) == book.bad
    visible = {
        (line, row["claim_id"]): float(row["amount"])
        for line in lines
        for row in deployed.query(f"SELECT claim_id, amount FROM claimwatch.current_claim_{line}")
    }
    assert visible == book.newest, "another record than the newest counts"
    assert not any(
        row["extra"]
        for line in lines
        for row in deployed.query(
            f"SELECT extra FROM claimwatch.current_claim_{line} WHERE extra IS NOT NULL LIMIT 1"
        )
    )


def test_people_are_notified_once_of_each_file_that_could_not_be_routed(deployed: Deployed) -> None:
    errors = [file for file in stream_files(deployed) if file["line"] is None]
    assert errors
    for file in errors:
        text = f"claimwatch stream replay {file['file_id']} "
        deployed.alert(text)
        assert sum(text in alert["Message"] for alert in deployed.alerts()) == 1


def test_no_record_is_in_an_alert_or_a_log(deployed: Deployed) -> None:
    assert not any("Stream_Glass" in alert["Message"] for alert in deployed.alerts())
    assert not any("Stream_Glass" in message or "rawData" in message for message in deployed.logs())


def test_records_that_could_not_be_routed_can_be_sent_again(
    deployed: Deployed, lines: tuple[str, ...], tmp_path: Path
) -> None:
    errors = [file for file in stream_files(deployed) if file["line"] is None]
    file = errors[0]
    found = deployed.client("s3").get_object(Bucket=deployed.outputs["LandingBucket"], Key=file["key"])
    records = [record.data for record in undelivered_records([found["Body"].read()])]
    objects = [json.loads(data) for data in records if data and data.startswith(b"{") and data.endswith(b"}")]
    before = len(stream_files(deployed))

    result = deployed.command("stream", "replay", str(file["file_id"]), "--line", lines[0])

    assert result["sent"] == len(objects)
    assert result["sent"] + len(result["not_sent"]) == len(records)
    eventually(lambda: len(stream_files(deployed)) > before, "a file of the records that were sent again")
    settled(deployed)
    ids = deployed.query(f"SELECT claim_id FROM claimwatch.current_claim_{lines[0]}")
    assert {item["claim_id"] for item in objects} <= {row["claim_id"] for row in ids}


def test_a_file_is_sent_record_by_record(deployed: Deployed, lines: tuple[str, ...], tmp_path: Path) -> None:
    path = tmp_path / "claims.csv"
    path.write_text("claim_id,broken_on,amount\nS1,2026-03-01,5\nS2,2026-03-02,6\nS3,2026-03-02\n")

    result = deployed.command("stream", "send", str(path), "--line", lines[1])

    assert (result["sent"], [each["record"] for each in result["not_sent"]]) == (2, [3])
    sql = f"SELECT claim_id FROM claimwatch.current_claim_{lines[1]} WHERE claim_id IN ('S1', 'S2')"
    eventually(lambda: len(deployed.query(sql)) == 2, "two claims that were sent")


def test_a_producer_may_only_send(deployed: Deployed, producer: dict[str, str]) -> None:
    firehose, name = deployed.client("firehose", **producer), deployed.outputs["ClaimsStreamName"]
    with pytest.raises(ClientError, match="AccessDenied"):
        firehose.describe_delivery_stream(DeliveryStreamName=name)
    s3: Any = deployed.client("s3", **producer)
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket=deployed.outputs["LandingBucket"], Key="claims/stream_glass/stream/x", Body=b"")


def test_nobody_but_the_stream_writes_its_files(deployed: Deployed) -> None:
    iam = deployed.client("iam")
    iam.create_user(UserName="uploader")
    everything = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
    }
    iam.put_user_policy(UserName="uploader", PolicyName="own", PolicyDocument=json.dumps(everything))
    key = iam.create_access_key(UserName="uploader")["AccessKey"]
    s3 = deployed.client(
        "s3", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )
    for folder in ("claims/motor/stream/x", "claims-stream-errors/x"):
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.put_object(Bucket=deployed.outputs["LandingBucket"], Key=folder, Body=b"")
