"""Patches for Firehose streams that write to S3. Each removes one of these differences from AWS.

- Every record becomes an object of its own, at once.
- Compression and the processors RecordDeAggregation and AppendDelimiterToRecord are ignored.
- Only the simplest jq expressions are understood as a MetadataExtractionQuery.
- Put records are kept in memory for ever.

Records are buffered for a moment instead of the BufferingHints of the stream, so that nobody waits for
minutes on a laptop; their size is ignored.
"""

import base64
import codecs
import contextvars
import gzip
import inspect
import json
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jq
from ministack.core.responses import new_uuid
from ministack.services import firehose

logger = logging.getLogger("firehose")

BUFFERED_SECONDS = 2.0
"""Seconds from the first record of a buffer until its records are written."""

MOST_OF_A_RECORD = 500
"""Objects that RecordDeAggregation takes from a record."""

type Parameters = Mapping[str, str]


class Undeliverable(Exception):
    """A record that goes to the error prefix, with the code of the error; the message quotes no record."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


@dataclass
class Buffer:
    """The records of a destination that are not written yet."""

    stream: Mapping[str, Any]
    destination: dict[str, Any]
    context: contextvars.Context
    records: list[bytes] = field(default_factory=list)


def buffer_records() -> None:
    """Write the records of a stream together, as its destination specifies."""
    deliver = firehose._deliver_records_to_s3
    if list(inspect.signature(deliver).parameters) != ["stream", "dest", "records"] or not inspect.signature(
        firehose._evaluate_prefix
    ).parameters.keys() >= {"template", "t", "query_keys", "error_type"}:
        raise SystemExit("ministack's Firehose has changed: see local/emulator_server")
    buffers: dict[str, Buffer] = {}
    lock, writing = threading.Lock(), threading.Lock()

    def write_later(name: str) -> None:
        time.sleep(BUFFERED_SECONDS)
        with writing:  # in order: the next buffer of the stream begins when this one is taken
            with lock:
                buffer = buffers.pop(name)
            try:
                buffer.context.run(write, buffer)
            except Exception:
                logger.exception("the records of a stream were not written")

    def buffer_them(
        stream: dict[str, Any], dest: dict[str, Any], records: Sequence[tuple[str, bytes]]
    ) -> None:
        dest["records"].clear()
        name = f"{stream['arn']} {dest['id']}"
        with lock:
            if name not in buffers:
                buffers[name] = Buffer(stream, dest, contextvars.copy_context())
                threading.Thread(target=write_later, args=(name,), daemon=True).start()
            buffers[name].records.extend(data for _, data in records)

    firehose._deliver_records_to_s3 = buffer_them


def write(buffer: Buffer) -> None:
    """Write the records of a buffer: one object for each prefix, and one for the errors."""
    settings = buffer.destination["config"]
    bucket = firehose._s3_bucket_from_arn(settings["BucketARN"])
    now = firehose._arrival_time(settings)
    objects: defaultdict[str, bytearray] = defaultdict(bytearray)
    for record in buffer.records:
        try:
            for data in pieces(record, settings):
                keys = partition_keys(data, settings)
                prefix = firehose._evaluate_prefix(settings.get("Prefix", ""), now, keys)
                objects[prefix] += data + delimiter(settings)
        except (Undeliverable, firehose._DeliveryError) as error:
            kind = getattr(error, "output_type", "processing-failed")
            prefix = firehose._evaluate_prefix(settings.get("ErrorOutputPrefix", ""), now, error_type=kind)
            objects[prefix] += described(error, record)
    packed = settings.get("CompressionFormat") == "GZIP"
    time_of_day = firehose._java_time("yyyy-MM-dd-HH-mm-ss", now)
    for prefix, content in objects.items():
        name = f"{buffer.stream['name']}-{buffer.stream['version']}-{time_of_day}-{new_uuid()}"
        body = gzip.compress(bytes(content), 1) if packed else bytes(content)
        firehose._put_s3_object(bucket, f"{prefix}{name}{'.gz' if packed else ''}", body)


def pieces(record: bytes, settings: Mapping[str, Any]) -> Iterator[bytes]:
    """Yield the JSON objects in a record, or the record if it is not deaggregated.

    Raises ``Undeliverable`` for the whole record if a part of it is not JSON.
    """
    if parameters_of("RecordDeAggregation", settings).get("SubRecordType") != "JSON":
        yield record
        return
    try:
        text, at, found = record.decode(), 0, list[bytes]()
        while text[at:].strip():
            at += len(text[at:]) - len(text[at:].lstrip())
            _, end = _JSON.raw_decode(text, at)
            found.append(text[at:end].encode())
            at = end
    except (ValueError, RecursionError):
        raise Undeliverable("DynamicPartitioning.DeaggregationFailed", "The record is not JSON.") from None
    if not 0 < len(found) <= MOST_OF_A_RECORD:
        raise Undeliverable("DynamicPartitioning.DeaggregationFailed", "No object, or too many objects.")
    yield from found


def partition_keys(data: bytes, settings: Mapping[str, Any]) -> dict[str, str] | None:
    """Return the values that the query of the stream finds in a record; None without partitions."""
    if not (settings.get("DynamicPartitioningConfiguration") or {}).get("Enabled"):
        return None
    query = parameters_of("MetadataExtraction", settings)["MetadataExtractionQuery"]
    try:
        [keys] = compiled(query).input_text(data.decode()).all()
    except ValueError:  # not JSON, an error of the expression, or another number of results than one
        keys = None
    if not isinstance(keys, dict) or not all(isinstance(value, str) and value for value in keys.values()):
        raise Undeliverable("DynamicPartitioning.MetadataExtractionFailed", "Partition keys were not found.")
    return keys


def delimiter(settings: Mapping[str, Any]) -> bytes:
    """Return what is appended to each record: a text with escapes, such as a backslash and the letter n."""
    appended = parameters_of("AppendDelimiterToRecord", settings).get("Delimiter", "")
    return codecs.decode(appended, "unicode_escape").encode()


def described(error: Exception, record: bytes) -> bytes:
    """Return the line of an error object about a record."""
    now = int(time.time() * 1000)
    fields = {
        "attemptsMade": 1,
        "arrivalTimestamp": now,
        "errorCode": getattr(error, "code", None) or "DynamicPartitioning.PrefixEvaluationFailed",
        "errorMessage": str(error),
        "attemptEndingTimestamp": now,
        "rawData": base64.b64encode(record).decode(),
    }
    return json.dumps(fields).encode() + b"\n"


def parameters_of(kind: str, settings: Mapping[str, Any]) -> Parameters:
    """Return the parameters of a processor by name; none if the stream does not have it."""
    processing = settings.get("ProcessingConfiguration") or {}
    for processor in processing.get("Processors") or [] if processing.get("Enabled") else []:
        if processor["Type"] == kind:
            return {
                each["ParameterName"]: each["ParameterValue"] for each in processor.get("Parameters") or []
            }
    return {}


@cache
def compiled(query: str) -> Any:
    """Return a compiled jq expression."""
    return jq.compile(query)


_JSON = json.JSONDecoder()
