"""What a stranger's file holds is recognised, or a check line of its column says what it looks like."""

import re
from collections.abc import Sequence

import pytest

from claimwatch.domain.contract.contract import Column, Contract, LogicalType, Role
from claimwatch.domain.contract.contract_draft import draft_contract
from claimwatch.domain.contract.parse import parse_contract

ROWS = 60
DAYS = [f"{number % 28 + 1:02}" for number in range(ROWS)]
MONTHS = [f"{number % 12 + 1:02}" for number in range(ROWS)]
ENGLISH = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")


def drafted(columns: dict[str, Sequence[str]]) -> tuple[str, Contract]:
    """Return a draft of these columns after claim_id, and its contract after the questions are answered."""
    header = ["claim_id", *columns]
    rows = [[f"C{place:05}x", *row] for place, row in enumerate(zip(*columns.values(), strict=True))]
    text = draft_contract("home", header, rows)
    return text, parse_contract(text, "home")


def column(name: str, cells: Sequence[str]) -> tuple[str, Column]:
    """Return the lines of a column in a draft, and the column."""
    text, contract = drafted({name: cells})
    found = contract.column(name)
    assert found is not None
    return text[text.index(f"- name: {name}") :], found


@pytest.mark.parametrize(
    ("cells", "kind", "formats"),
    [
        ([f"{d}-{ENGLISH[int(m) - 1]}-26" for d, m in zip(DAYS, MONTHS, strict=True)], "date", ["%d-%b-%y"]),
        (
            [f"{d}-{ENGLISH[0]}-26 09.15.{d}.000000000 AM" for d in DAYS],
            "timestamp",
            ["%d-%b-%y %I.%M.%S.%f %p"],
        ),
        ([f"{d}{ENGLISH[3]}2026" for d in DAYS], "date", ["%d%b%Y"]),
        ([f"{d}{ENGLISH[3]}2026:10:00:{d}" for d in DAYS], "timestamp", ["%d%b%Y:%H:%M:%S"]),
        ([f"2026-03-{d}-09.15.32.123456" for d in DAYS], "timestamp", ["%Y-%m-%d-%H.%M.%S.%f"]),
        ([f"2026/03/{d}" for d in DAYS], "date", ["%Y/%m/%d"]),
        ([f"Mar {d} 2026  9:15AM" for d in DAYS], "timestamp", ["%b %d %Y %I:%M%p"]),
        ([f"{d}.03.2026 14:05 Uhr" for d in DAYS], "timestamp", ["%d.%m.%Y %H:%M Uhr"]),
        ([f"202603{d}T091532Z" for d in DAYS], "timestamp", ["%Y%m%dT%H%M%SZ"]),
        ([f"2026-03-{d} 09:15:32.123 +01:00" for d in DAYS], "timestamp", []),
        ([f"202603{d}" for d in DAYS], "date", ["%Y%m%d"]),
        ([f"202603{d}101530" for d in DAYS], "timestamp", ["%Y%m%d%H%M%S"]),
        ([f"2026-03-{d} 10:00" if int(d) % 2 else f"2026-03-{d}" for d in DAYS], "timestamp", []),
        ([f"2026-03-{d}" if int(d) % 2 else f"{d}.03.2026" for d in DAYS], "date", ["%d.%m.%Y"]),
    ],
)
def test_dates_of_databases_and_tools_are_dates(cells: list[str], kind: str, formats: list[str]) -> None:
    _, found = column("loss_date", cells)
    assert (found.logical_type, list(found.date_formats)) == (kind, formats)


def test_a_column_that_decides_the_order_of_day_and_month_decides_for_the_others() -> None:
    certain = [f"{d}/03/2026" for d in DAYS]
    _, contract = drafted({"loss_date": certain, "reported": [f"{m}/{m}/2026" for m in MONTHS]})
    assert [found.date_formats for found in contract.columns[1:]] == [("%d/%m/%Y",), ("%d/%m/%Y",)]


