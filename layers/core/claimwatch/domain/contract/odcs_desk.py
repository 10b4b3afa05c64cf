"""Reading of what a contract says about a column for the investigators' desk: links, what-if and heading."""

from collections.abc import Mapping, Sequence

from claimwatch.domain.contract.contract import DEFAULT_GROUP, LogicalType, Role
from claimwatch.domain.contract.strict_yaml import YamlValue

MOST_OF_HEADING = 60
"""The most characters of a heading."""

DESK_PROPERTIES = ("linkOn", "whatIf", "group")

_NOT_LINKED = {
    Role.IDENTIFIER: "no two claims have the same id",
    Role.EVENT_TIME: "claims of one moment have nothing else in common",
    Role.LABEL: "it is an outcome",
    Role.TEXT: "no two claims have the same story; link on a column with role ignored",
}


def read_link_on(
    custom: Mapping[str, YamlValue], role: Role, kind: LogicalType | None, place: str, problems: list[str]
) -> bool:
    """Return whether claims with the same value of the column are linked."""
    linked = _truth("linkOn", custom, place, problems)
    if linked and role in _NOT_LINKED:
        problems.append(f"{place}linkOn is not for role {role}: {_NOT_LINKED[role]}; remove it")
    elif linked and kind is LogicalType.BOOLEAN:
        problems.append(f"{place}linkOn is not for booleans: half of all claims would be linked; remove it")
    return linked


def read_what_if(
    custom: Mapping[str, YamlValue], role: Role, place: str, problems: list[str], *, hashed: bool
) -> bool:
    """Return whether an investigator may change the column to ask what the model would say."""
    changed = _truth("whatIf", custom, place, problems)
    if changed and role is not Role.FEATURE:
        problems.append(
            f"{place}whatIf is for columns with role feature, but the role is {role}: no model reads the "
            "column; remove it"
        )
    elif changed and hashed:
        problems.append(
            f"{place}whatIf needs the value, but the column is stored as a hash; write 'storeAs: plain', "
            "or remove whatIf"
        )
    return changed


def read_group(custom: Mapping[str, YamlValue], place: str, problems: list[str]) -> str:
    """Return the heading under which the desk shows the column."""
    written = custom.get("group")
    if written is None:
        return DEFAULT_GROUP
    if not isinstance(written, str) or not written.isprintable() or not 1 <= len(written) <= MOST_OF_HEADING:
        problems.append(
            f"{place}group must be a heading of 1 to {MOST_OF_HEADING} characters on one line, "
            f"for example Vehicle; without it, it is {DEFAULT_GROUP}"
        )
        return DEFAULT_GROUP
    return written.strip() or DEFAULT_GROUP


def second_look_problems(custom: Mapping[str, YamlValue], place: str) -> Sequence[str]:
    """Return why a second look above an amount is impossible."""
    if custom.get("secondLookAbove") is None or custom.get("amountColumn") is not None:
        return ()
    return (
        f"{place}secondLookAbove needs the amount of a claim; add amountColumn, or remove secondLookAbove",
    )


def _truth(name: str, custom: Mapping[str, YamlValue], place: str, problems: list[str]) -> bool:
    written = custom.get(name)
    if written is not None and written not in ("true", "false"):
        problems.append(f"{place}{name} '{written}' is neither true nor false")
    return written == "true"
