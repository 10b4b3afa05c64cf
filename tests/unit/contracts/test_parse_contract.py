"""Contracts are parsed, and every mistake is reported with its column and what to do."""

import itertools
import json
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from open_data_contract_standard.model import OpenDataContractStandard

from claimwatch.domain.contract.contract import Banding, LogicalType, ReviewSettings, Role, precedence
from claimwatch.domain.contract.grounds import DEFAULT_GROUNDS
from claimwatch.domain.contract.odcs import SUPPORTED
from claimwatch.domain.contract.parse import parse_contract
from claimwatch.domain.contract.purposes import DEFAULT_PURPOSES, PURPOSE, PURPOSE_RULE
from claimwatch.errors import RefusedContract
from claimwatch.storage.contracts import outcome_contract
from tests.unit.contracts.sample_contracts import (
    claim_id,
    column,
    contract_text,
    home,
    reported_at,
    role,
    shared,
)

MOTOR = Path(__file__).parents[3] / "contracts" / "motor.yaml"


def problems(*columns: Any, line: str = "home", **changes: Any) -> list[str]:
    with pytest.raises(RefusedContract) as refused:
        parse_contract(contract_text(*columns, **changes), line)
    return refused.value.problems


# -- Valid contracts -----------------------------------------------------------------------------------------


def test_the_sample_contract_is_valid() -> None:
    contract = parse_contract(MOTOR.read_text("utf-8"), "motor")
    assert (contract.table, contract.identifier.name) == ("claim_motor", "claim_id")
    assert len(contract.columns) >= 30
    email = contract.column("policyholder_email")
    address = contract.column("incident_address")
    assert email is not None
    assert address is not None
    assert (email.personal, email.hashed) == (True, True)
    assert (address.personal, address.hashed) == (True, False)


def test_values_of_unknown_columns_are_hashed_unless_the_contract_says_otherwise() -> None:
    assert home().extra == "hash"
    for written in ("hash", "plain", "drop"):
        text = contract_text(customProperties=[{"property": "extra", "value": written}])
        assert parse_contract(text, "home").extra == written
    found = problems(customProperties=[{"property": "extra", "value": "clear"}])
    assert found == ["customProperties: extra 'clear' is unknown; write one of hash, plain, drop"]


def test_a_contract_names_the_purposes_of_its_line() -> None:
    named = ["claim_handling", "reserving", "a" * 40]
    text = contract_text(customProperties=[{"property": "purposes", "value": named}])
    assert parse_contract(text, "home").purposes == tuple(named)
    assert home().purposes == DEFAULT_PURPOSES
    assert all(PURPOSE.fullmatch(purpose) for purpose in DEFAULT_PURPOSES)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["audit", "testing", "audit"], ["purposes: 'audit' is duplicated; keep one"]),
        (
            ["audit", "Claim handling"],
            [f"purposes: 'Claim handling' is not a valid name; use {PURPOSE_RULE}"],
        ),
        (["a" * 41], [f"purposes: '{'a' * 41}' is not a valid name; use {PURPOSE_RULE}"]),
        ([7, 1.5], ["purposes: '7' is not a valid name", "purposes: '1.5' is not a valid name"]),
        ([], ["purposes must be a list of 1 to 50 names"]),
        ("audit", ["purposes must be a list of 1 to 50 names"]),
        ({"audit": "yes"}, ["purposes must be a list of 1 to 50 names"]),
        ([f"p{number}" for number in range(51)], ["purposes must be a list of 1 to 50 names"]),
    ],
)
def test_purposes_that_are_not_a_list_of_names_are_refused(value: object, expected: list[str]) -> None:
    found = problems(customProperties=[{"property": "purposes", "value": value}])
    assert len(found) == len(expected)
    for problem, beginning in zip(found, expected, strict=True):
        assert problem.startswith(f"customProperties: {beginning}")


def test_a_contract_names_the_grounds_of_its_decisions() -> None:
    named = ["arson", "other"]
    text = contract_text(customProperties=[{"property": "grounds", "value": named}])
    assert parse_contract(text, "home").grounds == tuple(named)
    assert home().grounds == DEFAULT_GROUNDS
    assert len(DEFAULT_GROUNDS) <= 9
    assert all(PURPOSE.fullmatch(ground) for ground in DEFAULT_GROUNDS)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["arson", "arson"], "grounds: 'arson' is duplicated; keep one"),
        (["Total loss"], f"grounds: 'Total loss' is not a valid name; use {PURPOSE_RULE}"),
        ([], "grounds must be a list of 1 to 9 names"),
        ("arson", "grounds must be a list of 1 to 9 names"),
        ([f"g{number}" for number in range(10)], "grounds must be a list of 1 to 9 names"),
    ],
)
def test_grounds_that_are_not_a_list_of_names_are_refused(value: object, expected: str) -> None:
    [found] = problems(customProperties=[{"property": "grounds", "value": value}])
    assert found.startswith(f"customProperties: {expected}")


