"""Reading of the bands in which a contract wants a protected number or date to be compared."""

from decimal import Decimal, InvalidOperation

from claimwatch.domain.contract.contract import DATED, NUMERIC, Banding, LogicalType, Role
from claimwatch.domain.contract.strict_yaml import YamlValue

MOST_EDGES = 40
"""The most lower ends of bands: more bands than that are too small to be compared."""


def read_bands(
    value: YamlValue,
    role: Role,
    kind: LogicalType | None,
    *,
    hashed: bool,
    place: str,
    problems: list[str],
) -> Banding | tuple[float, ...] | None:
    """Return the bands of a column: a rule, or the lower ends of all bands but the lowest.

    ``kind`` is None if the logical type is not known.
    """
    if value is None:
        return None
    if role is not Role.PROTECTED:
        problems.append(
            f"{place}bands are for columns with role protected, but the role is {role}; remove it"
        )
        return None
    if kind is not None and kind not in NUMERIC | DATED:
        problems.append(f"{place}bands are for numbers and dates, but the logicalType is {kind}; remove it")
        return None
    if hashed:
        problems.append(
            f"{place}bands need the value, but the column is stored as a hash; write 'storeAs: plain',"
            " or remove bands"
        )
        return None
    if isinstance(value, list):
        return _edges(value, place, problems)
    try:
        rule = Banding(str(value))
    except ValueError:
        problems.append(
            f"{place}bands '{value}' is unknown; write one of {', '.join(Banding)}, or the lower ends of the"
            " bands, for example [25, 40, 60]"
        )
        return None
    if rule is Banding.VALUES and kind in DATED:
        problems.append(
            f"{place}bands 'values' is not for dates; write decades, quantiles, or lower ends in years"
        )
        return None
    return rule


def _edges(written: list[YamlValue], place: str, problems: list[str]) -> tuple[float, ...] | None:
    numbers = [_number(value) for value in written]
    edges = tuple(float(number) for number in numbers if number is not None)
    if len(edges) < len(numbers) or not 1 <= len(edges) <= MOST_EDGES or list(edges) != sorted(set(edges)):
        problems.append(
            f"{place}bands must be 1 to {MOST_EDGES} numbers in rising order, the lower ends of all bands but"
            " the lowest, for example [25, 40, 60]; of a date, they are years before the event"
        )
        return None
    return edges


def _number(value: YamlValue) -> Decimal | None:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() and abs(number) < 10**15 else None
