"""Bodies and answers of the desk: statistics, the team, models, weeks and the seals of the audit."""

from typing import Annotated, Literal

from pydantic import Field

from claimwatch.api.answers import Answer, Line, Moment, Request, RequestId, Version
from claimwatch.api.desk import CaseId, ClaimId, Count, Person, Reason, State
from claimwatch.api.machines import Model, SubmittedContract, TrainingRun

Week = Annotated[str, Field(pattern=r"^\d{4}-W\d{2}$", description="A week of ISO 8601.")]
CheckVerdict = Literal["ok", "watch", "alarm", "not enough data"]


class Proportion(Answer):
    """A share with its 95 % interval (Wilson)."""

    count: Count
    of: Count
    share: Annotated[float | None, Field(ge=0, le=1, description="Null of nothing.")]
    low: float | None
    high: float | None


class OwnWeek(Answer):
    """Decisions of one person in a week."""

    week: Week
    fraud: Count
    not_fraud: Count
    inconclusive: Count


class Statistics(Answer):
    """The own decisions of the person who asks."""

    decided: Count
    weeks: Annotated[list[OwnWeek], Field(description="The oldest first.")]
    fraud: Annotated[Proportion, Field(description="Of the decisions that are not inconclusive.")]
    median_seconds: float | None
    agreed: Annotated[Proportion, Field(description="Second looks with the same verdict.")]


class People(Answer):
    """Names that have worked on cases, without that of the person who asks."""

    people: list[Person]


class TeamWeek(Answer):
    """Cases of a line in a week."""

    week: Week
    opened: Count
    decided: Count
    due: Count
    capacity: Annotated[Count, Field(description="Reviews that the contract's capacity allows.")]


class Age(Answer):
    """Undecided cases that have been open for so many days."""

    from_day: Count
    to_day: Annotated[int | None, Field(description="Excluded; null is without end.")]
    cases: Count


class HeldCase(Answer):
    """An undecided case that somebody holds, has been assigned or has snoozed."""

    case_id: CaseId
    claim_id: ClaimId
    state: State
    version: int
    due_at: Moment
    holder: Person | None
    since: Moment | None
    lease_until: Moment | None
    assigned_to: Person | None
    snoozed_until: Moment | None


class Colleague(Answer):
    """How somebody decides; null of people with too few decisions."""

    person: Person
    decided: Count
    enough: Annotated[bool, Field(description="Whether there are enough decisions to say more.")]
    follows_score: Annotated[
        Proportion | None, Field(description="Fraud on referrals that were shown with their score.")
    ]
    inconclusive: Proportion | None
    fast: Annotated[Proportion | None, Field(description="Decisions within ten seconds.")]
    median_seconds: float | None


class Team(Answer):
    """The work of a line's investigators."""

    line: Line
    weeks: Annotated[list[TeamWeek], Field(description="The oldest first.")]
    open: Count
    overdue: Count
    ages: list[Age]
    hits_of_referrals: Annotated[Proportion, Field(description="Final decisions: fraud.")]
    hits_of_audit: Proportion
    saved: Annotated[
        float | None, Field(description="Amounts of confirmed frauds, less the cost of all reviews.")
    ]
    cases: list[HeldCase]
    people: list[Colleague]
    enough: Annotated[Count, Field(description="Decisions that are enough to describe a person.")]


class PromotionEvent(Answer):
    """A change of which model is live."""

    request_id: str
    at: Moment
    action: Literal["promote", "rollback", "vacate"]
    role: Literal["champion", "challenger"]
    version: Version | None
    by: str
    why: str


class RefusedPromotion(Answer):
    """The newest request to change which model is live that was refused."""

    request_id: RequestId
    at: Moment
    by: Person
    version: Version | None
    because: str


class DeskModel(Model):
    """A model with what a person needs to judge it."""

    card: Annotated[bool, Field(description="Whether it has a card.")]


class DeskModels(Answer):
    """The models of a line, its trainings, contracts and promotions; the newest of each first."""

    line: Line
    models: list[DeskModel]
    trainings: list[TrainingRun]
    contracts: list[SubmittedContract]
    promotions: list[PromotionEvent]
    refused: RefusedPromotion | None


class DeskPromotionRequest(Request):
    """A model to make live, or a rollback to the previous champion."""

    action: Literal["promote", "rollback"]
    why: Reason
    version: Annotated[Version | None, Field(description="Needed to promote.")] = None
    role: Annotated[Literal["champion", "challenger"] | None, Field(description="Needed to promote.")] = None
    trust: Annotated[list[str] | None, Field(description="Columns with a warning.")] = None


class Accepted(Answer):
    """A request that is carried out next."""

    request_id: RequestId


class CheckResult(Answer):
    """The worst verdict of a check."""

    check: str
    verdict: Annotated[CheckVerdict | None, Field(description="Null if the check has no result.")]
    missing: Annotated[str | None, Field(description="Why it has no result.")]


class Window(Answer):
    """A week and its checks."""

    window: Week
    start: Moment
    end: Moment
    model_version: Version
    challenger: Version | None
    status: Literal["planned", "closed", "incomplete"]
    claims: Count | None
    closed_at: Moment | None
    checks: list[CheckResult]
    advised: Annotated[bool, Field(description="Whether retraining was advised.")]
    report: Annotated[bool, Field(description="Whether it has a report.")]


class FeatureWeek(Answer):
    """A feature in a week: a cell of the heat map."""

    window: Week
    feature: str
    metric: str
    value: float | None
    verdict: CheckVerdict


class WeekAlarm(Answer):
    """What alarmed in a week."""

    window: Week
    check: str
    metric: str
    feature: str
    segment: str
    value: float | None
    low: float | None
    high: float | None
    threshold: float | None
    n: Count


class Weeks(Answer):
    """The checked weeks of a line, the newest first."""

    line: Line
    windows: list[Window]
    features: list[FeatureWeek]
    alarms: list[WeekAlarm]


class Seal(Answer):
    """A seal of a range of access events."""

    number: Annotated[int, Field(ge=1)]
    first_seq: int
    last_seq: int
    events: Count
    root: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    sealed_at: Moment


class Verification(Answer):
    """Access events that were compared with their seals."""

    verified_at: Moment
    by: Person
    first_seq: int | None
    last_seq: int | None
    events: Count
    seals: Count
    intact: bool
    first_wrong: Annotated[int | None, Field(description="The first event or seal that differs.")]
    findings: Annotated[list[str], Field(description="Sentences.")]


class Seals(Answer):
    """The newest seals of access events, and the last verification of them here."""

    seals: list[Seal]
    unsealed: Annotated[Count, Field(description="Events that are not sealed yet.")]
    verification: Verification | None


class VerificationRequest(Request):
    """The range to verify: so many seals up to the newest."""

    seals: Annotated[int, Field(ge=1, le=1000)] = 100
