"""A draft describes the sample, marks its guesses, and is a valid contract."""

import random
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from claimwatch.domain.contract.contract import Column, Contract, LogicalType, Role, folded_name
from claimwatch.domain.contract.contract_draft import draft_contract
from claimwatch.domain.contract.parse import parse_contract
from claimwatch.domain.contract.type_inference import infer_type
from claimwatch.errors import RefusedContract


def parsed(draft: str, line: str = "home") -> Contract:
    """Return the contract of a draft."""
    return parse_contract(draft, line)


def drafted(columns: dict[str, Sequence[str]], line: str = "home") -> dict[str, Column]:
    rows = list(zip(*columns.values(), strict=True))
    ids = {"claim_id": [f"C{number}" for number in range(len(rows))]} if "claim_id" not in columns else {}
    header = [*ids, *columns]
    cells = [[*(ids[name][place] for name in ids), *row] for place, row in enumerate(rows)]
    contract = parsed(draft_contract(line, header, cells), line)
    return {column.name: column for column in contract.columns}


@pytest.mark.parametrize(
    ("cells", "logical_type"),
    [
        (["1", "-2", "30"], LogicalType.INTEGER),
        (["1", "2.5", "3e2"], LogicalType.NUMBER),
        (["007", "12"], LogicalType.STRING),
        (["12345678901234567890"], LogicalType.STRING),
        (["yes", "NO", ""], LogicalType.BOOLEAN),
        (["Y", "N"], LogicalType.BOOLEAN),
        (["true", "True"], LogicalType.BOOLEAN),
        (["f", "f"], LogicalType.STRING),
        (["2024-01-31"], LogicalType.DATE),
        (["2024-01-31 10:00", "2024-01-31T10:00:00Z"], LogicalType.TIMESTAMP),
        (["1/31/2024 4:05 PM"], LogicalType.TIMESTAMP),
        (["2024-02-30"], LogicalType.STRING),
        (["abc", "1"], LogicalType.STRING),
        ([""], LogicalType.STRING),
    ],
)
def test_the_inferred_type_fits_all_values(cells: list[str], logical_type: LogicalType) -> None:
    assert infer_type(cells).logical_type is logical_type


@pytest.mark.parametrize(
    ("cells", "separators"),
    [
        (["1,234.50", "12"], (".", ",")),
        (["1.234,50", "12"], (",", ".")),
        (["1,5", "2,25"], (",", "")),
        (["1 234,50"], (",", " ")),
        (["1'234.50"], (".", "'")),
        (["1234.5"], (".", "")),
    ],
)
def test_separators_of_numbers_are_detected(cells: list[str], separators: tuple[str, str]) -> None:
    found = infer_type(cells)
    assert found.logical_type is LogicalType.NUMBER
    assert (found.decimal_separator, found.thousands_separator) == separators


def test_ambiguous_numbers_are_read_like_the_rest_of_the_file_and_marked() -> None:
    text = draft_contract("home", ["claim_id", "a", "b"], [["x1", "1.234", "5,25"], ["x2", "2.500", "7,5"]])
    columns = {column.name: column for column in parsed(text).columns}
    assert columns["a"].thousands_separator == "."
    assert "# check: numbers like '1.234' are read as 1234" in text


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        (["31.01.2024"], "%d.%m.%Y"),
        (["1/31/2024", "2/1/2024"], "%m/%d/%Y"),
        (["31/1/2024"], "%d/%m/%Y"),
        (["31-Jan-2024"], "%d-%b-%Y"),
        (["2024-01-31"], ""),
    ],
)
def test_date_formats_are_detected(cells: list[str], form: str) -> None:
    assert infer_type(cells).date_formats == ((form,) if form else ())


def test_dates_with_an_ambiguous_order_are_marked() -> None:
    text = draft_contract("home", ["claim_id", "loss_date"], [["x1", "1/2/2024"], ["x2", "3/4/2024"]])
    assert "# check: no day above 12 decides, so it is assumed that the month comes first" in text


@pytest.mark.parametrize("token", ["?", "NA", "null", "-", "N/A"])
def test_tokens_of_missing_values_are_detected(token: str) -> None:
    column = drafted({"witnesses": ["1", token, "2"]})["witnesses"]
    assert (column.logical_type, column.required) == (LogicalType.INTEGER, False)
    assert token in column.missing_values


