"""Records of requests to the API: who asked for scores, for what purpose, and what the answer was.

A record is sent to a queue before the answer, and stored from there. It has the results and no value of a
claim, except for those that the reasons of a score name.
"""

import hmac
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, Self

from claimwatch.aws.event_fields import Fields
from claimwatch.errors import MalformedEvent

FORMAT = 1

MOST_BYTES = 200_000
"""Bytes of a message; SQS accepts at least 262,144, with its attributes."""

LONGEST_ID = 400
"""Characters of the claim id of a rejected claim that is recorded; a valid id is never longer."""

type Action = Literal["score", "claims.submit", "what_if"]
type Outcome = Literal["answered", "refused"]

ACTIONS: tuple[Action, ...] = ("score", "claims.submit", "what_if")
OUTCOMES: tuple[Outcome, ...] = ("answered", "refused")

_MOST_DIGITS = 1_000
"""Digits of an integer that a digest reads as a number; a column of text may have more."""

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))

_ENVELOPE = 20_000
"""Bytes that the fields of a message other than its claims take at most."""


@dataclass(frozen=True)
class RequestRecord:
    """The record of a request, or a part of it: the claims of a long record are divided over messages.

    ``claims`` has an entry for each claim: ``position``, ``claim_id`` and either the score or ``rules``. A
    request that was refused as a whole has none, and ``problem`` is the code of its answer. ``landed_key``
    is the key of the file that a request sent. ``actor`` is an ARN, or the name of the person who asked a
    what-if.
    """

    request_id: str
    at: datetime
    actor: str
    action: Action
    purpose: str | None
    line: str | None
    outcome: Outcome
    problem: str | None
    code_version: str
    landed_key: str | None = None
    model_version: str | None = None
    model_sha256: str | None = None
    contract_version: str | None = None
    threshold: float | None = None
    claims: Sequence[Mapping[str, Any]] = ()
    part: int = 1
    parts: int = 1

    def messages(self) -> list[dict[str, Any]]:
        """Return the record as messages of at most ``MOST_BYTES`` each."""
        blocks = list(_blocks(self.claims)) or [[]]
        return [
            replace(self, claims=block, part=part, parts=len(blocks)).to_message()
            for part, block in enumerate(blocks, start=1)
        ]

    def to_message(self) -> dict[str, Any]:
        """Return the message that ``parse`` reads."""
        return {
            "v": FORMAT,
            **vars(self),
            "at": self.at.isoformat(),
            "via": "v1",
            "claims": [dict(claim) for claim in self.claims],
        }

    @classmethod
    def parse(cls, message: object) -> Self:
        """Parse a message; raises ``MalformedEvent``."""
        fields = Fields(message, "record of a request")
        if fields.integer("v") != FORMAT:
            raise MalformedEvent(f"record of a request: field 'v' must be {FORMAT}")
        return cls(
            request_id=fields.text("request_id"),
            at=fields.moment("at"),
            actor=fields.text("actor"),
            action=fields.choice("action", ACTIONS),
            purpose=fields.optional_text("purpose"),
            line=fields.optional_text("line"),
            outcome=fields.choice("outcome", OUTCOMES),
            problem=fields.optional_text("problem"),
            code_version=fields.text("code_version"),
            landed_key=fields.optional_text("landed_key"),
            model_version=fields.optional_text("model_version"),
            model_sha256=fields.optional_text("model_sha256"),
            contract_version=fields.optional_text("contract_version"),
            threshold=fields.optional_number("threshold"),
            claims=tuple(fields.objects("claims")),
            part=fields.integer("part"),
            parts=fields.integer("parts"),
        )


def scored_entry(
    position: int,
    claim_id: str,
    digest: str,
    *,
    probability: float,
    percentile: float,
    referred: bool,
    reasons: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return the entry of a claim that was scored; ``digest`` is that of ``claim_digest``."""
    return {
        "position": position,
        "claim_id": claim_id,
        "claim_hmac": digest,
        "probability": probability,
        "percentile": percentile,
        "referred": referred,
        "reasons": list(reasons),
    }


def rejected_entry(position: int, claim_id: str | None, rules: Iterable[str]) -> dict[str, Any]:
    """Return the entry of a claim that breaks the contract; ``rules`` name each rule and its column."""
    return {"position": position, "claim_id": _storable(claim_id), "rules": list(rules)}


def claim_digest(text: str, key: bytes) -> str:
    """Return the keyed digest of a claim: HMAC-SHA-256 of its JSON with sorted keys and without white space.

    Whoever has the claim and the key can prove that this claim was scored.
    """
    canonical = _CANONICAL.encode(_DIGESTED.decode(text))
    return hmac.digest(key, canonical.encode(), "sha256").hex()


def _integer_or_text(digits: str) -> int | str:
    """Return an integer of JSON, or its digits if Python refuses to convert that many."""
    return int(digits) if len(digits) <= _MOST_DIGITS else digits


_DIGESTED = json.JSONDecoder(parse_int=_integer_or_text)


def _storable(claim_id: str | None) -> str | None:
    """Return the id of a rejected claim if PostgreSQL can store it."""
    if claim_id is None or len(claim_id) > LONGEST_ID or not claim_id.isprintable():
        return None
    return claim_id


def _blocks(claims: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """Divide claims into blocks that fit into a message."""
    if len(json.dumps(list(claims))) <= MOST_BYTES - _ENVELOPE:  # as of nearly all requests
        if claims:
            yield list(claims)
        return
    block: list[Mapping[str, Any]] = []
    size = 0
    for claim in claims:
        added = len(json.dumps(claim)) + 2
        if block and size + added > MOST_BYTES - _ENVELOPE:
            yield block
            block, size = [], 0
        block.append(claim)
        size += added
    if block:
        yield block
