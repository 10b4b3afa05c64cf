"""Bodies and answers of the desk: statistics, the team, models, weeks and the seals of the audit."""

from typing import Annotated, Literal

from pydantic import Field

from claimwatch.api.answers import Answer, Line, Moment, Request, RequestId, Version
from claimwatch.api.desk import CaseId, ClaimId, Count, Person, Reason, State
from claimwatch.api.machines import Model, SubmittedContract, TrainingRun
from claimwatch.api.requests import AsOf

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
    """The own decisions of the person who asks, in the last 13 weeks."""

    since: Moment
    decided: Annotated[Count, Field(description="Without those that were undone.")]
    weeks: Annotated[list[OwnWeek], Field(description="The oldest first.")]
    fraud: Annotated[Proportion, Field(description="Of the decisions that are not inconclusive.")]
    median_seconds: float | None
    agreed: Annotated[
        Proportion,
        Field(description="Second looks at the own decisions, or at those of others, with the same verdict."),
    ]


class People(Answer):
    """Names that have worked on cases, without that of the person who asks."""

    people: list[Person]


class TeamWeek(Answer):
    """Cases of a line in a week."""

    week: Week
    claims: Annotated[Count, Field(description="Claims that arrived.")]
    capacity: Annotated[
        Count, Field(description="Reviews that the contract's `reviewCapacity` allows of them.")
    ]
    opened: Count
    decided: Annotated[Count, Field(description="Final decisions.")]
    due: Count


class Age(Answer):
    """Undecided cases that have been open for so many days."""

    from_day: Count
    to_day: Annotated[int | None, Field(description="Excluded; null is without end.")]
    cases: Count
    overdue: Count


class HeldCase(Answer):
    """An undecided case that somebody holds, has been assigned or has snoozed."""

    case_id: CaseId
    claim_id: ClaimId
    state: State
    version: int
    due_at: Moment
    holder: Person | None
    since: Annotated[Moment | None, Field(description="When the holder got the case.")]
    lease_until: Moment | None
    assigned_to: Person | None
    snoozed_until: Moment | None


class Colleague(Answer):
    """How somebody decides on cases that are closed; null where there are too few decisions."""

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
    since: Annotated[
        Moment, Field(description="The start of the first week; what is decided counts from here.")
    ]
    weeks: Annotated[list[TeamWeek], Field(description="The oldest first.")]
    open: Count
    overdue: Count
    due_within_day: Count
    due_within_week: Count
    ages: list[Age]
    hits_of_referrals: Annotated[
        Proportion, Field(description="Fraud, of final decisions that are not inconclusive.")
    ]
    hits_of_audit: Proportion
    confirmed_frauds: Count
    confirmed_amount: Annotated[float, Field(description="What the claims of confirmed frauds were about.")]
    reviews: Annotated[Count, Field(description="Decisions, each look included.")]
    review_cost: Annotated[float | None, Field(description="The contract's `reviewCost`.")]
    saved: Annotated[
        float | None,
        Field(description="The confirmed amount less the cost of all reviews; null without a cost."),
    ]
    held: Annotated[Count, Field(description="Cases that somebody holds, has been assigned or has snoozed.")]
    cases: Annotated[list[HeldCase], Field(description="Those of them that are due first.")]
    people: Annotated[list[Colleague], Field(description="In the order of their names.")]
    enough: Annotated[Count, Field(description="Decisions that are enough to describe a person.")]


class PromotionEvent(Answer):
    """A change of which model is live."""

    request_id: str
    at: Moment
    action: Literal["promote", "rollback", "vacate"]
    role: Literal["champion", "challenger"]
    version: Version | None
    by: Annotated[str, Field(description="The name of the person; as written, or of the access token.")]
    caller: Annotated[str, Field(description="The verified identity: an ARN, or `person:` and a name.")]
    why: str
    trusted: list[str]
    as_of: Annotated[str | None, Field(description="The day of a back-test.")]
    equal_to: Annotated[Version | None, Field(description="The champion then, if served by the same bytes.")]


