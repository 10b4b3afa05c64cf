"""PostgreSQL accepts all values that pass validation, and stores what the text means."""

import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from claimwatch.domain.contract.parse import parse_contract
from claimwatch.domain.files.header import csv_layout, ndjson_layout
from claimwatch.domain.files.layout import Layout
from claimwatch.domain.files.records import Batch, RecordCutter
from claimwatch.ingest.validation import ValidationResult, Validator
from claimwatch.storage import rows
from tests.cluster import ClonedDatabase
from tests.integration.ingest.environment import KEY, Site

TYPES = ("integer", "number", "boolean", "date", "timestamp", "string")
ODD = """\
apiVersion: v3.1.0
kind: DataContract
id: odd
name: Odd values
version: 1.0.0
status: active
customProperties: [{property: line, value: odd}, {property: extra, value: plain}]
schema:
  - name: claim_odd
    physicalType: table
    properties:
      - {name: claim_id, logicalType: string, required: true, unique: true,
         customProperties: [{property: role, value: identifier}]}
      - {name: happened, logicalType: date, required: false,
         customProperties: [{property: role, value: event_time}]}
""" + "".join(
    f"      - {{name: a_{kind}, logicalType: {kind}, required: false,"
    " customProperties: [{property: role, value: feature}]}\n"
    for kind in TYPES
)
CONTRACT = parse_contract(ODD, "odd")

WRITTEN_BY_PEOPLE = (
    "0x1F", "0b11", "0o17", "1_000", "1__000", "_1", "1e5", "1E5", "1e", "e5", "1e400", "1e-400",
    "1e99999", "1e-99999", "1e-999999999", "nan", "NaN", "inf", "-inf", "Infinity", "+infinity", "1.0",
    "1.", ".5", "-.5", ".", "+5", "++5", "-0", "-0.0", " 7 ", "\t7", "7\u00a0", "7 7", "1,5", "1.5.5",
    "12.5", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
    "1e18", "1e19", "00012", "١٢", "½", "²", "0.1000000000000000055511151231257827",
    "123456789012345678901234567890.123456789", "1d", "1f", "0x1p3", "1e+5", "true", "TRUE", "True",
    " yes", "Y", "t", "on", "off", "0", "1", "2", "no", "wahr", "2020-02-30", "2020-02-29", "2021-02-29",
    "2020-2-9", "2020/02/09", "20200209", "09.02.2020", "0000-01-01", "0001-01-01", "9999-12-31",
    "10000-01-01", "-0044-03-15", "44-03-15 (BC)", "2020-02-09 BC", "infinity", "-infinity", "epoch",
    "today", "now", "tomorrow", " 2020-02-09 ", "2020-02-09T00:00", "2020-02-09 24:00", "24:00",
    "2020-02-09T24:00:00", "2020-02-09T23:59:60", "2020-02-09T23:59:59.9999999", "2020-02-09T10:00:00Z",
    "2020-02-09T10:00:00+02:00", "2020-02-09T10:00:00+02", "2020-02-09T10:00:00 Europe/Berlin",
    "2020-02-09 10:00:00-15:59", "2020-02-09T10:00:00.123456", "2020-02-09T10:00", "2020-02-09T10",
    "2020 2 9", "2020\\2\\9", "+-5", "2020-02-09T08: 5:00", "2020-02-09T10:00:00+99:99",
    "2020-02-09T10:00:00z",
    "2020-02-09 10:00:00 +0530", "2020-02-09T10:00:00,5", "9999-12-31T23:59:59.999999Z", "1.e5", "\u22125",
    "2020-W06-7", "'", '"', '""', "\\N", "\\.", "\\", "a\\nb", "NULL", "null", "\u2028", "\ufeff",
    "\U0001f600", "a\rb", "x'y\"z",
)  # fmt: skip

NUMERIC_LIKE = st.text("0123456789+-.eE_xX ,\t", min_size=1, max_size=24)
DATE_LIKE = st.one_of(
    st.text("0123456789-:TZ+. /", min_size=1, max_size=27),
    st.datetimes().map(lambda moment: moment.isoformat()),
    st.dates().map(lambda day: day.isoformat()),
)
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\n\r"), max_size=12)
TEXTS = st.lists(
    st.one_of(st.sampled_from(WRITTEN_BY_PEOPLE), NUMERIC_LIKE, DATE_LIKE, ANY_TEXT), min_size=1, max_size=40
)
FEW = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)


@pytest.fixture
def odd(site: Site) -> ClonedDatabase:
    assert site.put_contract("odd", ODD).status == "applied"
    return site.database


def quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def quoted_if_needed(text: str) -> str:
    return quoted(text) if set(text) & set('",\r\n') else text


@contextmanager
def checking(header: list[str]) -> Iterator[Validator]:
    with Validator(csv_layout(CONTRACT, header, ","), KEY) as validator:
        yield validator


def cut(text: str, columns: int) -> Batch:
    cutter = RecordCutter(b",", columns)
    return next(batch for batch in [cutter._cut(text.encode(), final=True)])


def stored(database: ClonedDatabase, layout: Layout, verdict: ValidationResult, name: str) -> dict[int, Any]:
    """Return the stored values of a column after COPY, by row number."""
    with database.transaction() as cursor:
        cursor.execute("TRUNCATE claimwatch.claim_odd")
        rows.copy(cursor, layout.contract, 1, io.BytesIO(verdict.copy_text))
        cursor.execute(f"SELECT row_number, {name} FROM claimwatch.claim_odd")
        return dict(cursor.fetchall())


