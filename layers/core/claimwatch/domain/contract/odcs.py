"""Reading of contracts in the Open Data Contract Standard (ODCS) v3, with a report of all their problems.

Checks that the standard allows but Claimwatch does not run are refused with the reason, so that nobody relies
on them. Purely descriptive keys (team, price, servers, tags, ...) are ignored.
"""

import difflib
import math
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from open_data_contract_standard.model import OpenDataContractStandard, SchemaObject, SchemaProperty
from pydantic import BaseModel, ValidationError

from claimwatch.domain.contract.contract import (
    LINE_NAME,
    LINE_RULE,
    MAX_COLUMNS,
    NUMERIC,
    VERSION,
    Column,
    Contract,
    ExtraValues,
    LogicalType,
    ReviewSettings,
    Role,
    folded_name,
)
from claimwatch.domain.contract.label import decision_problems
from claimwatch.domain.contract.line_name import proposed_line
from claimwatch.domain.contract.odcs_column import custom_properties, place_of, read_column
from claimwatch.domain.contract.odcs_date_parts import date_part_problems
from claimwatch.domain.contract.odcs_desk import second_look_problems
from claimwatch.domain.contract.odcs_names import GROUNDS, PURPOSES, read_names
from claimwatch.domain.contract.odcs_notation import (
    SHARED_PROPERTIES,
    Shared,
    read_date_formats,
    read_negatives,
    read_separators,
    read_tokens,
    read_words,
)
from claimwatch.domain.contract.strict_yaml import YamlMapping, YamlValue, read_yaml
from claimwatch.errors import RefusedContract

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

SUPPORTED = re.compile(r"v3\.[012]\.\d{1,4}", re.ASCII)
"""Supported versions of ODCS."""

_CUSTOM = "customProperties: "

_COLUMNS_NAMED = {
    "claimantColumn": "claimant_column",
    "amountColumn": "amount_column",
    "decisionColumn": "decision_column",
}
"""Custom properties that name a column, and the fields of ``ReviewSettings`` that they fill."""

_AMOUNTS = {
    "reviewCapacity": ("capacity", Decimal("0.0001"), Decimal("0.5")),
    "reviewCost": ("cost", Decimal(0), Decimal(1_000_000)),
    "auditShare": ("audit_share", Decimal(0), Decimal(1)),
    "maturityDays": ("maturity_days", Decimal(0), Decimal(3_650)),
    "decisionDays": ("decision_days", Decimal(0), Decimal(3_650)),
    "reviewWithin": ("review_within_days", Decimal(1), Decimal(3_650)),
    "secondLookAbove": ("second_look_above", Decimal(0), Decimal(1_000_000_000_000)),
}
"""Custom properties that hold a number: the fields that they fill, and their bounds."""

_DAYS = ("maturityDays", "decisionDays", "reviewWithin")

_SHAPES = {
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "string_type": "must be a text",
}
"""What to write instead, by pydantic's type of error."""


def read_contract(text: str, line: str, table: str) -> Contract:
    """Implement ``parse_contract``, which documents the arguments and the error."""
    if not LINE_NAME.fullmatch(line):
        rule = f"use {LINE_RULE} for photos; for example {proposed_line(line)}"
        raise RefusedContract([f"line '{line}' is not a valid name: {rule}"])
    raw = read_yaml(text)
    if not isinstance(raw, YamlMapping):
        raise RefusedContract(
            ["the file is not a contract; a contract has keys such as apiVersion and schema"]
        )
    _check_standard(raw)
    problems: list[str] = []
    _check_keys(raw, OpenDataContractStandard, "", problems)
    model = _parse_model(raw, problems)
    _check_version(model, problems)
    properties = _read_properties(raw, model, table, problems)
    custom = custom_properties(
        model.customProperties,
        (
            "line",
            "eventColumn",
            "extra",
            "purposes",
            "grounds",
            *_COLUMNS_NAMED,
            *_AMOUNTS,
            *SHARED_PROPERTIES,
        ),
        _CUSTOM,
        problems,
    )
    shared = _read_shared(custom, line, problems)
    columns = [
        read_column(model, written, number, shared, problems)
        for number, (model, written) in enumerate(properties, 1)
    ]
    may_lack_event_time = raw.get("status") == "draft" or table != f"claim_{line}"
    _check_roles(columns, problems, may_lack_event_time=may_lack_event_time)
    _check_names(columns, problems)
    problems += date_part_problems(columns)
    event = _read_event(custom, columns, problems)
    review = _read_review(custom, columns, problems)
    extra = _read_extra(custom, problems)
    purposes = read_names(PURPOSES, custom.get("purposes"), _CUSTOM, problems)
    grounds = read_names(GROUNDS, custom.get("grounds"), _CUSTOM, problems)
    if problems:
        raise RefusedContract(problems)
    version, status = model.version or "", model.status or ""
    return Contract(
        line, version, table, tuple(columns), text, event, review, extra, status, purposes, grounds
    )


