"""Records are sent in full batches, refused ones again, and nothing of a record changes but its line."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from cli.record_sender import (
    FIRST_PAUSE,
    LARGEST_RECORD,
    LONGEST_PAUSE,
    MOST_BYTES,
    MOST_RECORDS,
    TRIES,
    Record,
    RecordSender,
    batches,
)
from cli.stack import StackUnreachable
from cli.stream_records import Unsendable, records_of, routed
from samples.stream_claims import stream

type Refuses = Callable[[int, bytes], bool]


class Firehose:
    """A stream that refuses records, or raises an error, in a call."""

    def __init__(self, refuses: Refuses = lambda _call, _data: False, *errors: Exception) -> None:
        self._refuses, self._errors = refuses, list(errors)
        self.calls: list[list[bytes]] = []
        self.taken: list[bytes] = []

    def put_record_batch(self, DeliveryStreamName: str, Records: list[dict[str, bytes]]) -> dict[str, Any]:  # noqa: N803 - as boto3
        assert DeliveryStreamName == "claims"
        sent = [record["Data"] for record in Records]
        self.calls.append(sent)
        if self._errors:
            raise self._errors.pop(0)
        refused = [self._refuses(len(self.calls), data) for data in sent]
        self.taken += [data for data, no in zip(sent, refused, strict=True) if not no]
        answers = [
            {"ErrorCode": "ServiceUnavailableException"} if no else {"RecordId": "1"} for no in refused
        ]
        return {"FailedPutCount": sum(refused), "RequestResponses": answers}


def records(number: int) -> list[Record]:
    return [Record(each, b"%d" % each) for each in range(1, number + 1)]


def sender(firehose: Firehose, slept: list[float] | None = None) -> RecordSender:
    return RecordSender(firehose, "claims", (slept if slept is not None else []).append, lambda: 1.0)


def client_error(code: str, status: int) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": f"{code} happened"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, "PutRecordBatch")


@given(st.lists(st.integers(1, LARGEST_RECORD), max_size=30))
def test_batches_are_full_and_never_too_large(sizes: list[int]) -> None:
    made = list(batches(Record(number, bytes(size)) for number, size in enumerate(sizes)))
    assert [record.number for batch in made for record in batch] == list(range(len(sizes)))
    totals = [sum(len(record.data) for record in batch) for batch in made]
    assert all(total <= MOST_BYTES for total in totals)
    firsts = [len(batch[0].data) for batch in made[1:]]
    assert all(total + first > MOST_BYTES for total, first in zip(totals, firsts, strict=False))


def test_a_batch_has_at_most_500_records() -> None:
    assert [len(batch) for batch in batches(records(1_201))] == [MOST_RECORDS, MOST_RECORDS, 201]


def test_only_records_that_were_refused_are_sent_again() -> None:
    firehose = Firehose(lambda call, data: call == 1 and data.endswith(b"7"))
    slept: list[float] = []
    sent = sender(firehose, slept).send(records(30))
    assert (sent.sent, sent.retried, sent.failed) == (30, 3, [])
    assert firehose.calls[1] == [b"7", b"17", b"27"]
    assert sorted(firehose.taken, key=int) == [record.data for record in records(30)]
    assert slept == [FIRST_PAUSE * 2]


def test_records_that_are_refused_for_ever_are_reported_by_number() -> None:
    slept: list[float] = []
    sent = sender(Firehose(lambda _call, data: data == b"3"), slept).send(records(5))
    assert (sent.sent, sent.failed) == (4, [3])
    assert len(slept) == TRIES - 1
    assert slept == sorted(slept)
    assert max(slept) <= LONGEST_PAUSE


@pytest.mark.parametrize(
    "error",
    [
        client_error("ServiceUnavailableException", 503),
        client_error("ThrottlingException", 400),
        EndpointConnectionError(endpoint_url="https://firehose"),
    ],
    ids=["unavailable", "throttled", "unreachable"],
)
def test_a_call_that_fails_is_repeated(error: Exception) -> None:
    firehose = Firehose(lambda _call, _data: False, error)
    assert sender(firehose).send(records(3)).sent == 3
    assert firehose.taken == [b"1", b"2", b"3"]


def test_a_caller_without_permission_is_told_which_policy_it_needs() -> None:
    firehose = Firehose(lambda _call, _data: False, client_error("AccessDeniedException", 400))
    with pytest.raises(StackUnreachable, match="SendStreamPolicyArn"):
        sender(firehose).send(records(3))


def test_the_example_sends_again_what_the_stream_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("samples.stream_claims.time.sleep", lambda _: None)
    firehose = Firehose(lambda call, data: call == 1 and b'"C-1"' in data)
    stream("claims", "motor", ({"claim_id": f"C-{number}"} for number in range(600)), firehose)
    assert [len(call) for call in firehose.calls] == [500, 1, 100]
    taken = [json.loads(data) for data in firehose.taken]
    assert sorted(claim["claim_id"] for claim in taken) == sorted(f"C-{number}" for number in range(600))
    assert {claim["line"] for claim in taken} == {"motor"}


# -- What is sent -----------------------------------------------------------------------------------------


def made(path: Path, content: str | bytes) -> tuple[list[Any], list[tuple[int, str]]]:
    """Return the records of a file, and those that cannot be sent."""
    file = path / "claims"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    unsendable = Unsendable()
    found = [json.loads(record.data) for record in records_of(file, "motor", path, unsendable)]
    return found, unsendable.reasons


def test_rows_of_csv_become_objects_of_texts(tmp_path: Path) -> None:
    found, left = made(tmp_path, 'claim_id;amount;note\nC-1;12,50;"a;\n""b"""\nC-2;;\nC-3;1\n')
    assert found == [
        {"line": "motor", "claim_id": "C-1", "amount": "12,50", "note": 'a;\n"b"'},
        {"line": "motor", "claim_id": "C-2"},
    ]
    assert left == [(3, "the row has 2 fields instead of 3")]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("content", ['{"a": 1}{"a": 2}', '{"a": 1}\n\n{"a": 2}\n', '[{"a": 1},\n {"a": 2}]'])
