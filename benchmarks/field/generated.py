"""Files as strangers write them, generated from values that are known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LINE = "LINE"
"""Stands in contracts for the name of the line."""


@dataclass(frozen=True)
class TrueRow:
    """What a row of a file means.

    ``values`` are the values of some columns of the contract as PostgreSQL returns them; a row with None must
    never be loaded. Any other row may be quarantined, unless it is ``plain``: then it must be loaded.
    """

    values: Mapping[str, object] | None
    plain: bool = False


@dataclass(frozen=True)
class GeneratedFile:
    """A file, the contract of its line, and what each of its rows means, in order.

    A ``refusable`` file may be refused as a whole. The files ``earlier`` are dropped before it, in order. If
    ``claim_ids`` is given, the line then has exactly these current claims.
    """

    name: str
    content: bytes
    contract: str
    rows: Sequence[TrueRow]
    refusable: bool = False
    earlier: Sequence["GeneratedFile"] = ()
    claim_ids: frozenset[str] | None = None


def contract_text(columns: Sequence[str], properties: Sequence[str] = ()) -> str:
    """Return a contract with claim_id, reported_at and further columns.

    Each of ``columns`` is a mapping in YAML, such as ``{name: amount, logicalType: number}``; its role is
    ``feature`` unless it has customProperties. Each of ``properties`` is a custom property of the contract in
    YAML, such as ``{property: decimalSeparator, value: ","}``.
    """
    feature = ", customProperties: [{property: role, value: feature}]}"
    head = f"""\
apiVersion: v3.1.0
kind: DataContract
id: field
name: Generated claims
version: 1.0.0
status: active
customProperties:
  - {{property: line, value: {LINE}}}
"""
    schema = f"""\
schema:
  - name: claim_{LINE}
    physicalType: table
    properties:
      - name: claim_id
        logicalType: string
        required: true
        unique: true
        customProperties: [{{property: role, value: identifier}}]
      - name: reported_at
        logicalType: timestamp
        required: true
        customProperties: [{{property: role, value: event_time}}]
"""
    custom = "".join(f"  - {text}\n" for text in properties)
    rest = (
        text if "customProperties" in text else text.removesuffix("}") + feature
        for text in map(str.strip, columns)
    )
    return head + custom + schema + "".join(f"      - {text}\n" for text in rest)
