"""Reading of one column of a contract from ODCS."""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

from open_data_contract_standard.model import CustomProperty, SchemaProperty

from claimwatch.domain.contract.contract import (
    DATED,
    MAX_NAME,
    NUMERIC,
    RESERVED,
    Bound,
    Column,
    DatePart,
    LogicalType,
    NegativeNumbers,
    Role,
)
from claimwatch.domain.contract.date_formats import format_problem, from_java
from claimwatch.domain.contract.odcs_bands import read_bands
from claimwatch.domain.contract.odcs_date_parts import read_date_parts
from claimwatch.domain.contract.odcs_desk import DESK_PROPERTIES, read_group, read_link_on, read_what_if
from claimwatch.domain.contract.odcs_notation import (
    SHARED_PROPERTIES,
    Shared,
    read_date_formats,
    read_negatives,
    read_separators,
    read_tokens,
    read_units,
    read_words,
)
from claimwatch.domain.contract.patterns import pattern_problem
from claimwatch.domain.contract.strict_yaml import YamlMapping, YamlValue

COLUMN_NAME = re.compile(r"[^\W\d][\w .-]*(?<! )")
"""Names of columns: they need no escaping in quoted SQL identifiers, and read well in sentences."""

CLASSIFICATIONS = ("personal", "internal", "public")

_COLUMN_PROPERTIES = (
    *("role", "storeAs", "linkGroup", "bands", "numberUnit", "dateParts", "history"),
    *DESK_PROPERTIES,
    *SHARED_PROPERTIES,
)
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_ISO_JAVA = ("yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm:ss", "yyyy-MM-dd HH:mm:ss")
_UTC_NAMES = ("UTC", "Etc/UTC", "Z")

_TEXT = frozenset({LogicalType.STRING})
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_OPTIONS = {
    **dict.fromkeys(_BOUNDS, NUMERIC | DATED),
    **dict.fromkeys(("minLength", "maxLength", "pattern"), _TEXT),
    # For a date, format specifies how it is written; for other types it is only descriptive.
    "format": frozenset(LogicalType) - {LogicalType.BOOLEAN},
    **dict.fromkeys(("timezone", "defaultTimezone"), frozenset({LogicalType.TIMESTAMP})),
}
_METRICS = ("invalidValues", "validValues", "nullValues", "missingValues", "duplicateValues")
_ROLES_NEEDING_VALUE = frozenset({Role.IDENTIFIER, Role.EVENT_TIME, Role.LABEL, Role.TEXT})

_INTEGERS = "int integer bigint smallint tinyint int2 int4 int8 int16 int32 int64 long"
_PHYSICAL = {
    LogicalType.STRING: "text string varchar char character nvarchar nchar bpchar citext clob uuid enum",
    LogicalType.INTEGER: f"{_INTEGERS} numeric decimal number",
    LogicalType.NUMBER: f"{_INTEGERS} numeric decimal number double float real float4 float8 float32 float64",
    LogicalType.BOOLEAN: "boolean bool bit",
    LogicalType.DATE: "date",
    LogicalType.TIMESTAMP: "timestamp timestamptz datetime datetime2 timestamp_ntz timestamp_tz",
}
_PHYSICAL_NOISE = re.compile(r"\(.*?\)|\b(varying|precision|unsigned|with(out)? time zone)\b")
_KINDS = {
    LogicalType.INTEGER: "a whole number",
    LogicalType.NUMBER: "a number",
    LogicalType.DATE: "a date (YYYY-MM-DD)",
    LogicalType.TIMESTAMP: "a date and time (YYYY-MM-DDTHH:MM:SSZ)",
}


@dataclass(frozen=True)
class _Source:
    """A column as the contract describes it.

    ``model`` is the column as the standard's model has it, ``written`` as it was written. ``kind`` is None if
    the logical type is missing or unknown; then nothing that depends on it is checked.
    """

    model: SchemaProperty
    written: YamlMapping
    place: str
    custom: Mapping[str, YamlValue]
    shared: Shared
    problems: list[str]
    kind: LogicalType | None

    def report(self, problem: str) -> None:
        """Add a problem, preceded by the place of the column."""
        self.problems.append(self.place + problem)

    def option(self, name: str) -> str | None:
        """Return an option of the logical type, or None if it is missing or not for this type."""
        value = (self.model.logicalTypeOptions or {}).get(name)
        if value is None or self.kind is None or self.kind not in _OPTIONS[name]:
            return None
        return str(value)