def test_a_column_says_how_the_desk_uses_it() -> None:
    contract = home(
        column("driver", "string", customProperties=role("ignored", storeAs="hash", linkOn=True)),
        column(
            "plate", "string", customProperties=role("feature", linkOn=True, whatIf=True, group="The car")
        ),
        column("paid", "number", customProperties=role("feature", linkOn=False, whatIf=False)),
    )
    used = {one.name: (one.link_on, one.what_if, one.group) for one in contract.columns}
    assert used == {
        "claim_id": (False, False, "Claim"),
        "reported_at": (False, False, "Claim"),
        "driver": (True, False, "Claim"),
        "plate": (True, True, "The car"),
        "paid": (False, False, "Claim"),
    }


def test_a_hashed_column_may_name_its_link_group() -> None:
    hashed = role("ignored", storeAs="hash", linkGroup="person")
    contract = home(column("driver", "string", customProperties=hashed))
    driver = contract.column("driver")
    assert driver is not None
    assert (driver.hash_group, contract.identifier.hash_group) == ("person", "claim_id")


def test_a_protected_number_or_date_may_state_its_bands() -> None:
    contract = home(
        column("age", "integer", customProperties=role("protected", bands=[25, 40, 60])),
        column("born", "date", customProperties=role("protected", bands="decades")),
        column("income", "number", customProperties=role("protected", bands="quantiles")),
        column("region", "integer", customProperties=role("protected", bands="values")),
        column("sex", "string", customProperties=role("protected")),
    )
    assert [column.bands for column in contract.columns if column.role is Role.PROTECTED] == [
        (25.0, 40.0, 60.0),
        Banding.DECADES,
        Banding.QUANTILES,
        Banding.VALUES,
        None,
    ]


def test_every_line_has_the_outcome_contract() -> None:
    contract = outcome_contract("home")
    assert (contract.line, contract.table, contract.identifier.name) == ("home", "outcome", "claim_id")
    assert [column.name for column in contract.columns if column.required] == [
        "claim_id",
        "is_fraud",
        "decided_at",
    ]


def test_a_contract_of_claims_cannot_describe_the_outcome_table() -> None:
    text = files("claimwatch").joinpath("outcome_contract.yaml").read_text("utf-8")
    with pytest.raises(RefusedContract, match="name it 'claim_home'"):
        parse_contract(text, "home")


def test_every_option_reaches_the_column() -> None:
    contract = home(
        column("paid", "number", logicalTypeOptions={"exclusiveMinimum": 0, "maximum": "1000.50"}),
        column("day", "date", logicalTypeOptions={"minimum": "2020-01-01", "format": "dd.MM.yyyy"}),
        column("code", "string", logicalTypeOptions={"minLength": 2, "maxLength": 5, "pattern": "[A-Z]+"}),
        column(
            "age",
            "integer",
            required=True,
            description="Years,\n  whole ones",
            synonyms=[{"synonym": "years"}],
        ),
        reported_at(logicalTypeOptions={"maximum": "2030-01-01T00:00:00+01:00"}),
        column("secret", "string", customProperties=role("ignored", storeAs="hash")),
    )
    paid, day, code, age, reported, secret = (
        contract.column(name) for name in ("paid", "day", "code", "age", "reported_at", "secret")
    )
    assert paid is not None
    assert (paid.exclusive_minimum, paid.maximum) == (Decimal(0), Decimal("1000.50"))
    assert day is not None
    assert (day.minimum, day.date_formats) == (date(2020, 1, 1), ("%d.%m.%Y",))
    assert code is not None
    assert (code.min_length, code.max_length, code.pattern) == (2, 5, "[A-Z]+")
    assert age is not None
    assert (age.required, age.description, age.synonyms) == (True, "Years, whole ones", ("years",))
    assert reported is not None
    assert reported.maximum == datetime(2029, 12, 31, 23, tzinfo=UTC)
    assert secret is not None
    assert (secret.hashed, secret.personal, secret.sql_type) == (True, False, "text")


