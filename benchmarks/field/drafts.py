"""Files of strangers, and what a draft of their contract must say.

For each column a generated file knows the types that are right and the note that a check line must make if
the draft chooses another type, and, for each row, the value that a right type loads.
"""

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import partial
from random import Random
from typing import Any

import yaml

TEXTS = frozenset({"string"})
NUMBERS = frozenset({"integer", "number"})
_UNDECIDED = re.compile(r"check: .*(is read as|it is assumed that)")


@dataclass(frozen=True)
class ExpectedColumn:
    """What a draft must say about a column.

    The logical type is one of ``types``, or a check line of the column matches ``note``. The ``values`` are
    those that PostgreSQL returns if the type is right. A ``personal`` column is classified as such, and none
    of its cells is in the draft.
    """

    name: str
    types: frozenset[str]
    note: str = ""
    values: Sequence[object] = ()
    personal: bool = False
    cells: Sequence[str] = field(default=(), repr=False)


@dataclass(frozen=True)
class GeneratedDraft:
    """A file and what its draft must say; all its rows must load by the draft.

    ``event_time`` is the header of the only date that may be the event time, if there is one.
    """

    name: str
    content: bytes
    identifier: str
    event_time: str | None
    rows: int
    columns: tuple[ExpectedColumn, ...]

    def problems(self, draft: str) -> list[str]:
        """Return what is wrong with a draft."""
        found: list[str] = []
        columns = _columns(draft)
        for expected in (self.identifier, self.event_time):
            role = "identifier" if expected == self.identifier else "event_time"
            if expected is not None and _role(columns.get(expected)) != role:
                found.append(f"'{expected}' is not the {role}")
        for column in self.columns:
            found += _problems_of_column(column, columns.get(column.name), draft)
        return found

    def differences(self, draft: str, rows: Sequence[Mapping[str, object]]) -> list[str]:
        """Return which values of the loaded rows, in order, are not those that the file means."""
        found = []
        columns = _columns(draft)
        for expected in self.columns:
            drafted = columns.get(expected.name)
            if drafted is None or drafted["logicalType"] not in expected.types or not expected.values:
                continue
            if drafted["classification"] == "personal" or _UNDECIDED.search(_block(draft, drafted["name"])):
                continue
            loaded = [row[drafted["name"]] for row in rows]
            found += [
                f"'{expected.name}', row {number}: {value!r} is not {true!r}"
                for number, (value, true) in enumerate(zip(loaded, expected.values, strict=True), 1)
                if value != true
            ]
        return found


def _columns(draft: str) -> dict[str, dict[str, Any]]:
    """Return the columns of a draft by their names in the file."""
    found = {}
    for column in yaml.safe_load(draft)["schema"][0]["properties"]:
        names = [entry["synonym"] for entry in column.get("synonyms", [])]
        found[names[0] if names else column["name"]] = column
    return found


def _role(column: Mapping[str, Any] | None) -> object:
    properties = column.get("customProperties", []) if column else []
    return next((each["value"] for each in properties if each["property"] == "role"), None)


def _block(draft: str, name: object) -> str:
    """Return the lines of a column."""
    lines = draft.splitlines()
    start = next(
        n for n, line in enumerate(lines) if re.match(rf'\s*- name: "?{re.escape(str(name))}"?$', line)
    )
    end = next((n for n in range(start + 1, len(lines)) if not lines[n].strip()), len(lines))
    return "\n".join(lines[start:end])


def _problems_of_column(expected: ExpectedColumn, drafted: Mapping[str, Any] | None, draft: str) -> list[str]:
    if drafted is None:
        empty = not any(cell.strip() for cell in expected.cells)
        return [] if empty and f"'{expected.name}'" in draft else [f"'{expected.name}' is not in the draft"]
    block = _block(draft, drafted["name"])
    if expected.personal:
        shown = [cell for cell in expected.cells if len(cell) > 3 and cell in block]
        personal = drafted["classification"] == "personal"
        return [f"'{expected.name}' shows a person's value"] * bool(shown) + (
            [] if personal else [f"'{expected.name}' is {drafted['classification']}"]
        )
    noted = expected.note and re.search(f"check: .*(?:{expected.note})", block)
    if drafted["logicalType"] not in expected.types and not noted:
        return [f"'{expected.name}' is {drafted['logicalType']} without a check line on {expected.note!r}"]
    return []


