"""A contract's checks as they are usually written with pandas: whole columns, and masks of invalid rows."""

import hmac
import unicodedata
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal

import pandas as pd

from claimwatch.domain.contract.contract import Bound, Column, Contract, LogicalType

TRUTH = {
    **dict.fromkeys(("true", "t", "yes", "y", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "0"), False),
}


def problems(frame: pd.DataFrame, contract: Contract) -> Iterator[tuple[str, str, pd.Series]]:
    """Yield (column, rule, mask) for every broken rule; the frame has text, and NaN for missing values."""
    for column in contract.columns:
        for rule, mask in _broken(frame[column.name], column):
            if mask.any():
                yield column.name, rule, mask


def keyed_hashes(text: pd.Series, key: bytes) -> list[str | None]:
    """Return the first half of the HMAC-SHA-256 of the column's name and each value."""

    def hashed(value: str) -> str:
        canonical = unicodedata.normalize("NFC", " ".join(value.split()).casefold())
        return hmac.digest(key, f"{text.name}\0{canonical}".encode(), "sha256").hex()[:32]

    return [None if missing else hashed(value) for value, missing in zip(text, text.isna(), strict=True)]


def typed(text: pd.Series, column: Column) -> pd.Series:
    """Convert a column to its type; values that are not of the type become NaN or NaT."""
    match column.logical_type:
        case LogicalType.INTEGER:
            number = pd.to_numeric(text, errors="coerce")
            return number.where(number % 1 == 0)
        case LogicalType.NUMBER:
            return pd.to_numeric(text, errors="coerce")
        case LogicalType.BOOLEAN:
            return text.str.lower().map(TRUTH)
        case LogicalType.DATE:
            return pd.to_datetime(text, format="%Y-%m-%d", errors="coerce")
        case LogicalType.TIMESTAMP:
            return pd.to_datetime(text, format="ISO8601", errors="coerce", utc=True)
        case LogicalType.STRING:
            return text


def _broken(text: pd.Series, column: Column) -> Iterator[tuple[str, pd.Series]]:
    present = text.notna()
    if column.required:
        yield "required", ~present
    if column.valid_values is not None:
        yield "validValues", present & ~text.isin(column.valid_values)
    if column.logical_type is LogicalType.STRING:
        if column.min_length is not None:
            yield "minLength", text.str.len() < column.min_length
        if column.max_length is not None:
            yield "maxLength", text.str.len() > column.max_length
        if column.pattern is not None:
            yield "pattern", present & ~text.str.fullmatch(column.pattern, na=False)
        return
    value = typed(text, column)
    yield "type", present & value.isna()
    if column.minimum is not None:
        yield "minimum", value < _bound(column.minimum)
    if column.maximum is not None:
        yield "maximum", value > _bound(column.maximum)
    if column.exclusive_minimum is not None:
        yield "exclusiveMinimum", value <= _bound(column.exclusive_minimum)
    if column.exclusive_maximum is not None:
        yield "exclusiveMaximum", value >= _bound(column.exclusive_maximum)


def _bound(bound: Bound) -> float | pd.Timestamp:
    match bound:
        case Decimal():
            return float(bound)
        case datetime():
            moment = pd.Timestamp(bound)
            return moment.tz_convert("UTC") if moment.tzinfo else moment.tz_localize("UTC")
        case date():
            return pd.Timestamp(bound)
