"""Parameters of Systems Manager that say what each line uses now: its live model and its contract.

The online scorer reads them instead of the database. Each names an object and its hash, so what it points to
cannot change unnoticed.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import batched
from typing import Any, Protocol

from claimwatch.aws.clients import client
from claimwatch.aws.event_fields import Fields
from claimwatch.aws.faults import aws_faults
from claimwatch.aws.parameters import MOST_AT_ONCE
from claimwatch.errors import ClaimwatchError, MalformedEvent


class UnusablePointer(ClaimwatchError):
    """A parameter that does not hold a pointer of its line, although only one function may write it."""


@dataclass(frozen=True)
class Pointer:
    """The version that a line uses now, where it is stored, and the SHA-256 that it must have."""

    line: str
    version: str
    uri: str
    sha256: str

    @classmethod
    def parse(cls, text: str, line: str) -> "Pointer | None":
        """Parse the pointer of a line; None if it says that the line has no version.

        Raises ``UnusablePointer``.
        """
        try:
            fields = Fields(json.loads(text), "pointer")
            if fields.text("line") != line:
                raise UnusablePointer(f"the pointer of line {line} names another line")
            if not fields.has("version"):
                return None
            return cls(line, fields.text("version"), fields.text("uri"), fields.text("sha256"))
        except (ValueError, MalformedEvent):
            raise UnusablePointer(f"the pointer of line {line} cannot be read") from None


class PointerStore(Protocol):
    """The part of the published pointers that the use cases need."""

    def put(self, pointer: Pointer) -> None:
        """Store the pointer of a line in place of an earlier one."""

    def delete(self, lines: Iterable[str]) -> None:
        """Delete the pointers of lines; missing ones are ignored."""

    def lines(self) -> set[str]:
        """Return the lines that have a pointer."""


class PointerParameters:
    """The pointers of one kind in a stack, named by line below a prefix."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._ssm = client("ssm")

    def read(self, line: str) -> Pointer | None:
        """Return the pointer of a line; None if there is none. Raises ``UnusablePointer``."""
        with aws_faults("Parameter Store"):
            try:
                answer = self._ssm.get_parameter(Name=self._name(line))
            except self._ssm.exceptions.ParameterNotFound:
                return None
        return Pointer.parse(answer["Parameter"]["Value"], line)

    def put(self, pointer: Pointer) -> None:
        with aws_faults("Parameter Store"):
            self._ssm.put_parameter(
                Name=self._name(pointer.line),
                Description="Claimwatch - what the line uses now. Only the application writes it.",
                Value=json.dumps(asdict(pointer)),
                Type="String",
                Overwrite=True,
            )

    def delete(self, lines: Iterable[str]) -> None:
        for names in batched(map(self._name, lines), MOST_AT_ONCE, strict=False):
            with aws_faults("Parameter Store"):
                self._ssm.delete_parameters(Names=list(names))

    def lines(self) -> set[str]:
        with aws_faults("Parameter Store"):
            pages: Iterable[Any] = self._ssm.get_paginator("get_parameters_by_path").paginate(
                Path=self._prefix
            )
            return {found["Name"].rpartition("/")[2] for page in pages for found in page["Parameters"]}

    def _name(self, line: str) -> str:
        return f"{self._prefix}/{line}"
