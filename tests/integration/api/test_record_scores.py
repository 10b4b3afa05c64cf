"""Each claim that the API answers is stored once, with one access event, however often its record comes."""

import json
from typing import Any

import pytest
from psycopg2.extras import RealDictCursor

from claimwatch.access.request_record import MOST_BYTES, RequestRecord
from claimwatch.errors import MalformedEvent
from claimwatch.scoring.record_scores import Dependencies, record_scores
from claimwatch.storage.connection import StatementRefused
from tests.cluster import ClonedDatabase
from tests.integration.api.records import ACTOR, AT, REASON, answered, refused, scored


def store(database: ClonedDatabase, record: RequestRecord) -> list[int]:
    """Store a record as the queue delivers it, and return the number of new claims of each message."""
    deps = Dependencies(database.as_task("record"), lambda: None)
    return [
        record_scores(deps, RequestRecord.parse(json.loads(json.dumps(message))))
        for message in record.messages()
    ]


def rows(database: ClonedDatabase, table: str, order: str) -> list[dict[str, Any]]:
    with database.transaction() as cursor, cursor.connection.cursor(cursor_factory=RealDictCursor) as reader:
        reader.execute(f"SELECT * FROM claimwatch.{table} ORDER BY {order}")
        return [dict(row) for row in reader.fetchall()]


def requests(database: ClonedDatabase) -> list[dict[str, Any]]:
    return rows(database, "score_request", "request_id, position")


def events(database: ClonedDatabase) -> list[dict[str, Any]]:
    return rows(database, "access_event", "seq")


def test_a_row_has_the_bits_of_the_answer(database: ClonedDatabase) -> None:
    assert store(database, answered()) == [3]

    first, _, rejected = requests(database)
    assert (first["requested_at"], first["actor"], first["purpose"]) == (AT, ACTOR, "claim_handling")
    assert (first["probability"], first["percentile"], first["threshold"]) == (
        0.1 + 0.2,
        99.00000000000001,
        0.123456789012345678,
    )
    assert first["reasons"] == [REASON]
    assert bytes(first["claim_hmac"]).hex() == scored(0)["claim_hmac"]
    assert (first["outcome"], first["model_version"], first["code_version"]) == ("answered", "7", "1.2.3")
    assert (rejected["outcome"], rejected["rules"]) == ("rejected", ["type amount", "required claim_id"])
    assert (rejected["probability"], rejected["claim_id"]) == (None, None)


def test_each_claim_has_an_event_that_says_who_why_and_by_which_model(database: ClonedDatabase) -> None:
    store(database, answered())

    found = [
        (event["at"], event["actor"], event["via"], event["action"], event["line"], event["object"])
        for event in events(database)
    ]
    assert found == [(AT, ACTOR, "v1", "score", "motor", claim) for claim in ("C-0", "C-1", None)]
    assert [(e["purpose"], e["outcome"], e["model_version"], e["request_id"]) for e in events(database)] == [
        ("claim_handling", "answered", "7", "r-1"),
        ("claim_handling", "answered", "7", "r-1"),
        ("claim_handling", "rejected", None, "r-1"),
    ]


def test_a_record_that_comes_again_adds_nothing(database: ClonedDatabase) -> None:
    assert [store(database, answered()) for _ in range(3)] == [[3], [0], [0]]
    assert store(database, answered("r-other")) == [3]

    assert (len(requests(database)), len(events(database))) == (6, 6)


@pytest.mark.parametrize(
    ("problem", "outcome"),
    [("purpose", "refused"), ("malformed", "refused"), ("no_model", "refused"), ("not_found", "not_found")],
)
def test_a_refused_request_is_one_row_and_one_event(
    database: ClonedDatabase, problem: str, outcome: str
) -> None:
    assert store(database, refused(problem=problem, line=None)) == [1]

    [row], [event] = requests(database), events(database)
    assert (row["position"], row["outcome"], row["problem"]) == (-1, outcome, problem)
    assert (event["outcome"], event["reason"], event["line"]) == (outcome, problem, None)


def test_a_file_that_was_sent_is_one_row_and_one_event_with_its_key(database: ClonedDatabase) -> None:
    sent: dict[str, Any] = {
        "action": "claims.submit",
        "landed_key": "claims/motor/api/00.ndjson",
        "claims": (),
    }
    nothing: dict[str, Any] = dict.fromkeys(("model_version", "model_sha256", "threshold"))

    assert store(database, answered(**sent, **nothing)) == [1]

    [event] = events(database)
    assert (event["action"], event["object"], event["outcome"]) == (
        "claims.submit",
        "claims/motor/api/00.ndjson",
        "answered",
    )


def test_a_long_record_is_divided_into_messages_that_a_queue_accepts(database: ClonedDatabase) -> None:
    reason = REASON | {"text": "\u00fc" * 900}
    record = answered(claims=[scored(position, reasons=[reason] * 5) for position in range(100)])

    messages = record.messages()

    assert len(messages) > 1
    assert {message["parts"] for message in messages} == {len(messages)}
    assert max(len(json.dumps(message)) for message in messages) <= MOST_BYTES
    assert sum(store(database, record)) == 100
    assert [row["position"] for row in requests(database)] == list(range(100))


def test_a_score_without_purpose_is_not_stored(database: ClonedDatabase) -> None:
    with pytest.raises(StatementRefused):
        store(database, answered(purpose=None))
    assert requests(database) == events(database) == []


@pytest.mark.parametrize(
    "change",
    [
        {"v": 2},
        {"request_id": None},
        {"claims": None},
        {"claims": ["secret"]},
        {"outcome": "secret"},
        {"at": "secret"},
    ],
)
def test_a_message_of_another_kind_is_malformed(change: dict[str, Any]) -> None:
    [message] = answered().messages()

    with pytest.raises(MalformedEvent) as error:
        RequestRecord.parse(message | change)
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE claimwatch.score_request SET purpose = 'audit'",
        "DELETE FROM claimwatch.score_request",
        "TRUNCATE claimwatch.score_request",
    ],
)
def test_the_record_of_a_request_is_never_changed(database: ClonedDatabase, statement: str) -> None:
    store(database, answered())

    for who in (database, database.as_task("record")):
        with pytest.raises(StatementRefused), who.transaction() as cursor:
            cursor.execute(statement)
    assert len(requests(database)) == 3


def test_a_scored_claim_takes_about_a_kilobyte(database: ClonedDatabase) -> None:
    """The comment of the table states its growth."""
    text = "The amount claimed is 12,300, three times the usual 4,100; fraud is 2.4 times as frequent."
    reasons = [
        {
            "feature": f"feature_{n}",
            "value": 12300.0,
            "typical": 4100.0,
            "fraud_ratio": 2.4 + n / 7,
            "text": text,
            "contribution": 0.123456789 + n,
            "share": 0.23456789 / (n + 1),
        }
        for n in range(4)
    ]
    for request in range(30):
        store(database, answered(f"r-{request}", claims=[scored(n, reasons=reasons) for n in range(100)]))

    with database.transaction() as cursor:
        cursor.execute(
            "SELECT pg_total_relation_size('claimwatch.score_request'),"
            " pg_total_relation_size('claimwatch.access_event')"
        )
        [(rows_size, events_size)] = cursor.fetchall()
    assert 500 < rows_size / 3000 < 2000
    assert events_size / 3000 < 1000