def test_objects_are_sent_from_any_form_of_json(tmp_path: Path, content: str, packed: bool) -> None:
    found, left = made(tmp_path, gzip.compress(content.encode()) if packed else content)
    assert (found, left) == ([{"line": "motor", "a": 1}, {"line": "motor", "a": 2}], [])


def test_a_record_that_cannot_be_sent_is_named_by_its_number(tmp_path: Path) -> None:
    long = json.dumps({"note": "x" * LARGEST_RECORD})
    rows = ['{"a": 1}', "rubbish", '{"line": "home"}', "[5]", long, '{"line": "motor"}']
    found, left = made(tmp_path, "\n".join(rows))
    assert found == [{"line": "motor", "a": 1}, {"line": "motor"}]
    assert left == [
        (2, "the record is not a JSON object"),
        (3, "the record names another line than motor"),
        (4, "the record is not a JSON object"),
        (5, "the record has more than 1,000 KiB"),
    ]


members = st.dictionaries(
    st.text(max_size=5), st.text(max_size=5) | st.integers() | st.booleans(), max_size=4
)


@given(members.filter(lambda item: "line" not in item))
def test_nothing_of_an_object_changes_but_its_line(item: dict[str, Any]) -> None:
    assert json.loads(routed(json.dumps(item), "motor")) == {"line": "motor"} | item


@given(members)
def test_a_replay_replaces_the_line(item: dict[str, Any]) -> None:
    assert json.loads(routed(json.dumps(item), "motor", replace=True)) == item | {"line": "motor"}


@pytest.mark.parametrize("number", ["1.10", "12345678901234567890123", "1e400", "-0.0"])
@pytest.mark.parametrize("given_line", ["", '"line": "Motor!", '])
def test_a_number_keeps_all_its_digits(number: str, given_line: str) -> None:
    sent = routed(f'{{{given_line}"a": {number}, "b": "{number}"}}', "motor", replace=True).decode()
    assert f'"a": {number}' in sent
    assert f'"b": "{number}"' in sent
