"""Send claims as another system does: python -m samples.stream_claims STREAM LINE claims.ndjson."""

import json
import sys
import time
from collections.abc import Iterable
from itertools import batched
from pathlib import Path
from typing import Any

import boto3


def stream(name: str, line: str, claims: Iterable[dict[str, Any]], firehose: Any) -> None:
    """Send claims of a line, 500 at a time; what the stream refuses is sent again, and only that."""
    for claims_of_a_call in batched(claims, 500, strict=False):
        records = [{"Data": json.dumps({"line": line, **claim}).encode()} for claim in claims_of_a_call]
        while records:
            answers = firehose.put_record_batch(DeliveryStreamName=name, Records=records)["RequestResponses"]
            records = [each for each, answer in zip(records, answers, strict=True) if "ErrorCode" in answer]
            time.sleep(1 if records else 0)


if __name__ == "__main__":
    name, line, path = sys.argv[1:]
    claims = map(json.loads, Path(path).read_text("utf-8").splitlines())
    stream(name, line, claims, boto3.client("firehose"))
