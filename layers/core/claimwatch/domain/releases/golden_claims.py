"""Golden claims: claims that no person has made, drawn from a model's profile and the contract of its line.

Two versions of the code that answer them alike answer claims alike: they have typical values, every category,
missing, unseen and extreme values, and some break the rules of the contract.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from itertools import cycle

from claimwatch.domain.contract.contract import Column, Contract, LogicalType, Role
from claimwatch.domain.model.features import FeatureSpec
from claimwatch.domain.model.profile import Reference
from claimwatch.domain.releases.draws import Draws
from claimwatch.domain.releases.golden_values import (
    UNSEEN,
    Before,
    Choices,
    Value,
    choices_of,
    claim_id,
    within,
)

GOLDEN_CLAIMS = 200
"""Claims of a line."""

_BREAKS_RULES = 5
"""Every fifth claim breaks rules."""

_MOST_BROKEN = 8
"""Rules that one claim breaks at most: an answer lists ten."""

_EXTRA = "golden_column"
"""A column that no contract has."""

_NOWHEN = datetime(2020, 1, 1)  # noqa: DTZ001 - dates of lines without an event time

type _Members = dict[str, Value]


def golden_claims(
    contract: Contract,
    spec: FeatureSpec,
    reference: Reference,
    *,
    seed: str,
    until: date,
    count: int = GOLDEN_CLAIMS,
) -> list[str]:
    """Return claims in JSON; the same arguments give the same claims, whatever the process.

    Events are before ``until``. A few texts are JSON, but no claims.
    """
    draws = Draws(seed)
    choices = _choices(contract, spec, reference, until, draws)
    valid = _valid_claims(choices, count, draws)
    broken = _broken_members(choices, count // _BREAKS_RULES, draws)
    found: list[str] = []
    members: _Members = {}
    for number in range(count):
        identity: _Members = {contract.identifier.name: claim_id(contract.identifier, number, draws)}
        refused, breaks_rules = divmod(number, _BREAKS_RULES)
        if breaks_rules < _BREAKS_RULES - 1:
            members = identity | next(valid)
            found.append(_text(members, choices, escaped=number % 7 == 3))
            continue
        odd = _odd_texts(contract.identifier, identity, members, choices)
        found.append(
            odd[refused] if refused < len(odd) else _text({**members, **identity, **next(broken)}, choices)
        )
    return found


def _choices(
    contract: Contract, spec: FeatureSpec, reference: Reference, until: date, draws: Draws
) -> list[Choices]:
    """Return the values of each column but the identifier."""
    features = {feature.column: feature for feature in spec.features}
    found = []
    for column in contract.columns:
        if column is not contract.identifier:
            feature = features.get(column.name)
            profile = reference.features.get(feature.name) if feature is not None else None
            found.append(choices_of(column, feature, profile, until, draws))
    return found


def _valid_claims(choices: Sequence[Choices], count: int, draws: Draws) -> Iterator[_Members]:
    """Yield the usual claim, one with required values only, the extremes, and then every value in turn."""
    yield {each.column.name: each.valid[0] for each in choices}
    yield {each.column.name: each.valid[0] for each in choices if each.column.required}
    yield {each.column.name: each.low for each in choices}
    yield {each.column.name: each.high for each in choices}
    values = {each.column.name: _in_turn(each, count // 2, draws) for each in choices}
    while True:
        yield {name: next(turn) for name, turn in values.items()}


def _in_turn(choices: Choices, most: int, draws: Draws) -> Iterator[Value]:
    """Yield the values of a column for ever, in another order each time; of very many, the most usual."""
    values = choices.valid[:most] if choices.column.required else (*choices.valid[: most - 1], None)
    times = 0
    while True:
        yield from draws.shuffled(values, "order", choices.column.name, times)
        times += 1


def _broken_members(choices: Sequence[Choices], count: int, draws: Draws) -> Iterator[_Members]:
    """Yield members that break rules, for ever: each rule of each column, several in a claim if need be."""
    broken = [(each.column.name, value) for each in choices for value in each.broken]
    claims: list[_Members] = [{} for _ in range(max(1, min(len(broken), count - _ODD_TEXTS)))]
    for name, value in draws.shuffled(broken, "broken"):
        free = [claim for claim in claims if name not in claim and len(claim) < _MOST_BROKEN]
        if free:
            min(free, key=len)[name] = value
    yield from cycle(claims)


_ODD_TEXTS = 8


def _odd_texts(
    identifier: Column, identity: _Members, members: _Members, choices: Sequence[Choices]
) -> tuple[str, ...]:
    """Return texts that are no claims, or whose id is not valid; ``members`` are those of a valid claim."""
    claim = members | identity
    text = _text(claim, choices)
    found = (
        _text(members, choices),  # its id was sent earlier
        _text(claim | {identifier.name: None}, choices),
        _text(claim | {identifier.name: 12.5}, choices),
        "{}",
        json.dumps([UNSEEN]),
        _text(claim | {_EXTRA: "\0"}, choices),
        f'{{"{_EXTRA}": NaN, {text[1:]}',
        f"{text[:-1]}, {_text(identity, choices)[1:]}",
    )
    assert len(found) == _ODD_TEXTS
    return found


def _text(members: _Members, choices: Sequence[Choices], *, escaped: bool = False) -> str:
    """Return a claim in JSON, without members that are missing; ``escaped`` writes it in ASCII."""
    columns = {each.column.name: each.column for each in choices}
    event = next((column for column in columns.values() if column.role is Role.EVENT_TIME), None)
    moment = members.get(event.name) if event is not None else None
    base = moment if isinstance(moment, datetime) else _NOWHEN
    written = {}
    for name, value in members.items():
        if isinstance(value, Before):
            value = within(columns[name], base - timedelta(days=value.days))  # noqa: PLW2901
        if isinstance(value, datetime):
            whole = columns[name].logical_type is LogicalType.DATE
            value = value.date().isoformat() if whole else f"{value.isoformat(timespec='seconds')}Z"  # noqa: PLW2901
        if value is not None:
            written[name] = value
    return json.dumps(written, ensure_ascii=escaped)