# -- Languages -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Language:
    """Headers in a language, and how its spreadsheets write numbers and dates."""

    identifiers: tuple[str, ...]
    events: tuple[str, ...]
    other_dates: tuple[str, ...]
    persons: tuple[str, ...]
    others: tuple[str, ...]
    decimal: str
    thousands: str
    day: str
    words: tuple[str, str]


LANGUAGES = (
    _Language(
        ("claim_id", "CLAIM_NO", "CASENUM", "ClaimNumber", "Claim Ref"),
        ("loss_date", "LOSS_DT", "IncidentDate", "Accident date"),
        ("policy_start_date", "date_of_birth", "payment_date"),
        ("insured_name", "driver_last_name", "Email"),
        ("field_a", "part b", "MISC_1", "x.2", "kind"),
        ".", ",", "%m/%d/%Y", ("yes", "no"),
    ),
    _Language(
        ("Schadennummer", "Schaden-Nr.", "schaden_id"),
        ("Schadentag", "Schadendatum", "Unfalldatum"),
        ("Vertragsbeginn", "Geburtsdatum"),
        ("Nachname", "Versicherungsnehmer", "Anschrift"),
        ("Merkmal", "Angabe 2", "Größe", "Art"),
        ",", ".", "%d.%m.%Y", ("ja", "nein"),
    ),
    _Language(
        ("num_sinistre", "N° sinistre", "dossier_id"),
        ("date_sinistre", "date de survenance"),
        ("date de naissance", "date_fin"),
        ("nom", "prénom"),
        ("élément", "champ_2", "sorte"),
        ",", "\u202f", "%d/%m/%Y", ("oui", "non"),
    ),
    _Language(
        ("id_siniestro", "Nº siniestro", "num_expediente"),
        ("fecha_siniestro", "fecha accidente"),
        ("fecha_nacimiento", "fecha_inicio"),
        ("apellidos", "nombre"),
        ("campo", "dato_2", "señal"),
        ",", ".", "%d/%m/%Y", ("sí", "no"),
    ),
    _Language(
        ("numero_sinistro", "id_sinistro"),
        ("data_sinistro", "data accadimento"),
        ("data_nascita", "data_scadenza"),
        ("cognome", "indirizzo"),
        ("voce", "campo_2", "qualità"),
        ",", ".", "%d/%m/%Y", ("vero", "falso"),
    ),
    _Language(
        ("schadenummer", "schade_id"),
        ("schadedatum", "ongevaldatum"),
        ("geboortedatum", "ingangsdatum"),
        ("achternaam", "adres"),
        ("veld", "onderdeel_2", "soort"),
        ",", ".", "%d-%m-%Y", ("ja", "nee"),
    ),
)  # fmt: skip
_PERSONS = ("Maria Keller", "John Smith", "Aisha Khan", "Jean Dupont", "Lucía Gómez", "Jan de Vries")

# -- Columns -------------------------------------------------------------------------------------------------

type Cells = tuple[frozenset[str], str, list[str], list[object]]
"""The right types of a column, the note that is right otherwise, its cells, and what they mean."""

type Maker = Callable[[Random, _Language, int], Cells]


def _number_text(number: Decimal, language: _Language, *, grouped: bool) -> str:
    text = f"{number:,}" if grouped else f"{number}"
    return text.translate({ord(","): language.thousands, ord("."): language.decimal})


def _amounts(
    random: Random, language: _Language, rows: int, *, form: str = "{}", sign: int = 1, note: str = ""
) -> Cells:
    grouped = random.random() < 0.5
    numbers = [Decimal(random.randrange(100, 10**7)) / 100 for _ in range(rows)]
    numbers = [number.quantize(Decimal("0.01")) for number in numbers]
    cells = [form.format(_number_text(number, language, grouped=grouped)) for number in numbers]
    return NUMBERS, note, cells, [sign * number for number in numbers]


def _integers(random: Random, _: _Language, rows: int) -> Cells:
    numbers = [random.randrange(-5, 900) for _ in range(rows)]
    return NUMBERS, "", [str(number) for number in numbers], list(numbers)