@pytest.mark.parametrize(
    "rule",
    [
        {
            "type": "library",
            "metric": "invalidValues",
            "arguments": {"validValues": ["NO", "0123"]},
            "mustBe": 0,
        },
        {"metric": "invalidValues", "arguments": {"validValues": ["NO", "0123"]}},
        {
            "type": "library",
            "rule": "invalidValues",
            "arguments": {"validValues": ["NO", "0123"]},
            "mustBe": 0,
        },
        {"rule": "validValues", "validValues": ["NO", "0123"]},
    ],
)
def test_valid_values_can_be_written_in_several_forms(rule: dict[str, Any]) -> None:
    found = home(column("country", "string", quality=[rule])).column("country")
    assert found is not None
    assert found.valid_values == ("NO", "0123")


def test_enum_of_odcs_3_2_is_supported() -> None:
    found = home(column("kind", "string", enum=[{"value": "a"}, {"value": 1}]), apiVersion="v3.2.0").column(
        "kind"
    )
    assert found is not None
    assert found.valid_values == ("a", "1")


def test_texts_that_yaml_would_convert_stay_texts() -> None:
    text = contract_text(column("country", "string")).replace(
        "- name: country",
        "- name: country\n    quality:\n"
        "    - {metric: invalidValues, arguments: {validValues: [NO, on, 0123, 12:30, null]}}",
    )
    found = parse_contract(text, "home").column("country")
    assert found is not None
    assert found.valid_values == ("NO", "on", "0123", "12:30", "null")


def test_null_checks_make_a_column_required_and_add_their_tokens() -> None:
    rule = {"metric": "missingValues", "arguments": {"missingValues": ["", "n.a."]}, "mustBe": 0}
    found = home(column("age", "integer", quality=[rule])).column("age")
    assert found is not None
    assert (found.required, found.missing_values) == (True, ("n.a.",))


def test_a_primary_key_without_a_role_is_the_identifier() -> None:
    raw = {"name": "claim_id", "logicalType": "integer", "primaryKey": True}
    found = home(raw).identifier
    assert (found.name, found.required, found.unique) == ("claim_id", True, True)


def test_shared_settings_apply_to_columns_of_a_matching_type() -> None:
    contract = home(
        column("paid", "number"),
        column("day", "date"),
        column("word", "string"),
        customProperties=shared(
            line="home",
            missingValues=["?", "NA"],
            dateFormat="%d.%m.%Y",
            decimalSeparator=",",
            thousandsSeparator=".",
        ),
    )
    paid, day, word = (contract.column(name) for name in ("paid", "day", "word"))
    assert paid is not None
    assert (paid.decimal_separator, paid.thousands_separator, paid.date_formats) == (",", ".", ())
    assert day is not None
    assert (day.decimal_separator, day.date_formats) == (".", ("%d.%m.%Y",))
    assert word is not None
    assert word.missing_values == ("?", "NA")


def test_notations_of_numbers_and_words_are_read_for_the_columns_that_they_concern() -> None:
    contract = home(
        column("paid", "number", customProperties=role("feature", numberUnit=["€", "EUR"])),
        column("due", "integer", customProperties=role("feature", negativeNumbers="trailing")),
        column("police", "boolean"),
        column("word", "string"),
        customProperties=shared(
            line="home",
            negativeNumbers=["brackets", "trailing"],
            trueValues=["Ja", "J"],
            falseValues="Nein",
        ),
    )
    paid, due, police, word = (contract.column(name) for name in ("paid", "due", "police", "word"))
    assert paid is not None
    assert (paid.units, paid.negatives) == (("€", "EUR"), ("brackets", "trailing"))
    assert due is not None
    assert (due.units, due.negatives) == ((), ("trailing",))
    assert police is not None
    assert (police.true_words, police.false_words) == (("ja", "j"), ("nein",))
    assert word is not None
    assert (word.units, word.negatives, word.true_words) == ((), (), ())


def test_personal_columns_are_hashed_unless_stored_as_plain() -> None:
    contract = home(
        column("name", "string", classification="personal", customProperties=role("ignored")),
        column("story", "string", classification="personal", customProperties=role("text", storeAs="plain")),
    )
    assert [column.hashed for column in contract.columns if column.personal] == [True, False]


@pytest.mark.parametrize("version", ["v3.0.0", "v3.0.2", "v3.1.0", "v3.2.0"])
def test_versions_3_of_the_standard_are_supported(version: str) -> None:
    assert home(apiVersion=version).version == "1.0.0"


def test_every_version_3_of_the_standards_model_is_supported() -> None:
    schema = yaml.safe_load(OpenDataContractStandard.json_schema())  # type: ignore[no-untyped-call]
    known = [version for version in schema["properties"]["apiVersion"]["enum"] if version.startswith("v3.")]
    assert known
    assert all(SUPPORTED.fullmatch(version) for version in known)


