"""Columns of persons are personal in drafts, categories are not, and no value of a person is in a draft."""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

import pytest
from faker import Faker
from typer.testing import CliRunner

from claimwatch.domain.contract.contract import Column, Role
from claimwatch.domain.contract.contract_draft import draft_contract
from claimwatch.domain.contract.header_words import Meaning, meanings_of, words_of
from claimwatch.domain.contract.parse import parse_contract
from cli.main import app
from tests.unit.contracts.insurer_columns import CATEGORIES, OTHER, PERSONAL, PROTECTED

LOCALES = ("en_US", "en_GB", "de_DE", "fr_FR", "es_ES", "it_IT", "nl_NL")
ROWS = 120

ATTRIBUTES = frozenset(
    {
        *(Meaning.SEX, Meaning.AGE, Meaning.MARITAL, Meaning.NATIONALITY, Meaning.ETHNICITY),
        *(Meaning.RELIGION, Meaning.DISABILITY, Meaning.ORIENTATION, Meaning.LANGUAGE),
    }
)
TELLING = {"name": "insured_name", "birth": "Geburtsdatum", "phone": "tel", "mail": "email", "text": "notes"}
WORDS_OF_DRAFTS = frozenset(
    word
    for source in Path(__file__).parents[3].glob("layers/core/claimwatch/domain/contract/*.py")
    if source.stem.startswith(
        ("draft_", "personal_", "protected_", "value_notes", "text_notes", "table_notes")
    )
    for word in re.findall(r"[^\W_]{5,}", source.read_text("utf-8").casefold())
)
WORDS_OF_DRAFTS |= {word for meaning in Meaning for word in re.findall(r"[^\W_]{5,}", meaning)}
"""Words that drafts use themselves."""

DATA = frozenset(list(Meaning)[: list(Meaning).index(Meaning.PERSON) + 1])


def makers(fake: Faker) -> dict[str, Callable[[], str]]:
    """Return what makes a value of each kind of personal data."""
    return {
        "name": fake.name,
        "last_first": lambda: f"{fake.last_name()}, {fake.first_name()}",
        "upper": lambda: fake.name().upper(),
        "initial": lambda: f"{fake.first_name()[0]}. {fake.last_name()}",
        "first": fake.first_name,
        "last": fake.last_name,
        "street": lambda: fake.street_address().replace("\n", ", "),
        "address": lambda: fake.address().replace("\n", ", "),
        "postcode": fake.postcode,
        "town": fake.city,
        "birth": lambda: fake.date_of_birth(minimum_age=18, maximum_age=85).isoformat(),
        "birth_local": lambda: fake.date_of_birth(minimum_age=18, maximum_age=85).strftime("%d.%m.%Y"),
        "phone": fake.phone_number,
        "mail": fake.email,
        "iban": fake.iban,
        "bic": fake.swift,
        "card": fake.credit_card_number,
        "official": fake.ssn,
        "plate": fake.license_plate,
        "vin": fake.vin,
        "ip": fake.ipv4,
        "ipv6": fake.ipv6,
        "coordinates": lambda: f"{fake.latitude():.5f}, {fake.longitude():.5f}",
        "user": fake.user_name,
        "text": lambda: fake.sentence(nb_words=12),
    }


KINDS = tuple(makers(Faker()))


@cache
def faker_of(locale: str) -> tuple[Faker, Mapping[str, Callable[[], str]]]:
    fake = Faker(locale)
    return fake, makers(fake)


@cache
def made(locale: str, kind: str, different: int, seed: int = 1) -> tuple[str, ...]:
    """Return the values of a column, of which as many are different at most."""
    fake, maker = faker_of(locale)
    fake.seed_instance(seed)
    pool = [maker[kind]() for _ in range(different)]
    return tuple(pool[row % different] for row in range(ROWS))