@pytest.mark.parametrize(
    "sentinel",
    ["9999-12-31", "1900-01-01", "1753-01-01", "0000-00-00", "2999-12-31", "0001-01-01", "1899-12-30"],
)
def test_dates_that_stand_for_no_date_are_read_as_missing_and_named(sentinel: str) -> None:
    for form in ("{2}.{1}.{0}", "{0}-{1}-{2}", "{0}-{1}-{2} 00:00:00", "{1}/{2}/{0}"):
        written = form.format(*sentinel.split("-"))
        days = [form.format("2026", "03", day) for day in DAYS]
        block, found = column(
            "closed_date", [written if int(d) % 7 == 0 else day for d, day in zip(DAYS, days, strict=True)]
        )
        assert found.logical_type in (LogicalType.DATE, LogicalType.TIMESTAMP)
        assert found.missing_values == (written,)
        assert not found.required
        assert f"# check: '{written}' (8 of 60 rows) is read as missing" in block


@pytest.mark.parametrize(
    ("name", "cells", "note"),
    [
        ("paid", [f"{n}.50 {'USD' if n % 2 else 'EUR'}" for n in range(ROWS)], "a number with a currency"),
        ("paid", [f"CHF 1'{n + 100}.--" for n in range(ROWS)], "a number with a currency"),
        ("refund", [f"\u2212{n}.5" for n in range(ROWS)], "a sign apart or in typography"),
        ("width", [f"{n} m" for n in range(ROWS)], "a number with a unit"),
        ("loss_day", [f"{d}. März 2026" for d in DAYS], "names of months that are not read"),
        ("loss_day", [f"{d} février 2026" for d in DAYS], "names of months that are not read"),
        ("loss_day", [f"{d} de octubre de 2026" for d in DAYS], "names of months that are not read"),
        ("loss_day", [f"{d} maggio 2026" for d in DAYS], "names of months that are not read"),
        ("loss_day", [f"{d} maart 2026" for d in DAYS], "names of months that are not read"),
        ("valid_to", ["9999-12-31"] * ROWS, "all dates mean no date or no end"),
        ("loss_day", ["13/01/2026", "01/13/2026", "14/01/2026"] * 20, "several forms or orders"),
        ("loss_day", [f"Sat Mar {d} 2026 09:15:32 GMT+0100 (CET)" for d in DAYS], "none can be read"),
        ("loss_day", [f"2026-03-{d} 09:15:32 Europe/Berlin" for d in DAYS], "none can be read"),
        ("loss_day", [f"/Date(17700{d}000000)/" for d in DAYS], "none can be read"),
        ("paid", [f"{n + 1},23,456.00" for n in range(ROWS)], "separators at unusual places"),
        ("causes", [f"hail, fire, {n}" for n in range(ROWS)], "several values between commas"),
        ("loss_time", [f"{n % 24:02}:15" for n in range(ROWS)], "times of day"),
        ("month", [f"2026-{m}" for m in MONTHS], "months, quarters or weeks"),
        ("quarter", [f"Q{n % 4 + 1} 2026" for n in range(ROWS)], "months, quarters or weeks"),
        ("loss_ts", [str(1_770_000_000 + n * 3600) for n in range(ROWS)], "seconds since 1970"),
        ("loss_ts", [str((1_770_000_000 + n * 3600) * 1000) for n in range(ROWS)], "milliseconds since 1970"),
        ("loss_date", [str(46_000 + n) for n in range(ROWS)], "serial numbers of days"),
        ("serial", [str(46_000 + n) for n in range(ROWS)], "may be Excel's serial numbers"),
        ("entry", [f"202603{d}" for d in DAYS], "dates written as YYYYMMDD"),
        ("year_month", [f"2026{m}" for m in MONTHS], "months without a day"),
        ("accounting", [f"Mar. {n % 12 + 2014}" for n in range(ROWS)], "months, quarters or weeks"),
        ("total_loss", ["s", "n"] * 30, "yes and no"),
        ("total_loss", ["✓", "✗"] * 30, "yes and no"),
        ("total_loss", ["-1", "0"] * 30, "Access writes -1"),
        ("total_loss", ["X", ""] * 30, "may mean yes"),
        ("attorney", ["1", "2"] * 30, "codes"),
        ("parts", [f"door;bumper;{n}" for n in range(ROWS)], "several values between semicolons"),
        ("parts", [f"door|{n}" for n in range(ROWS)], "several values between bars"),
        ("parts", [f"a{n},b,c" for n in range(ROWS)], "several values between commas"),
        (
            "damage",
            [f"{one}, {two}" for one in ("door", "hood", "roof") for two in ("tyre", "glass")] * 10,
            "several values between commas",
        ),
        ("details", [f'{{"speed": {n}}}' for n in range(ROWS)], "JSON or XML"),
        ("details", [f"<a>{n}</a>" for n in range(ROWS)], "JSON or XML"),
        ("branch_code", [f"{n:04}" for n in range(ROWS)], "leading zeros"),
        ("policy_id", [f"{n + 7000}.0" for n in range(ROWS)], r"end in \.0"),
        ("policy_id", [f"{n % 9 + 1}.2345E+15" for n in range(ROWS)], "spreadsheet cut their digits"),
        ("policy", [f"1.{n + 10}E+15" for n in range(ROWS)], "spreadsheet cut their digits"),
        ("branch_code", [f"'{n:04}" for n in range(ROWS)], "apostrophe of a spreadsheet"),
        ("paid", [str(n) if n % 9 else "none yet" for n in range(ROWS)], "53 of 60 values are numbers"),
        (
            "deductible",
            [str(n % 8 * 100) if n % 9 else "99999" for n in range(ROWS)],
            "99999 occurs in 7 of 60",
        ),
        ("colour", ["red"] * ROWS, "all 60 values of the sample are the same"),
        ("loss_date", [f"{d}.03.26" for d in DAYS], "years have two digits"),
        ("loss_ts", [f"2026-03-{d} 10:00:00" for d in DAYS], "without a zone are read as UTC"),
        ("loss_date", [f"2026-03-{d}" if int(d) % 2 else "1970-01-01" for d in DAYS], "1970-01-01 occurs in"),
    ],
)
def test_a_check_line_says_what_a_column_looks_like(name: str, cells: list[str], note: str) -> None:
    block, _ = column(name, cells)
    assert re.search(f"# check: .*{note}", block)


