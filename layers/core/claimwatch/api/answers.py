"""What all answers of the API have in common: their models, and the documents that describe problems."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field


class Answer(BaseModel):
    """An answer has exactly these fields, all of them."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Request(BaseModel):
    """A body of a request; fields that it does not name are ignored."""

    model_config = ConfigDict(frozen=True)


class Problem(BaseModel):
    """A problem document (RFC 9457). It quotes no value of the request."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Annotated[str, Field(description="`about:blank`: the status says what kind of problem it is.")]
    title: Annotated[str, Field(description="The phrase of the status.")]
    status: Annotated[int, Field(ge=400, le=599)]
    detail: Annotated[str, Field(description="What is wrong and what to do, for a person.")]
    code: Annotated[str, Field(default="", pattern="^[a-z_]*$", description="What is wrong, for a program.")]


class GatewayMessage(BaseModel):
    """What API Gateway itself answers, before a function is called or when one fails."""

    model_config = ConfigDict(frozen=True)

    message: Annotated[str | None, Field(description="A short text, such as `Forbidden`.")] = None


Line = Annotated[str, Field(description="The line of business.")]
Version = Annotated[str, Field(description="The version of a model; each line numbers its own.")]
RequestId = Annotated[str, Field(description="The id of this request, which the record of it has, too.")]
Moment = Annotated[datetime, Field(description="A time in UTC.")]
Json = dict[str, Any]
