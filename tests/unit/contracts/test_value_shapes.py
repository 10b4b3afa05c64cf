"""Values show by form and by check digits that they are personal; amounts and numbers of claims do not."""

import random
from collections import Counter

import pytest
from stdnum import luhn
from stdnum.de import idnr
from stdnum.fr import nir
from stdnum.iso7064 import mod_97_10
from stdnum.nl import bsn

from claimwatch.domain.contract.header_words import Meaning
from claimwatch.domain.contract.value_shapes import is_person, personal_numbers, personal_values


def ibans(draw: random.Random, number: int) -> list[str]:
    """Return German account numbers with valid check digits."""
    accounts = [f"{draw.randrange(10**8):08}{draw.randrange(10**10):010}" for _ in range(number)]
    return [f"DE{98 - int(mod_97_10.checksum(account + 'DE00')):02}{account}" for account in accounts]


def valid(draw: random.Random, digits: int, is_valid: object, number: int = 40) -> list[str]:
    """Return random integers of a length for which a check succeeds."""
    assert callable(is_valid)
    found: list[str] = []
    while len(found) < number:
        value = str(draw.randrange(10 ** (digits - 1), 10**digits))
        if is_valid(value):
            found.append(value)
    return found


@pytest.mark.parametrize(
    ("meaning", "values"),
    [
        (Meaning.EMAIL, ["ann.roe@example.org", "BOB@EXAMPLE.COM", "x_y+z@mail.example.nl"]),
        (Meaning.PHONE, ["+49 171 2345678", "+44 20 7946 0123", "0033 6 12 34 56 78"]),
        (Meaning.PHONE, ["(555) 555-0123", "555-0199", "555.555.0123"]),
        (Meaning.PHONE, ["06 12 34 56 78", "0171/2345678", "040-1234567", "030 901820"]),
        (Meaning.PHONE, ["01712345678", "0201234567", "0612345678"]),
        (Meaning.OFFICIAL, ["536-90-4399", "219-09-9998", "078-05-1121"]),
        (Meaning.OFFICIAL, ["AB 12 34 56 C", "CE123456D", "JG103759A"]),
        (Meaning.OFFICIAL, ["RSSMRA85T10A562S", "MRTMTT91D08F205J"]),
        (Meaning.OFFICIAL, ["54362315K", "12345678Z", "X2482300W"]),
        (Meaning.CARD, ["4111 1111 1111 1111", "5500-0000-0000-0004"]),
        (Meaning.DEVICE, ["192.168.0.12", "2001:db8::1", "10.0.0.254"]),
        (Meaning.COORDINATE, ["52.5200, 13.4050", "48.13743,11.57549", "-33.8688; 151.2093"]),
        (Meaning.ADDRESS, ["Hauptstraße 12", "Lindenallee 5a", "Am Hang Str. 3"]),
        (Meaning.ADDRESS, ["12 rue Victor Hugo", "3, avenue Foch", "22 bis chemin vert"]),
        (Meaning.ADDRESS, ["Via Roma 12", "Calle Mayor, 5", "Kerkstraat 12b", "Corso Italia 1"]),
        (Meaning.ADDRESS, ["9935 4th Drive", "7121 Britain Lane", "221 Baker Street"]),
        (Meaning.ADDRESS, ["80331 München", "1012 AB Amsterdam", "75008 Paris", "SW1A 1AA"]),
        (Meaning.NAME, ["Maria Keller", "John Smith", "Aisha Khan", "Bartholomew Okonkwo"]),
        (Meaning.NAME, ["KELLER MARIA", "SMITH JOHN", "ROSSI GIUSEPPE"]),
        (Meaning.NAME, ["Keller, Maria", "Okonkwo, Chidi", "Nowak, Zbigniew"]),
        (Meaning.NAME, ["J. Okonkwo", "M. Keller", "Novak T."]),
        (Meaning.NAME, ["Dr. Okonkwo", "Frau Novak", "Mme Lefebvre", "Mr Habib"]),
        (Meaning.VIN, ["WVWZZZ1JZ3W386752", "1HGCM82633A004352", "VF1BB05CF12345678"]),
        (Meaning.PLATE, ["B-MW 1234", "M-AB 12", "HH-XY 999"]),
        (Meaning.PLATE, ["AB-123-CD", "EF-456-GH", "AA-999-BB"]),
        (Meaning.PLATE, ["12-ABC-3", "GH-345-K", "XX-12-34"]),
        (Meaning.BANK, ["DEUTDEFF", "BNPAFRPPXXX", "INGBNL2A", "BCITITMM", "CAIXESBB"]),
        (Meaning.USER, ["@mkeller", "@j_smith", "@aisha.k"]),
    ],
)
def test_personal_values_are_recognised_by_their_form(meaning: Meaning, values: list[str]) -> None:
    found = personal_values(Counter(values))
    assert found is not None
    assert (found.meaning, found.certain) == (meaning, True)