def drafted_all(columns: Mapping[str, Sequence[str]]) -> tuple[str, Mapping[str, Column]]:
    """Return the draft of a file with these columns and some others, and its columns by name."""
    own = {
        "claim_no": [f"C{row}" for row in range(ROWS)],
        "loss_date": [f"2026-0{row % 9 + 1}-1{row % 9}" for row in range(ROWS)],
        "paid": [f"{row * 3.5}" for row in range(ROWS)],
    }
    rows = list(zip(*own.values(), *columns.values(), strict=True))
    text = draft_contract("home", [*own, *columns], rows)
    return text, {column.name: column for column in parse_contract(text, "home").columns}


def drafted(header: str, values: Sequence[str]) -> tuple[str, Column]:
    text, columns = drafted_all({header: values})
    return text, columns[header]


def missed(header: str, different: int) -> list[str]:
    """Return which columns of persons are not personal, of all kinds and countries."""
    planted = {
        f"{header}_{place}": (kind, locale)
        for place, (kind, locale) in enumerate((kind, locale) for kind in KINDS for locale in LOCALES)
    }
    _, columns = drafted_all(
        {name: made(locale, kind, different) for name, (kind, locale) in planted.items()}
    )
    return [f"{kind} of {locale}" for name, (kind, locale) in planted.items() if not columns[name].personal]


@pytest.mark.slow
def test_columns_of_persons_are_personal_whatever_their_name() -> None:
    """Measured: 0 of 175 columns with a name that says nothing, and 0 of 175 with a misleading one."""
    assert missed("info", ROWS) == []
    assert missed("vehicle_type", ROWS) == []


def test_most_columns_of_few_persons_are_personal() -> None:
    """Measured: 20 of 175 columns of six persons are missed: user names, postcodes and some addresses."""
    assert len(missed("info", 6)) <= 20


def test_categories_are_not_personal() -> None:
    """Measured: 2 of 88 columns, with names that say nothing and capitalised words."""
    draw = random.Random(3)
    listed = dict(re.findall(r"^    (\w+): (.*(?:\n        .*)*)", CATEGORIES, re.MULTILINE))
    assert len(listed) == 88
    columns = {header: values.split() for header, values in listed.items()}
    _, found = drafted_all(
        {
            header: [draw.choice(values).replace("_", " ") for _ in range(ROWS)]
            for header, values in columns.items()
        }
    )
    wrong = [name for name in columns if found[name].personal or found[name].role is Role.PROTECTED]
    assert len(wrong) <= 2, wrong


def test_names_of_columns_are_understood_in_six_languages() -> None:
    """Measured: all of 280 names of personal data and protected attributes, and none of 143 others."""

    def meanings(header: str) -> frozenset[Meaning]:
        return meanings_of(words_of(header))

    assert [header for header in PERSONAL.split() if not meanings(header) & DATA] == []
    assert [header for header in PROTECTED.split() if not meanings(header) & ATTRIBUTES] == []
    wrong = []
    for header in OTHER.split():
        # Persons are only meant by a name that ends with them, and ages are also those of objects.
        of_object = Meaning.OBJECT in meanings(header)
        found = meanings(header) & (DATA | ATTRIBUTES) - {Meaning.PERSON}
        wrong += [header] if found - ({Meaning.NAME, Meaning.AGE} if of_object else set()) else []
    assert wrong == []


@pytest.mark.slow
@pytest.mark.parametrize("locale", LOCALES)
def test_no_value_of_a_person_is_in_a_draft(locale: str) -> None:
    """Values of every kind, often, some times and once, under telling, neutral and misleading names."""
    columns: dict[str, Sequence[str]] = {}
    planted: set[str] = set()
    for number, kind in enumerate(KINDS):
        for header in (TELLING.get(kind, f"driver_{kind}"), "info", "vehicle_type", "amount"):
            for different in (ROWS, 6, 1):
                values = made(locale, kind, different, seed=number)
                planted |= set(values)
                columns[f"{header}_{kind}_{different}"] = values
                rare = [*["collision"] * (ROWS - 5), *values[:5]]
                columns[f"{header}_{kind}_{different}_rare"] = rare
    text, _ = drafted_all(columns)
    without, _ = drafted_all({name: ["x"] * ROWS for name in columns})
    assert quoted(text, planted, without) == []