@pytest.mark.parametrize(
    ("name", "cells"),
    [
        ("colour", ["red", "blue"] * 30),
        ("make", ["vw", "kia, inc", "opel"] * 20),
        ("witnesses", ["0", "1", "2"] * 20),
        ("town", ["boston, ma", "austin, tx"] * 30),
        ("story", [f"It was late; nobody saw it, on the {n}th time, at the crossing." for n in range(ROWS)]),
        ("loss_date", [f"2026-03-{d}" for d in DAYS]),
        ("version", [f"1.{n}.3" for n in range(ROWS)]),
        ("share", [f".{n}" for n in range(ROWS)]),
    ],
)
def test_usual_columns_have_no_notes(name: str, cells: list[str]) -> None:
    block, _ = column(name, cells)
    assert not re.search("# check: (?!may a value|the event time|only the values|seen|long texts)", block)


@pytest.mark.parametrize(
    ("name", "cells", "denied"),
    [
        ("Strasse", [f"Hauptstr. {n + 10}" for n in range(ROWS)], "months"),
        ("street", [f"Elm {n + 10}" for n in range(ROWS)], "months"),
        ("phone", [f"+1 555 010 {n + 1000}" for n in range(ROWS)], "separators"),
        ("telefon", [f"030 123 {n + 1000}" for n in range(ROWS)], "separators"),
        ("policy", [str(1_234_567_890_123_456 + 7 * n) for n in range(ROWS)], "since 1970"),
    ],
)
def test_addresses_telephone_and_policy_numbers_look_like_nothing_else(
    name: str, cells: list[str], denied: str
) -> None:
    block, _ = column(name, cells)
    assert "# check: " in block
    assert denied not in block


