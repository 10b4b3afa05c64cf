"""Bodies and answers of the door for machines, ``/v1``."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from claimwatch.api.answers import Answer, Json, Line, Moment, Request, RequestId, Version
from claimwatch.domain.access.permissions import Permission

MOST_CLAIMS = 100
"""The most claims of one request for scores."""


class ScoreRequest(Request):
    """Claims to score, each as a line of NDJSON would have it."""

    claims: Annotated[
        list[Json],
        Field(
            min_length=1,
            max_length=MOST_CLAIMS,
            description="Objects with the columns of the line's contract, by name or synonym.",
        ),
    ]


class Reason(Answer):
    """One feature that raised a score, as it is stored with scores of files."""

    feature: Annotated[str, Field(description="The column.")]
    value: Annotated[Any, Field(description="Its value; null if missing or not known to the model.")]
    typical: Annotated[Any, Field(description="The median, or the most frequent value.")]
    fraud_ratio: Annotated[
        float | None, Field(description="The fraud rate of claims with such a value over the average.")
    ]
    text: Annotated[str, Field(description="The reason as a sentence.")]
    contribution: Annotated[float, Field(description="Exact Shapley value, added to the margin.")]
    share: Annotated[float, Field(description="Of all contributions that raised the score.")]
    meaning: Annotated[str, Field(default="", description="What the contract says about the column.")]


class Broken(Answer):
    """A rule of the contract that a claim breaks; the value is not quoted."""

    column: Annotated[str | None, Field(description="Null if it is about the claim as a whole.")]
    rule: str
    message: str


class Scored(Answer):
    """A claim that has a score."""

    position: Annotated[int, Field(ge=0, description="The place of the claim in the request, from 0.")]
    claim_id: str
    status: Literal["scored"]
    probability: Annotated[float, Field(ge=0, le=1, description="The calibrated probability of fraud.")]
    percentile: Annotated[float, Field(ge=0, le=100, description="Within the reference of the model.")]
    refer: Annotated[
        bool, Field(description="Whether a person should review the claim. It is never a decision.")
    ]
    reasons: Annotated[list[Reason], Field(description="The strongest first.")]
    model_version: Version


class Rejected(Answer):
    """A claim that the contract rejects; in a file, it would be in quarantine for the same reasons."""

    position: Annotated[int, Field(ge=0, description="The place of the claim in the request, from 0.")]
    claim_id: Annotated[str | None, Field(description="Null if it is not readable.")]
    status: Literal["rejected"]
    problems: Annotated[list[Broken], Field(min_length=1)]


class ScoreAnswer(Answer):
    """Scores of claims, in the order of the request."""

    request_id: RequestId
    line: Line
    model_version: Version
    contract_version: str
    results: list[Annotated[Scored | Rejected, Field(discriminator="status")]]


class Received(Answer):
    """Claims that were accepted for loading; they have been stored, and nothing else yet."""

    request_id: RequestId
    line: Line
    key: Annotated[str, Field(description="The key of the object in the landing bucket.")]
    version_id: Annotated[str, Field(description="The version of the object, which names the file.")]
    see: Annotated[str, Field(description="The command that shows what became of the file.")]


class StoredScore(Answer):
    """The newest score of the champion, without its reasons, which quote the claim."""

    probability: Annotated[float, Field(ge=0, le=1)]
    percentile: Annotated[float, Field(ge=0, le=100)]
    referred: bool
    model_version: Version
    scored_at: Moment


class Outcome(Answer):
    """The later truth about a claim."""

    is_fraud: bool
    decided_at: Moment | None


class ClaimStatus(Answer):
    """How far a claim is; nothing else of it is shown."""

    line: Line
    claim_id: str
    status: Literal["received", "scored", "decided"]
    score: StoredScore | None
    decision: Outcome | None


class LiveRole(Answer):
    """A role that a model has now."""

    role: Literal["champion", "challenger"]
    since: Moment


class Warned(Answer):
    """A warning about a column of a model."""

    kind: str
    column: str
    found: Annotated[str, Field(description="What was found, as a sentence.")]


class Model(Answer):
    """A model of a line."""

    version: Version
    status: Literal["registered", "refused"]
    created_at: Moment
    contract_version: str
    sha256: Annotated[str | None, Field(description="Of the manifest of its bundle.")]
    uri: Annotated[str | None, Field(description="The folder of its bundle; `card.html` is its card.")]
    as_of: Annotated[str | None, Field(description="The day of a back-test.")]
    refused_because: str | None
    failed_gates: Annotated[list[str] | None, Field(description="Null if they were not recorded.")]
    metrics: Annotated[Json, Field(description="On the test split, by name; null for one that is not known.")]
    warnings: Annotated[list[Warned], Field(description="What a person judges before it goes live.")]
    roles: Annotated[list[LiveRole], Field(description="Empty if the model is not live.")]


class TrainingRun(Answer):
    """A training of a line, whether or not it made a model."""

    training_id: str
    version: Annotated[Version, Field(description="The version that its model has, or would have.")]
    status: Literal["starting", "running", "registered", "refused", "failed"]
    asked_at: Moment
    ended_at: Annotated[Moment | None, Field(description="Null while it runs.")]
    error: Annotated[str | None, Field(description="Why it was refused or failed.")]
    as_of: Annotated[str | None, Field(description="The day of a back-test.")]


class SubmittedContract(Answer):
    """A contract of a line that was submitted, and what became of it."""

    version: Annotated[str | None, Field(description="Null if the contract cannot be read.")]
    status: Annotated[
        Literal["applied", "refused", "superseded"], Field(description="The newest applied one is in force.")
    ]
    sha256: Annotated[str, Field(description="Of its text.")]
    object_version: Annotated[str, Field(description="The version of the object in the artifact bucket.")]
    received_at: Moment
    error: Annotated[str | None, Field(description="Why it was refused.")]


class Models(Answer):
    """The models of a line, and its 20 newest trainings and contracts; the newest of each first."""

    line: Line
    models: list[Model]
    trainings: list[TrainingRun]
    contracts: list[SubmittedContract]


class Health(Answer):
    """The function answers. It says nothing about models."""

    status: Literal["ok"]


class ReadyLine(Answer):
    """Whether a line's claims can be scored."""

    line: Line
    ready: bool
    model_version: Version | None


