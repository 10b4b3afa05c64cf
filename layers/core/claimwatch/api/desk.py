"""Bodies and answers of the desk: the queue of investigators, their cases and decisions."""

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field

from claimwatch.api.answers import Answer, Line, Moment, Request, Version
from claimwatch.api.machines import Outcome
from claimwatch.api.people import ShownReason

CaseId = Annotated[UUID, Field(description="The case.")]
ClaimId = Annotated[str, Field(description="The id of the claim.")]
Person = Annotated[str, Field(description="The name of a person, as sign-in has it.")]
State = Annotated[
    Literal["open", "second_look", "third_look", "decided", "settled", "withdrawn"],
    Field(
        description=(
            "`second_look`, `third_look`: another person decides, too. `settled`: an outcome came from "
            "outside. `withdrawn`: a newer score asks for no review."
        )
    ),
]
Verdict = Literal["fraud", "not_fraud", "inconclusive"]
Generation = Annotated[int, Field(ge=0, description="Of the lease; a decision of an earlier one is refused.")]
CaseVersion = Annotated[int, Field(ge=0, description="Of the case; the header `ETag` has it, too.")]
Reason = Annotated[
    str, Field(min_length=1, max_length=2000, pattern=r"\S", description="Why, for the record.")
]
Amount = Annotated[float | None, Field(description="Of the contract's `amountColumn`; null without one.")]
Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]


class Item(Answer):
    """A case of the queue."""

    case_id: CaseId
    line: Line
    claim_id: ClaimId
    state: State
    due_at: Moment
    opened_at: Moment
    amount: Amount
    holder: Annotated[Literal["me", "other"] | None, Field(description="Who has its lease.")]
    assigned_to: Person | None
    snoozed_until: Moment | None


class Queue(Answer):
    """Cases in the order of their due dates."""

    cases: list[Item]
    cursor: Annotated[str | None, Field(description="Where the next page begins; null on the last one.")]
    waiting: Annotated[Count, Field(description="Cases that `next` could hand out to this person.")]


class Lease(Answer):
    """Who holds a case, and until when."""

    holder: Person
    mine: bool
    until: Moment
    generation: Generation


class Group(Answer):
    """Columns of a claim below one heading of the contract."""

    name: str
    columns: list["CaseColumn"]


class CaseColumn(Answer):
    """A column of a claim and what the contract allows for it."""

    name: str
    description: str
    kind: Annotated[str, Field(description="The type of the column in the contract.")]
    value: Annotated[Any, Field(description="Null if it is missing or masked.")]
    masked: Annotated[bool, Field(description="Whether the value is hidden, because it is personal.")]
    what_if: Annotated[bool, Field(description="Whether a what-if may change it.")]
    valid_values: list[str] | None
    minimum: Annotated[Any, Field(description="Null if the contract names none.")]
    maximum: Annotated[Any, Field(description="Null if the contract names none.")]


class CaseScore(Answer):
    """The newest score of the champion, with its reasons."""

    probability: Share
    percentile: Annotated[float, Field(ge=0, le=100)]
    model_version: Version
    scored_at: Moment
    reasons: list[ShownReason]


class SimilarClaim(Answer):
    """A decided claim with the same main reasons."""

    line: Line
    claim_id: ClaimId
    verdict: Literal["fraud", "not_fraud"]
    decided_at: Moment | None


class Similar(Answer):
    """How decided claims ended whose two main reasons are those of this claim."""

    reasons: Annotated[list[str], Field(description="The features.")]
    decided: Count
    fraud: Count
    low: Annotated[float | None, Field(description="Of the share of fraud: 95 % interval (Wilson).")]
    high: float | None
    newest: Annotated[list[SimilarClaim], Field(max_length=5)]


class Decision(Answer):
    """A verdict of a person."""

    decision_id: UUID
    verdict: Annotated[Verdict | None, Field(description="Null while somebody else has the second look.")]
    grounds: list[str]
    note: str | None
    by: Person
    at: Moment
    final: bool
    second_of: Annotated[UUID | None, Field(description="The decision that this one is a second look at.")]
    undone: bool
    undo_until: Annotated[Moment | None, Field(description="Null if it cannot be undone.")]


class CaseEvent(Answer):
    """What somebody did with a case."""

    at: Moment
    actor: str
    action: str
    reason: str | None


class Case(Answer):
    """A case with its claim. Of a blinded case, score and similar claims are null until it is decided."""

    case_id: CaseId
    line: Line
    claim_id: ClaimId
    state: State
    version: CaseVersion
    contract_version: str
    lease: Lease | None
    assigned_to: Person | None
    snoozed_until: Moment | None
    opened_at: Moment
    due_at: Moment
    amount: Amount
    needs_second_look: Annotated[bool, Field(description="Whether its amount asks for a second person.")]
    blinded: bool
    origin: Annotated[
        Literal["referral", "random_audit"] | None,
        Field(description="Null until the decision is final and can no longer be undone."),
    ]
    score: CaseScore | None
    similar: Similar | None
    grounds: Annotated[list[str], Field(description="What the contract offers as grounds.")]
    groups: list[Group]
    masked: Annotated[list[str], Field(description="Columns whose values are hidden.")]
    decisions: list[Decision]
    outcome: Outcome | None
    events: list[CaseEvent]
    photos: Count
    linked: Annotated[Count, Field(description="Claims that share a value or a photo with this one.")]
    received_at: Moment


class NextRequest(Request):
    """Which cases to hand out; without lines, those of all lines of the person."""

    lines: Annotated[list[str] | None, Field(max_length=50)] = None


class Next(Answer):
    """The case that this person now holds, or null if none waits."""

    case: Case | None
    waiting: Count


class DecisionRequest(Request):
    """A verdict on a case that the person holds."""

    generation: Generation
    verdict: Verdict
    grounds: Annotated[
        list[str], Field(min_length=1, max_length=9, description="Of those that the contract offers.")
    ]
    note: Annotated[str | None, Field(max_length=4000)] = None
    second_look: Annotated[bool, Field(description="Whether somebody else is to decide, too.")] = False
    seconds: Annotated[float | None, Field(ge=0, le=86400, description="How long it was on screen.")] = None


class Decided(Answer):
    """A decision that is on record, and what it makes of the case."""

    decision: Decision
    state: State
    version: CaseVersion
    undo_until: Annotated[Moment | None, Field(description="Until when it can be undone.")]


class UndoRequest(Request):
    """The decision to undo, which is the newest of the case."""

    decision_id: UUID


class Undone(Answer):
    """The case, which the person holds again."""

    case: Case


class ActionRequest(Request):
    """What to do with a case other than to decide it.

    `skip` and `snooze` (perhaps with `until`, by default for a day), `hand_over` (with `to` and `reason`),
    `renew` and `release` need the `generation` of the lease; `take` is for a case that nobody holds.
    """

    action: Literal["skip", "snooze", "hand_over", "renew", "release", "take"]
    generation: Generation | None = None
    until: Moment | None = None
    to: Annotated[str | None, Field(min_length=1, max_length=200)] = None
    reason: Annotated[str | None, Field(max_length=2000)] = None


class AssignmentRequest(Request):
    """Whose case it is to be; null is nobody's."""

    to: Annotated[str | None, Field(min_length=1, max_length=200)]
    reason: Reason


class Held(Answer):
    """A case after an action."""

    case_id: CaseId
    state: State
    version: CaseVersion
    lease: Lease | None