@pytest.mark.parametrize(
    ("cells", "unit", "negatives"),
    [
        ([f"€ 1.{n + 100},50" for n in range(ROWS)], ("€",), ()),
        ([f"{n}.50 USD" for n in range(ROWS)], ("USD",), ()),
        ([f"${n},000.50" for n in range(1, ROWS)], ("$",), ()),
        ([f"{n},5 %" for n in range(ROWS)], ("%",), ()),
        ([f"{n} km" for n in range(ROWS)], ("km",), ()),
        ([f"({n}.50)" for n in range(ROWS)], (), ("brackets",)),
        ([f"{n}.50{'-' * (n % 2)}" for n in range(ROWS)], (), ("trailing",)),
        ([f"($ {n}.50)" if n % 2 else f"$ {n}.5" for n in range(ROWS)], ("$",), ("brackets",)),
    ],
)
def test_amounts_with_a_unit_or_signs_of_their_own_are_numbers(
    cells: list[str], unit: tuple[str, ...], negatives: tuple[str, ...]
) -> None:
    block, found = column("paid", cells)
    assert (found.logical_type, found.units, found.negatives) == (LogicalType.NUMBER, unit, negatives)
    assert re.search("# check: numbers (with the unit|in brackets)", block)


@pytest.mark.parametrize("cells", [[f"T{n}" for n in range(ROWS)], [f"12{n} a" for n in range(ROWS)]])
def test_codes_are_not_numbers_with_a_unit(cells: list[str]) -> None:
    _, found = column("part", cells)
    assert found.logical_type is LogicalType.STRING


@pytest.mark.parametrize(
    ("true", "false"), [("ja", "nein"), ("oui", "non"), ("Sí", "no"), ("vero", "falso"), ("ja", "nee")]
)
def test_truth_words_of_six_languages_are_named_in_the_draft(true: str, false: str) -> None:
    block, found = column("total_loss", [true, false, true.upper()] * 20)
    assert found.logical_type is LogicalType.BOOLEAN
    assert found.true_words == (true.casefold(),)
    assert f"'{true.casefold()}' is read as true" in block


def test_an_ambiguous_number_is_told_wherever_it_is() -> None:
    block, _ = column("paid", ["12", "7", "1.234"])
    assert "# check: numbers like '1.234' are read as 1.234" in block


@pytest.mark.parametrize("words", [["yes", "no", "Y", "N", "TRUE", "1", "0"], ["True", "False", "1", "0"]])
def test_mixed_words_for_true_and_false_are_a_boolean(words: list[str]) -> None:
    _, found = column("total_loss", words * 5)
    assert found.logical_type is LogicalType.BOOLEAN


@pytest.mark.parametrize(
    "name",
    [
        *("CASENUM", "ClaimNo", "CLAIM_NBR", "clm_id", "Schadennummer", "Schaden-Nr.", "Aktenzeichen"),
        *("Nº siniestro", "num_sinistre", "N° dossier", "Numero sinistro", "schadenummer", "id_siniestro"),
    ],
)
def test_the_identifier_is_recognised_in_six_languages(name: str) -> None:
    rows = [[str(number), str(7000 + 3 * number), "2026-03-01"] for number in range(ROWS)]
    text = draft_contract("home", ["policy_id", name, "loss_date"], rows)
    contract = parse_contract(text, "home")
    assert (contract.identifier.synonyms or (contract.identifier.name,))[0] == name


