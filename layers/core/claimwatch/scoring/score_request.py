"""Scores of the claims of a request, answered by the champion of their line."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Protocol

from claimwatch.access.lines_in_force import InForce
from claimwatch.access.machine_request import Dependencies as AccessDependencies
from claimwatch.access.machine_request import attempt
from claimwatch.access.request_record import Action, claim_digest, rejected_entry, scored_entry
from claimwatch.aws.api_events import ON_BEHALF_OF
from claimwatch.aws.http_api import RawRequest, RequestProblem, UnknownCaller
from claimwatch.aws.published import Pointer
from claimwatch.domain.contract.contract import Contract
from claimwatch.domain.validation.claim_json import Claim, read_claims
from claimwatch.domain.validation.claim_validator import RejectedClaim
from claimwatch.scoring.online import ClaimScore

MOST_CLAIMS = 100
"""Claims of a request."""

LARGEST_BODY = 1 << 20
"""Bytes of a request."""


class Model(Protocol):
    """A model that is ready to score claims of a contract."""

    def score(self, claims: Sequence[Claim]) -> Sequence[ClaimScore | RejectedClaim]:
        """Return the score of each claim, or the rules that it breaks."""

    @property
    def threshold(self) -> float:
        """The probability from which a claim is referred."""

    @property
    def of_stored_claims(self) -> "Model":
        """The same model for claims that were stored, of which only what a score needs is known."""


@dataclass(frozen=True)
class Dependencies:
    """Dependencies of ``score_claims``; ``model`` returns the champion, ready to score."""

    access: AccessDependencies
    model: Callable[[InForce, Pointer, Contract], Model]


@dataclass(frozen=True)
class Answered:
    """The answer to a request, and the counts of its claims for the log."""

    document: dict[str, Any]
    line: str
    claims: int
    rejected: int


def score_claims(deps: Dependencies, request: RawRequest) -> Answered:
    """Score the claims of a request; its record is sent before this returns.

    Raises ``RequestProblem``, ``MalformedEvent`` and ``UnknownCaller`` for requests that are refused, and
    other errors if the champion cannot be used or the record could not be sent; nothing is scored then.
    """
    return _answered(deps, request, "score", request.verified_caller())


def score_what_if(deps: Dependencies, request: RawRequest) -> Answered:
    """Score claims that a person imagines, as ``score_claims`` does; its record names the person.

    Only columns that a score needs have to be there. The request comes from a function that has verified the
    person, and that has recorded what the person saw: no route of the API leads here.
    """
    person = request.headers.get(ON_BEHALF_OF)
    if not person:
        raise UnknownCaller("a what-if needs the name of the person who asks")
    return _answered(deps, request, "what_if", person)


def _answered(deps: Dependencies, request: RawRequest, action: Action, actor: str) -> Answered:
    with attempt(deps.access, request, action, actor) as attempted:
        in_force, contract = attempted.admit()
        claims = _claims(request.body)
        champion = in_force.champion
        if champion is None:
            raise RequestProblem(HTTPStatus.CONFLICT, "no_model", "the line has no model in use yet")
        model = deps.model(in_force, champion, contract)
        model = model.of_stored_claims if action == "what_if" else model
        found = _each_alone(model, claims) if action == "what_if" else model.score(claims)
        known = {
            "model_version": champion.version,
            "model_sha256": champion.sha256,
            "contract_version": contract.version,
        }
        entries = [
            _entry(position, claim, result, in_force.key)
            for position, (claim, result) in enumerate(zip(claims, found, strict=True))
        ]
        attempted.answer(**known, threshold=model.threshold, claims=entries)
    results = [_result(position, result, champion.version) for position, result in enumerate(found)]
    return Answered(
        {
            "request_id": request.request_id,
            "line": contract.line,
            "model_version": champion.version,
            "contract_version": contract.version,
            "results": results,
        },
        contract.line,
        len(claims),
        sum(isinstance(result, RejectedClaim) for result in found),
    )


def _each_alone(model: Model, claims: Sequence[Claim]) -> list[ClaimScore | RejectedClaim]:
    """Score variants of one claim: together, all but the first would be duplicates."""
    return [result for claim in claims for result in model.score([claim])]


def _claims(body: bytes) -> list[Claim]:
    if len(body) > LARGEST_BODY:
        raise _too_large(
            f"the body has more than {LARGEST_BODY:,} bytes; send the claims in several requests"
        )
    claims = read_claims(body, "claims")
    if not claims:
        raise RequestProblem(HTTPStatus.BAD_REQUEST, "malformed", "'claims' has no claim")
    if len(claims) > MOST_CLAIMS:
        raise _too_large(f"'claims' has more than {MOST_CLAIMS} claims; send them in several requests")
    return claims


def _too_large(detail: str) -> RequestProblem:
    return RequestProblem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", detail)


def _entry(position: int, claim: Claim, result: ClaimScore | RejectedClaim, key: bytes) -> dict[str, Any]:
    if isinstance(result, RejectedClaim):
        rules = [f"{problem.rule} {problem.column or ''}".rstrip() for problem in result.problems]
        return rejected_entry(position, result.claim_id, rules)
    return scored_entry(
        position,
        result.claim_id,
        claim_digest(claim.text, key),
        probability=result.probability,
        percentile=result.percentile,
        referred=result.referred,
        reasons=result.reasons,
    )


def _result(position: int, result: ClaimScore | RejectedClaim, model_version: str) -> Mapping[str, Any]:
    if isinstance(result, RejectedClaim):
        problems = [
            {"column": problem.column, "rule": problem.rule, "message": problem.message}
            for problem in result.problems
        ]
        return {
            "position": position,
            "claim_id": result.claim_id,
            "status": "rejected",
            "problems": problems,
        }
    return {
        "position": position,
        "claim_id": result.claim_id,
        "status": "scored",
        "probability": result.probability,
        "percentile": result.percentile,
        "refer": result.referred,
        "reasons": result.reasons,
        "model_version": model_version,
    }
