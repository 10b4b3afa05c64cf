"""Reading one column of a contract from ODCS."""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

from open_data_contract_standard.model import CustomProperty, SchemaProperty

from claimwatch.domain.contract.contract import MAX_NAME, RESERVED, Bound, Column, LogicalType, Role
from claimwatch.domain.contract.date_formats import format_problem, from_java
from claimwatch.domain.contract.patterns import pattern_problem
from claimwatch.domain.contract.strict_yaml import Block, Value

SHARED_PROPERTIES = ("missingValues", "dateFormat", "decimalSeparator", "thousandsSeparator")
"""Custom properties that a contract has for all of its columns, or a column for itself."""

COLUMN_NAME = re.compile(r"[^\W\d][\w .-]*(?<! )")
"""Names of columns: what can stand in SQL between quotation marks and in a sentence without them."""

CLASSIFICATIONS = ("personal", "internal", "public")

_COLUMN_PROPERTIES = ("role", "storeAs", *SHARED_PROPERTIES)
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_ISO_JAVA = ("yyyy-MM-dd", "yyyy-MM-dd'T'HH:mm:ss", "yyyy-MM-dd HH:mm:ss")
_THOUSANDS = ("", ",", ".", " ", "'", "_", "\u00a0", "\u202f", "\u2019")
_UTC_NAMES = ("UTC", "Etc/UTC", "Z")

_NUMERIC = frozenset({LogicalType.INTEGER, LogicalType.NUMBER})
_DATED = frozenset({LogicalType.DATE, LogicalType.TIMESTAMP})
_TEXT = frozenset({LogicalType.STRING})
_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")
_OPTIONS = {
    **dict.fromkeys(_BOUNDS, _NUMERIC | _DATED),
    **dict.fromkeys(("minLength", "maxLength", "pattern"), _TEXT),
    # Of a date it says how it is written; of the others it only tells what they are.
    "format": frozenset(LogicalType) - {LogicalType.BOOLEAN},
    **dict.fromkeys(("timezone", "defaultTimezone"), frozenset({LogicalType.TIMESTAMP})),
}
_METRICS = ("invalidValues", "validValues", "nullValues", "missingValues", "duplicateValues")
_NEED_THE_VALUE = frozenset({Role.IDENTIFIER, Role.EVENT_TIME, Role.LABEL, Role.TEXT})

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
class Shared:
    """What a contract says once for all of its columns."""

    missing_values: tuple[str, ...] = ()
    date_formats: tuple[str, ...] = ()
    decimal_separator: str = "."
    thousands_separator: str = ""


def place_of(block: Block, number: int, what: str = "column") -> str:
    """The beginning of a sentence about a column."""
    name = block.get("name")
    return f"{what} '{name}' (line {block.line}): " if name else f"{what} {number} (line {block.line}): "


def read_column(
    model: SchemaProperty, block: Block, number: int, shared: Shared, problems: list[str]
) -> Column:
    """The column; what is wrong with it is added to the problems.

    ``model`` is the column as the standard's model has it, ``block`` as it was written, ``number`` its place
    among the columns, from 1.
    """
    return _Reading(model, block, number, shared, problems).column()


@dataclass
class _Rules:
    """What the quality rules of a column ask for."""

    valid_values: tuple[str, ...] | None = None
    pattern: str | None = None
    required: bool = False
    unique: bool = False
    missing_values: tuple[str, ...] = ()

    def allow(self, words: Iterable[str]) -> None:
        """Only these, of those that earlier lists allow."""
        new = tuple(dict.fromkeys(words))
        earlier = self.valid_values
        self.valid_values = new if earlier is None else tuple(word for word in earlier if word in new)