def test_none_is_missing_among_numbers_and_a_value_among_texts() -> None:
    columns = drafted({"witnesses": ["1", "None"] * 20, "authority": ["POLICE", "NONE"] * 20})
    assert columns["witnesses"].missing_values == ("None",)
    assert columns["authority"].valid_values == ("NONE", "POLICE")


def test_few_values_that_all_repeat_become_an_enumeration() -> None:
    columns = drafted({"fuel": ["petrol", "diesel"] * 20, "make": ["vw"] * 39 + ["rare"]})
    assert columns["fuel"].valid_values == ("diesel", "petrol")
    assert columns["make"].valid_values is None


@pytest.mark.parametrize(
    "values",
    [
        ["Anna Muster", "Bert Muster"],
        ["Anna", "Bert"],
        ["anna muster", "bert muster"],
        ["anna@example.com", "b"],
        ["1980-02-03", "a"],
        ["a" * 17, "b"],
    ],
)
def test_values_that_may_name_somebody_are_not_listed(values: list[str]) -> None:
    text = draft_contract("home", ["claim_id", "kind"], [[f"C{n}", values[n % 2]] for n in range(60)])
    assert not any(value in text for value in values if len(value) > 1)
    assert parsed(text).column("kind")


def test_a_value_of_few_rows_is_not_listed() -> None:
    columns = drafted({"kind": ["a", "b"] * 20 + ["muster"] * 4})
    assert columns["kind"].valid_values is None


def test_the_first_row_of_a_file_without_a_header_is_not_in_the_draft() -> None:
    rows = [[f"C{n}", "Jane Roe", f"2024-01-{n % 28 + 1:02}", "kia"] for n in range(60)]
    text = draft_contract("home", rows[0], rows[1:])
    assert "Jane" not in text
    assert "2024-01-01" not in text
    assert "has no header" in text
    assert "column_4" in text


@pytest.mark.parametrize(
    "header", [["claim_id", "2023", "2024"], ["claim_id", "1", "_c39"], ["claim_id", "a.b"]]
)
def test_unusual_names_are_a_header(header: list[str]) -> None:
    assert "has no header" not in draft_contract("home", header, [["a"] * len(header)] * 3)


def test_ranges_are_shown_and_only_a_minimum_of_zero_is_set() -> None:
    text = draft_contract(
        "home", ["claim_id", "paid", "limit"], [[f"x{n}", str(n), str(n - 1)] for n in range(50)]
    )
    columns = {column.name: column for column in parsed(text).columns}
    assert (columns["paid"].minimum, columns["paid"].maximum) == (Decimal(0), None)
    assert columns["limit"].minimum is None
    assert (
        "# check: seen from -1 to 48; 1 of 50 are negative, which this would reject:\n        # logical"
        in text
    )


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("insured_sex", Role.PROTECTED),
        ("driver_age", Role.PROTECTED),
        ("maritalStatus", Role.PROTECTED),
        ("vehicle_age", Role.FEATURE),
        ("product_name", Role.FEATURE),
        ("nombre_de_témoins", Role.FEATURE),
        ("witnesses", Role.FEATURE),
        ("branch_code", Role.FEATURE),
        ("policy_number", Role.IGNORED),
    ],
)
def test_roles_are_guessed_from_names(name: str, role: Role) -> None:
    assert drafted({name: ["1", "2", "1", "2"]})[name].role is role


@pytest.mark.parametrize(
    "name",
    [
        "insured_name",
        "lastName",
        "Email",
        "phone no",
        "home_address",
        "date_of_birth",
        "SSN",
        "license_plate",
        "zip",
        "Nachname",
        "Versicherter",
        "Anschrift",
        "Telefon",
        "Geburtsdatum",
        "Straße",
        "Insured",
        "holder",
        "policyholder",
        "taxno",
        "Prénom",
        "date de naissance",
        "nom de assuré",
        "Apellidos",
        "Fecha de nacimiento",
        "Endereço",
        "Codice Fiscale",
        "Achternaam",
        "Fødselsdato",
        "custname",
    ],
)
def test_personal_data_is_guessed_from_names_and_hashed(name: str) -> None:
    column = drafted({name: ["Okafor", "Novak"]})[name]
    assert (column.personal, column.hashed) == (True, True)
    assert column.role in (Role.IGNORED, Role.PROTECTED)


def test_email_addresses_are_personal_whatever_the_name() -> None:
    assert drafted({"contact_1": ["ann@example.com", "bob@example.com"]})["contact_1"].hashed