@dataclass
class _Rules:
    """Requirements of the quality rules of a column."""

    valid_values: tuple[str, ...] | None = None
    pattern: str | None = None
    required: bool = False
    unique: bool = False
    missing_values: tuple[str, ...] = ()

    def allow(self, values: Iterable[str]) -> None:
        """Allow only these values, of those that earlier lists allow."""
        new = tuple(dict.fromkeys(values))
        earlier = self.valid_values
        self.valid_values = new if earlier is None else tuple(value for value in earlier if value in new)


@dataclass(frozen=True)
class _NumberNotation:
    """How the numbers of a column are written."""

    decimal_separator: str = "."
    thousands_separator: str = ""
    units: tuple[str, ...] = ()
    negatives: tuple[NegativeNumbers, ...] = ()


def place_of(written: YamlMapping, number: int, what: str = "column") -> str:
    """Return the beginning of a sentence about a column."""
    name = written.get("name")
    return f"{what} '{name}' (line {written.line}): " if name else f"{what} {number} (line {written.line}): "


def read_column(
    model: SchemaProperty, written: YamlMapping, number: int, shared: Shared, problems: list[str]
) -> Column:
    """Return the column, and add what is wrong with it to ``problems``.

    ``model`` is the column as the standard's model has it, ``written`` as it was written, ``number`` its
    position among the columns, from 1.
    """
    place = place_of(written, number)
    _check_name(model, place, problems)
    custom = custom_properties(model.customProperties, _COLUMN_PROPERTIES, place, problems)
    kind = _logical_type(model, place, problems)
    source = _Source(model, written, place, custom, shared, problems, kind)
    primary = model.primaryKey is True and "role" not in custom
    role = Role.IDENTIFIER if primary else _role(source)
    rules = _rules(source)
    bounds = _bounds(source)
    hashed = _hashed(source, role)
    numbers = _number_notation(source)
    true_words, false_words = _truth_words(source)
    column = Column(
        name=model.name or "",
        logical_type=kind or LogicalType.STRING,
        role=role,
        required=bool(model.required) or rules.required or primary,
        unique=bool(model.unique) or rules.unique or primary,
        personal=model.classification == "personal",
        hashed=hashed,
        link_group=_link_group(source, hashed=hashed),
        minimum=bounds.get("minimum"),
        maximum=bounds.get("maximum"),
        exclusive_minimum=bounds.get("exclusiveMinimum"),
        exclusive_maximum=bounds.get("exclusiveMaximum"),
        min_length=_length(source, "minLength"),
        max_length=_length(source, "maxLength"),
        pattern=_pattern(source, rules.pattern),
        valid_values=rules.valid_values,
        synonyms=tuple(dict.fromkeys(entry.synonym for entry in model.synonyms or [] if entry.synonym)),
        missing_values=_missing_values(source, rules),
        date_formats=_date_formats(source),
        decimal_separator=numbers.decimal_separator,
        thousands_separator=numbers.thousands_separator,
        units=numbers.units,
        negatives=numbers.negatives,
        true_words=true_words,
        false_words=false_words,
        bands=read_bands(custom.get("bands"), role, kind, hashed=hashed, place=place, problems=problems),
        date_parts=_date_parts(source),
        empty_history=_empty_history(source, hashed=hashed),
        description=" ".join((model.description or "").split()),
        link_on=read_link_on(custom, role, kind, place, problems),
        what_if=read_what_if(custom, role, place, problems, hashed=hashed),
        group=read_group(custom, place, problems),
    )
    _check_lengths(source, column)
    _check_role(source, column)
    return column


# -- Name, type and role -------------------------------------------------------------------------------------


def _check_name(model: SchemaProperty, place: str, problems: list[str]) -> None:
    name = model.name
    if not name:
        problems.append(f"{place}the name is missing; write the column's name in the files")
    elif not COLUMN_NAME.fullmatch(name):
        problems.append(
            f"{place}a name must begin with a letter and contain only letters, digits, '_', '-', '.' and "
            "blanks; rename the column and add its name in the files as a synonym"
        )
    elif len(name.encode()) > MAX_NAME:
        problems.append(f"{place}the name is longer than PostgreSQL's limit of {MAX_NAME} bytes; shorten it")
    elif name.casefold() in RESERVED:
        problems.append(
            f"{place}the name is reserved; rename the column and add its name in the files as a synonym"
        )


