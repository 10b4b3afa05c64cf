"""Sending of records to the stream: in full batches, and again only what the stream refused."""

import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from claimwatch.aws.faults import is_retryable
from cli.stack import StackUnreachable

MOST_RECORDS, MOST_BYTES = 500, 4 << 20
"""Records and bytes of a call of PutRecordBatch."""

LARGEST_RECORD = 1000 << 10
"""Bytes of a record."""

TRIES = 10
"""Calls for the same records until they count as failed."""

FIRST_PAUSE, LONGEST_PAUSE = 0.2, 20.0
"""Seconds between two calls: they double with each, and a random part of them is waited."""


@dataclass(frozen=True)
class Record:
    """A record to send, with its number in the file."""

    number: int
    data: bytes


@dataclass
class Sent:
    """What became of the records: the number sent, and the numbers of those that the stream never took."""

    sent: int = 0
    retried: int = 0
    failed: list[int] = field(default_factory=list)


class RecordSender:
    """Sends records to a stream. ``client`` is that of Firehose."""

    def __init__(
        self,
        client: Any,
        stream: str,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._client, self._stream, self._sleep, self._chance = client, stream, sleep, chance

    def send(self, records: Iterable[Record]) -> Sent:
        """Send all records. Raises ``StackUnreachable`` if the stream refuses the caller."""
        result = Sent()
        for batch in batches(records):
            self._send(batch, result)
        return result

    def _send(self, batch: list[Record], result: Sent) -> None:
        for attempt in range(TRIES):
            if attempt:
                result.retried += len(batch)
                longest = min(LONGEST_PAUSE, FIRST_PAUSE * 2**attempt)
                self._sleep(longest * (0.5 + self._chance() / 2))
            refused = self._refused(batch)
            result.sent += len(batch) - len(refused)
            if not refused:
                return
            batch = refused
        result.failed += [record.number for record in batch]

    def _refused(self, batch: list[Record]) -> list[Record]:
        """Call the stream once; return the records that it did not take."""
        try:
            answer = self._client.put_record_batch(
                DeliveryStreamName=self._stream, Records=[{"Data": record.data} for record in batch]
            )
        except BotoCoreError:
            return batch
        except ClientError as error:
            if is_retryable(error):
                return batch
            reason = error.response["Error"].get("Message") or error.response["Error"]["Code"]
            raise StackUnreachable(
                f"stream {self._stream} refuses records: {reason}. Senders need the policy of output"
                " SendStreamPolicyArn"
            ) from error
        if not answer["FailedPutCount"]:
            return []
        return [
            record
            for record, each in zip(batch, answer["RequestResponses"], strict=True)
            if "ErrorCode" in each
        ]


def batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Yield the records in batches that one call takes."""
    batch: list[Record] = []
    size = 0
    for record in records:
        if batch and (len(batch) == MOST_RECORDS or size + len(record.data) > MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += len(record.data)
    if batch:
        yield batch