def _days(random: Random, rows: int) -> list[date]:
    return [date(2025, 1, 1) + timedelta(random.randrange(500)) for _ in range(rows)]


def _dates(random: Random, language: _Language, rows: int) -> Cells:
    days = _days(random, rows)
    form = random.choice(
        [
            language.day,
            "%Y-%m-%d",
            "%Y/%m/%d",
            "%d-%b-%y",
            "%d%b%Y",
            "%d.%m.%y",
            "%Y%m%d",
            "%d %b %Y",
            "%B %d, %Y",
        ]
    )
    upper = random.random() < 0.5
    cells = [day.strftime(form) for day in days]
    cells = [cell.upper() for cell in cells] if upper else cells
    # Without a word for a date in its name, 20260314 may be any number.
    note = "YYYYMMDD|leading zeros" if form == "%Y%m%d" else ""
    return frozenset({"date"}), note, cells, list(days)


def _sentinel_dates(random: Random, language: _Language, rows: int) -> Cells:
    days = _days(random, rows)
    form = random.choice([language.day, "%Y-%m-%d"])
    sentinel = random.choice([date(9999, 12, 31), date(1900, 1, 1), date(2999, 12, 31), date(1753, 1, 1)])
    missing = [random.random() < 0.3 for _ in days]
    cells = [(sentinel if gone else day).strftime(form) for day, gone in zip(days, missing, strict=True)]
    if all(missing):
        return frozenset({"date", "string"}), "", cells, []
    return (
        frozenset({"date"}),
        "",
        cells,
        [None if gone else day for day, gone in zip(days, missing, strict=True)],
    )


def _moments(random: Random, language: _Language, rows: int) -> Cells:
    days = _days(random, rows)
    moments = [
        datetime(
            day.year,
            day.month,
            day.day,
            random.randrange(24),
            random.randrange(60),
            random.randrange(60),
            tzinfo=UTC,
        )
        for day in days
    ]
    form = random.choice(
        [
            *("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M:%S+00:00"),
            *(f"{language.day} %H:%M:%S", f"{language.day} %I:%M:%S %p", "%d%b%Y:%H:%M:%S"),
            *("%d-%b-%y %I.%M.%S.000000000 %p", "%Y-%m-%d-%H.%M.%S.000000", "%Y%m%dT%H%M%SZ"),
            *("%b %d %Y  %I:%M:%S%p", "%d.%m.%Y %H:%M:%S Uhr", "%Y-%m-%d %H:%M:%S +00:00"),
        ]
    )
    return frozenset({"timestamp"}), "", [moment.strftime(form) for moment in moments], list(moments)


def _truths(random: Random, language: _Language, rows: int) -> Cells:
    pairs = random.choice(
        [
            *([("yes", "no")], [("Y", "N")], [("true", "false")], [language.words]),
            *([("TRUE", "FALSE"), ("1", "0")], [("yes", "no"), ("Y", "N"), ("True", "False")]),
        ]
    )
    values = [True, False, *(random.random() < 0.5 for _ in range(rows))][:rows]
    cells = [random.choice(pairs)[0 if value else 1] for value in values]
    if len(set(values)) < 2:
        return NUMBERS | TEXTS | {"boolean"}, "", cells, []
    return frozenset({"boolean"}), "yes|boolean|word|same|forms", cells, list(values)


def _codes(random: Random, _: _Language, rows: int) -> Cells:
    cells = [f"0{random.randrange(10**4):04}" for _ in range(rows)]
    return TEXTS, "", cells, list(cells)


def _categories(random: Random, _: _Language, rows: int) -> Cells:
    some = random.choice(
        [["red", "blue"], ["PKW", "LKW", "Krad"], ["a,b", 'the "x"', "c"], ["two\nlines", "one"]]
    )
    cells = [random.choice(some) for _ in range(rows)]
    return TEXTS, "", cells, list(cells)


def _noted(note: str, make: Callable[[Random], str], types: frozenset[str] = frozenset()) -> Maker:
    """Return a maker of cells that no type reads, so that a check line has to say what they look like."""

    def made(random: Random, _: _Language, rows: int) -> Cells:
        return types, f"{note}|same", [make(random) for _ in range(rows)], []

    return made


