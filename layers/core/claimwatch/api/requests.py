"""Bodies and answers of the requests of people that change which models are live, or ask for work."""

from typing import Annotated, Literal

from pydantic import Field

from claimwatch.api.answers import Answer, Line, Request, Version

Name = Annotated[str, Field(min_length=1, max_length=200, description="The name of the person, as written.")]
Why = Annotated[str, Field(min_length=1, max_length=2000, description="Why, for the history.")]
Id = Annotated[str, Field(min_length=1, max_length=64, description="Sent again, the request has no effect.")]
AsOf = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$", description="The day of a back-test.")]
Role = Literal["champion", "challenger"]


class PromotionRequest(Request):
    """A model to make live, or, without a version, a rollback to the previous champion."""

    by: Name
    why: Why
    request_id: Id | None = None
    version: Version | None = None
    role: Annotated[Role | None, Field(description="Needed with a version.")] = None
    as_of: AsOf | None = None
    trust: Annotated[list[str] | None, Field(description="Columns with a warning.")] = None


class Promotion(Answer):
    """What is live now."""

    line: Line
    version: Version | None
    role: Role
    action: Literal["promote", "rollback", "vacate"]
    changed: bool
    unscored_files: int
    remarks: Annotated[list[str], Field(description="Sentences.")]


class ExceptionRequest(Request):
    """A model that only one gate refused, and that may go live nevertheless."""

    version: Version
    gate: Literal["bias"]
    by: Name
    why: Why
    request_id: Id | None = None


class ApprovedException(Answer):
    """An exception that is on record."""

    line: Line
    version: Version
    gate: Literal["bias"]
    bundle_sha256: str
    by: str
    changed: bool


class TrainingRequest(Request):
    """A training to start."""

    why: Why
    asked_by: Name | None = None
    training_id: Id | None = None
    as_of: AsOf | None = None
    trust: Annotated[list[str] | None, Field(description="Columns that are kept.")] = None


class Training(Answer):
    """A training that was started."""

    training_id: str
    line: Line
    version: Version | None
    status: str
    instance_id: str | None


class EvaluationRequest(Request):
    """A week to check; without a window, the last completed one."""

    window: Annotated[str | None, Field(pattern=r"^\d{4}-W\d{2}$")] = None


class Evaluation(Answer):
    """A week whose checks have started."""

    line: Line
    window: str
    model_version: Version | None
    challenger: Version | None
    status: Literal["planned", "closed", "incomplete"]
    report_uri: str | None
