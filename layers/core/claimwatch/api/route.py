"""A route of the HTTP API: who may call it, what it takes and what it answers."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import BaseModel

from claimwatch.api import answers


class Door(StrEnum):
    """How the caller of a route is verified, as ``AuthorizationType`` of the template names it."""

    OPEN = "NONE"
    MACHINES = "AWS_IAM"
    PEOPLE = "JWT"


JSON = "application/json"
NDJSON = "application/x-ndjson"
JPEG, HTML = "image/jpeg", "text/html"


@dataclass(frozen=True)
class Route:
    """A route. ``errors`` are the statuses, besides those of every route of its door, that it may answer.

    ``parameters`` are names in ``document.PARAMETERS``; those of the path are found there, too. ``answer`` is
    None if it is not JSON. An answer with ``etag`` has the version of a case in that header.
    """

    key: str
    door: Door
    operation: str
    summary: str
    answer: type[answers.Answer] | None
    description: str = ""
    status: int = 200
    body: type[BaseModel] | None = None
    body_kind: str = JSON
    body_example: Any = None
    example: Any = None
    parameters: tuple[str, ...] = ()
    errors: tuple[int, ...] = ()
    answer_kind: str = JSON
    etag: bool = False
    tag: str = field(default="", kw_only=True)

    @property
    def method(self) -> str:
        return self.key.partition(" ")[0]

    @property
    def path(self) -> str:
        """The path as OpenAPI writes it. In API Gateway's, `+` marks a parameter that may have slashes."""
        return self.key.partition(" ")[2].replace("+}", "}")
