"""Streams of the emulator write what Firehose writes: buffered, packed, delimited and routed by jq."""

import base64
import gzip
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from ministack.services import firehose

from claimwatch.domain.files.undelivered import undelivered_records
from local.emulator import Emulator
from local.emulator_server import streams
from local.processes import wait_until
from tests.template.test_streams import STREAM

BUCKET = "landing"
ROLE = "arn:aws:iam::000000000000:role/stream"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("emulator")) as running:
        running.client("s3").create_bucket(Bucket=BUCKET)
        yield running


def create(emulator: Emulator, name: str, **changes: Any) -> None:
    """Create a stream like that of the template."""
    settings = {key: STREAM[key] for key in ("Prefix", "ErrorOutputPrefix", "CompressionFormat")}
    settings |= {
        "BucketARN": f"arn:aws:s3:::{BUCKET}",
        "RoleARN": ROLE,
        "DynamicPartitioningConfiguration": STREAM["DynamicPartitioningConfiguration"],
        "ProcessingConfiguration": STREAM["ProcessingConfiguration"],
    }
    emulator.client("firehose").create_delivery_stream(
        DeliveryStreamName=name, ExtendedS3DestinationConfiguration=settings | changes
    )


def send(emulator: Emulator, name: str, *records: bytes) -> None:
    answer = emulator.client("firehose").put_record_batch(
        DeliveryStreamName=name, Records=[{"Data": record} for record in records]
    )
    assert answer["FailedPutCount"] == 0


def written(emulator: Emulator, name: str, number: int) -> dict[str, bytes]:
    """Wait for the objects of a stream and return them by the first two folders of their keys."""
    s3, found = emulator.client("s3"), dict[str, bytes]()

    def arrived() -> bool:
        keys = [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]
        for key in keys:
            if f"/{name}-1-" in key:
                body = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
                found["/".join(key.split("/")[:2])] = body
        return len(found) >= number

    assert wait_until(arrived, 20, every=0.2), sorted(found)
    return found


def record(line: str, number: int) -> bytes:
    return json.dumps({"line": line, "n": number}).encode()


def test_records_are_collected_by_line_packed_and_delimited(emulator: Emulator) -> None:
    create(emulator, "collected")
    send(emulator, "collected", record("motor", 1), record("home", 2))
    send(emulator, "collected", record("motor", 3), record("motor", 4) + record("home", 5))

    found = written(emulator, "collected", 2)

    lines = {folder: gzip.decompress(body) for folder, body in found.items()}
    assert lines == {
        "claims/motor": b"".join(record("motor", number) + b"\n" for number in (1, 3, 4)),
        "claims/home": b"".join(record("home", number) + b"\n" for number in (2, 5)),
    }


def test_records_that_cannot_be_routed_are_written_with_their_error(emulator: Emulator) -> None:
    create(emulator, "refusing")
    rubbish = [b"rubbish", b"\xff", b"", record("Motor", 1), b"{}", b"[]", record("motor", 2) + b"x"]
    send(emulator, "refusing", *rubbish, record("motor", 3), record("motor", 4) * 501)

    found = written(emulator, "refusing", 2)

    assert gzip.decompress(found["claims/motor"]) == record("motor", 3) + b"\n"
    errors = list(undelivered_records([found["claims-stream-errors/processing-failed"]]))
    assert [error.data for error in errors] == [*rubbish, record("motor", 4) * 501]
    assert all(error.code.startswith("DynamicPartitioning.") for error in errors)
    text = gzip.decompress(found["claims-stream-errors/processing-failed"]).decode()
    for line in map(json.loads, text.splitlines()):
        assert base64.b64decode(line["rawData"]) in [*rubbish, record("motor", 4) * 501]
        assert "rubbish" not in line["errorMessage"]


def test_a_stream_without_processors_writes_records_as_they_are(emulator: Emulator) -> None:
    create(
        emulator,
        "plain",
        Prefix="plain/records/",
        CompressionFormat="UNCOMPRESSED",
        DynamicPartitioningConfiguration={"Enabled": False},
        ProcessingConfiguration={"Enabled": False},
    )
    send(emulator, "plain", b"one", b"two")
    assert written(emulator, "plain", 1) == {"plain/records": b"onetwo"}


def test_buffers_of_a_stream_are_written_in_the_order_of_their_records(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written: list[bytes] = []

    def write(buffer: streams.Buffer) -> None:
        time.sleep(0.5 if buffer.records == [b"0"] else 0)  # longer than the next one is buffered
        written.extend(buffer.records)

    monkeypatch.setattr(streams, "BUFFERED_SECONDS", 0.05)
    monkeypatch.setattr(streams, "write", write)
    monkeypatch.setattr(firehose, "_deliver_records_to_s3", firehose._deliver_records_to_s3)
    streams.buffer_records()
    destination: dict[str, Any] = {"id": "1", "records": []}
    for number in range(3):
        firehose._deliver_records_to_s3({"arn": "stream"}, destination, [("id", b"%d" % number)])
        time.sleep(0.15)
    assert wait_until(lambda: len(written) == 3, 5, every=0.05)
    assert written == [b"0", b"1", b"2"]