@pytest.mark.parametrize(
    "values",
    [
        ["petrol", "diesel", "electric"],
        ["Single Vehicle Collision", "Multi-vehicle Collision", "Vehicle Theft", "Parked Car"],
        ["Rear Collision", "Side Collision", "Front Collision"],
        ["Columbus", "Riverwood", "Arlington", "Springfield", "Hillsdale", "Northbend", "Northbrook"],
        ["Saab", "Mercedes", "Dodge", "Chevrolet", "Accura", "Nissan", "Audi", "Toyota", "Ford", "Suburu"],
        ["craft-repair", "machine-op-inspct", "prof-specialty", "tech-support", "priv-house-serv"],
        ["250/500", "100/300", "500/1000"],
        ["MTR-0A4F12345678", "MTR-99887766AABB", "MTR-000000000001"],
        ["CL-2024-000017", "CL-2024-000018", "CL-2025-100000"],
        ["POL-1000000001", "POL-1000000002"],
        ["COLLISION", "PROPERTY", "MATERIAL", "STANDARD", "COVERAGE"],
        ["1.234,50 €", "99,00 €"],
        ["31 to 35", "over 65", "16 to 17"],
        ["more than 7", "1 year", "2 to 3 years"],
        ["3 days", "12 months", "1 week"],
        ["01-02-2026", "13/02/2026", "2026-02-14", "02.03.2026 10.15", "03-04-26"],
        ["A4", "X5", "C300", "E400", "92x", "RAM"],
    ],
)
def test_kinds_of_things_and_numbers_of_claims_are_not_personal(values: list[str]) -> None:
    assert personal_values(Counter(values)) is None


def test_valid_check_digits_show_numbers_of_persons_and_cards() -> None:
    draw = random.Random(5)
    assert personal_values(Counter(ibans(draw, 5))) is not None
    for digits, check, meaning in (
        (9, bsn.is_valid, Meaning.OFFICIAL),
        (11, idnr.is_valid, Meaning.OFFICIAL),
        (15, nir.is_valid, Meaning.OFFICIAL),
        (16, lambda value: value[0] in "3456" and luhn.is_valid(value), Meaning.CARD),
    ):
        found = personal_numbers(valid(draw, digits, check))
        assert found is not None
        assert found.meaning is meaning


@pytest.mark.parametrize("digits", [7, 8, 9, 10, 11, 13, 15, 16])
def test_numbers_with_random_check_digits_are_not_personal(digits: int) -> None:
    draw = random.Random(digits)
    numbers = [str(draw.randrange(10 ** (digits - 1), 10**digits)) for _ in range(200)]
    assert personal_numbers(numbers) is None
    assert personal_numbers([str(4_010_001 + number) for number in range(200)]) is None


def test_texts_like_ibans_with_wrong_check_digits_are_no_accounts() -> None:
    values = [iban[:2] + f"{(int(iban[2:4]) + 1) % 97:02}" + iban[4:] for iban in ibans(random.Random(1), 9)]
    found = personal_values(Counter(values))
    assert found is None or found.meaning is not Meaning.BANK


def test_one_address_among_many_words_is_a_doubt() -> None:
    words = ["open", "closed", "paid", "refused", "waiting", "settled"] * 50
    found = personal_values(Counter([*words, "ask ann.roe@example.org"]))
    assert found is not None
    assert (found.meaning, found.certain) == (Meaning.EMAIL, False)


@pytest.mark.parametrize("header", ["ann.roe@example.org", "Maria Keller", "536-90-4399", "192.168.0.12"])
def test_a_header_that_is_a_person_is_recognised(header: str) -> None:
    assert is_person(header)


@pytest.mark.parametrize("header", ["claim_id", "Name", "total amount", "Kerstin", "paid 2024", "a.b"])
def test_names_of_columns_are_not_persons(header: str) -> None:
    assert not is_person(header)