def _logical_type(model: SchemaProperty, place: str, problems: list[str]) -> LogicalType | None:
    name = model.logicalType
    if name is None:
        problems.append(f"{place}logicalType is missing; write one of {', '.join(LogicalType)}")
        return None
    try:
        kind = LogicalType(name)
    except ValueError:
        problems.append(
            f"{place}logicalType '{name}' is not supported; write one of {', '.join(LogicalType)}"
        )
        return None
    physical = model.physicalType
    bare = _PHYSICAL_NOISE.sub(" ", (physical or "").lower()).strip()
    if physical and bare not in _PHYSICAL[kind].split():
        problems.append(
            f"{place}physicalType '{physical}' does not match logicalType {kind}; remove physicalType"
        )
    return kind


def _role(source: _Source) -> Role:
    name = source.custom.get("role")
    if name is None:
        return Role.IGNORED
    try:
        return Role(str(name))
    except ValueError:
        source.report(f"role '{name}' is unknown; write one of {', '.join(Role)}")
        return Role.IGNORED


def _hashed(source: _Source, role: Role) -> bool:
    classification = source.model.classification
    if classification is not None and classification not in CLASSIFICATIONS:
        source.report(
            f"classification '{classification}' is unknown; write one of {', '.join(CLASSIFICATIONS)}"
        )
    store_as = source.custom.get("storeAs")
    if store_as not in (None, "hash", "plain"):
        source.report(f"storeAs '{store_as}' is unknown; write hash or plain")
    hashed = store_as == "hash" or (store_as is None and classification == "personal")
    typed_feature = role is Role.FEATURE and source.kind not in (None, LogicalType.STRING)
    if hashed and (role in _ROLES_NEEDING_VALUE or typed_feature):
        why = "" if store_as else ", the default for personal columns"
        source.report(
            f"role {role} needs the value, but the column is stored as a hash{why}; "
            "write 'storeAs: plain' or 'role: ignored'"
        )
    return hashed


def _link_group(source: _Source, *, hashed: bool) -> str | None:
    group = source.custom.get("linkGroup")
    if group is None:
        return None
    if not isinstance(group, str) or not COLUMN_NAME.fullmatch(group) or len(group.encode()) > MAX_NAME:
        source.report(f"linkGroup '{group}' is not a valid name; write it like the name of a column")
        return None
    if not hashed:
        source.report("linkGroup is for columns stored as a hash; remove it, or write 'storeAs: hash'")
    return group


def _check_role(source: _Source, column: Column) -> None:
    kind = source.kind
    if column.role is Role.IDENTIFIER:
        if kind not in (None, LogicalType.STRING, LogicalType.INTEGER):
            source.report(f"the identifier must be a string or an integer, but its logicalType is {kind}")
        if not column.required:
            source.report("the identifier column must be required: set 'required: true'")
        if not column.unique:
            source.report("the identifier column must be unique: set 'unique: true'")
    elif column.unique:
        source.report(
            "'unique' is supported only for the identifier, because a claim that is sent again repeats its "
            "other values; remove it"
        )
    if column.role is Role.EVENT_TIME and kind not in (None, *DATED):
        source.report(f"the event time must be a date or a timestamp, but its logicalType is {kind}")
    if column.role is Role.TEXT and kind not in (None, LogicalType.STRING):
        source.report(f"role text is for strings, but the logicalType is {kind}; change one of them")


# -- Values --------------------------------------------------------------------------------------------------


def _rules(source: _Source) -> _Rules:
    """Return the requirements of ``enum`` and ``quality``."""
    rules = _Rules()
    if source.model.enum is not None:
        rules.allow(str(entry.value) for entry in source.model.enum if entry.value is not None)
    entries = source.written.get("quality")
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, YamlMapping):
            _apply_rule(source, entry, rules)
    values = rules.valid_values
    if values is None:
        return rules
    if not values:
        source.report("the list of valid values is empty; write the valid values")
    if source.kind not in (None, LogicalType.STRING, LogicalType.INTEGER):
        source.report(f"valid values are for strings and integers, but the logicalType is {source.kind}")
    elif source.kind is LogicalType.INTEGER:
        for value in values:
            if not re.fullmatch(r"0|-?[1-9]\d*", value, re.ASCII):
                source.report(f"the valid value '{value}' is not a whole number")
    return rules