def test_no_value_of_a_person_is_in_the_output_of_infer(tmp_path: Path) -> None:
    planted = [made("de_DE", kind, ROWS) for kind in ("name", "mail", "iban")]
    source = tmp_path / "claims.csv"
    source.write_text(
        "claim_no;c1;status;c3\n"
        + "".join(f"C{row};{';'.join(cells)}\n" for row, cells in enumerate(zip(*planted, strict=True)))
    )
    result = CliRunner().invoke(app, ["infer", str(source), "--line", "home"])
    assert result.exit_code == 0
    without, _ = drafted_all({"c1": ["x"] * ROWS})
    assert (
        quoted(result.stdout + result.stderr, {value for column in planted for value in column}, without)
        == []
    )


@pytest.mark.parametrize(
    ("header", "values", "says"),
    [
        ("age", [str(18 + row % 60) for row in range(ROWS)], "decades of the age at the event"),
        ("Alter", [str(18 + row % 60) for row in range(ROWS)], "decades of the age at the event"),
        ("date_of_birth", [f"19{40 + row % 50}-03-1{row % 9}" for row in range(ROWS)], "'storeAs: plain'"),
        ("age", [f"{10 * (row % 20)} plus" for row in range(ROWS)], "better send a band of ages"),
    ],
)
def test_a_draft_says_how_ages_are_divided_into_bands(header: str, values: list[str], says: str) -> None:
    text, column = drafted(header, values)
    assert column.role is Role.PROTECTED
    assert says in text


@pytest.mark.parametrize(("header", "listed"), [("Berater", False), ("c7", False), ("state", True)])
def test_initials_of_persons_are_not_listed(header: str, listed: bool) -> None:
    values = [("JS", "MK", "AB")[row % 3] for row in range(ROWS)]
    text, column = drafted(header, values)
    assert ("MK" in text) is listed
    assert column.personal is (header == "Berater")


@pytest.mark.parametrize("header", ["c7", "x", "amount"])
def test_no_number_of_the_file_is_in_a_draft(header: str) -> None:
    """A coordinate, an account or a salary: ranges are rounded, and ambiguous notations have examples."""
    for values in (
        [f"{52 + row % 3}.{500 + row}" for row in range(ROWS)],
        [f"{10_023_456 + 7 * row}" for row in range(ROWS)],
        [f"{1_023_456.71 + 7 * row:.2f}" for row in range(ROWS)],
        [f"{52 + row % 3}.{50_081 + row}" for row in range(ROWS)],
    ):
        text, _ = drafted(header, values)
        assert [value for value in values if value in text] == []


def test_quoted_values_are_found() -> None:
    assert quoted("seen: Anna Okafor", {"Anna Okafor"}, "") == ["anna okafor", "okafor"]


def quoted(text: str, planted: set[str], without: str) -> list[str]:
    """Return which planted values, or their long words, a draft contains and one without them does not."""
    words = {word.casefold() for value in planted for word in (value, *re.findall(r"[^\W_]{5,}", value))}
    found, usual = (set(re.findall(r"[^\W_]{5,}", each.casefold())) for each in (text, without))
    whole = {word for word in words if len(word) > 3 and not word.isalnum() and word in text.casefold()}
    return sorted((words & (found - usual - WORDS_OF_DRAFTS)) | whole)


@pytest.mark.parametrize(
    "header",
    ["ann.roe@example.org", "Maria Keller", "+49 171 2345678", "536-90-4399", "DE89370400440532013000"],
)
def test_a_column_that_is_called_like_a_person_is_left_out_by_its_place(header: str) -> None:
    text = draft_contract("home", ["claim_id", header, "x"], [[f"C{row}", "1", "2"] for row in range(30)])
    assert header not in text
    assert "column 2: its name looks like personal data" in text
    assert parse_contract(text, "home").identifier.name == "claim_id"


