"""The contract of the sample line is a valid ODCS document and uses Claimwatch's custom properties."""

import json
import re
from collections import Counter
from importlib.resources import files
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml
from open_data_contract_standard.model import OpenDataContractStandard

from samples.book import CORRECTED_COLUMNS, DRIFTING_FEATURES
from samples.contract import MOTOR, motor_fields

ROLES = {"identifier", "event_time", "feature", "protected", "label", "text", "ignored"}
TYPES = {"string", "integer", "number", "boolean", "date", "timestamp"}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(MOTOR.read_text(encoding="utf-8"))
    return loaded


@pytest.fixture(scope="module")
def columns(document: dict[str, Any]) -> list[dict[str, Any]]:
    (table,) = document["schema"]
    found: list[dict[str, Any]] = table["properties"]
    return found


def custom(column: dict[str, Any]) -> dict[str, Any]:
    return {entry["property"]: entry["value"] for entry in column["customProperties"]}


def test_the_contract_conforms_to_the_standard(document: dict[str, Any]) -> None:
    schema = json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text())
    jsonschema.Draft201909Validator(schema).validate(document)
    OpenDataContractStandard.from_file(str(MOTOR))


def test_each_of_the_thirty_to_forty_columns_has_a_known_type_and_role(
    columns: list[dict[str, Any]],
) -> None:
    assert 30 <= len(columns) <= 40
    assert {column["logicalType"] for column in columns} == TYPES
    assert {custom(column)["role"] for column in columns} <= ROLES
    assert all(column["description"] for column in columns)


def test_there_is_one_identifier_and_one_event_time(columns: list[dict[str, Any]]) -> None:
    roles = Counter(custom(column)["role"] for column in columns)
    assert (roles["identifier"], roles["event_time"]) == (1, 1)
    assert roles["protected"] >= 3
    (identifier,) = [column for column in columns if custom(column)["role"] == "identifier"]
    assert identifier["required"]
    assert identifier["unique"]


def test_personal_columns_specify_how_they_are_stored(columns: list[dict[str, Any]]) -> None:
    personal = {
        column["name"]: custom(column).get("storeAs")
        for column in columns
        if column["classification"] == "personal"
    }
    assert Counter(personal.values()) == {"hash": 2, "plain": 4}


def test_the_columns_named_by_the_generator_exist(document: dict[str, Any]) -> None:
    names = {field.name for field in motor_fields()}
    assert custom(document)["claimantColumn"] in names
    assert {*DRIFTING_FEATURES, *CORRECTED_COLUMNS} <= names


def test_patterns_compile_and_synonyms_are_unique(columns: list[dict[str, Any]]) -> None:
    names = [column["name"] for column in columns]
    names += [synonym["synonym"] for column in columns for synonym in column.get("synonyms", [])]
    assert len(set(names)) == len(names)
    for column in columns:
        re.compile(column.get("logicalTypeOptions", {}).get("pattern", ""))


def test_no_column_reveals_the_outcome(columns: list[dict[str, Any]]) -> None:
    assert not [
        column["name"] for column in columns if re.search("fraud|probab|score|outcome", column["name"])
    ]
