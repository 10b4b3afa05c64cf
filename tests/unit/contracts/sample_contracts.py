"""Small valid contracts for tests, which are easy to change in one place."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from claimwatch.domain.contract.contract import Contract
from claimwatch.domain.contract.parse import parse_contract

type Raw = dict[str, Any]


def role(name: str, **more: Any) -> list[Raw]:
    """Return custom properties of a column."""
    return [{"property": "role", "value": name}, *({"property": key, "value": more[key]} for key in more)]


def claim_id(**changes: Any) -> Raw:
    return {
        "name": "claim_id",
        "logicalType": "string",
        "required": True,
        "unique": True,
        "customProperties": role("identifier"),
    } | changes


def reported_at(**changes: Any) -> Raw:
    return {
        "name": "reported_at",
        "logicalType": "timestamp",
        "customProperties": role("event_time"),
    } | changes


def column(name: str, logical_type: str, **changes: Any) -> Raw:
    return {"name": name, "logicalType": logical_type, "customProperties": role("feature")} | changes


def contract_text(*columns: Mapping[str, Any], **changes: Any) -> str:
    """Return a contract of line home with these columns, plus an identifier and an event time if missing."""
    names = {given.get("name") for given in columns}
    properties = [
        *([claim_id()] if "claim_id" not in names else []),
        *([reported_at()] if "reported_at" not in names else []),
        *columns,
    ]
    table = {"name": "claim_home", "physicalType": "table", "properties": [dict(one) for one in properties]}
    raw: Raw = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "test",
        "version": "1.0.0",
        "status": "active",
        "schema": [table],
    }
    raw |= changes
    return yaml.safe_dump({key: value for key, value in raw.items() if value is not None}, sort_keys=False)


def home(*columns: Mapping[str, Any], **changes: Any) -> Contract:
    return parse_contract(contract_text(*columns, **changes), "home")


def shared(**values: Any) -> Sequence[Raw]:
    """Return custom properties of a contract."""
    return [{"property": key, "value": values[key]} for key in values]