class _Reading:
    def __init__(
        self, model: SchemaProperty, block: Block, number: int, shared: Shared, problems: list[str]
    ) -> None:
        self._model = model
        self._block = block
        self._shared = shared
        self._place = place_of(block, number)
        self._problems = problems
        self._custom = custom_properties(model.customProperties, _COLUMN_PROPERTIES, self._place, problems)
        self._kind: LogicalType | None = None
        """None while it is not known: nothing that depends on it is judged then."""

    def _problem(self, sentence: str) -> None:
        self._problems.append(self._place + sentence)

    def column(self) -> Column:
        model = self._model
        self._check_name()
        self._kind = self._read_kind()
        role = self._role()
        rules = self._rules()
        missing = self._missing_values(rules)
        decimal, thousands = self._number_format()
        bounds = self._bounds()
        primary = model.primaryKey is True and "role" not in self._custom
        column = Column(
            name=model.name or "",
            logical_type=self._kind or LogicalType.STRING,
            role=Role.IDENTIFIER if primary else role,
            required=bool(model.required) or rules.required or primary,
            unique=bool(model.unique) or rules.unique or primary,
            personal=model.classification == "personal",
            hashed=self._hashed(Role.IDENTIFIER if primary else role),
            minimum=bounds.get("minimum"),
            maximum=bounds.get("maximum"),
            exclusive_minimum=bounds.get("exclusiveMinimum"),
            exclusive_maximum=bounds.get("exclusiveMaximum"),
            min_length=self._length("minLength"),
            max_length=self._length("maxLength"),
            pattern=self._pattern(rules.pattern),
            valid_values=rules.valid_values,
            synonyms=tuple(dict.fromkeys(entry.synonym for entry in model.synonyms or [] if entry.synonym)),
            missing_values=missing,
            date_formats=self._date_formats(),
            decimal_separator=decimal,
            thousands_separator=thousands,
            description=" ".join((model.description or "").split()),
        )
        self._check_lengths(column)
        self._check_role(column)
        return column

    # -- what it is ------------------------------------------------------------------------------------------

    def _check_name(self) -> None:
        name = self._model.name
        if not name:
            self._problem("it has no name; write the name of the column in the files")
        elif not COLUMN_NAME.fullmatch(name):
            self._problem(
                "a name begins with a letter and has letters, digits, '_', '-', '.' and blanks; "
                "rename it and write the name in the files as a synonym"
            )
        elif len(name.encode()) > MAX_NAME:
            self._problem(f"the name is longer than the {MAX_NAME} bytes that PostgreSQL keeps; shorten it")
        elif name.casefold() in RESERVED:
            self._problem("the name is reserved; rename it and write the name in the files as a synonym")

    def _read_kind(self) -> LogicalType | None:
        name = self._model.logicalType
        if name is None:
            self._problem(f"logicalType is missing; it is one of {', '.join(LogicalType)}")
            return None
        try:
            kind = LogicalType(name)
        except ValueError:
            self._problem(f"logicalType '{name}' is not stored here; it is one of {', '.join(LogicalType)}")
            return None
        physical = self._model.physicalType
        bare = _PHYSICAL_NOISE.sub(" ", (physical or "").lower()).strip()
        if physical and bare not in _PHYSICAL[kind].split():
            self._problem(f"physicalType '{physical}' does not go with logicalType {kind}; take it out")
        return kind

    def _role(self) -> Role:
        name = self._custom.get("role")
        if name is None:
            return Role.IGNORED
        try:
            return Role(str(name))
        except ValueError:
            self._problem(f"role '{name}' is unknown; it is one of {', '.join(Role)}")
            return Role.IGNORED

    def _hashed(self, role: Role) -> bool:
        classification = self._model.classification
        if classification is not None and classification not in CLASSIFICATIONS:
            self._problem(
                f"classification '{classification}' is unknown; write one of {', '.join(CLASSIFICATIONS)}"
            )
        store_as = self._custom.get("storeAs")
        if store_as not in (None, "hash", "plain"):
            self._problem(f"storeAs '{store_as}' is unknown; it is hash or plain")
        hashed = store_as == "hash" or (store_as is None and classification == "personal")
        typed_feature = role is Role.FEATURE and self._kind not in (None, LogicalType.STRING)
        if hashed and (role in _NEED_THE_VALUE or typed_feature):
            why = "" if store_as else ", as personal columns are unless storeAs says otherwise"
            self._problem(
                f"role {role} needs the value, and it is stored as a hash{why}; "
                "write 'storeAs: plain' or 'role: ignored'"
            )
        return hashed

    def _check_role(self, column: Column) -> None:
        kind = self._kind
        if column.role is Role.IDENTIFIER:
            if kind not in (None, LogicalType.STRING, LogicalType.INTEGER):
                self._problem(f"the identifier is a string or an integer, and logicalType is {kind}")
            if not column.required:
                self._problem("the identifier names the claim, and no row is without; write 'required: true'")
            if not column.unique:
                self._problem("the identifier names one claim and no other; write 'unique: true'")
        elif column.unique:
            self._problem(
                "'unique' is checked on the identifier alone, for a claim that is sent again brings all its "
                "values again; take it out"
            )
        if column.role is Role.EVENT_TIME and kind not in (None, *_DATED):
            self._problem(f"the event time is a date or a timestamp, and logicalType is {kind}; change it")
        if column.role is Role.TEXT and kind not in (None, LogicalType.STRING):
            self._problem(f"role text is for strings, and logicalType is {kind}; change one of them")

    # -- what its values are like ----------------------------------------------------------------------------

    def _rules(self) -> _Rules:
        """What ``enum`` and ``quality`` ask of the values."""
        rules = _Rules()
        if self._model.enum is not None:
            rules.allow(str(entry.value) for entry in self._model.enum if entry.value is not None)
        entries = self._block.get("quality")
        for entry in entries if isinstance(entries, list) else []:
            if isinstance(entry, Block):
                self._rule(entry, rules)
        words = rules.valid_values
        if words is None:
            return rules
        if not words:
            self._problem("no value is valid, for its list of valid values is empty; write them")
        if self._kind not in (None, LogicalType.STRING, LogicalType.INTEGER):
            self._problem(
                f"valid values are checked on strings and integers, and logicalType is {self._kind}"
            )
        elif self._kind is LogicalType.INTEGER:
            self._problems += [
                f"{self._place}the valid value '{word}' is not a whole number"
                for word in words
                if not re.fullmatch(r"0|-?[1-9]\d*", word, re.ASCII)
            ]
        return rules

    def _rule(self, entry: Block, rules: _Rules) -> None:
        kind = entry.get("type") or "library"
        metric = entry.get("metric") or entry.get("rule")
        if kind == "text":
            return
        if kind != "library" or metric not in _METRICS:
            self._problem(
                f"the quality rule '{metric or kind}' is not run; those that are run are "
                f"{', '.join(_METRICS)}; say what others mean with 'type: text'"
            )
            return
        if any((key, value) != ("mustBe", "0") for key, value in entry.items() if key.startswith("must")):
            self._problem(
                f"the quality rule '{metric}' lets some rows break it, and each row is checked by itself; "
                "write 'mustBe: 0'"
            )
        arguments = entry.get("arguments")
        given: Mapping[str, Value] = arguments if isinstance(arguments, Block) else entry
        match metric:
            case "invalidValues" | "validValues":
                self._validity(given, str(metric), rules)
            case "duplicateValues":
                rules.unique = True
            case _:
                rules.required = True
                rules.missing_values += read_tokens(
                    given.get("missingValues"), f"{self._place}missingValues", self._problems
                )

    def _validity(self, given: Mapping[str, Value], metric: str, rules: _Rules) -> None:
        values, pattern = given.get("validValues"), given.get("pattern")
        if isinstance(values, list) and all(isinstance(value, str) for value in values):
            rules.allow(map(str, values))
        elif values is not None:
            self._problem(f"validValues of the quality rule '{metric}' has to be a list of values")
        elif pattern is None:
            self._problem(f"the quality rule '{metric}' has neither validValues nor a pattern; add one")
        if isinstance(pattern, str):
            rules.pattern = pattern

    def _missing_values(self, rules: _Rules) -> tuple[str, ...]:
        own = read_tokens(self._custom.get("missingValues"), f"{self._place}missingValues", self._problems)
        missing = tuple(dict.fromkeys((*self._shared.missing_values, *rules.missing_values, *own)))
        self._problems += [
            f"{self._place}'{word}' is both a valid and a missing value; take it out of one of the two"
            for word in rules.valid_values or ()
            if word in missing
        ]
        return missing

    def _option(self, name: str) -> str | None:
        """An option of the logical type, if it is there and goes with the type."""
        value = (self._model.logicalTypeOptions or {}).get(name)
        if value is None or self._kind is None or self._kind not in _OPTIONS[name]:
            return None
        return str(value)

    def _bounds(self) -> dict[str, Bound]:
        self._check_options()
        found: dict[str, Bound] = {}
        for name in _BOUNDS:
            written = self._option(name)
            if written is None or self._kind is None:
                continue
            bound = _bound(written, self._kind)
            if bound is None:
                self._problem(f"{name} '{written}' is not {_KINDS[self._kind]}")
            else:
                found[name] = bound
        for low in ("minimum", "exclusiveMinimum"):
            for high in ("maximum", "exclusiveMaximum"):
                if low in found and high in found:
                    least, most = found[low], found[high]
                    touching = (low, high) != ("minimum", "maximum") and least == most
                    if touching or least > most:  # type: ignore[operator]  # both are of the column's one type
                        self._problem(f"nothing is between {low} {least} and {high} {most}; change one")
        return found

    def _check_options(self) -> None:
        for name in self._model.logicalTypeOptions or {}:
            fitting = _OPTIONS.get(name)
            if fitting is None:
                close = difflib.get_close_matches(name, _OPTIONS, 1)
                hint = f"write '{close[0]}'" if close else "take it out"
                self._problem(f"'{name}' in logicalTypeOptions is not checked here; {hint}")
            elif self._kind is not None and self._kind not in fitting:
                self._problem(f"'{name}' does not go with logicalType {self._kind}; take it out")
        zone = self._option("defaultTimezone")
        if zone not in (None, *_UTC_NAMES):
            self._problem(f"defaultTimezone '{zone}' is not read; times without an offset are taken as UTC")

    def _length(self, name: str) -> int | None:
        written = self._option(name)
        if written is None:
            return None
        if not re.fullmatch(r"\d{1,9}", written, re.ASCII):
            self._problem(f"{name} '{written}' is not a whole number of characters")
            return None
        return int(written)

    def _check_lengths(self, column: Column) -> None:
        least, most = column.min_length, column.max_length
        if least is not None and most is not None and least > most:
            self._problem(f"nothing is between minLength {least} and maxLength {most}; change one")

    def _pattern(self, of_rule: str | None) -> str | None:
        pattern = self._option("pattern")
        if of_rule is not None:
            if self._kind not in (None, LogicalType.STRING):
                self._problem(f"a pattern is for strings, and logicalType is {self._kind}; take it out")
            elif pattern is not None:
                self._problem("it has two patterns; keep one")
            pattern = pattern or of_rule
        if pattern is not None and (wrong := pattern_problem(pattern)):
            self._problem(f"the pattern '{pattern[:80]}' {wrong}")
        return pattern

    def _date_formats(self) -> tuple[str, ...]:
        own = self._custom.get("dateFormat")
        if self._kind not in _DATED:
            if own is not None and self._kind is not None:
                self._problem(f"dateFormat is for dates, and logicalType is {self._kind}; take it out")
            return ()
        with_time = self._kind is LogicalType.TIMESTAMP
        formats = list(read_date_formats(own, self._place, self._problems, with_time=with_time))
        java = self._option("format")
        if java is not None:
            form = from_java(java)
            if form is None or format_problem(form, with_time=with_time):
                self._problem(f"format '{java}' is not read; write a dateFormat such as %d.%m.%Y instead")
            elif java not in _ISO_JAVA:
                formats.append(form)
        if not formats:
            shared = self._shared.date_formats
            formats += [form for form in shared if format_problem(form, with_time=with_time) is None]
        return tuple(dict.fromkeys(formats))

    def _number_format(self) -> tuple[str, str]:
        if self._kind in _NUMERIC:
            shared = self._shared.decimal_separator, self._shared.thousands_separator
            return read_separators(self._custom, shared, self._place, self._problems)
        for name in ("decimalSeparator", "thousandsSeparator"):
            if name in self._custom and self._kind is not None:
                self._problem(f"{name} is for numbers, and logicalType is {self._kind}; take it out")
        return ".", ""


