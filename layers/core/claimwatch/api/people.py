"""Answers of the door for people, ``/app``."""

from typing import Annotated, Any, Literal

from pydantic import Field

from claimwatch.api.answers import Answer, Line, Moment, Version
from claimwatch.api.machines import Outcome
from claimwatch.domain.access.permissions import Permission


class HeldPermission(Answer):
    """A permission that the person has, and for which lines."""

    permission: Permission
    lines: Annotated[list[str], Field(description="Lines, or `*` for every line.")]


class Conflict(Answer):
    """Two permissions that nobody may have together, so that neither is effective."""

    permissions: Annotated[list[Permission], Field(min_length=2, max_length=2)]
    why: str


class PermittedLine(Answer):
    """A line for which the person has a permission, and the purposes that its contract allows."""

    line: Line
    purposes: list[str]


class Me(Answer):
    """Who is signed in, and what that person may do."""

    actor: str
    groups: list[str]
    permissions: Annotated[list[HeldPermission], Field(description="Those that are effective.")]
    conflicts: Annotated[list[Conflict], Field(description="Granted, but without effect.")]
    separation_of_duties: Literal["enforced", "relaxed"]
    lines: list[PermittedLine]
    purposes: Annotated[list[str], Field(description="Purposes of requests that are about no line.")]


class Value(Answer):
    """The value of a column of a claim."""

    name: str
    masked: Annotated[bool, Field(description="Whether the value is hidden, because it is personal.")]
    value: Annotated[Any, Field(description="Null if it is missing or masked.")]


class ShownReason(Answer):
    """A reason as it is stored; of a masked column, without its value and text."""

    feature: str
    value: Any = None
    typical: Any = None
    fraud_ratio: float | None = None
    text: str = ""
    contribution: float
    share: float | None = None
    meaning: str = ""
    masked: bool = False


class ExplainedScore(Answer):
    """The newest score of the champion, with its reasons."""

    probability: Annotated[float, Field(ge=0, le=1)]
    percentile: Annotated[float, Field(ge=0, le=100)]
    referred: Annotated[
        bool | None, Field(description="Null or missing until the case of the claim is decided.")
    ] = None
    model_version: Version
    scored_at: Moment
    reasons: Annotated[list[ShownReason] | None, Field(description="Null if the claim is not referred.")]


class Claim(Answer):
    """A claim, with its personal values masked unless the person may see them and asks for it."""

    line: Line
    claim_id: str
    contract_version: str
    columns: Annotated[list[Value], Field(description="In the order of the contract.")]
    masked: Annotated[list[str], Field(description="Columns whose values are hidden.")]
    score: Annotated[ExplainedScore | None, Field(description="Null while the case is blinded.")]
    blinded: Annotated[
        bool, Field(description="Whether the score is hidden until the case of the claim is decided.")
    ] = False
    decision: Outcome | None
    received_at: Moment


class Event(Answer):
    """An access event: who asked for what, and for what purpose."""

    seq: int
    at: Moment
    actor: str
    via: Literal["v1", "app", "cli", "deployment"]
    action: str
    line: str | None
    object: Annotated[str | None, Field(description="The claim, permission or filters that it is about.")]
    purpose: Annotated[str | None, Field(description="Null if the request named none that is valid.")]
    reason: Annotated[str | None, Field(description="Why it was refused, or why it was done.")]
    request_id: str | None
    outcome: Literal["answered", "refused", "not_found", "rejected"]
    model_version: str | None


class Events(Answer):
    """Access events, the newest first."""

    events: list[Event]
    cursor: Annotated[str | None, Field(description="Where the next page begins; null on the last one.")]