def test_no_value_of_a_personal_column_is_in_the_draft() -> None:
    text = draft_contract("home", ["claim_id", "name"], [[f"x{n}", "Ann Secret"] for n in range(40)])
    assert "Secret" not in text


def test_long_texts_get_role_text_and_are_stored_as_plain() -> None:
    column = drafted({"description": [f"The driver said that he was not there, {n} times" for n in range(9)]})
    assert (column["description"].role, column["description"].hashed) == (Role.TEXT, False)


def test_a_draft_leaves_the_desk_to_a_person() -> None:
    columns = drafted(
        {"driver_id": ["A1", "A1", "B2"], "amount": ["10", "20", "30"], "city": ["x", "x", "y"]}
    )
    assert not any(column.link_on or column.what_if for column in columns.values())
    assert {column.group for column in columns.values()} == {"Claim"}


@pytest.mark.parametrize(
    ("header", "identifier"),
    [
        (["policy_number", "claim_number"], "claim_number"),
        (["policy_id", "id"], "id"),
        (["customer_id", "Claim No."], "Claim No."),
        (["age", "policy_number"], "policy_number"),
    ],
)
def test_the_identifier_is_the_column_named_like_a_claim_id(header: list[str], identifier: str) -> None:
    text = draft_contract("home", header, [[str(n), str(n + 5)] for n in range(30)])
    assert parsed(text).identifier.name == identifier
    assert "# check: the identifier is a guess" in text


def test_without_a_likely_identifier_the_draft_says_what_to_do() -> None:
    text = draft_contract("home", ["age", "colour"], [["1", "red"], ["1", "red"]])
    assert "# check: no column looks like the claim id" in text
    with pytest.raises(RefusedContract) as refused:
        parsed(text)
    assert len(refused.value.problems) == 1
    assert "no column has role identifier" in refused.value.problems[0]


@pytest.mark.parametrize(
    ("names", "event"),
    [
        (["policy_start_date", "incident_date", "reported_at"], "incident_date"),
        (["bind_date", "claim_date"], "claim_date"),
        (["day_of_birth"], None),
        (["registered"], "registered"),
        (["policy_start", "ClaimEndDt", "ClaimStartDt"], "ClaimStartDt"),
        (["policy_start_date", "cover_end_date"], None),
    ],
)
def test_the_event_time_is_the_date_of_the_claim(names: list[str], event: str | None) -> None:
    columns = drafted({name: ["2024-01-31", "2024-02-28"] for name in names})
    assert [column.name for column in columns.values() if column.role is Role.EVENT_TIME] == (
        [event] if event else []
    )


@pytest.mark.parametrize(
    ("name", "claims_each", "asked"),
    [
        ("customer_id", 2, True),
        ("BeneID", 2, True),
        ("customer_id", 1, False),
        ("customer_id", 9, False),
        ("agent_id", 2, False),
    ],
)
def test_a_number_of_persons_that_repeats_may_be_the_claimant(
    name: str, claims_each: int, asked: bool
) -> None:
    rows = [[f"C{row}", "2026-02-01", f"K{100 + row // claims_each}"] for row in range(60)]
    text = draft_contract("home", ["claim_id", "loss_date", name], rows)
    assert ("if it identifies the claimant" in text) is asked


def test_without_a_likely_event_time_the_draft_lists_the_dates() -> None:
    text = draft_contract(
        "home", ["claim_id", "stay_start", "stay_end", "dob"], [["A1", *["2024-01-31"] * 3]]
    )
    assert "give a date column role event_time.\n#   Dates: 'stay_start', 'stay_end'.\n" in text
    assert "Dates:" not in draft_contract("home", ["claim_id", "age"], [["A1", "31"]])


def test_columns_without_a_unique_name_or_a_value_are_left_out_with_the_reason() -> None:
    text = draft_contract(
        "home", ["claim_id", "", "x", "X ", "_c39"], [["a", "1", "2", "3", ""], ["b", "1", "2", "3", ""]]
    )
    assert [column.name for column in parsed(text).columns] == ["claim_id"]
    assert "#   column 2: it has no name" in text
    assert "#   column 3, 'x': it differs from 'X' only in case or separators; make names unique" in text
    assert "#   '_c39': it is empty in every row of the sample" in text


