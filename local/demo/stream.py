"""Step 9: another system sends claims one by one, to the stream."""

import csv
import json
from dataclasses import dataclass
from itertools import islice

from claimwatch.domain.files.stream_files import UNDELIVERED
from local.demo.book import LATER, STREAMED, MotorBook
from local.demo.context import DemoContext, DemoFailed
from local.demo.files import summary
from local.demo.model import LINE, wait_until_scored

LOST = 3
"""Records without a line."""

KEYS = [f"claims/{LINE}/stream/%", f"{UNDELIVERED}%"]
WRITTEN = "SELECT version_id, line, error, rows_read FROM claimwatch.file WHERE key LIKE ANY(%s)"


@dataclass(frozen=True)
class Streamed:
    """What was sent: claims, and records that belong to no line."""

    claims: int
    refused: int


def run(demo: DemoContext, book: MotorBook) -> Streamed:
    """Send some claims and a few records of no line, and wait until each is accounted for."""
    demo.heading(f"9. Another system sends {STREAMED:,} claims one by one, to the stream")
    claims, _ = book.week(LATER.start)
    path = demo.folder / "stream.csv"
    with claims.open(encoding="utf-8", newline="") as whole, path.open("w", newline="") as some:
        csv.writer(some).writerows(islice(csv.reader(whole), STREAMED + 1))  # the header is one more
    sent = demo.command("stream", "send", str(path), "--line", LINE)
    if sent["sent"] != STREAMED:
        raise DemoFailed(f"{sent['sent']} of {STREAMED} claims were sent")
    demo.stack.client("firehose").put_record_batch(
        DeliveryStreamName=demo.stack.outputs["ClaimsStreamName"],
        Records=[{"Data": json.dumps({"claim_id": f"lost-{number}"}).encode()} for number in range(LOST)],
    )
    demo.wait(lambda: _is_complete(demo), lambda: "Waiting for the stream to write its files")
    written = demo.query(WRITTEN, KEYS)
    demo.adopt([version for version, *_ in written])
    files = demo.wait_for_files([version for version, line, *_ in written if line is not None])
    demo.out.print(summary(files))
    for _, line, error, _ in written:
        if line is None:
            demo.out.print(f"Refused: {error}.", highlight=False)
    wait_until_scored(demo, files)
    demo.out.print("The stream collects claims of a line into a file, here for two seconds.")
    again = f"Again: .venv/bin/claimwatch stream send {path} --line {LINE}"
    demo.out.print(again, highlight=False, soft_wrap=True)
    return Streamed(sum(row.rows_loaded or 0 for row in files), LOST)


def _is_complete(demo: DemoContext) -> bool:
    """Return whether the ledger has all claims, and the records that belong to no line."""
    written = demo.query(WRITTEN, KEYS)
    return sum(read or 0 for *_, read in written) >= STREAMED and any(line is None for _, line, *_ in written)