def test_a_draft_may_lack_an_event_time() -> None:
    raw = contract_text(status="draft").replace("value: event_time", "value: ignored")
    assert parse_contract(raw, "home").version == "1.0.0"
    with pytest.raises(RefusedContract, match="event_time"):
        parse_contract(raw.replace("draft", "active"), "home")


def test_versions_are_ordered_by_semver() -> None:
    ordered = [
        "0.9.0",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0",
        "1.9.0",
        "1.10.0",
    ]
    assert all(precedence(low) < precedence(high) for low, high in itertools.pairwise(ordered))


# -- Refused contracts ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spoiled", "sentence"),
    [
        (
            column("umbrella_limit", "number", logicalTypeOptions={"minimum": "0k"}),
            "minimum '0k' is not a number",
        ),
        (column("x", "integer", logicalTypeOptions={"maximum": 1.5}), "maximum '1.5' is not a whole number"),
        (column("x", "integer", logicalTypeOptions={"maximum": "1e40"}), "is not a whole number"),
        (column("x", "number", logicalTypeOptions={"maximum": ".inf"}), "is not a number"),
        (column("x", "number", logicalTypeOptions={"maximum": "1e99999999"}), "is not a number"),
        (column("x", "date", logicalTypeOptions={"minimum": "01.02.2020"}), "is not a date (YYYY-MM-DD)"),
        (column("x", "date", logicalTypeOptions={"minimum": "2020-02-30"}), "is not a date (YYYY-MM-DD)"),
        (column("x", "timestamp", logicalTypeOptions={"minimum": "noon"}), "is not a date and time"),
        (
            column("x", "timestamp", logicalTypeOptions={"minimum": "0001-01-01T00:00:00+14:00"}),
            "is not a date and",
        ),
        (
            column("x", "string", logicalTypeOptions={"minimum": 1}),
            "'minimum' does not apply to logicalType string",
        ),
        (
            column("x", "integer", logicalTypeOptions={"minimum": 2, "maximum": 1}),
            "no value is between minimum 2",
        ),
        (
            column("x", "number", logicalTypeOptions={"minimum": 2, "exclusiveMaximum": 2}),
            "no value is between",
        ),
        (
            column("x", "string", logicalTypeOptions={"minLength": 2, "maxLength": 1}),
            "no length is between minLength",
        ),
        (column("x", "string", logicalTypeOptions={"minLength": "many"}), "not a whole number of characters"),
        (column("x", "string", logicalTypeOptions={"pattern": "(a"}), "is not a regular expression"),
        (
            column("x", "string", logicalTypeOptions={"pattern": "(?=a)"}),
            "a look-around, which RE2 does not have",
        ),
        (column("x", "string", logicalTypeOptions={"patern": "a"}), "write 'pattern'"),
        (
            column("x", "integer", logicalTypeOptions={"multipleOf": 5}),
            "'multipleOf' in logicalTypeOptions is not",
        ),
        (column("x", "timestamp", logicalTypeOptions={"defaultTimezone": "Europe/Paris"}), "taken as UTC"),
        (column("x", "date", logicalTypeOptions={"format": "QQ yyyy"}), "format 'QQ yyyy' is not supported"),
        (column("x", "object"), "logicalType 'object' is not supported"),
        ({"name": "x"}, "logicalType is missing"),
        (
            column("x", "string", physicalType="bigint"),
            "physicalType 'bigint' does not match logicalType string",
        ),
        (column("x", "string", requierd=True), "'requierd' is not a key of ODCS; write 'required'"),
        (column("x", "string", required="maybe"), "required 'maybe' is neither true nor false"),
        (column("x", "string", unique=True), "'unique' is supported only for the identifier"),
        (column("x", "string", classification="secret"), "classification 'secret' is unknown"),
        (column("x", "string", quality=[{"metric": "rowCount", "mustBe": 0}]), "'rowCount' is not run"),
        (column("x", "string", quality=[{"type": "sql", "query": "select 1"}]), "'sql' is not run"),
        (column("x", "string", quality=[{"metric": "nullValues", "mustBeLessThan": 5}]), "write 'mustBe: 0'"),
        (column("x", "string", quality=[{"metric": "invalidValues"}]), "neither validValues nor a pattern"),
        (column("x", "string", enum=[]), "the list of valid values is empty"),
        (column("x", "number", enum=[{"value": 1}]), "valid values are for strings and integers"),
        (column("x", "integer", enum=[{"value": "one"}]), "the valid value 'one' is not a whole number"),
        (
            column("x", "string", customProperties=role("feture")),
            "role 'feture' is unknown; write one of identifier",
        ),
        (column("x", "string", customProperties=role("feature", storeas="hash")), "write 'storeAs'"),
        (column("x", "string", customProperties=role("feature", storeAs="salted")), "write hash or plain"),
        (column("x", "string", customProperties=role("ignored", linkGroup="a")), "linkGroup is for columns"),
        (
            column("x", "string", customProperties=role("ignored", storeAs="hash", linkGroup="1a")),
            "linkGroup",
        ),
        (column("x", "integer", customProperties=role("feature", bands=[1])), "bands are for columns with"),
        (column("x", "string", customProperties=role("protected", bands=[1])), "bands are for numbers and"),
        (
            column("x", "date", customProperties=role("protected", bands="decades", storeAs="hash")),
            "bands need the value",
        ),
        (
            column("x", "date", customProperties=role("protected", bands="values")),
            "'values' is not for dates",
        ),
        (column("x", "integer", customProperties=role("protected", bands="ages")), "bands 'ages' is unknown"),
        (column("x", "integer", customProperties=role("protected", bands=[40, 25])), "in rising order"),
        (column("x", "integer", customProperties=role("protected", bands=["old"])), "in rising order"),
        (column("x", "integer", customProperties=role("protected", bands=[])), "in rising order"),
        (claim_id(customProperties=role("identifier", linkOn=True)), "linkOn is not for role identifier"),
        (reported_at(customProperties=role("event_time", linkOn=True)), "linkOn is not for role event_time"),
        (column("x", "boolean", customProperties=role("label", linkOn=True)), "linkOn is not for role label"),
        (column("x", "string", customProperties=role("text", linkOn=True)), "linkOn is not for role text"),
        (column("x", "boolean", customProperties=role("feature", linkOn=True)), "linkOn is not for booleans"),
        (column("x", "string", customProperties=role("ignored", linkOn="yes")), "linkOn 'yes' is neither"),
        (
            column("x", "string", customProperties=role("ignored", whatIf=True)),
            "the role is ignored: no model",
        ),
        (column("x", "string", customProperties=role("feature", whatIf=1)), "whatIf '1' is neither true nor"),
        (
            column("x", "string", customProperties=role("feature", storeAs="hash", whatIf=True)),
            "whatIf needs the value",
        ),
        (column("x", "string", customProperties=role("feature", group="")), "group must be a heading"),
        (column("x", "string", customProperties=role("feature", group="a\nb")), "group must be a heading"),
        (column("x", "string", customProperties=role("feature", group="a" * 61)), "group must be a heading"),
        (column("x", "string", customProperties=role("feature", group=["a"])), "group must be a heading"),
        (column("x", "string", customProperties=role("feature", whatif=True)), "write 'whatIf'"),
        (column("x", "string", customProperties=role("text", storeAs="hash")), "role text needs the value"),
        (
            column("x", "integer", customProperties=role("feature", storeAs="hash")),
            "role feature needs the value",
        ),
        (column("x", "string", customProperties=role("feature", dateFormat="%d")), "dateFormat is for dates"),
        (
            column("x", "date", customProperties=role("feature", dateFormat="%d.%m")),
            "lacks the year, month or day",
        ),
        (column("x", "date", customProperties=role("feature", dateFormat="%Q")), "uses '%Q'"),
        (column("x", "date", customProperties=role("feature", dateFormat="%Y-%m-%d %H:%M")), "has a time"),
        (column("x", "string", customProperties=role("feature", decimalSeparator=",")), "is for numbers"),
        (column("x", "string", customProperties=role("feature", numberUnit="€")), "is for numbers"),
        (
            column("x", "number", customProperties=role("feature", numberUnit="1,5")),
            "'1,5' is not a currency",
        ),
        (column("x", "number", customProperties=role("feature", numberUnit="-")), "'-' is not a currency"),
        (column("x", "number", customProperties=role("feature", numberUnit="TEUR")), "multiplies the number"),
        (column("x", "number", customProperties=role("feature", numberUnit="E")), "'E' is not a currency"),
        (column("x", "number", customProperties=role("feature", negativeNumbers="red")), "'red' is unknown"),
        (column("x", "number", customProperties=role("feature", trueValues="ja")), "is for booleans"),
        (
            column("x", "boolean", customProperties=role("feature", trueValues="x", falseValues=["-", "X"])),
            "'x' is in both",
        ),
        (
            column("x", "number", customProperties=role("feature", decimalSeparator="x")),
            "neither '.' nor ','",
        ),
        (
            column("x", "number", customProperties=role("feature", thousandsSeparator=".")),
            "cannot separate both",
        ),
        (column("x", "number", customProperties=role("text")), "role text is for strings"),
        (
            column("x", "string", customProperties=role("event_time")),
            "the event time must be a date or a timestamp",
        ),
        (column('x"y', "string"), "a name must begin with a letter"),
        (column("1st", "string"), "a name must begin with a letter"),
        (column("Row_Number", "string"), "the name is reserved"),
        (column("ctid", "string"), "the name is reserved"),
        (column("ä" * 32, "string"), "longer than PostgreSQL's limit of 63 bytes"),
        (column("CLAIM-id", "string"), "its name also belongs to column 'claim_id'"),
        (
            column("x", "string", synonyms=[{"synonym": "Claim Id"}]),
            "its synonym 'Claim Id' also belongs to column",
        ),
        (claim_id(logicalType="number"), "the identifier must be a string or an integer"),
        (claim_id(required=False), "the identifier column must be required: set 'required: true'"),
        (claim_id(unique=False), "the identifier column must be unique: set 'unique: true'"),
        (claim_id(classification="personal"), "role identifier needs the value"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mistake_in_a_column_is_reported_with_the_column_and_the_reason(
    spoiled: dict[str, Any], sentence: str
) -> None:
    found = [problem for problem in problems(spoiled) if sentence in problem]
    assert found, problems(spoiled)
    assert f"column '{spoiled['name']}'" in found[0]


def test_all_mistakes_are_reported_together() -> None:
    found = problems(
        column("a", "integer", logicalTypeOptions={"minimum": "x"}),
        column("b", "blob"),
        column("c", "string", customProperties=role("none")),
        version="1",
    )
    assert len(found) == 4
    assert [name for name in "abc" if any(f"column '{name}'" in problem for problem in found)] == [
        "a",
        "b",
        "c",
    ]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"apiVersion": None}, "apiVersion is missing"),
        ({"apiVersion": "v2.2.2"}, "apiVersion 'v2.2.2' is not supported"),
        ({"apiVersion": "v3.9.0"}, "apiVersion 'v3.9.0' is not supported"),
        ({"kind": "DataProduct"}, "kind 'DataProduct' is not supported"),
        ({"version": None}, "version is missing"),
        ({"version": "1.0"}, "version '1.0' is not a semantic version"),
        ({"schema": []}, "schema has no objects"),
        ({"schema": [{"name": "a"}, {"name": "b"}]}, "schema has 2 objects"),
        ({"schema": [{"name": "claim_home"}]}, "properties lists 0 columns"),
        ({"schema": "claim_home"}, "schema must be a list"),
        ({"schemas": []}, "'schemas' is not a key of ODCS; write 'schema'"),
        (
            {"customProperties": [{"property": "line", "value": "motor"}]},
            "line is 'motor', but this contract is for line 'home'",
        ),
        (
            {"customProperties": [{"property": "missingValues", "value": {"a": "b"}}]},
            "must be a list of texts",
        ),
        ({"customProperties": [{"property": "missingvalues", "value": ["?"]}]}, "write 'missingValues'"),
        ({"customProperties": {"line": "home"}}, "customProperties must be a list"),
    ],
    ids=str,
)
def test_a_mistake_outside_the_columns_is_reported_with_its_key(
    changes: dict[str, Any], sentence: str
) -> None:
    assert any(sentence in problem for problem in problems(**changes)), problems(**changes)


