"""Contracts in compiled form: JSON that is read without parsing YAML or knowing the standard.

The form has every field of a contract except its text. It is canonical: equal contracts have the same bytes.
A field that came later is left out while it has its default, so that a contract that does not use it keeps
its bytes, and earlier versions of the code read it.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeAliasType, get_args, get_origin, get_type_hints

from claimwatch.domain.contract.contract import Column, Contract, ReviewSettings

FORMAT = 1
"""Number of this form, in its member ``format``; a change of the form needs a new one."""

_DECIMAL, _DATE, _MOMENT = "decimal", "date", "moment"
_LEFT_OUT = frozenset({"text"})
"""Fields that the compiled form does not have."""

_LATER: Mapping[type[Any], frozenset[str]] = {
    Contract: frozenset({"grounds"}),
    ReviewSettings: frozenset({"review_within_days", "second_look_above"}),
    Column: frozenset({"link_on", "what_if", "group"}),
}
"""Fields that are left out while they have their default. Every new field belongs here."""

type _Read = Callable[[Any], Any]

_dump = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False).encode


def to_json(contract: Contract) -> str:
    """Return the compiled form of a contract."""
    return _dump({"format": FORMAT, **_written(contract)})


def from_json(text: str | bytes) -> Contract:
    """Return the contract of a compiled form, without its text.

    Raises ``ValueError`` if another version of the code wrote fields that this version does not know: a rule
    that is not known cannot be checked.
    """
    document = json.loads(text)
    if not isinstance(document, dict) or document.pop("format", None) != FORMAT:
        raise ValueError(f"the compiled contract does not have format {FORMAT}")
    contract: Contract = _reader(Contract)(document)
    return contract


def _written(value: Any) -> Any:
    match value:
        case Contract() | Column() | ReviewSettings():
            later = _LATER[type(value)]
            return {
                each.name: _written(getattr(value, each.name))
                for each in _kept(type(value))
                if each.name not in later or getattr(value, each.name) != each.default
            }
        case StrEnum():
            return value.value
        case None | bool() | int() | float() | str():
            return value
        case tuple():
            return list(map(_written, value))
        case Decimal():
            return {_DECIMAL: str(value)}
        case datetime():
            return {_MOMENT: value.isoformat()}
        case date():
            return {_DATE: value.isoformat()}
        case _:
            raise TypeError(f"a compiled contract has no form for values of type {type(value).__name__}")


def _kept(kind: type[Any]) -> tuple[Field[Any], ...]:
    return tuple(each for each in fields(kind) if each.name not in _LEFT_OUT)


@cache
def _reader(hint: Any) -> _Read:
    """Return a function that reads what ``_written`` made of a value of this type."""
    if isinstance(hint, TypeAliasType):
        return _reader(hint.__value__)
    if hint in (Contract, Column, ReviewSettings):
        return _object_reader(hint)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return hint
    if hint in (str, bool, int, float, NoneType):
        return _unchanged
    if hint in (Decimal, date, datetime):
        return _tagged
    if get_origin(hint) is tuple:
        parts = get_args(hint)
        if parts[-1] is Ellipsis:
            each = _reader(parts[0])
            return lambda values: tuple(map(each, values))
        readers = tuple(map(_reader, parts))
        return lambda values: tuple(read(value) for read, value in zip(readers, values, strict=True))
    if isinstance(hint, UnionType):
        return _union_reader(hint)
    raise TypeError(f"a compiled contract has no form for values of type {hint}")


def _object_reader(kind: type[Any]) -> _Read:
    hints = get_type_hints(kind)
    readers = {each.name: _reader(hints[each.name]) for each in _kept(kind)}
    needed = {
        each.name for each in _kept(kind) if each.default is MISSING and each.default_factory is MISSING
    }

    def read(members: Mapping[str, Any]) -> Any:
        if unknown := members.keys() - readers.keys():
            raise ValueError(f"the compiled contract has unknown fields: {', '.join(sorted(unknown))}")
        if absent := needed - members.keys():
            raise ValueError(f"the compiled contract lacks fields: {', '.join(sorted(absent))}")
        return kind(**{name: readers[name](value) for name, value in members.items()})

    return read


def _union_reader(hint: UnionType) -> _Read:
    """Return a reader that chooses the type by the JSON value: no two members of a union look alike."""
    by_form: dict[type, _Read] = {}
    for member in _members(hint):
        by_form.setdefault(_form_of(member), _reader(member))
    if float in by_form:  # a whole number may be an int
        by_form.setdefault(int, _unchanged)

    def read(value: Any) -> Any:
        if type(value) not in by_form:
            raise ValueError("the compiled contract has a value of another type than its field")
        return by_form[type(value)](value)

    return read


def _members(hint: Any) -> list[Any]:
    if isinstance(hint, TypeAliasType):
        return _members(hint.__value__)
    return (
        [each for part in get_args(hint) for each in _members(part)]
        if isinstance(hint, UnionType)
        else [hint]
    )


def _form_of(member: Any) -> type:
    if get_origin(member) is tuple:
        return list
    if member in (Decimal, date, datetime):
        return dict
    return str if issubclass(member, StrEnum) else member


def _unchanged(value: Any) -> Any:
    return value


def _tagged(value: Mapping[str, str]) -> Decimal | date | datetime:
    [(tag, text)] = value.items()
    if tag == _DECIMAL:
        return Decimal(text)
    return datetime.fromisoformat(text) if tag == _MOMENT else date.fromisoformat(text)