def _apply_rule(source: _Source, entry: YamlMapping, rules: _Rules) -> None:
    kind = entry.get("type") or "library"
    metric = entry.get("metric") or entry.get("rule")
    if kind == "text":
        return
    if kind != "library" or metric not in _METRICS:
        source.report(
            f"the quality rule '{metric or kind}' is not run; supported are {', '.join(_METRICS)}; "
            "describe other rules with 'type: text'"
        )
        return
    if any((key, value) != ("mustBe", "0") for key, value in entry.items() if key.startswith("must")):
        source.report(
            f"the quality rule '{metric}' allows some rows to break it, but each row is checked by itself; "
            "write 'mustBe: 0'"
        )
    arguments = entry.get("arguments")
    given: Mapping[str, YamlValue] = arguments if isinstance(arguments, YamlMapping) else entry
    match metric:
        case "invalidValues" | "validValues":
            _apply_validity(source, given, str(metric), rules)
        case "duplicateValues":
            rules.unique = True
        case _:
            rules.required = True
            rules.missing_values += read_tokens(
                given.get("missingValues"), f"{source.place}missingValues", source.problems
            )


def _apply_validity(source: _Source, given: Mapping[str, YamlValue], metric: str, rules: _Rules) -> None:
    values, pattern = given.get("validValues"), given.get("pattern")
    if isinstance(values, list) and all(isinstance(value, str) for value in values):
        rules.allow(map(str, values))
    elif values is not None:
        source.report(f"validValues of the quality rule '{metric}' must be a list of values")
    elif pattern is None:
        source.report(f"the quality rule '{metric}' has neither validValues nor a pattern; add one")
    if isinstance(pattern, str):
        rules.pattern = pattern


def _missing_values(source: _Source, rules: _Rules) -> tuple[str, ...]:
    own = read_tokens(source.custom.get("missingValues"), f"{source.place}missingValues", source.problems)
    missing = tuple(dict.fromkeys((*source.shared.missing_values, *rules.missing_values, *own)))
    for value in rules.valid_values or ():
        if value in missing:
            source.report(f"'{value}' is both a valid and a missing value; remove it from one of the two")
    return missing


def _bounds(source: _Source) -> dict[str, Bound]:
    _check_options(source)
    found: dict[str, Bound] = {}
    for name in _BOUNDS:
        written = source.option(name)
        if written is None or source.kind is None:
            continue
        bound = _bound(written, source.kind)
        if bound is None:
            source.report(f"{name} '{written}' is not {_KINDS[source.kind]}")
        else:
            found[name] = bound
    for low in ("minimum", "exclusiveMinimum"):
        for high in ("maximum", "exclusiveMaximum"):
            if low in found and high in found:
                least, most = found[low], found[high]
                touching = (low, high) != ("minimum", "maximum") and least == most
                if touching or least > most:  # type: ignore[operator]  # both are of the column's one type
                    source.report(f"no value is between {low} {least} and {high} {most}; change one")
    return found


def _check_options(source: _Source) -> None:
    for name in source.model.logicalTypeOptions or {}:
        fitting = _OPTIONS.get(name)
        if fitting is None:
            close = difflib.get_close_matches(name, _OPTIONS, 1)
            hint = f"write '{close[0]}'" if close else "remove it"
            source.report(f"'{name}' in logicalTypeOptions is not supported; {hint}")
        elif source.kind is not None and source.kind not in fitting:
            source.report(f"'{name}' does not apply to logicalType {source.kind}; remove it")
    zone = source.option("defaultTimezone")
    if zone not in (None, *_UTC_NAMES):
        source.report(
            f"defaultTimezone '{zone}' is not supported: times without an offset are taken as UTC; remove it"
        )


def _length(source: _Source, name: str) -> int | None:
    written = source.option(name)
    if written is None:
        return None
    if not re.fullmatch(r"\d{1,9}", written, re.ASCII):
        source.report(f"{name} '{written}' is not a whole number of characters")
        return None
    return int(written)


def _check_lengths(source: _Source, column: Column) -> None:
    least, most = column.min_length, column.max_length
    if least is not None and most is not None and least > most:
        source.report(f"no length is between minLength {least} and maxLength {most}; change one")


def _pattern(source: _Source, of_rule: str | None) -> str | None:
    pattern = source.option("pattern")
    if of_rule is not None:
        if source.kind not in (None, LogicalType.STRING):
            source.report(f"a pattern is for strings, but the logicalType is {source.kind}; remove it")
        elif pattern is not None:
            source.report("the column has two patterns; keep one")
        pattern = pattern or of_rule
    if pattern is not None and (problem := pattern_problem(pattern)):
        source.report(f"the pattern '{pattern[:80]}' {problem}")
    return pattern