def test_exactly_one_column_is_the_identifier() -> None:
    assert "no column has role identifier" in str(
        problems(claim_id(customProperties=role("ignored"), unique=False))
    )
    twice = claim_id(name="claim_no")
    assert "columns 'claim_id', 'claim_no': only one column can have role identifier; choose it" in problems(
        twice
    )


def test_at_most_one_column_is_the_event_time() -> None:
    twice = reported_at(name="happened_at")
    assert (
        "columns 'reported_at', 'happened_at': only one column can have role event_time; choose it"
        in problems(twice)
    )


def test_a_missing_value_cannot_be_a_valid_one() -> None:
    found = problems(
        column("region", "string", enum=[{"value": "NA"}, {"value": "EU"}]),
        customProperties=shared(missingValues=["NA"]),
    )
    assert [
        "column 'region'" in problem and "both a valid and a missing value" in problem for problem in found
    ] == [True]


@pytest.mark.parametrize("line", ["", "Motor", "1motor", "a" * 41, "a-b", "../x", 'x"; drop'])
def test_invalid_names_of_lines_are_refused(line: str) -> None:
    with pytest.raises(RefusedContract, match="is not a valid name: use at most 40"):
        parse_contract(contract_text(), line)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "the file is not a contract"),
        ("- a\n- b\n", "the file is not a contract"),
        (
            "a: b: c\n",
            "line 1, position 5: invalid YAML: unexpected ':'; check the indentation or quote the value",
        ),
        ("a:\n\t- b\n", "line 2, position 1: invalid YAML: unexpected tab"),
        ("a: [1, 2\n", "invalid YAML"),
        ("a: 'b\n", "invalid YAML"),
        ("a: 1\na: 2\n", "line 2: the key 'a' is duplicated"),
        ("a: &x 1\nb: *x\n", "line 2: '*x' is an alias"),
        ("a: !!python/object/apply:os.system [ls]\n", "line 1: the value begins with a tag"),
        ("a: 1\n---\nb: 2\n", "line 2: a second document begins"),
        ("? [a]\n: b\n", "a key must be a text"),
        ("a: " + "[" * 5000 + "\n", "nested more than"),
        ("[" * 1_000_000, "nested more than"),  # recursion in libyaml would end the process
        ('a: "\\0"\n', "line 1: the text contains a control character"),
        ('a: "\\ud800"\n', "a"),
        ("a: \ud800\n", "characters that YAML does not allow"),
        ("a: \x00\n", "a"),
        ("x" * (1 << 21), "the maximum is 1,048,576"),
    ],
)
def test_yaml_outside_the_strict_subset_is_refused_with_its_place(text: str, sentence: str) -> None:
    with pytest.raises(RefusedContract) as refused:
        parse_contract(text, "home")
    assert sentence in str(refused.value)