class Ready(Answer):
    """Whether the live model and the contract of every line can be loaded."""

    ready: bool
    lines: list[ReadyLine]


class Grant(BaseModel):
    """A permission to grant or to revoke."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    grantee: Annotated[
        str,
        Field(
            pattern=r"^(group|person):[^\x00-\x1f\x7f]{1,200}$",
            description="`group:` and the name of a group, or `person:` and the name of a person.",
        ),
    ]
    permission: Permission
    line: Annotated[
        str,
        Field(pattern=r"^(\*|[a-z][a-z0-9_]{0,39})$", description="The line, or `*` for every line."),
    ] = "*"
    why: Annotated[
        str, Field(min_length=1, max_length=2000, pattern=r"\S", description="Why, for the record.")
    ]


class Granted(Answer):
    """A permission that a group or a person has."""

    grantee: str
    permission: Permission
    line: str
    granted_at: Moment
    granted_by: Annotated[str, Field(description="The verified identity of whoever granted it.")]
    why: str


class NewGrant(Granted):
    """A permission that was granted now, or already before."""

    warning: Annotated[
        str | None,
        Field(description="Why the permission has no effect yet: no contract of its line was applied."),
    ]


class Permissions(Answer):
    """All permissions that were granted."""

    permissions: list[Granted]
    conflicts: Annotated[
        list[Annotated[list[Permission], Field(min_length=2, max_length=2)]],
        Field(description="Pairs that nobody may have together."),
    ]
    separation_of_duties: Literal["enforced", "relaxed"]