class PromotionRequested(Answer):
    """A request of the desk, and what became of it."""

    request_id: RequestId
    at: Moment
    by: Person
    action: Literal["promote", "rollback"]
    version: Version
    role: Literal["champion", "challenger"]
    why: str
    trust: list[str]
    state: Annotated[
        Literal["asked", "carried_out", "unchanged", "refused", "expired"],
        Field(description="`unchanged`: it was so already. `expired`: not carried out within an hour."),
    ]
    ended_at: Moment | None
    because: Annotated[str | None, Field(description="Why it was refused.")]


class RefusedPromotion(Answer):
    """The newest request to change which model is live that was refused."""

    request_id: RequestId
    at: Moment
    by: Person
    version: Version | None
    because: str


class ModelException(Answer):
    """An exception that somebody approved for a model that a gate refused."""

    gate: str
    at: Moment
    by: str
    why: str


class DeskModel(Model):
    """A model with what a person needs to judge it."""

    code_version: str
    to_answer_for: Annotated[list[str], Field(description="Columns that a promotion has to `trust`.")]
    card: Annotated[bool, Field(description="Whether it has a card.")]
    exceptions: list[ModelException]


class DeskTraining(TrainingRun):
    """A training, and who asked for it."""

    asked_by: str
    why: str


class DeskModels(Answer):
    """The models of a line, its trainings, contracts and promotions; the newest of each first."""

    line: Line
    models: list[DeskModel]
    trainings: list[DeskTraining]
    contracts: list[SubmittedContract]
    promotions: list[PromotionEvent]
    requests: Annotated[list[PromotionRequested], Field(description="Requests of the desk.")]
    refused: RefusedPromotion | None


class DeskPromotionRequest(Request):
    """A model to make live, or a rollback to the previous champion."""

    action: Literal["promote", "rollback"]
    why: Reason
    version: Annotated[Version, Field(description="The model to promote, or the champion to take back.")]
    role: Annotated[Literal["champion", "challenger"] | None, Field(description="Needed to promote.")] = None
    trust: Annotated[list[str] | None, Field(description="Columns with a warning.")] = None
    as_of: AsOf | None = None


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
    model_version: Version
    feature: str
    metric: str
    value: float | None
    threshold: float | None
    verdict: Annotated[CheckVerdict, Field(description="The most urgent one of the feature.")]


class WeekAlarm(Answer):
    """What alarmed in a week."""

    window: Week
    model_version: Version
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
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$", description="The hash of the seal.")]
    sealed_at: Moment
    reason: Literal["regular", "restored"]
    replaces: Annotated[int | None, Field(description="The first seal whose events a restore has removed.")]


class Gap(Answer):
    """A seal that follows a restore of the database: events of earlier seals are gone."""

    number: Annotated[int, Field(ge=1)]
    replaces: Annotated[int, Field(ge=1)]
    sealed_at: Moment


class Difference(Answer):
    """An event or a seal that is not as it was written."""

    kind: str
    sentence: str
    seq: Annotated[int | None, Field(description="The number of the event.")]
    seal: int | None


class Verification(Answer):
    """Access events that were compared with their seals, and the seals with their objects."""

    verified_at: Moment
    by: Person
    first_seal: int | None
    last_seal: int | None
    first_seq: int | None
    last_seq: int | None
    events: Count
    verified: Annotated[Count, Field(description="Events that agree with a seal.")]
    unsealed: Count
    unverified: Annotated[Count, Field(description="Events whose seals are missing or changed.")]
    seals: Count
    newest_seal_sha256: str
    intact: bool
    first_wrong: Difference | None
    differences: Count
    findings: Annotated[list[str], Field(description="Sentences, of events first.")]


class Seals(Answer):
    """The newest seals of access events, and the last verification of them here."""

    seals: list[Seal]
    gaps: list[Gap]
    unsealed: Annotated[Count, Field(description="Events that are not sealed yet.")]
    verification: Verification | None


class VerificationRequest(Request):
    """The range to verify: so many seals up to the newest."""

    seals: Annotated[int, Field(ge=1, le=200)] = 100