def test_an_alias_bomb_is_refused() -> None:
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{after}: &{after} [{','.join([f'*{before}'] * 9)}]\n"
        for before, after in zip("abcdefgh", "bcdefghi", strict=True)
    )
    with pytest.raises(RefusedContract, match="is an alias"):
        parse_contract(bomb, "home")


# -- Generated contracts -------------------------------------------------------------------------------------

_names = st.from_regex(r"[a-z][a-z0-9]{0,12}", fullmatch=True).filter(
    lambda name: name not in ("extra", "ctid")
)
_words = st.lists(
    st.text("abcXYZ äß?'\"-_,:{}[]#&*!|>%@`01", min_size=1, max_size=8), min_size=1, max_size=4, unique=True
)


@st.composite
def _columns(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from(list(LogicalType)))
    raw: dict[str, Any] = {
        "name": "c_" + draw(_names),
        "logicalType": str(kind),
        "required": draw(st.booleans()),
        "description": draw(st.text("ab c\n'\"", max_size=10)),
    }
    options: dict[str, Any] = {}
    if kind in (LogicalType.INTEGER, LogicalType.NUMBER):
        low = draw(st.integers(-(10**9), 10**9))
        options = {"minimum": low, "maximum": low + draw(st.integers(0, 10**9))}
    elif kind is LogicalType.STRING and draw(st.booleans()):
        raw["quality"] = [
            {"metric": "invalidValues", "arguments": {"validValues": draw(_words)}, "mustBe": 0}
        ]
    elif kind is LogicalType.STRING:
        options = {"minLength": 1, "maxLength": draw(st.integers(1, 99)), "pattern": "[a-z]+"}
    raw["logicalTypeOptions"] = options
    raw["customProperties"] = role(draw(st.sampled_from(["feature", "protected", "ignored", "label"])))
    return raw