@pytest.mark.parametrize(
    "header", ["1st claim", "Betrag (€)", "file_id", "a\nb: {c}", "x" * 200, '"', "ctid", "#"]
)
def test_invalid_column_names_are_changed_and_kept_as_synonyms(header: str) -> None:
    [_, column] = drafted({header: ["1", "2"]}).values()
    assert column.synonyms == (" ".join(header.split()),)


def test_an_empty_file_gives_a_draft_of_its_header() -> None:
    text = draft_contract("home", ["claim_id", "paid"], [])
    assert [column.name for column in parsed(text).columns] == ["claim_id", "paid"]


def test_the_same_sample_gives_the_same_text() -> None:
    rows = [[f"C{n}", random.Random(n).choice(["a", "b", "c"]), str(n)] for n in range(99)]
    assert draft_contract("home", ["id", "x", "y"], rows) == draft_contract("home", ["id", "x", "y"], rows)


def test_every_yaml_parser_reads_the_same_draft() -> None:
    rows = [[f"C{n}", ["NO", "on", "y", "off", "1_0", "0x1f", "n", "0o7"][n % 8]] for n in range(80)]
    raw = yaml.safe_load(draft_contract("yes", ["claim_id", "country"], rows))
    values = raw["schema"][0]["properties"][1]["quality"][0]["arguments"]["validValues"]
    assert sorted(values) == sorted({row[1] for row in rows})
    assert raw["customProperties"][0] == {"property": "line", "value": "yes"}


_cells = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["", "?", "NA", "None", "1", "-2.5", "1,5", "1.234,5", "2024-01-31", "1/2/2024", "Y", "N", "x"]
    ),
)


@given(st.data())
@settings(max_examples=80, deadline=None)
def test_a_draft_of_any_sample_is_a_valid_contract(data: st.DataObject) -> None:
    width = data.draw(st.integers(1, 5))
    header = ["claim_id", *data.draw(st.lists(st.text(max_size=12), min_size=width, max_size=width))]
    number = data.draw(st.sampled_from([0, 1, 3, 40]))
    some = data.draw(st.lists(st.lists(_cells, min_size=width, max_size=width), min_size=1, max_size=4))
    rows = [[f"C{place}", *some[place % len(some)]] for place in range(number)]
    text = draft_contract("home", header, rows)
    if not any(folded_name(name) == "claim_id" for name in header[1:]):
        contract: Any = parsed(text)
        assert contract.identifier.name == "claim_id"


def test_a_made_up_name_is_not_the_title_of_a_later_column() -> None:
    contract: Any = parsed(draft_contract("home", ["claim_id", "A\u00bf", "A"], [["C1", "1", "2"]]))

    assert [column.name for column in contract.columns] == ["claim_id", "A_2", "A"]
    assert contract.column("A_2").synonyms == ("A\u00bf",)


def test_a_public_file_of_car_claims_gets_a_plausible_draft(auto_claims: list[list[str]]) -> None:
    text = draft_contract("auto", auto_claims[0], auto_claims[1:])
    contract = parsed(text, "auto")
    assert contract.identifier.name == "policy_number"
    assert [column.name for column in contract.columns if column.role is Role.EVENT_TIME] == ["incident_date"]
    assert contract.column("_c39") is None
    assert "umbrella" in text


@pytest.fixture
def auto_claims() -> list[list[str]]:
    """Rows like a public file of car claims: '?' for missing, an empty last column, an absurd limit."""
    draw = random.Random(7)
    header = ["age", "policy_number", "policy_bind_date", "umbrella_limit", "insured_zip", "insured_sex"]
    header += [
        "incident_date",
        "collision_type",
        "property_damage",
        "total_claim_amount",
        "fraud_reported",
        "_c39",
    ]
    rows = [
        [
            str(draw.randrange(19, 65)),
            str(100000 + number),
            f"{draw.randrange(1990, 2015)}-10-17",
            "-1000000" if number == 100 else draw.choice(["0", "5000000"]),
            str(draw.randrange(430000, 620000)),
            draw.choice(["MALE", "FEMALE"]),
            f"2015-01-{draw.randrange(1, 29):02}",
            draw.choice(["?", "Rear Collision", "Side Collision"]),
            draw.choice(["?", "YES", "NO"]),
            str(draw.randrange(100, 100000)),
            draw.choice("YN"),
            "",
        ]
        for number in range(300)
    ]
    return [header, *rows]