MAKERS: tuple[Maker, ...] = (
    _amounts,
    _integers,
    _dates,
    _sentinel_dates,
    _moments,
    _truths,
    _codes,
    _categories,
    partial(_amounts, form="€ {}", note="currency"),
    partial(_amounts, form="{} EUR", note="currency"),
    partial(_amounts, form="{} %", note="percent"),
    partial(_amounts, form="({})", sign=-1, note="brackets"),
    partial(_amounts, form="{}-", sign=-1, note="minus"),
    _noted("1970", lambda random: str(random.randrange(1_700_000_000, 1_790_000_000))),
    _noted("1970", lambda random: str(random.randrange(1_700_000_000_000, 1_790_000_000_000))),
    _noted("months", lambda random: f"{random.randrange(1, 29)}. {random.choice(['März', 'Mai'])} 2025"),
    _noted("months", lambda random: f"{random.randrange(1, 29)} de {random.choice(['enero', 'mayo'])} 2025"),
    _noted("times", lambda random: f"{random.randrange(24):02}:{random.randrange(60):02}"),
    _noted("several values", lambda random: f"a{random.randrange(9)};b;c"),
    _noted("JSON", lambda random: f'{{"v": {random.randrange(99)}}}'),
    _noted("months", lambda random: f"2025-{random.randrange(1, 13):02}"),
    _noted("unit", lambda random: f"{random.randrange(200)} km"),
    _noted("spreadsheet", lambda random: f"'{random.randrange(10**5):05}"),
)  # fmt: skip


def _with_gaps(random: Random, cells: list[str], values: list[object]) -> tuple[list[str], list[object]]:
    """Return the cells with some missing."""
    token = random.choice(["", "", "", "NA", "NULL", "-", "n/a"])
    share = random.choice([0, 0, 0.1, 0.4])
    gone = [random.random() < share for _ in cells]
    if all(gone):
        return cells, values
    holed = [token if miss else cell for miss, cell in zip(gone, cells, strict=True)]
    if values:
        values = [None if miss else value for miss, value in zip(gone, values, strict=True)]
    return holed, values


def draw(random: Random) -> GeneratedDraft:
    """Return a file of 1 to 80 rows with up to ten columns in a language."""
    language = random.choice(LANGUAGES)
    rows = random.choice([1, 2, 5, 30, 80, 80])
    identifier = random.choice(language.identifiers)
    first, form = random.randrange(10**6), random.choice(["{}", "A{}", "2026/{}"])
    ids = [form.format(first + 7 * number) for number in range(rows)]
    columns = [ExpectedColumn(identifier, NUMBERS | TEXTS, cells=ids)]
    event = random.choice(language.events)
    types, note, cells, values = _dates(random, language, rows)
    columns.append(ExpectedColumn(event, types, note, values, cells=cells))
    if random.random() < 0.5:
        types, note, cells, values = _dates(random, language, rows)
        name = random.choice(language.other_dates)
        columns.append(ExpectedColumn(name, types, note, values, cells=cells))
    if random.random() < 0.5:
        cells = [random.choice(_PERSONS) for _ in range(rows)]
        columns.append(ExpectedColumn(random.choice(language.persons), TEXTS, personal=True, cells=cells))
    for number in range(random.randint(1, 6)):
        types, note, cells, values = random.choice(MAKERS)(random, language, rows)
        cells, values = _with_gaps(random, cells, values)
        if not any(value is not None for value in values):
            types, values = types | TEXTS if values else types, []
        name = f"{random.choice(language.others)} {number}"
        columns.append(ExpectedColumn(name, types, note, values, cells=cells))
    head, *others = columns
    random.shuffle(others)
    columns = [*others, head] if random.random() < 0.3 else [head, *others]
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=random.choice([",", ";", "\t", "|"]))
    writer.writerow([column.name for column in columns])
    writer.writerows(zip(*(column.cells for column in columns), strict=True))
    content = text.getvalue().encode(random.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16"]))
    return GeneratedDraft("drafted.csv", content, identifier, event, rows, tuple(columns))