def custom_properties(
    entries: Iterable[CustomProperty] | None, known: Iterable[str], place: str, problems: list[str]
) -> dict[str, Value]:
    """The custom properties by name. Those that nearly have the name of one of ours are misspelt."""
    found: dict[str, Value] = {}
    by_lower_case = {name.lower(): name for name in known}
    for entry in entries or []:
        name = entry.property
        if not name:
            problems.append(f"{place}a custom property has no name; write 'property: ...'")
            continue
        if name in found:
            problems.append(f"{place}the custom property '{name}' is there twice; keep one")
        close = difflib.get_close_matches(name.lower(), by_lower_case, 1, 0.85)
        if close and name not in by_lower_case.values():
            problems.append(
                f"{place}the custom property '{name}' is unknown; write '{by_lower_case[close[0]]}'"
            )
        found[name] = entry.value
    return found


def read_tokens(value: Value, place: str, problems: list[str]) -> tuple[str, ...]:
    """A list of texts, or a single one; the empty text is left out."""
    words = value if isinstance(value, list) else [value]
    if not all(word is None or isinstance(word, str) for word in words):
        problems.append(f"{place} has to be a list of texts")
        return ()
    return tuple(dict.fromkeys(str(word) for word in words if word))


def read_date_formats(value: Value, place: str, problems: list[str], *, with_time: bool) -> tuple[str, ...]:
    """Formats of strptime."""
    formats = read_tokens(value, f"{place}dateFormat", problems)
    problems += [
        f"{place}dateFormat '{form}' {wrong}"
        for form in formats
        if (wrong := format_problem(form, with_time=with_time))
    ]
    return formats


def read_separators(
    custom: Mapping[str, Value], otherwise: tuple[str, str], place: str, problems: list[str]
) -> tuple[str, str]:
    """The separators of decimals and of thousands."""
    decimal = str(custom.get("decimalSeparator") or otherwise[0])
    thousands = str(custom["thousandsSeparator"] or "") if "thousandsSeparator" in custom else otherwise[1]
    if decimal not in (".", ","):
        problems.append(f"{place}decimalSeparator '{decimal}' is neither '.' nor ','")
    if thousands not in _THOUSANDS:
        problems.append(f"{place}thousandsSeparator '{thousands}' is none of . , ' _ and the blank")
    if decimal == thousands:
        problems.append(f"{place}'{decimal}' cannot separate both decimals and thousands; change one")
    return decimal, thousands


def _bound(written: str, kind: LogicalType) -> Bound | None:
    """The bound; None if it is not of the kind."""
    try:
        if kind in _NUMERIC:
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