def _check_standard(raw: YamlMapping) -> None:
    standard = raw.get("apiVersion")
    if not isinstance(standard, str):
        raise RefusedContract(
            ["apiVersion is missing; add the version of ODCS, for example 'apiVersion: v3.1.0'"]
        )
    if not SUPPORTED.fullmatch(standard):
        raise RefusedContract(
            [f"apiVersion '{standard}' is not supported; v3.0, v3.1 and v3.2 are, for example v3.1.0"]
        )


def _check_keys(written: YamlMapping, model: type[BaseModel], place: str, problems: list[str]) -> None:
    """Report unknown keys: the standard's model ignores them, and a misspelt check would not run."""
    known = [field.alias or name for name, field in model.model_fields.items()]
    for key in written:
        if key not in known:
            close = difflib.get_close_matches(key, known, 1)
            hint = f"write '{close[0]}'" if close else "remove it, or move it to customProperties"
            problems.append(f"{place}'{key}' is not a key of ODCS; {hint}")


def _parse_model(raw: YamlMapping, problems: list[str]) -> OpenDataContractStandard:
    known = {field.alias or name for name, field in OpenDataContractStandard.model_fields.items()}
    try:
        return OpenDataContractStandard.model_validate(
            {key: value for key, value in raw.items() if key in known}
        )
    except ValidationError as error:
        shapes = dict.fromkeys(_shape_problem(raw, details) for details in error.errors())
        raise RefusedContract([*problems, *shapes]) from None


def _shape_problem(raw: YamlMapping, details: "ErrorDetails") -> str:
    """Return what does not have the shape that ODCS requires, and where it is."""
    value: YamlValue = raw
    place = ""
    for step in details["loc"]:
        if isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
            if isinstance(value, YamlMapping):
                place = place_of(value, step + 1, "table" if "properties" in value else "column")
        elif isinstance(value, YamlMapping) and isinstance(step, str) and step in value:
            value = value[step]
            place += f"{step} "
        else:
            break
    if details["type"] in ("bool_parsing", "bool_type"):
        return f"{place}'{details['input']}' is neither true nor false"
    return place + _SHAPES.get(details["type"], details["msg"].lower())


def _check_version(model: OpenDataContractStandard, problems: list[str]) -> None:
    if model.kind not in (None, "DataContract"):
        problems.append(f"kind '{model.kind}' is not supported; write 'kind: DataContract'")
    if model.version is None:
        problems.append("version is missing; add the contract's own version, for example 'version: 1.0.0'")
    elif not VERSION.fullmatch(model.version):
        problems.append(f"version '{model.version}' is not a semantic version such as 1.0.0 (semver.org)")


def _read_properties(
    raw: YamlMapping, model: OpenDataContractStandard, table: str, problems: list[str]
) -> list[tuple[SchemaProperty, YamlMapping]]:
    """Return the columns, each as the standard's model has it and as it was written."""
    schemas = list(zip(model.schema_ or [], _mappings(raw.get("schema")), strict=True))
    if len(schemas) != 1:
        problems.append(
            f"schema has {len(schemas) or 'no'} objects, but a contract describes one table; "
            f"keep only '{table}'"
        )
        raise RefusedContract(problems)
    [(schema, written)] = schemas
    _check_keys(written, SchemaObject, "schema: ", problems)
    if table not in (schema.name, schema.physicalName):
        problems.append(f"schema: the object is named '{schema.name}'; name it '{table}'")
    if (schema.physicalType or "table").lower() != "table":
        problems.append(f"schema: physicalType '{schema.physicalType}' is not supported; write 'table'")
    for rule in schema.quality or []:
        if rule.type != "text":
            name = rule.metric or rule.rule or rule.type or "without a type"
            problems.append(f"schema: the quality rule '{name}' is not run; describe it with 'type: text'")
    properties = list(zip(schema.properties or [], _mappings(written.get("properties")), strict=True))
    if not properties or len(properties) > MAX_COLUMNS:
        problems.append(
            f"schema: properties lists {len(properties):,} columns; a table has 1 to {MAX_COLUMNS:,}"
        )
        raise RefusedContract(problems)
    for number, (_, column) in enumerate(properties, 1):
        _check_keys(column, SchemaProperty, place_of(column, number), problems)
    return properties


def _read_shared(custom: Mapping[str, YamlValue], line: str, problems: list[str]) -> Shared:
    named = custom.get("line", line)
    if named != line:
        problems.append(
            f"{_CUSTOM}line is '{named}', but this contract is for line '{line}'; change one of them"
        )
    decimal, thousands = read_separators((".", ""), custom, _CUSTOM, problems)
    true_words, false_words = read_words(((), ()), custom, _CUSTOM, problems)
    return Shared(
        missing_values=read_tokens(custom.get("missingValues"), f"{_CUSTOM}missingValues", problems),
        date_formats=read_date_formats(custom.get("dateFormat"), _CUSTOM, problems, with_time=True),
        decimal_separator=decimal,
        thousands_separator=thousands,
        negatives=read_negatives((), custom, _CUSTOM, problems),
        true_words=true_words,
        false_words=false_words,
    )


