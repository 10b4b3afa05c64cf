"""Answers of the door for people, ``/app``."""

from typing import Annotated, Any, Literal

from pydantic import Field

from claimwatch.api.answers import Answer, Line, Moment, Purpose
from claimwatch.api.machines import Decision, StoredScore


class Held(Answer):
    """A permission that the person has, and for which line."""

    permission: str
    line: Annotated[str, Field(description="The line, or `*` for all of them.")]


class Conflict(Answer):
    """Two permissions that nobody may have together, so that neither is effective."""

    permissions: Annotated[list[str], Field(min_length=2, max_length=2)]
    why: str


class Me(Answer):
    """Who is signed in, and what that person may do."""

    actor: str
    groups: list[str]
    permissions: Annotated[list[Held], Field(description="Those that are effective.")]
    conflicts: Annotated[list[Conflict], Field(description="Granted, but without effect.")]
    separation_of_duties: Literal["enforced", "relaxed"]


class Claim(Answer):
    """A claim, with its personal values masked unless the person may see them and asks for it."""

    line: Line
    claim_id: str
    columns: Annotated[dict[str, Any], Field(description="By name, in the order of the contract.")]
    masked: Annotated[list[str], Field(description="Columns whose values are not shown.")]
    score: StoredScore | None
    outcome: Decision | None
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
    purpose: Purpose | None
    reason: str | None
    request_id: str | None
    outcome: Literal["answered", "refused", "not_found", "rejected"]
    model_version: str | None


class Events(Answer):
    """Access events, the newest first."""

    events: list[Event]
    cursor: Annotated[str | None, Field(description="Where the next page begins; null on the last one.")]
