"""Trial of a draft on the rows of its file: what the loader refuses, and what the sample does not show."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from claimwatch.domain.contract.contract import LogicalType
from claimwatch.domain.contract.parse import parse_contract
from claimwatch.domain.files.header import csv_layout, ndjson_layout
from claimwatch.domain.files.layout import Layout
from claimwatch.domain.files.records import Batch
from claimwatch.domain.validation.values_sql import typed_cells
from claimwatch.duckdb_errors import redact_duckdb_errors
from claimwatch.errors import RefusedContract, RefusedFile
from claimwatch.ingest.plan import cutter
from claimwatch.ingest.staging import Prepared
from claimwatch.ingest.validation import Validator

MOST_COLUMNS = 400
"""Columns of the widest table that is tried: DuckDB takes 32 KiB of memory for each expression."""

_MOST_EXPLAINED = 2_000
"""Refused rows of each some 27 MiB whose reasons are counted: a draft may be wrong about every row."""

_WITNESSES = 5
"""Refused rows that are kept for each reason."""

_TELLING = ("required", "type", "validValues")
"""Rules whose refused rows say more about a column than the sample: about its forms, gaps and categories."""

type _Extreme = tuple[Any, bytes]
"""The value that is larger than the others of its column, and its row."""


@dataclass
class Trial:
    """What a draft met in the rows of its file.

    ``reasons`` counts the reasons of refused rows by column; whole rows have the name "". ``witnesses`` are
    some refused rows of each column, and ``extremes`` the rows with the least, the greatest and the longest
    values. ``complete`` says whether the reasons of all refused rows are counted.
    """

    read: int = 0
    refused: int = 0
    complete: bool = True
    extra: dict[str, None] = field(default_factory=dict)
    reasons: dict[str, Counter[str]] = field(default_factory=dict)
    witnesses: dict[str, list[bytes]] = field(default_factory=dict)
    extremes: list[bytes] = field(default_factory=list)

    def sentences(self) -> dict[str, str]:
        """Return what the loader refuses, as a sentence for each column by name."""
        return {column: self._refused(messages) for column, messages in self.reasons.items()}

    def _refused(self, messages: Counter[str]) -> str:
        ((message, _),) = messages.most_common(1)
        number = f"{messages.total()}" if self.complete else f"at least {messages.total()}"
        return f"{number} of {self.read} rows are quarantined: {message}"


def try_draft(
    text: str, line: str, prepared: Prepared, blocks: Iterable[bytes], keys: tuple[str, ...]
) -> Trial | None:
    """Validate rows by a draft, and find those that show more than its sample does.

    ``keys`` are those of NDJSON. A draft that lacks something, such as the identifier, is not tried, and
    neither is a wide one.
    """
    if len(prepared.header or keys) > MOST_COLUMNS:
        return None
    try:
        contract = parse_contract(text, line)
        if prepared.format == "csv":
            layout = csv_layout(contract, prepared.header, prepared.delimiter)
        else:
            layout = ndjson_layout(contract, keys, prepared.routed)
    except (RefusedContract, RefusedFile):
        return None
    trial = Trial()
    extremes: dict[tuple[int, str], _Extreme] = {}
    records = cutter(layout.delimiter, len(layout.fields)).cut(blocks)
    with _TrialValidator(layout) as validator:
        while True:
            taken: list[Batch] = []
            result = validator.check(_remembered(records, taken), trial.read + 1)
            if not result.read:
                break
            trial.read += result.read
            trial.refused += result.read - result.loaded
            trial.complete &= result.read - result.loaded <= _MOST_EXPLAINED
            trial.extra |= dict.fromkeys(result.extra)
            for row in islice(result.refused, _MOST_EXPLAINED):
                for problem in row.problems:
                    column = problem.column or ""
                    messages = trial.reasons.setdefault(column, Counter())
                    messages[problem.message] += 1
                    if problem.rule in _TELLING and messages[problem.message] <= _WITNESSES:
                        trial.witnesses.setdefault(column, []).append(row.raw.encode())
            for key, found in validator.extremes(taken):
                if key not in extremes or found[0] > extremes[key][0]:
                    extremes[key] = found
    trial.extremes = [row for _, row in extremes.values()]
    return trial


def _remembered(batches: Iterator[Batch], taken: list[Batch]) -> Iterator[Batch]:
    for batch in batches:
        taken.append(batch)
        yield batch


class _TrialValidator(Validator):
    """A validator that also finds the rows with the extreme values of each column."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout, b"trial")

    def extremes(self, batches: Sequence[Batch]) -> Iterator[tuple[tuple[int, str], _Extreme]]:
        """Yield the least, the greatest and the longest value of each column, by column, with its row.

        The number that orders least values is negated, so that a larger one always counts.
        """
        asked = [
            (index, kind, size)
            for index, column in enumerate(self.layout.contract.columns)
            for kind, size in _sizes(column.logical_type, index)
        ]
        with self._records.open("wb") as records:
            records.writelines(batch.text() for batch in batches)
        query = ", ".join(f"max({size}), arg_max(place, {size})" for _, _, size in asked)
        try:
            with redact_duckdb_errors("find extreme values"):
                found = self._engine.execute(
                    f"SELECT {query} FROM ({typed_cells(self._queries.layout)})", {"path": str(self._records)}
                ).fetchone()
        finally:
            self._records.unlink(missing_ok=True)
        values = iter(found or ())
        for (index, kind, _), value, place in zip(asked, values, values, strict=False):
            if value is not None:
                yield (index, kind), (value, _record(batches, place))


def _sizes(kind: LogicalType, index: int) -> Iterator[tuple[str, str]]:
    """Yield what orders the values of a column, and its SQL."""
    value = f"value_{index}"
    match kind:
        case LogicalType.INTEGER | LogicalType.NUMBER:
            finite = f"CASE WHEN isfinite({value}::DOUBLE) THEN {value}::DOUBLE END"
            yield "most", finite
            yield "least", f"-({finite})"
        case LogicalType.DATE | LogicalType.TIMESTAMP:
            yield "most", f"epoch({value})"
            yield "least", f"-epoch({value})"
        case LogicalType.STRING:
            yield "most", f"length(text_{index})"


def _record(batches: Sequence[Batch], place: int) -> bytes:
    for batch in batches:
        if place < len(batch):
            return batch.record(place)
        place -= len(batch)
    raise AssertionError("the engine counted more records than there are")
