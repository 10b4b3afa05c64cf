"""Plan of loading a file: the result of its inspection, stored in the ledger."""

from dataclasses import dataclass
from typing import Any, Self

from claimwatch.aws.event_fields import Fields
from claimwatch.aws.objects import ObjectRef
from claimwatch.domain.contract.contract import Contract
from claimwatch.domain.files.layout import Layout
from claimwatch.domain.files.records import RecordCutter


@dataclass(frozen=True)
class Chunk:
    """A run of whole records: the bytes from ``start`` to ``end`` (exclusive).

    ``first_row`` is the number of its first record in the file, from 1.
    """

    start: int
    end: int
    first_row: int


@dataclass(frozen=True)
class ChunkToLoad:
    """Input of the task that loads a chunk: which attempt at which file, and the chunk's number."""

    file_id: int
    attempt: int
    number: int

    @classmethod
    def parse(cls, event: object) -> Self:
        """Parse the input of the task; raises ``MalformedEvent``."""
        fields = Fields(event, "chunk to load")
        return cls(fields.integer("file_id"), fields.integer("attempt"), fields.integer("number"))


@dataclass(frozen=True)
class Plan:
    """The object with the records (the dropped one or its staged copy), their layout, and the chunks."""

    source: ObjectRef
    delimiter: str | None
    fields: tuple[str, ...]
    keys: tuple[tuple[str, str], ...]
    chunks: tuple[Chunk, ...]
    doubles: tuple[str, ...] = ()
    routed: str | None = None

    @classmethod
    def of(cls, source: ObjectRef, layout: Layout, chunks: list[Chunk]) -> "Plan":
        return cls(
            source,
            layout.delimiter,
            layout.fields,
            layout.keys,
            tuple(chunks),
            layout.doubles,
            layout.routed,
        )

    def layout(self, contract: Contract) -> Layout:
        return Layout(
            contract,
            fields=self.fields,
            delimiter=self.delimiter,
            keys=self.keys,
            doubles=self.doubles,
            routed=self.routed,
        )

    def cutter(self, *, places_only: bool = False) -> RecordCutter:
        """Return a cutter for the records of a chunk."""
        return cutter(self.delimiter, len(self.fields), places_only=places_only)

    def to_json(self) -> dict[str, Any]:
        return {
            "source": [self.source.bucket, self.source.key, self.source.version_id],
            "delimiter": self.delimiter,
            "fields": list(self.fields),
            "keys": [list(pair) for pair in self.keys],
            "chunks": [[chunk.start, chunk.end, chunk.first_row] for chunk in self.chunks],
            "doubles": list(self.doubles),
            "routed": self.routed,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Plan":
        return cls(
            source=ObjectRef(*value["source"]),
            delimiter=value["delimiter"],
            fields=tuple(value["fields"]),
            keys=tuple((column, key) for column, key in value["keys"]),
            chunks=tuple(Chunk(*chunk) for chunk in value["chunks"]),
            doubles=tuple(value.get("doubles", ())),  # plans of earlier versions have none
            routed=value.get("routed"),
        )


def cutter(delimiter: str | None, columns: int, *, places_only: bool = False) -> RecordCutter:
    """Return a cutter for records with this delimiter (None for NDJSON) and number of columns."""
    return RecordCutter(delimiter.encode() if delimiter else None, columns, places_only=places_only)
