"""Features of a claim, computed by the same code for training and for serving.

The roles in the contract determine which columns become features; a claim becomes a row of 32-bit floats. A
missing value, and a category that was not seen in training, is nan; models handle nan, and both are counted.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import repeat
from typing import Any, Literal, Self, get_args

import numpy as np
import numpy.typing as npt

from claimwatch.domain.contract import contract as contracts
from claimwatch.domain.contract.contract import DATED, Contract, LogicalType, Role
from claimwatch.domain.contract.unused_features import unused_features

type Kind = Literal["number", "category", "flag", "days", "hour", "weekday"]
type Column = npt.NDArray[Any] | Sequence[Any]
type Columns = Mapping[str, Column]
"""Columns by their names in the contract. Numbers are floats (nan if missing); booleans are objects (None) or
floats; text is objects (None); dates and timestamps are datetime64 in UTC (NaT). An absent column is missing
in every row."""
type Matrix = npt.NDArray[np.float32]

SEEN_ENOUGH = 20
"""The least occurrences of a category in training, if the contract does not list the categories."""

MOST_CATEGORIES = 50
"""The most categories of a column, if the contract does not list them; the most frequent are kept."""

_KINDS: frozenset[str] = frozenset(get_args(Kind.__value__))
_BLOCK = 4096
"""The number of rows written at a time, so that their matrix stays in the processor's cache."""

_DAY = 86_400_000_000
_HOUR = 3_600_000_000
_NAT = np.iinfo(np.int64).min
_LARGEST = np.finfo(np.float32).max
_THURSDAY = 3
"""The weekday of 1970-01-01, with Monday as 0."""


@dataclass(frozen=True)
class Feature:
    """One column of the matrix.

    ``number``: unchanged. ``flag``: 0 or 1. ``category``: its position in ``categories``. ``days``: from a
    date to the event time, in whole calendar days, or with their fraction if ``exact``. ``hour`` and
    ``weekday`` (Monday is 0) are of the event time. ``meaning`` is the first sentence of the column's
    description. A ``personal`` feature is used by the model and never shown. ``period`` is what a part of the
    calendar begins again with, if that takes longer than a week (``domain.model.calendar``).
    """

    name: str
    kind: Kind
    column: str
    categories: tuple[str, ...] = ()
    exact: bool = False
    meaning: str = ""
    personal: bool = False
    period: str = ""


@dataclass(frozen=True)
class FeatureSpec:
    """The features of a model, in the order of its matrix."""

    features: tuple[Feature, ...]
    event_time: str | None

    @classmethod
    def fit(cls, contract: Contract, columns: Columns) -> Self:
        """Return the features of a contract; ``columns`` are those of the training claims.

        Only columns with role feature and the event time become features: no protected attribute, no
        identifier, no text, and no column that is stored as a hash.
        """
        event = next((column for column in contract.columns if column.role is Role.EVENT_TIME), None)
        features: list[Feature] = []
        for column in contract.columns:
            for name, kind, categories, exact in _made_of(column, event, columns):
                features.append(
                    Feature(
                        name,
                        kind,
                        column.name,
                        categories,
                        exact,
                        _sentence(column.description),
                        column.personal,
                    )
                )
        return cls(tuple(features), event.name if event else None)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the features."""
        return tuple(feature.name for feature in self.features)

    @property
    def kinds(self) -> dict[str, Kind]:
        """The columns that ``encode`` reads, each with the kind of a feature that uses it."""
        kinds: dict[str, Kind] = {feature.column: feature.kind for feature in self.features}
        if self.event_time is not None:
            kinds.setdefault(self.event_time, "days")
        return kinds

    def to_json(self) -> str:
        """Return text that ``from_json`` reads."""
        listed = [
            {name: value for name, value in asdict(feature).items() if value not in ("", (), False)}
            for feature in self.features
        ]
        return json.dumps({"event_time": self.event_time, "features": listed}, ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read what ``to_json`` wrote; raises ``ValueError`` for an unknown kind."""
        read = json.loads(text)
        unknown = {entry["kind"] for entry in read["features"]} - _KINDS
        if unknown:
            raise ValueError(f"unknown kind of feature: {', '.join(sorted(unknown))}")
        return cls(
            tuple(
                Feature(**entry | {"categories": tuple(entry.get("categories", ()))})
                for entry in read["features"]
            ),
            read["event_time"],
        )

    @cached_property
    def codes(self) -> tuple[dict[str | None, float], ...]:
        """The code of each category, by feature; empty for features of other kinds."""
        return tuple(
            {category: float(code) for code, category in enumerate(feature.categories)}
            for feature in self.features
        )


def _made_of(
    column: contracts.Column, event: contracts.Column | None, columns: Columns
) -> Iterator[tuple[str, Kind, tuple[str, ...], bool]]:
    """Name, kind, categories and exactness of each feature that a column becomes."""
    name, kind = column.name, column.logical_type
    if column.role is Role.EVENT_TIME:
        if kind is LogicalType.TIMESTAMP:
            yield f"{name}.hour", "hour", (), False
        yield f"{name}.weekday", "weekday", (), False
    elif column.role is not Role.FEATURE or column.hashed:
        return
    elif kind is LogicalType.BOOLEAN:
        yield name, "flag", (), False
    elif kind in DATED:
        if event is not None:
            yield f"{name}.days", "days", (), LogicalType.DATE not in (kind, event.logical_type)
    elif kind is LogicalType.STRING:
        categories = column.valid_values or _frequent(columns.get(name, ()))
        if categories:
            yield name, "category", tuple(categories), False
    else:
        yield name, "number", (), False