def _check_roles(columns: Sequence[Column], problems: list[str], *, may_lack_event_time: bool) -> None:
    for role in (Role.IDENTIFIER, Role.EVENT_TIME):
        names = [f"'{column.name}'" for column in columns if column.role is role]
        if len(names) > 1:
            problems.append(f"columns {', '.join(names)}: only one column can have role {role}; choose it")
        elif names:
            continue
        elif role is Role.IDENTIFIER:
            problems.append("no column has role identifier; give it to the column that holds the claim id")
        elif not may_lack_event_time:
            problems.append(
                "no column has role event_time; give it to the date or time of the claim; if files have its "
                "year, month and day or week in columns of their own, add a date with dateParts"
            )


def _check_names(columns: Sequence[Column], problems: list[str]) -> None:
    owners: dict[str, int] = {}
    for number, column in enumerate(columns):
        for name in (column.name, *column.synonyms):
            owner = owners.setdefault(folded_name(name), number)
            if owner != number:
                what = "name" if name == column.name else f"synonym '{name}'"
                problems.append(
                    f"column '{column.name}': its {what} also belongs to column '{columns[owner].name}' "
                    "(case, blanks, '_', '-' and '.' are ignored); rename one of them"
                )


def _read_event(
    custom: Mapping[str, YamlValue], columns: Sequence[Column], problems: list[str]
) -> str | None:
    """Return the column that eventColumn names, or None if it is the identifier."""
    name = custom.get("eventColumn")
    if name is None:
        return None
    column = next((column for column in columns if column.name == name), None)
    if column is None:
        problems.append(
            f"{_CUSTOM}eventColumn is '{name}', but no column has that name; write the name of the column "
            "that holds the event id of photos"
        )
    elif column.hashed:
        problems.append(
            f"{_CUSTOM}eventColumn '{name}' is stored as a hash, but the event ids of photos are not; "
            "write 'storeAs: plain' in that column, or name another column"
        )
    elif column.logical_type not in (LogicalType.STRING, LogicalType.INTEGER):
        problems.append(
            f"{_CUSTOM}eventColumn '{name}' must be a string or an integer, but its logicalType is "
            f"{column.logical_type}; name another column"
        )
    elif column.role is not Role.IDENTIFIER:
        return column.name
    return None


def _read_extra(custom: Mapping[str, YamlValue], problems: list[str]) -> ExtraValues:
    written = custom.get("extra", ExtraValues.HASH)
    try:
        return ExtraValues(str(written))
    except ValueError:
        problems.append(f"{_CUSTOM}extra '{written}' is unknown; write one of {', '.join(ExtraValues)}")
        return ExtraValues.HASH


def _read_review(
    custom: Mapping[str, YamlValue], columns: Sequence[Column], problems: list[str]
) -> ReviewSettings:
    """Return the review settings: columns that exist, and numbers within their bounds."""
    settings: dict[str, Any] = {}
    for key, setting in _COLUMNS_NAMED.items():
        name = custom.get(key)
        column = next((column for column in columns if column.name == name), None)
        if name is not None and column is None:
            problems.append(f"{_CUSTOM}{key} is '{name}', but no column has that name")
        elif column is not None and key == "amountColumn" and column.logical_type not in NUMERIC:
            problems.append(
                f"{_CUSTOM}amountColumn '{name}' must be an integer or a number, but its logicalType is "
                f"{column.logical_type}; name another column"
            )
        elif column is not None:
            settings[setting] = column.name
    problems += second_look_problems(custom, _CUSTOM)
    problems += decision_problems(columns, settings.get("decision_column"), _CUSTOM)
    for key, (setting, least, most) in _AMOUNTS.items():
        value = custom.get(key)
        if value is None:
            continue
        try:
            amount = Decimal(str(value))
        except InvalidOperation:
            amount = Decimal("NaN")
        if not amount.is_finite() or not least <= amount <= most:
            problems.append(f"{_CUSTOM}{key} is '{value}'; write a number from {least} to {most}")
        elif key in _DAYS:  # an outcome that is due after part of a day is due on the next day
            settings[setting] = math.ceil(amount)
        else:
            settings[setting] = int(amount) if amount == amount.to_integral_value() else float(amount)
    return ReviewSettings(**settings)


def _mappings(value: YamlValue) -> list[YamlMapping]:
    return [item for item in value if isinstance(item, YamlMapping)] if isinstance(value, list) else []