@pytest.mark.parametrize(
    ("header", "cells", "role", "personal"),
    [
        ("CLMSEX", ["1", "2"], Role.PROTECTED, False),
        ("CLMAGE", ["17", "43", "80"], Role.PROTECTED, False),
        ("age", ["17", "43", "80", "999"], Role.PROTECTED, False),
        ("AgeOfPolicyHolder", ["16 to 17", "31 to 35", "over 65"], Role.PROTECTED, False),
        ("Alter des Versicherungsnehmers", ["bis 25", "26-40", "über 40"], Role.PROTECTED, False),
        ("age_of_holder", ["65 Jane Doe", "31 to 35"], Role.PROTECTED, True),
        ("situation_familiale", ["marié", "célibataire"], Role.PROTECTED, False),
        ("c9", ["male", "female"], Role.PROTECTED, False),
        ("c9", ["M", "F"], Role.PROTECTED, False),
        ("c9", ["ledig", "verheiratet", "geschieden"], Role.PROTECTED, False),
        ("Anrede", ["Herr", "Frau"], Role.PROTECTED, False),
        ("nationality", ["DE", "FR", "Italian"], Role.PROTECTED, False),
        ("disabled", ["yes", "no"], Role.PROTECTED, False),
        ("plz", ["80331", "10115", "20095"], Role.PROTECTED, True),
        ("geb_dat", ["1980-02-03", "1999-12-31"], Role.PROTECTED, True),
        ("yearOfBirth", ["1980", "1999"], Role.PROTECTED, True),
        ("vehicle_age", ["1", "2", "3"], Role.FEATURE, False),
        ("building_age", ["11", "20", "35"], Role.FEATURE, False),
        ("age_of_vehicle", ["1", "2", "3"], Role.FEATURE, False),
        ("policy_age", ["100", "365", "730"], Role.FEATURE, False),
        ("page", ["1", "2", "3"], Role.FEATURE, False),
        ("phone", ["0", "1", "2"], Role.FEATURE, False),
        ("email_verified", ["yes", "no"], Role.FEATURE, False),
        ("house_number", ["1", "22", "117"], Role.IGNORED, True),
        ("lat", ["52.520008", "48.137154"], Role.IGNORED, True),
        ("customer_type", ["retail", "corporate"], Role.FEATURE, False),
        ("phone_type", ["landline", "smartphone"], Role.FEATURE, False),
    ],
)
def test_roles_of_columns_about_persons(header: str, cells: list[str], role: Role, personal: bool) -> None:
    _, column = drafted(header, [cells[row % len(cells)] for row in range(ROWS)])
    assert (column.role, column.personal) == (role, personal)


def test_family_names_that_repeat_are_personal_without_a_header() -> None:
    rows = [[name, f"Elm Street {n}", "open"] for n in range(60) for name in ("Okafor", "Novak", "Lopez")]
    text = draft_contract("home", rows[0], rows)
    assert "the first row looks like a claim" in text
    assert "classification: personal" in text.split("- name: column_1")[1].split("- name:")[0]


def test_dates_long_before_all_others_are_doubted_as_dates_of_birth() -> None:
    births = [f"{1940 + row % 60}-0{row % 9 + 1}-{row % 28 + 1:02}" for row in range(ROWS)]
    starts = [f"{2005 + row % 21}-0{row % 9 + 1}-{row % 28 + 1:02}" for row in range(ROWS)]
    assert drafted("c9", births)[1].personal
    assert not drafted("c9", starts)[1].personal


def test_a_date_of_birth_is_never_the_event_time() -> None:
    rows = [[f"C{row}", f"19{row % 80 + 10}-02-03"] for row in range(60)]
    contract = parse_contract(draft_contract("home", ["claim_id", "Geburtsdatum"], rows), "home")
    assert {column.role for column in contract.columns} == {Role.IDENTIFIER, Role.PROTECTED}


def test_an_identifier_that_is_personal_is_named() -> None:
    rows = [[f"p{row}@example.org", f"{row}"] for row in range(60)]
    text = draft_contract("home", ["claim_id", "paid"], rows)
    assert "ids of claims are stored and shown in clear: choose another identifier" in text
    assert parse_contract(text, "home").identifier.personal