@pytest.mark.parametrize("name", ["rownames", "index", "Unnamed: 0", "column_1", "Lfd. Nr", "x", "position"])
@pytest.mark.parametrize("first", [0, 1])
def test_a_number_of_the_row_is_neither_identifier_nor_feature(name: str, first: int) -> None:
    rows = [[str(number + first), f"A{number * 7:04}", "2026-03-01"] for number in range(ROWS)]
    text = draft_contract("home", [name, "claim_no", "loss_date"], rows)
    contract = parse_contract(text, "home")
    assert contract.columns[0].role is Role.IGNORED
    assert contract.identifier.name == "claim_no"
    assert "counts or names the rows of this file" in text


def test_rows_of_payments_are_told() -> None:
    rows = [[f"CL{number // 3}", str(number % 3), f"2026-03-{number % 28 + 1:02}"] for number in range(ROWS)]
    text = draft_contract("home", ["claim_no", "payment_no", "paid_on"], rows)
    assert "values repeat (20 of 60 differ; they are unique only with 'payment_no')" in text
    assert "rows are payments or versions and not claims" in text.replace("\n", " ")


def test_ids_that_repeat_are_told_with_the_column_that_makes_them_unique() -> None:
    rows = [[str(number % 20 + 1), f"B{number // 20}", "5"] for number in range(ROWS)]
    text = draft_contract("home", ["id", "branch", "paid"], rows)
    assert "its values repeat (20 of 60 differ), so it identifies no claim" in text
    assert "with 'branch' they are unique" in text


def test_a_column_without_a_name_is_told() -> None:
    rows = [[f"C{number}x", str(number % 7)] for number in range(ROWS)]
    assert "the file gives this column no name" in draft_contract("home", ["claim_id", "column_2"], rows)


@pytest.mark.parametrize("number", [0, 1, 19])
def test_a_draft_of_few_rows_says_that_it_rests_on_little(number: int) -> None:
    rows = [[f"C{place}x", "5"] for place in range(number)]
    assert f"# check: so few rows ({number}) show little" in draft_contract("home", ["claim_id", "x"], rows)


def test_an_identifier_that_counts_the_rows_is_told() -> None:
    text = draft_contract("home", ["id", "paid"], [[str(number), "5"] for number in range(1, ROWS)])
    assert "count the rows: if the next file counts from 1 again" in text


@pytest.mark.parametrize(
    ("names", "event"),
    [
        (["Geburtsdatum", "Vertragsbeginn", "Schadentag"], "Schadentag"),
        (["Meldedatum", "Unfalldatum"], "Unfalldatum"),
        (["date de naissance", "date_sinistre"], "date_sinistre"),
        (["fecha_nacimiento", "fecha_siniestro", "fecha_denuncia"], "fecha_siniestro"),
        (["data_nascita", "data sinistro"], "data sinistro"),
        (["geboortedatum", "schadedatum"], "schadedatum"),
        (["Geburtsdatum"], None),
        (["date_of_birth"], None),
        (["payment_date", "loss_dt"], "loss_dt"),
    ],
)
def test_the_event_time_is_recognised_in_six_languages_and_is_no_birth_date(
    names: list[str], event: str | None
) -> None:
    _, contract = drafted({name: [f"2026-03-{d}" for d in DAYS] for name in names})
    assert [found.name for found in contract.columns if found.role is Role.EVENT_TIME] == [event] * bool(
        event
    )


def test_a_date_that_most_claims_lack_is_not_the_event_time() -> None:
    entry, reopened = [f"2026-03-{d}" for d in DAYS], ["2026-03-01", "", ""] * 20
    _, contract = drafted({"entry": entry, "claim_reopened": reopened})
    assert [found.name for found in contract.columns if found.role is Role.EVENT_TIME] == ["entry"]


def test_a_copy_of_the_label_is_no_feature() -> None:
    flags = ["Y", "N", "N"] * 20
    _, contract = drafted({"fraud": flags, "status": [f"S{flag}" for flag in flags], "kind": ["a", "b"] * 30})
    roles = {found.name: found.role for found in contract.columns}
    assert (roles["status"], roles["kind"]) == (Role.IGNORED, Role.FEATURE)


