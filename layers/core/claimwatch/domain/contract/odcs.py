"""Reading a contract from the Open Data Contract Standard (ODCS) v3, and saying all that is wrong with it.

What the standard can ask for and Claimwatch would not do is refused with the reason, so that nobody believes
in a check that nobody runs. What it tells people only (team, price, servers, tags, ...) is left alone.
"""

import difflib
import re
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from open_data_contract_standard.model import OpenDataContractStandard, SchemaObject, SchemaProperty
from pydantic import BaseModel, ValidationError

from claimwatch.domain.contract.contract import (
    LINE_NAME,
    MAX_COLUMNS,
    VERSION,
    Column,
    Contract,
    LogicalType,
    ReviewSettings,
    Role,
    folded_name,
)
from claimwatch.domain.contract.odcs_column import (
    SHARED_PROPERTIES,
    Shared,
    custom_properties,
    place_of,
    read_column,
    read_date_formats,
    read_separators,
    read_tokens,
)
from claimwatch.domain.contract.strict_yaml import Block, Value, read_yaml
from claimwatch.errors import RefusedContract

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

SUPPORTED = re.compile(r"v3\.[012]\.\d{1,4}", re.ASCII)
"""Versions of ODCS that are read."""

_COLUMNS_NAMED = {"claimantColumn": "claimant_column", "amountColumn": "amount_column"}
"""Custom properties that name a column, and the fields of ``ReviewSettings`` that they fill."""

_AMOUNTS = {
    "reviewCapacity": ("capacity", Decimal("0.0001"), Decimal("0.5")),
    "reviewCost": ("cost", Decimal(0), Decimal(1_000_000)),
    "auditShare": ("audit_share", Decimal(0), Decimal(1)),
    "maturityDays": ("maturity_days", Decimal(0), Decimal(3_650)),
}
"""Custom properties that hold a number: the fields that they fill, and their bounds."""

_NUMERIC = (LogicalType.INTEGER, LogicalType.NUMBER)

_WHAT = {
    "list_type": "has to be a list",
    "dict_type": "has to be a block of keys",
    "model_type": "has to be a block of keys",
    "string_type": "has to be a text",
}


def read_contract(text: str, line: str, table: str) -> Contract:
    """What ``parse_contract`` promises."""
    if not LINE_NAME.fullmatch(line):
        rule = "at most 40 lower-case letters, digits and '_', a letter first; 'image' is taken by the photos"
        raise RefusedContract([f"line '{line}': its name is {rule}"])
    raw = read_yaml(text)
    if not isinstance(raw, Block):
        raise RefusedContract(["the file holds no contract; it has keys such as apiVersion and schema"])
    return _Reading(raw, line, table).contract(text)