@given(st.lists(_columns(), max_size=8, unique_by=lambda raw: raw["name"]))
@settings(max_examples=60, deadline=None)
def test_any_valid_columns_are_parsed_as_written(raw: list[dict[str, Any]]) -> None:
    contract = home(*raw)
    assert [column.name for column in contract.columns][2:] == [one["name"] for one in raw]
    for one, found in zip(raw, contract.columns[2:], strict=True):
        options = one["logicalTypeOptions"]
        assert (found.logical_type, found.required) == (one["logicalType"], one["required"])
        assert str(found.role) == one["customProperties"][0]["value"]
        assert (found.minimum, found.maximum) == (options.get("minimum"), options.get("maximum"))
        assert (found.min_length, found.max_length) == (options.get("minLength"), options.get("maxLength"))
        words = one["quality"][0]["arguments"]["validValues"] if "quality" in one else None
        assert found.valid_values == (None if words is None else tuple(words))


def _read_or_refused(text: str) -> None:
    problems = ["read"]
    try:
        parse_contract(text, "home")
    except RefusedContract as refused:
        problems = refused.problems
    assert problems
    assert all(problems)


@given(st.text(max_size=300))
@settings(max_examples=200, deadline=None)
def test_any_text_is_read_or_refused(text: str) -> None:
    _read_or_refused(text)


_anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.slow
@given(st.data())
@settings(max_examples=150, deadline=None)
def test_any_value_anywhere_in_a_contract_is_read_or_refused(data: st.DataObject) -> None:
    loaded = yaml.safe_load(
        contract_text(
            column(
                "x",
                "number",
                logicalTypeOptions={"minimum": 1},
                enum=[{"value": "a"}],
                synonyms=[{"synonym": "y"}],
            ),
            column("z", "string", quality=[{"metric": "invalidValues", "arguments": {"validValues": ["a"]}}]),
            customProperties=shared(missingValues=["?"], dateFormat="%d.%m.%Y"),
        )
    )
    raw = json.loads(json.dumps(loaded))  # plain dicts: importing SAM makes YAML load ordered ones
    place: Any = raw
    while True:
        step = data.draw(st.sampled_from(list(place) if isinstance(place, dict) else list(range(len(place)))))
        deeper = isinstance(place[step], dict | list) and place[step]
        if not deeper or data.draw(st.integers(0, 3)) == 0:
            break
        place = place[step]
    place[step] = data.draw(_anything)
    _read_or_refused(yaml.safe_dump(raw, sort_keys=False, allow_unicode=True))


@given(st.binary(max_size=60), st.integers(0, 2000))
@settings(max_examples=100, deadline=None)
def test_a_damaged_contract_is_read_or_refused(damage: bytes, place: int) -> None:
    raw = MOTOR.read_bytes()
    _read_or_refused((raw[:place] + damage + raw[place:6000]).decode("utf-8", "replace"))


def test_every_column_of_the_sample_contract_has_a_known_role() -> None:
    contract = parse_contract(MOTOR.read_text("utf-8"), "motor")
    assert {column.role for column in contract.columns} <= set(Role)


def test_a_contract_carries_its_review_settings() -> None:
    contract = home(
        column("holder", "string"),
        column("amount", "number"),
        customProperties=shared(
            reviewCapacity=0.02,
            reviewCost=150,
            amountColumn="amount",
            claimantColumn="holder",
            auditShare=0.01,
            maturityDays=90,
            reviewWithin=7,
            secondLookAbove=20000.5,
        ),
    )

    assert contract.review == ReviewSettings(
        0.02, 150, "amount", "holder", 0.01, 90, review_within_days=7, second_look_above=20_000.5
    )


def test_a_fraction_of_a_day_is_rounded_up() -> None:
    review = home(customProperties=shared(maturityDays=30.5, reviewWithin=1.2)).review
    assert (review.maturity_days, review.review_within_days) == (31, 2)


def test_a_second_look_needs_the_amount() -> None:
    [found] = problems(customProperties=shared(secondLookAbove=100))
    assert found.startswith("customProperties: secondLookAbove needs the amount of a claim; add amountColumn")


def test_review_settings_that_a_contract_omits_have_defaults() -> None:
    assert home().review == ReviewSettings(
        capacity=0.05,
        cost=None,
        amount_column=None,
        claimant_column=None,
        audit_share=0.005,
        maturity_days=60,
        review_within_days=14,
        second_look_above=None,
    )


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("reviewCapacity", "0.9", "reviewCapacity is '0.9'; write a number from 0.0001 to 0.5"),
        ("reviewCost", "cheap", "reviewCost is 'cheap'"),
        ("auditShare", "-1", "auditShare is '-1'"),
        ("maturityDays", "nan", "maturityDays is 'nan'"),
        ("maturityDays", "3650.5", "maturityDays is '3650.5'; write a number from 0 to 3650"),
        ("reviewWithin", "0", "reviewWithin is '0'; write a number from 1 to 3650"),
        ("secondLookAbove", "much", "secondLookAbove is 'much'"),
        ("secondLookAbove", "-1", "secondLookAbove is '-1'"),
        ("claimantColumn", "nobody", "claimantColumn is 'nobody', but no column has that name"),
        ("amountColumn", "claim_id", "amountColumn 'claim_id' must be an integer or a number"),
        ("reviewCapasity", "0.1", "write 'reviewCapacity'"),
    ],
)
def test_review_settings_are_validated(name: str, value: str, expected: str) -> None:
    motor = files("claimwatch").joinpath("contracts", "motor.yaml").read_text("utf-8")
    first, mark, rest = motor.partition("customProperties:\n")
    lines = [line for line in rest.splitlines(keepends=True) if f"property: {name}," not in line]
    text = f"{first}{mark}  - {{property: {name}, value: {value}}}\n{''.join(lines)}"

    with pytest.raises(RefusedContract) as refusal:
        parse_contract(text, "motor")

    assert any(expected in problem for problem in refusal.value.problems)