def meaning(kind: str, text: str) -> Any:
    """Return the meaning of the text to a person who knows the notation."""
    plain = text.strip(" \t\n\v\f\r")
    match kind:
        case "integer" | "number":
            with localcontext(prec=2000):
                return Decimal(plain)
        case "boolean":
            return plain.lower() in ("true", "t", "yes", "y", "1", "1.0")
        case "date":
            return date.fromisoformat(plain[:10])
        case "timestamp":
            return _moment(plain)
        case _:
            return text


def _moment(text: str) -> datetime:
    """Return the moment of a time of ISO 8601, also in the forms that Python does not read."""
    text = text.upper().removesuffix(" UTC").replace(",", ".").replace(" ", "T", 1).replace(" ", "")
    midnight = re.fullmatch(r"(.{10})T24:00(?::00(?:\.0+)?)?(Z|[+-].*)?", text)  # the end of that day
    if midnight:
        return _moment(f"{midnight[1]}T00:00:00{midnight[2] or ''}") + timedelta(days=1)
    moment = datetime.fromisoformat(text)
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _as_floats(value: Any) -> Any:
    """Return an integer as a float: JSON has one type of number, Python reads two."""
    return json.loads(json.dumps(value), parse_int=float)


@pytest.mark.parametrize("quoting", ["all", "needed"])
@pytest.mark.parametrize("kind", TYPES)
def test_an_accepted_value_is_stored_with_its_meaning(odd: ClonedDatabase, kind: str, quoting: str) -> None:
    name = f"a_{kind}"
    with checking(["claim_id", name]) as validator:

        @FEW
        @given(TEXTS)
        def holds(texts: list[str]) -> None:
            everything = [*WRITTEN_BY_PEOPLE, *texts]
            written = quoted if quoting == "all" else quoted_if_needed
            lines = "".join(f"G{place},{written(text)}\n" for place, text in enumerate(everything))
            verdict = validator.check([cut(lines, 2)], 0)
            refused = list(verdict.refused)
            found = stored(odd, validator.layout, verdict, name)
            assert len(found) + len(refused) == len(everything)
            for place, value in found.items():
                text = everything[place]
                if text == "" or (kind != "string" and not text.strip()):
                    assert value is None
                    continue
                assert value is not None, text
                assert value == meaning(kind, text), text

        holds()


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
HOSTILE = (
    r'{"claim_id": "G", "extra": "\u0000"}',
    r'{"claim_id": "G", "extra": {"\u0000": 1}}',
    r'{"claim_id": "G", "a_string": "a\u0000b"}',
    r'{"claim_id": "G", "extra": "\\u0000"}',
    r'{"claim_id": "G", "extra": "\ud800"}',
    r'{"claim_id": "G", "a_string": "\udc00"}',
    r'{"claim_id": "G", "extra": NaN}',
    r'{"claim_id": "G", "extra": [Infinity, -inf]}',
    r'{"claim_id": "G", "extra": ": NaN"}',
    r'{"claim_id": "G", "extra": 1e999999}',
    r'{"claim_id": "G", "extra": 1e-999999}',
    r'{"claim_id": "G", "a_number": 1e-999999}',
    '{"claim_id": "G", "extra": ' + "[" * 20_000 + "]" * 20_000 + "}",
    '{"claim_id": "G", "extra": ' + '{"a":' * 20_000 + "1" + "}" * 20_000 + "}",
    '{"claim_id": "G", "claim_id": "H"}',
    "[]",
    "null",
    '"G"',
    "{",
)


def test_postgresql_accepts_all_json_that_passes_validation(odd: ClonedDatabase) -> None:
    layout = ndjson_layout(CONTRACT, ["claim_id", "a_string", "a_number"])
    with Validator(layout, KEY) as validator:

        @FEW
        @given(
            st.lists(
                st.dictionaries(st.sampled_from(["a_string", "extra", "other"]), JSON_VALUES), max_size=12
            )
        )
        def holds(objects: list[dict[str, Any]]) -> None:
            lines = [json.dumps({"claim_id": f"G{place}"} | item) for place, item in enumerate(objects)]
            text = "\n".join([*lines, *HOSTILE, ""])
            batch = RecordCutter(None, 0)._cut(text.encode(), final=True)
            verdict = validator.check([batch], 0)
            refused = list(verdict.refused)
            found = stored(odd, validator.layout, verdict, "extra")
            assert len(found) + len(refused) == len(lines) + len(HOSTILE)
            for place, value in found.items():
                if place < len(lines):
                    rest = {key: item for key, item in objects[place].items() if key != "a_string"}
                    assert _as_floats(value or {}) == _as_floats(rest)

        holds()


def test_any_printable_text_is_stored_unchanged(odd: ClonedDatabase) -> None:
    with checking(["claim_id", "a_string", "note"]) as validator:
        lines = "".join(
            f"G{place},{quoted(text)},{quoted(text)}\n" for place, text in enumerate(WRITTEN_BY_PEOPLE)
        )
        verdict = validator.check([cut(lines, 3)], 0)

        assert list(verdict.refused) == []
        assert stored(odd, validator.layout, verdict, "a_string") == dict(enumerate(WRITTEN_BY_PEOPLE))
        extra = stored(odd, validator.layout, verdict, "extra")
        assert extra == {place: {"note": text} for place, text in enumerate(WRITTEN_BY_PEOPLE)}