def test_names_that_differ_only_in_case_or_separators_are_told_and_not_merged() -> None:
    text = draft_contract(
        "home", ["claim_id", "Betrag", "betrag", "a.b", "a_b"], [["x", "1", "2", "3", "4"]] * 2
    )
    assert "'Betrag': it differs from 'betrag' only in case or separators" in text
    assert "'a_b': it differs from 'a.b' only in case or separators" in text


@pytest.mark.parametrize(
    "first",
    [["C-10000", "Hamburg", "Vauxhall"], ["C-10000", "2026-01-01", "Saab"], ["C-10000", "Jane Roe", "Opel"]],
)
def test_a_claim_is_not_taken_for_the_header(first: list[str]) -> None:
    rows = [
        [f"C-{10001 + n}", *(value if value[:1].isalpha() else f"2026-01-{d}" for value in first[1:])]
        for n, d in enumerate(DAYS)
    ]
    text = draft_contract("home", first, rows)
    assert "the first row looks like a claim" in text
    assert not any(value in text for value in first)


@pytest.mark.parametrize(
    "rows",
    [
        [
            [name, town, f"Elm Street {n}"]
            for n in range(8)
            for name in ("Luis", "Eva")
            for town in ("Ulm", "Jena")
        ],
        [[str(1000 + n), "motor", ("open", "closed")[n % 2], ""] for n in range(ROWS)],
    ],
)
def test_words_that_recur_below_are_not_the_header(rows: list[list[str]]) -> None:
    text = draft_contract("home", rows[0], rows[1:])
    assert "the first row looks like a claim" in text
    assert not any(f"name: {value}" in text for value in rows[0] if value)


def test_a_header_that_is_repeated_once_is_a_header() -> None:
    rows = [[f"C{n}", "open", f"{n}.5"] for n in range(ROWS)]
    text = draft_contract("home", ["claim", "state", "paid"], [*rows, ["claim", "state", "Paid"], *rows])
    assert "the first row looks like a claim" not in text


def test_a_second_header_does_not_turn_numbers_into_texts() -> None:
    rows = [[f"C{n}x", f"2026-03-{d}", f"{n}.5"] for n, d in enumerate(DAYS)]
    text = draft_contract("home", ["claim_id", "loss_date", "paid"], [["", "(date)", "(EUR)"], *rows])
    contract = parse_contract(text, "home")
    assert [found.logical_type for found in contract.columns] == ["string", "date", "number"]
    assert "# check: the first row below the header looks like a header, too, and is quarantined" in text


def test_a_wrong_separator_is_told() -> None:
    rows = [[f"A{n};1;{n};0", "449"] for n in range(ROWS)]
    text = draft_contract("home", ["rownames", "lga.claims.accidents"], rows)
    assert "# check: every row has the same number of semicolons" in text
    assert "there is only one column" in draft_contract("home", ["a"], [["x"]] * 5)


def test_a_total_at_the_end_is_told() -> None:
    rows = [[f"C{n}x", str(n)] for n in range(ROWS)]
    assert "looks like a total" in draft_contract("home", ["claim_id", "paid"], [*rows, ["Summe", "1770"]])
    assert "looks like a total" not in draft_contract("home", ["claim_id", "paid"], rows)


@pytest.mark.parametrize(
    ("name", "others", "noted"),
    [("Age", range(18, 75), True), ("Age", range(1, 60), False), ("vehicles", range(18, 75), False)],
)
def test_an_age_of_0_among_grown_ups_may_mean_missing(name: str, others: range, noted: bool) -> None:
    cells = [str(others[row % len(others)] if row % 20 else 0) for row in range(ROWS)]
    block, _ = column(name, cells)
    assert (
        f"check: 0 occurs in {ROWS // 20} of {ROWS} rows, unlike the rest: it may mean missing" in block
    ) is noted