def _date_formats(source: _Source) -> tuple[str, ...]:
    own = source.custom.get("dateFormat")
    if source.kind not in DATED:
        if own is not None and source.kind is not None:
            source.report(f"dateFormat is for dates, but the logicalType is {source.kind}; remove it")
        return ()
    with_time = source.kind is LogicalType.TIMESTAMP
    formats = list(read_date_formats(own, source.place, source.problems, with_time=with_time))
    java = source.option("format")
    if java is not None:
        form = from_java(java)
        if form is None or format_problem(form, with_time=with_time):
            source.report(f"format '{java}' is not supported; write a dateFormat such as %d.%m.%Y instead")
        elif java not in _ISO_JAVA:
            formats.append(form)
    if not formats:
        shared = source.shared.date_formats
        formats += [form for form in shared if format_problem(form, with_time=with_time) is None]
    return tuple(dict.fromkeys(formats))


def _empty_history(source: _Source, *, hashed: bool) -> bool:
    written = source.custom.get("history")
    if "history" in source.custom and written != "empty":
        source.report(
            f"history '{written or ''}' is unknown; write empty: rows that were loaded as hashes then "
            "have no value"
        )
    elif written is not None and hashed:
        source.report("history is for columns stored in clear; write 'storeAs: plain', or remove it")
    return written == "empty" and not hashed


def _date_parts(source: _Source) -> tuple[tuple[DatePart, str], ...]:
    if "dateParts" in source.custom and source.kind not in (None, LogicalType.DATE):
        source.report(
            f"dateParts make a date, but the logicalType is {source.kind}; write 'logicalType: date'"
        )
    return read_date_parts(source.custom.get("dateParts"), source.place, source.problems)


def _number_notation(source: _Source) -> _NumberNotation:
    shared = source.shared
    if source.kind in NUMERIC:
        given = source.custom, source.place, source.problems
        decimal, thousands = read_separators((shared.decimal_separator, shared.thousands_separator), *given)
        return _NumberNotation(
            decimal, thousands, read_units(*given), read_negatives(shared.negatives, *given)
        )
    _refuse_properties(
        source, "numbers", ("decimalSeparator", "thousandsSeparator", "numberUnit", "negativeNumbers")
    )
    return _NumberNotation()


def _truth_words(source: _Source) -> tuple[tuple[str, ...], tuple[str, ...]]:
    if source.kind is LogicalType.BOOLEAN:
        shared = source.shared.true_words, source.shared.false_words
        return read_words(shared, source.custom, source.place, source.problems)
    _refuse_properties(source, "booleans", ("trueValues", "falseValues"))
    return (), ()


def _refuse_properties(source: _Source, kinds: str, names: Iterable[str]) -> None:
    for name in names:
        if name in source.custom and source.kind is not None:
            source.report(f"{name} is for {kinds}, but the logicalType is {source.kind}; remove it")


# -- Custom properties ---------------------------------------------------------------------------------------


def custom_properties(
    entries: Iterable[CustomProperty] | None, known: Iterable[str], place: str, problems: list[str]
) -> dict[str, YamlValue]:
    """Return the custom properties by name; names close to a known one are reported as misspelt."""
    found: dict[str, YamlValue] = {}
    by_lower_case = {name.lower(): name for name in known}
    for entry in entries or []:
        name = entry.property
        if not name:
            problems.append(f"{place}a custom property has no name; add 'property: ...'")
            continue
        if name in found:
            problems.append(f"{place}the custom property '{name}' is duplicated; keep one")
        close = difflib.get_close_matches(name.lower(), by_lower_case, 1, 0.85)
        if close and name not in by_lower_case.values():
            problems.append(
                f"{place}the custom property '{name}' is unknown; write '{by_lower_case[close[0]]}'"
            )
        found[name] = entry.value
    return found


def _bound(written: str, kind: LogicalType) -> Bound | None:
    """Return the bound, or None if it is not of this type."""
    try:
        if kind in NUMERIC:
            return _number(written, whole=kind is LogicalType.INTEGER)
        if kind is LogicalType.DATE:
            return date.fromisoformat(written) if _ISO_DATE.fullmatch(written) else None
        if not _ISO_DATE.match(written):
            return None
        moment = datetime.fromisoformat(written)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (InvalidOperation, ValueError, OverflowError):
        return None


def _number(written: str, *, whole: bool) -> Decimal | None:
    number = Decimal(written)
    if not number.is_finite() or "_" in written or len(written) > 60 or abs(number.adjusted()) > 300:
        return None
    if whole and (number != number.to_integral_value() or abs(number) >= 2**63):
        return None
    return number
