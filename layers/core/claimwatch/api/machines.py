"""Bodies and answers of the door for machines, ``/v1``."""

from typing import Annotated, Any, Literal

from pydantic import Field

from claimwatch.api.answers import Answer, Json, Line, Moment, Request, RequestId, Version

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


class ClaimStatus(Answer):
    """What Claimwatch knows of a claim; nothing of it is personal."""

    line: Line
    claim_id: str
    status: Literal["received", "scored", "decided"]
    score: "StoredScore | None"
    decision: "Decision | None"


class StoredScore(Answer):
    """The newest score of the champion."""

    probability: Annotated[float, Field(ge=0, le=1)]
    percentile: Annotated[float, Field(ge=0, le=100)]
    referred: bool
    reasons: Annotated[list[Reason] | None, Field(description="Null if the claim is not referred.")]
    model_version: Version
    scored_at: Moment


class Decision(Answer):
    """The later truth about a claim."""

    is_fraud: bool
    decided_at: Moment | None


class Model(Answer):
    """A model of a line."""

    version: Version
    status: Literal["registered", "refused"]
    role: Annotated[
        Literal["champion", "challenger"] | None, Field(description="Null if the model is not live.")
    ]
    contract_version: str
    created_at: Moment


class Models(Answer):
    """The models of a line, the newest first."""

    line: Line
    models: list[Model]


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


class Grant(Request):
    """A permission to grant or to revoke."""

    grantee: Annotated[
        str,
        Field(
            pattern="^(group|person):.{1,200}$",
            description="`group:` and the name of a group, or `person:` and a name.",
        ),
    ]
    permission: str
    line: Annotated[str, Field(description="The line, or `*` for all of them.")] = "*"
    why: Annotated[str, Field(min_length=1, max_length=2000)]


class Granted(Answer):
    """A permission that somebody holds."""

    grantee: str
    permission: str
    line: str
    granted_at: Moment
    granted_by: str
    why: str


class Permissions(Answer):
    """All permissions that were granted."""

    permissions: list[Granted]
    separation_of_duties: Literal["enforced", "relaxed"]


class Changed(Answer):
    """A permission that was granted or revoked."""

    grantee: str
    permission: str
    line: str
    changed: Annotated[bool, Field(description="False if it was so before.")]