class _Reading:
    """One reading of a contract: gathers what is wrong, and the contract if nothing is."""

    def __init__(self, raw: Block, line: str, table: str) -> None:
        self._raw = raw
        self._line = line
        self._table = table
        self._problems: list[str] = []
        self._custom: dict[str, Value] = {}

    def contract(self, text: str) -> Contract:
        """The contract, or ``RefusedContract``."""
        self._check_standard()
        self._check_keys(self._raw, OpenDataContractStandard, "")
        model = self._model()
        version = self._version(model)
        properties = self._properties(model)
        shared = self._shared(model)
        columns = [
            read_column(model, block, number, shared, self._problems)
            for number, (model, block) in enumerate(properties, 1)
        ]
        self._check_roles(columns)
        self._check_names(columns)
        event = self._event(columns)
        review = self._review(columns)
        if self._problems:
            raise RefusedContract(self._problems)
        return Contract(self._line, version, self._table, tuple(columns), text, event, review)

    def _check_standard(self) -> None:
        standard = self._raw.get("apiVersion")
        if not isinstance(standard, str):
            raise RefusedContract(
                ["apiVersion is missing; write the version of ODCS, as in 'apiVersion: v3.1.0'"]
            )
        if not SUPPORTED.fullmatch(standard):
            raise RefusedContract(
                [f"apiVersion '{standard}' of ODCS is not read here; v3.0, v3.1 and v3.2 are, as in v3.1.0"]
            )

    def _check_keys(self, block: Block, model: type[BaseModel], place: str) -> None:
        """The standard's model leaves out what it does not know, and a misspelt check would be none."""
        known = [field.alias or name for name, field in model.model_fields.items()]
        for key in block:
            if key not in known:
                close = difflib.get_close_matches(key, known, 1)
                hint = f"write '{close[0]}'" if close else "take it out, or say it in customProperties"
                self._problems.append(f"{place}'{key}' is no key of ODCS; {hint}")

    def _model(self) -> OpenDataContractStandard:
        known = {field.alias or name for name, field in OpenDataContractStandard.model_fields.items()}
        try:
            return OpenDataContractStandard.model_validate(
                {key: value for key, value in self._raw.items() if key in known}
            )
        except ValidationError as error:
            self._problems += dict.fromkeys(self._shape_problem(found) for found in error.errors())
            raise RefusedContract(self._problems) from None

    def _shape_problem(self, found: "ErrorDetails") -> str:
        """What does not have the shape that ODCS wants, and where."""
        value: Value = self._raw
        words = ""
        for step in found["loc"]:
            if isinstance(value, list) and isinstance(step, int) and step < len(value):
                value = value[step]
                if isinstance(value, Block):
                    words = place_of(value, step + 1, "table" if "properties" in value else "column")
            elif isinstance(value, Block) and isinstance(step, str) and step in value:
                value = value[step]
                words += f"{step} "
            else:
                break
        if found["type"] in ("bool_parsing", "bool_type"):
            return f"{words}'{found['input']}' is neither true nor false"
        return words + _WHAT.get(found["type"], found["msg"].lower())

    def _version(self, model: OpenDataContractStandard) -> str:
        if model.kind not in (None, "DataContract"):
            self._problems.append(f"kind '{model.kind}' is not read here; write 'kind: DataContract'")
        if model.version is None:
            self._problems.append("version is missing; write this contract's own, as in 'version: 1.0.0'")
        elif not VERSION.fullmatch(model.version):
            self._problems.append(f"version '{model.version}' is not written as 1.0.0 is (semver.org)")
        return model.version or ""

    def _properties(self, model: OpenDataContractStandard) -> list[tuple[SchemaProperty, Block]]:
        """The columns, as the standard's model has them and as they were written."""
        schemas = list(zip(model.schema_ or [], _blocks(self._raw.get("schema")), strict=True))
        if len(schemas) != 1:
            self._problems.append(
                f"schema has {len(schemas) or 'no'} objects, and a contract describes one table; "
                f"write '{self._table}' alone"
            )
            raise RefusedContract(self._problems)
        [(schema, block)] = schemas
        self._check_keys(block, SchemaObject, "schema: ")
        if self._table not in (schema.name, schema.physicalName):
            self._problems.append(f"schema: the object is named '{schema.name}'; name it '{self._table}'")
        if (schema.physicalType or "table").lower() != "table":
            self._problems.append(f"schema: physicalType '{schema.physicalType}' is not made; write 'table'")
        for rule in schema.quality or []:
            if rule.type != "text":
                name = rule.metric or rule.rule or rule.type or "without a type"
                self._problems.append(
                    f"schema: the quality rule '{name}' is not run; say it with 'type: text'"
                )
        properties = list(zip(schema.properties or [], _blocks(block.get("properties")), strict=True))
        if not properties or len(properties) > MAX_COLUMNS:
            self._problems.append(
                f"schema: properties lists {len(properties):,} columns; a table has 1 to {MAX_COLUMNS:,}"
            )
            raise RefusedContract(self._problems)
        for number, (_, written) in enumerate(properties, 1):
            self._check_keys(written, SchemaProperty, place_of(written, number))
        return properties

    def _shared(self, model: OpenDataContractStandard) -> Shared:
        place = "customProperties: "
        custom = self._custom = custom_properties(
            model.customProperties,
            ("line", "eventColumn", *_COLUMNS_NAMED, *_AMOUNTS, *SHARED_PROPERTIES),
            place,
            self._problems,
        )
        named = custom.get("line", self._line)
        if named != self._line:
            self._problems.append(
                f"{place}line is '{named}', and this is the place of line '{self._line}'; rename one of them"
            )
        decimal, thousands = read_separators(custom, (".", ""), place, self._problems)
        return Shared(
            missing_values=read_tokens(custom.get("missingValues"), f"{place}missingValues", self._problems),
            date_formats=read_date_formats(custom.get("dateFormat"), place, self._problems, with_time=True),
            decimal_separator=decimal,
            thousands_separator=thousands,
        )

    def _check_roles(self, columns: list[Column]) -> None:
        for role in (Role.IDENTIFIER, Role.EVENT_TIME):
            names = [f"'{column.name}'" for column in columns if column.role is role]
            if len(names) > 1:
                self._problems.append(f"columns {', '.join(names)}: only one has role {role}; choose it")
            elif names:
                continue
            elif role is Role.IDENTIFIER:
                self._problems.append(
                    "no column has role identifier; give it to the column that holds the claim id"
                )
            elif self._raw.get("status") != "draft" and self._table == f"claim_{self._line}":
                self._problems.append(
                    "no column has role event_time; give it to the date or the time of the claim, "
                    "or write 'status: draft' while none is known"
                )

    def _event(self, columns: list[Column]) -> str | None:
        """The column that eventColumn names; None if that is the identifier."""
        named = self._custom.get("eventColumn")
        if named is None:
            return None
        place = "customProperties: "
        column = next((column for column in columns if column.name == named), None)
        if column is None:
            self._problems.append(
                f"{place}eventColumn is '{named}', and no column has that name; write the name of the column "
                "that holds the event id of photos"
            )
        elif column.hashed:
            self._problems.append(
                f"{place}eventColumn '{named}' is stored as a hash, and the event ids of photos are not; "
                "write 'storeAs: plain' there, or name another column"
            )
        elif column.logical_type not in (LogicalType.STRING, LogicalType.INTEGER):
            self._problems.append(
                f"{place}eventColumn '{named}' is a string or an integer, and its logicalType is "
                f"{column.logical_type}; name another column"
            )
        elif column.role is not Role.IDENTIFIER:
            return column.name
        return None

    def _review(self, columns: list[Column]) -> ReviewSettings:
        """Return the review settings: columns that exist, and numbers within their bounds."""
        place = "customProperties: "
        settings: dict[str, Any] = {}
        for name, setting in _COLUMNS_NAMED.items():
            named = self._custom.get(name)
            column = next((column for column in columns if column.name == named), None)
            if named is not None and column is None:
                self._problems.append(f"{place}{name} is '{named}', and no column has that name")
            elif column is not None and name == "amountColumn" and column.logical_type not in _NUMERIC:
                self._problems.append(
                    f"{place}amountColumn '{named}' is an integer or a number, and its logicalType is "
                    f"{column.logical_type}; name another column"
                )
            elif column is not None:
                settings[setting] = column.name
        for name, (setting, least, most) in _AMOUNTS.items():
            value = self._custom.get(name)
            if value is None:
                continue
            try:
                amount = Decimal(str(value))
            except InvalidOperation:
                amount = Decimal("NaN")
            whole = amount.is_finite() and amount == amount.to_integral_value()
            if not amount.is_finite() or not least <= amount <= most or not (whole or name != "maturityDays"):
                number = "whole number" if name == "maturityDays" else "number"
                self._problems.append(f"{place}{name} is '{value}'; write a {number} from {least} to {most}")
            else:
                settings[setting] = int(amount) if whole else float(amount)
        return ReviewSettings(**settings)

    def _check_names(self, columns: list[Column]) -> None:
        owners: dict[str, int] = {}
        for number, column in enumerate(columns):
            for name in (column.name, *column.synonyms):
                owner = owners.setdefault(folded_name(name), number)
                if owner != number:
                    what = "name" if name == column.name else f"synonym '{name}'"
                    self._problems.append(
                        f"column '{column.name}': its {what} belongs to column '{columns[owner].name}' too, "
                        "for case, blanks, '_', '-' and '.' do not tell columns apart; rename one"
                    )


def _blocks(value: Value) -> list[Block]:
    return [block for block in value if isinstance(block, Block)] if isinstance(value, list) else []
