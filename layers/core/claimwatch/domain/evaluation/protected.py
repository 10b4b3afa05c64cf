"""The protected attributes of a contract: the group of each claim, in training and in the weekly checks."""

from collections.abc import Collection, Iterator, Mapping

import numpy as np
from numpy.typing import ArrayLike

from claimwatch.domain.contract.contract import DATED, Column, Contract, LogicalType, Role
from claimwatch.domain.evaluation.groups import Values
from claimwatch.domain.model.bands import Bands, Moments, bands_of, is_banded
from claimwatch.domain.model.features import Columns, Kind

_YES_OR_NO = {0.0: "no", 1.0: "yes"}


def kinds_of(contract: Contract) -> dict[str, Kind]:
    """Return the columns that protected groups are made from, with the kind that each is read as.

    They are the protected columns and, if one of these is banded, the event time. Empty without a protected
    column.
    """
    kinds: dict[str, Kind] = {column.name: _kind(column) for column in _protected(contract)}
    event = _event_time(contract)
    if event is not None and any(is_banded(column) for column in _protected(contract)):
        kinds.setdefault(event, "days")
    return kinds


def new_bands(contract: Contract, columns: Columns) -> dict[str, Bands]:
    """Return the bands of every protected number and date that suit these claims."""
    moments = _moments(contract, columns)
    if moments is None:
        return {}
    return {
        column.name: bands_of(column, columns[column.name], moments)
        for column in _protected(contract)
        if column.name in columns and is_banded(column)
    }


def groups_of(contract: Contract, columns: Columns, bands: Mapping[str, Bands]) -> dict[str, Values]:
    """Return the group of each claim by protected attribute: its band, or its value.

    An attribute that is stored as a hash counts as well: equal values have equal hashes.
    """
    moments = _moments(contract, columns)
    return {
        column.name: _groups(column, columns[column.name], bands.get(column.name), moments)
        for column in _protected(contract)
        if column.name in columns
    }


def numbered_attributes(contract: Contract, bands: Mapping[str, Bands]) -> Collection[str]:
    """Return the attributes whose groups are numbered, because their values may identify persons.

    A band is no value of a person, so bands are named, those of a date of birth included.
    """
    return [
        column.name
        for column in _protected(contract)
        if (column.personal or column.hashed)
        and not (is_banded(column) and column.name in bands and bands[column.name].edges)
    ]


def _protected(contract: Contract) -> Iterator[Column]:
    return (column for column in contract.columns if column.role is Role.PROTECTED)


def _groups(column: Column, values: ArrayLike, bands: Bands | None, moments: Moments | None) -> Values:
    if bands is not None and is_banded(column):
        return bands.named(values, moments)
    listed = np.asarray(values, dtype=object)
    if column.hashed or column.logical_type is not LogicalType.BOOLEAN:
        return listed
    return np.array([_YES_OR_NO.get(value) for value in listed.tolist()], dtype=object)


def _kind(column: Column) -> Kind:
    if not column.hashed and column.logical_type is LogicalType.BOOLEAN:
        return "flag"
    if not is_banded(column):
        return "category"
    return "days" if column.logical_type in DATED else "number"


def _event_time(contract: Contract) -> str | None:
    return next((column.name for column in contract.columns if column.role is Role.EVENT_TIME), None)


def _moments(contract: Contract, columns: Columns) -> Moments | None:
    event = _event_time(contract)
    found = None if event is None else columns.get(event)
    return None if found is None else np.asarray(found, dtype="datetime64[us]")
