"""Claims sent by a request become one file, once for each Idempotency-Key of a caller, and are on record."""

import gzip
import re
from http import HTTPStatus

import pytest

from claimwatch.access.request_record import RequestRecord
from claimwatch.aws.http_api import RawRequest, RequestProblem, UnknownCaller
from claimwatch.errors import TransientFault
from claimwatch.ingest.receive_claims import LARGEST_BODY, Dependencies, Received, landing_key, receive_claims
from tests.unit.access.environment import ROLE, World, request

CLAIM = b'{"claim_id": "C-1", "name": "Erika Mustermann"}\n'


class Inbox(World):
    """The surroundings, with a landing bucket."""

    def __init__(self) -> None:
        super().__init__(models=False)
        self.publish_contract()
        self.landed: dict[str, bytes] = {}

    def add(self, key: str, content: bytes) -> str | None:
        known = self.landed.setdefault(key, content)
        return f"version of {key}" if known == content else None

    def receive(self, given: RawRequest) -> Received:
        return receive_claims(Dependencies(self.access, self.add), given)

    def problem(self, given: RawRequest) -> tuple[HTTPStatus, str]:
        """Return status and code of the problem that a request is answered with."""
        with pytest.raises(RequestProblem) as raised:
            self.receive(given)
        assert "Erika" not in raised.value.detail
        return raised.value.status, raised.value.code


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


def sent(body: bytes = CLAIM, name: str = "batch-17", **headers: str) -> RawRequest:
    return request(body, idempotency_key=name, **headers)


def test_claims_become_one_file_and_the_answer_says_where_to_look(inbox: Inbox) -> None:
    received = inbox.receive(sent())

    assert inbox.landed == {received.key: CLAIM}
    assert re.fullmatch(r"claims/motor/api/[0-9a-f]{64}\.ndjson", received.key)
    assert received.version_id == f"version of {received.key}"
    assert (received.request_id, received.line) == ("request-1", "motor")
    assert received.see == "claimwatch files --line motor"


def test_a_repeated_request_has_no_further_effect_and_each_is_on_record(inbox: Inbox) -> None:
    assert inbox.receive(sent()) == inbox.receive(sent())

    assert len(inbox.landed) == 1
    records = [RequestRecord.parse(message) for message in inbox.records]
    assert [(record.action, record.outcome, record.purpose) for record in records] == [
        ("claims.submit", "answered", "claim_handling")
    ] * 2
    assert {record.landed_key for record in records} == set(inbox.landed)


def test_the_same_key_with_other_claims_is_a_conflict(inbox: Inbox) -> None:
    inbox.receive(sent())

    assert inbox.problem(sent(b'{"claim_id": "C-2"}')) == (HTTPStatus.CONFLICT, "conflict")
    assert list(inbox.landed.values()) == [CLAIM]
    assert inbox.records[-1]["outcome"] == "refused"
    assert inbox.records[-1]["problem"] == "conflict"


def test_another_caller_or_line_cannot_meet_the_key_of_somebody_else() -> None:
    keys = {
        landing_key("motor", ROLE, "a"),
        landing_key("home", ROLE, "a"),
        landing_key("motor", ROLE.replace("claims-system", "claims-system-2"), "a"),
        landing_key("motor", "arn:aws:iam::123456789012:user/ann", "a"),
        landing_key("motor", "arn:aws:iam::123456789012:user/an", "na"),
        landing_key("motor", ROLE, "b"),
    }
    assert len(keys) == 6


def test_the_sessions_of_a_role_are_one_caller() -> None:
    other = ROLE.replace("i-1", "i-2")
    assert landing_key("motor", ROLE, "a") == landing_key("motor", other, "a")


def test_a_key_contains_neither_the_caller_nor_the_idempotency_key(inbox: Inbox) -> None:
    received = inbox.receive(sent(name="Erika-Mustermann"))

    assert "Erika" not in received.key
    assert "claims-system" not in received.key


@pytest.mark.parametrize("name", ["", "a" * 201, "a b", "ä", "a\n"])
def test_without_a_usable_idempotency_key_nothing_is_stored(inbox: Inbox, name: str) -> None:
    assert inbox.problem(sent(name=name)) == (HTTPStatus.BAD_REQUEST, "idempotency_key")
    assert not inbox.landed


@pytest.mark.parametrize("body", [b"", b"  \n", b"[" + CLAIM, b"claim_id,name\n", b'"x"', b"\x1f\x8b"])
def test_a_body_that_cannot_be_claims_is_malformed(inbox: Inbox, body: bytes) -> None:
    assert inbox.problem(sent(body)) == (HTTPStatus.BAD_REQUEST, "malformed")
    assert not inbox.landed


def test_compressed_claims_are_stored_unpacked(inbox: Inbox) -> None:
    packed = gzip.compress(CLAIM)

    assert inbox.receive(sent(packed, content_encoding="gzip")) == inbox.receive(sent())
    assert list(inbox.landed.values()) == [CLAIM]


PACKED = gzip.compress(CLAIM, mtime=0)  # with a time, the names of tests would differ between processes


@pytest.mark.parametrize(
    "packed", [b"", b"x", PACKED[:-3], PACKED + b"x"], ids=["empty", "text", "cut off", "with more after it"]
)
def test_a_damaged_gzip_body_is_malformed(inbox: Inbox, packed: bytes) -> None:
    assert inbox.problem(sent(packed, content_encoding="gzip"))[1] == "malformed"


def test_claims_above_the_limit_are_too_large_packed_or_not(inbox: Inbox) -> None:
    longest = b"{" + b" " * (LARGEST_BODY - 2) + b"}"
    bomb = gzip.compress(longest + b" " * (100 << 20))

    inbox.receive(sent(longest))
    for body, headers in ((longest + b" ", {}), (bomb, {"content_encoding": "gzip"})):
        assert inbox.problem(sent(body, name="b", **headers)) == (
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            "too_large",
        )


@pytest.mark.parametrize(
    ("headers", "line", "status", "code"),
    [
        ({"x_purpose": ""}, "motor", 400, "purpose"),
        ({"x_purpose": "audit"}, "motor", 400, "purpose"),
        ({"x_purpose": "Erika Mustermann"}, "motor", 400, "purpose"),
        ({}, "home", 404, "not_found"),
        ({}, "Erika Mustermann", 404, "not_found"),
    ],
)
def test_a_request_without_purpose_or_line_is_refused_on_record_without_their_texts(
    inbox: Inbox, headers: dict[str, str], line: str, status: int, code: str
) -> None:
    given = request(CLAIM, line, idempotency_key="a", **headers)

    assert inbox.problem(given) == (status, code)
    [record] = inbox.records
    assert (record["outcome"], record["problem"], record["actor"]) == ("refused", code, ROLE)
    assert "Erika" not in str(record)
    assert not inbox.landed


def test_nothing_is_answered_without_a_record(inbox: Inbox) -> None:
    inbox.queue_works = False
    for given in (sent(), sent(x_purpose="")):
        with pytest.raises(TransientFault):
            inbox.receive(given)


def test_a_caller_who_is_not_verified_is_refused(inbox: Inbox) -> None:
    with pytest.raises(UnknownCaller):
        inbox.receive(request(CLAIM, caller=None, idempotency_key="a"))
    assert inbox.records == []


def test_receiving_claims_reads_no_pointer_to_a_model_and_no_key(inbox: Inbox) -> None:
    inbox.receive(sent())
    assert inbox.reads == [["/claimwatch/test/contracts/motor"]]