def unused_columns(contract: Contract, columns: Columns) -> dict[str, str]:
    """Return the columns with role feature from which ``FeatureSpec.fit`` makes none, with the reason."""
    found = unused_features(contract)
    for column in contract.columns:
        if (
            column.role is Role.FEATURE
            and column.name not in found
            and column.logical_type is LogicalType.STRING
            and not (column.valid_values or _frequent(columns.get(column.name, ())))
        ):
            found[column.name] = (
                f"none of its values occurs {SEEN_ENOUGH} times in the training split, and the contract lists"
                " none as validValues"
            )
    return found


def _sentence(description: str) -> str:
    """Return the first sentence, in one line."""
    return re.split(r"(?<=[.!?;])\s", " ".join(description.split()), maxsplit=1)[0].rstrip(".;")


@dataclass(frozen=True)
class Gaps:
    """The number of claims by feature with a missing value, and with a category not seen in training."""

    missing: dict[str, int]
    unseen: dict[str, int]


def encode(spec: FeatureSpec, columns: Columns) -> Matrix:
    """Return the matrix of claims, float32 [claims, features]; missing values and unseen categories are nan.

    Numbers outside of the range of a float32 become its largest number.
    """
    rows = _rows(spec, columns)
    matrix = np.empty((rows, len(spec.features)), dtype=np.float32)
    with np.errstate(over="ignore"):
        if rows <= _BLOCK:
            _write(spec, columns, matrix)
        else:
            used = {name: columns[name] for name in spec.kinds if name in columns}
            for start in range(0, rows, _BLOCK):
                end = start + _BLOCK
                _write(spec, {name: used[name][start:end] for name in used}, matrix[start:end])
    return matrix


def _rows(spec: FeatureSpec, columns: Columns) -> int:
    for feature in spec.features:
        if feature.column in columns:
            return len(columns[feature.column])
    raise ValueError("the claims have none of the model's columns")


def _write(spec: FeatureSpec, columns: Columns, matrix: Matrix) -> None:
    event = _moments(columns.get(spec.event_time)) if spec.event_time else None
    for place, (feature, codes) in enumerate(zip(spec.features, spec.codes, strict=True)):
        values = columns.get(feature.column)
        if values is None:
            matrix[:, place] = np.nan
        elif codes:
            matrix[:, place] = np.fromiter(map(codes.get, values, repeat(np.nan)), np.float32, len(values))
        elif feature.kind in ("number", "flag"):
            matrix[:, place] = values
        elif event is None:
            matrix[:, place] = np.nan
        else:
            _write_time(
                feature, event, event if feature.kind != "days" else _moments(values), matrix[:, place]
            )
    np.minimum(matrix, _LARGEST, out=matrix)
    np.maximum(matrix, -_LARGEST, out=matrix)


def _moments(values: Column | None) -> npt.NDArray[np.int64] | None:
    """Return microseconds since 1970."""
    return None if values is None else np.asarray(values, dtype="datetime64[us]").view(np.int64)


def _write_time(
    feature: Feature, event: npt.NDArray[np.int64], moments: npt.NDArray[np.int64] | None, into: Matrix
) -> None:
    assert moments is not None
    if feature.kind == "hour":
        into[:] = event // _HOUR % 24
    elif feature.kind == "weekday":
        into[:] = (event // _DAY + _THURSDAY) % 7
    elif feature.exact:
        into[:] = (event - moments) / _DAY
    else:
        into[:] = event // _DAY - moments // _DAY
    into[(event == _NAT) | (moments == _NAT)] = np.nan


def gaps(spec: FeatureSpec, columns: Columns, matrix: Matrix) -> Gaps:
    """Count what ``encode`` made nan in this matrix; features without nan are in neither count."""
    unlearnt = unseen_rows(spec, columns, matrix)
    missing, unseen = {}, {}
    for place, total in enumerate(np.isnan(matrix).sum(axis=0).tolist()):
        name, strange = spec.features[place].name, len(unlearnt.get(place, ()))
        if total > strange:
            missing[name] = total - strange
        if strange:
            unseen[name] = strange
    return Gaps(missing, unseen)


def unseen_rows(spec: FeatureSpec, columns: Columns, matrix: Matrix) -> dict[int, npt.NDArray[np.intp]]:
    """Return the rows of this matrix with a category not seen in training, by the position of its feature."""
    found = {}
    for place, feature in enumerate(spec.features):
        if feature.kind != "category" or feature.column not in columns:
            continue
        rows, values = np.flatnonzero(np.isnan(matrix[:, place])), columns[feature.column]
        # A value that is not equal to itself is nan, which some libraries use for missing text.
        strange = [row for row in rows.tolist() if values[row] is not None and values[row] == values[row]]
        if strange:
            found[place] = np.array(strange)
    return found


def _frequent(values: Column) -> tuple[str, ...]:
    counts = Counter(value for value in values if isinstance(value, str))
    kept = [(-count, value) for value, count in counts.items() if count >= SEEN_ENOUGH]
    return tuple(value for _, value in sorted(kept)[:MOST_CATEGORIES])
