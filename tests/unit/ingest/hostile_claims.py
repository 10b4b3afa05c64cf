"""Contracts with every option and claims in every notation, drawn from a seed."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from claimwatch.domain.contract.contract import (
    Bound,
    Column,
    Contract,
    DatePart,
    ExtraValues,
    LogicalType,
    NegativeNumbers,
    Role,
)
from claimwatch.domain.contract.date_formats import format_problem
from claimwatch.domain.validation.claim_json import read_claim
from claimwatch.domain.validation.claim_validator import ClaimValidator, RejectedClaim

DATE_FORMATS = (
    *(
        "%d.%m.%Y",
        "%m/%d/%Y",
        "%d/%m/%Y",
        "%d-%b-%Y",
        "%B %d, %Y",
        "%d %b %y",
        "%Y%m%d",
        "%y%m%d",
        "%Y%j",
        "%j/%Y",
    ),
    *(
        "%a %d %b %Y",
        "%A, %d.%m.%y",
        "%Y.%m.%d",
        "%d%b%Y",
        "%b%d %Y",
        "%%%d %m %Y",
        "é%Y-%m-%d",
        "%Y/%m/%d %j",
    ),
)
TIME_FORMATS = (
    *(
        "%d.%m.%Y %H:%M",
        "%m/%d/%Y %I:%M:%S %p",
        "%Y-%m-%d %H.%M.%S.%f",
        "%Y%m%d%H%M%S",
        "%d/%m/%y %H:%M:%S,%f",
    ),
    *(
        "%d-%b-%y %I.%M.%S.%f %p",
        "%Y%m%dT%H%M",
        "%a %b %d %H:%M:%S %Y",
        "%d.%m.%Y %H",
        "%Y-%m-%d %p",
        "%d.%m.%Y",
    ),
    *("%Y %j %H:%M", "%d.%m.%Y  %H:%M %S"),
)
SEPARATORS = ("-", "/", ".", " ", "", "T", ":", ", ", "  ", " de ", "%%", "é", "0", "\t", "\u00a0", "'")
BLANKS = (
    "",
    "",
    "",
    "",
    " ",
    "\t",
    "\n",
    "\u00a0",
    "\u202f",
    "\u2009",
    "\v",
    "\f",
    "\r",
    "  ",
    "\u3000",
    "\u200b",
)
PATTERNS = (
    "^C[0-9]+$",
    "[A-Z]{1,3}",
    r"\w+",
    r"^\d{1,4}$",
    ".*",
    "(?i)[a-zé ]*",
    r"[^\s]+",
    "(a|aa)+$",
    r"^\S+ ?$",
    "(?s).+",
)
WORDS = (
    "fire",
    "theft, burglary",
    'a "quote"',
    "Ä",
    "A\u0308",
    "x\r\ny",
    "ja",
    "1.0",
    "nan",
    "[1]",
    "42",
    "İ",
    "\u200bfire",
)
ALPHABET = (
    "0123456789.,-+eE aZ\u2212'\"\\_\u00a0\t\n/"
    ":%()[]{}\u1e9eİß€\u200b\u0660\x1f\x02\x01\u2028\ud7ff\U0001f600?"
)


def contract(random: Random) -> Contract:
    """Return a contract with columns of every type, whose options are drawn."""
    columns = [_identifier(random)]
    for number, kind in enumerate([*LogicalType, *LogicalType, *random.choices(list(LogicalType), k=3)]):
        columns.append(_column(random, f"c{number}_{kind}", kind))
    columns += [
        Column(
            f"part{number}",
            LogicalType.STRING if number else random.choice([LogicalType.STRING, LogicalType.INTEGER]),
            Role.IGNORED,
        )
        for number in range(3)
    ]
    parts = random.choice(
        [
            ((DatePart.YEAR, "part0"), (DatePart.MONTH, "part1"), (DatePart.DAY, "part2")),
            ((DatePart.YEAR_MONTH, "part1"), (DatePart.DAY, "15")),
            ((DatePart.YEAR, "part0"), (DatePart.ISO_WEEK, "part1"), (DatePart.WEEKDAY, "part2")),
            ((DatePart.YEAR, "part0"), (DatePart.DAY_OF_YEAR, "part1")),
        ]
    )
    columns.append(
        Column("made", LogicalType.DATE, Role.EVENT_TIME, required=random.random() < 0.3, date_parts=parts)
    )
    random.shuffle(columns)
    event = random.choice(
        [None, None, *(each.name for each in columns if each.logical_type in ("string", "integer"))]
    )
    return Contract(
        "motor", "1.0.0", "claim_motor", tuple(columns), event=event, extra=random.choice(list(ExtraValues))
    )


def _identifier(random: Random) -> Column:
    kind = random.choice([LogicalType.STRING, LogicalType.STRING, LogicalType.INTEGER])
    pattern = random.choice([None, None, "^[A-Z0-9-]+$"]) if kind is LogicalType.STRING else None
    return Column(
        "claim_id",
        kind,
        Role.IDENTIFIER,
        required=True,
        unique=True,
        pattern=pattern,
        synonyms=("Claim number",),
        max_length=random.choice([None, 12]) if kind is LogicalType.STRING else None,
        personal=random.random() < 0.2,
        missing_values=random.choice([(), ("?", "0", "1.0")]),
    )


def _column(random: Random, name: str, kind: LogicalType) -> Column:
    some = random.random
    options: dict[str, Any] = {
        "required": some() < 0.2,
        "personal": some() < 0.2,
        "missing_values": random.choice(
            [(), ("?", "NA"), ("-1", "5.5", "5.0", "n/a"), ("NaN", "00", "true")]
        ),
        "synonyms": random.choice([(), (f"{name} (old)",), ("a/b~c",) if name.startswith("c1_") else ()]),
    }
    if kind in (LogicalType.INTEGER, LogicalType.NUMBER):
        decimal = random.choice([".", ".", ","])
        others = [each for each in ("", "", ",", ".", " ", "'", "_", "\u00a0", "\u2019") if each != decimal]
        options |= {
            "decimal_separator": decimal,
            "thousands_separator": random.choice(others),
            "units": random.choice([(), (), ("EUR", "€", "%"), ("km", "km/h")]),
            "negatives": random.choice([(), (), tuple(NegativeNumbers), (NegativeNumbers.TRAILING,)]),
            **_bounds(
                random, lambda: Decimal(random.choice(["0", "1", "-5", "12.5", "100", "1E+2", "0.1", "-0"]))
            ),
        }
        if kind is LogicalType.INTEGER and some() < 0.2:
            options["valid_values"] = ("1", "2", "-3", "1000")
    elif kind is LogicalType.STRING:
        options |= {
            "min_length": random.choice([None, None, 2]),
            "max_length": random.choice([None, None, 5, 41]),
            "pattern": random.choice([None, None, *PATTERNS]),
            "hashed": some() < 0.2,
        }
        if some() < 0.3:
            options["valid_values"] = tuple(random.sample(WORDS, random.randint(1, 10)))
    elif kind is LogicalType.BOOLEAN:
        options |= random.choice(
            [
                {},
                {"true_words": ("ja", "vá"), "false_words": ("nein", "i\u0307")},
                {"true_words": ("0",), "false_words": ("1", "true")},
            ]
        )
    else:
        formats = DATE_FORMATS if kind is LogicalType.DATE else (*DATE_FORMATS, *TIME_FORMATS, *TIME_FORMATS)
        options["date_formats"] = tuple(random.sample(formats, random.choice([0, 0, 1, 1, 2, 3])))
        if some() < 0.3:
            options["date_formats"] = (_format(random, with_time=kind is LogicalType.TIMESTAMP),)
        if kind is LogicalType.DATE:
            options |= _bounds(random, lambda: date(random.randint(1900, 2100), random.randint(1, 12), 1))
        else:
            zone = random.choice([None, UTC])
            options |= _bounds(random, lambda: datetime(random.randint(1900, 2100), 6, 1, 12, tzinfo=zone))
    return Column(name, kind, Role.FEATURE, **options)


def _format(random: Random, *, with_time: bool) -> str:
    """Return any date format that a contract may have."""
    while True:
        day = random.choice(["md", "dm", "bd", "Bd", "db", "j"])
        letters = [random.choice("YYYy"), *day]
        if random.random() < 0.5:
            random.shuffle(letters)
        if with_time:
            letters += random.choice(["", "HM", "HMS", "IMp", "HMSf", "pI", "Hp", "I", "Sf"])
        while random.random() < 0.15:
            letters.insert(random.randrange(len(letters) + 1), random.choice("YymdbBHIMSfpjaA%"))
        form = "".join(f"%{letter}{random.choice(SEPARATORS)}" for letter in letters)
        if format_problem(form, with_time=with_time) is None:
            return form


def _bounds(random: Random, bound: Any) -> dict[str, Bound]:
    if random.random() < 0.6:
        return {}
    least, most = sorted([bound(), bound()])
    return dict(
        random.sample(
            [
                ("minimum", least),
                ("maximum", most),
                ("exclusive_minimum", least),
                ("exclusive_maximum", most),
            ],
            2,
        )
    )


def claim(random: Random, validator: ClaimValidator) -> str:
    """Return the JSON text of a claim: a sound one, one with a few problems, or anything."""
    if random.random() < 0.02:
        return random.choice(
            ["7", "null", '"text"', "[]", "{}", "[{}]", "true", "NaN", '{"x": 1}', '{"x": null}']
        )
    columns = validator.contract.columns
    dirty, unsound = random.choice([(0.0, 0.0), (0.02, 0.0), (0.02, 0.05), (0.1, 0.1), (0.5, 0.5)])
    cells = {column.name: _cell(random, column, dirty) for column in columns}
    kept = {column.name for column in columns if random.random() < unsound}
    for _ in range(10):  # most notations do not suit a column: draw again those that do not
        text = _written(random, {name: cell for name, cell in cells.items() if cell}, columns, plain=True)
        found = validator.validate(read_claim(text))
        problems = found.problems if isinstance(found, RejectedClaim) else ()
        wrong = {problem.column for problem in problems} - kept
        if not wrong:
            break
        again = columns if None in wrong else [column for column in columns if column.name in wrong]
        parts = [column for column in columns if column.name.startswith("part")] if "made" in wrong else []
        cells |= {column.name: _cell(random, column, 0.0) for column in (*again, *parts)}
    return _written(random, {name: cell for name, cell in cells.items() if cell}, columns, plain=False)


def _cell(random: Random, column: Column, dirty: float) -> str:
    """Return the JSON text of a value, or an empty text if the claim does not have the column."""
    if random.random() < (0.0 if column.required else 0.1) or (
        column.name == "made" and random.random() < 0.7
    ):
        return ""
    return _hostile(random) if random.random() < dirty else _value(random, column)


def _written(random: Random, cells: dict[str, str], columns: Sequence[Column], *, plain: bool) -> str:
    if plain:
        return "{" + ",".join(f"{json.dumps(name)}:{cell}" for name, cell in cells.items()) + "}"
    members = []
    for column in columns:
        if column.name in cells:
            key = json.dumps(_key(random, column), ensure_ascii=random.random() < 0.5)
            members.append(f"{key}:{cells[column.name]}")
            if random.random() < 0.001:
                members.append(f"{json.dumps(_key(random, column))}:{cells[column.name]}")
    while random.random() < 0.15:
        value = (
            _hostile(random)
            if random.random() < 0.3
            else random.choice(["1.50", "-0", "[1.0]", '"x"', "1E3"])
        )
        members.append(f"{json.dumps(random.choice(['extra', 'x', 'note', 'Extra ', '']))}:{value}")
    if random.random() < 0.2:
        random.shuffle(members)
    return "{" + random.choice([",", ", ", " ,\t"]).join(members) + "}"


def _key(random: Random, column: Column) -> str:
    name = random.choice([column.name, *column.synonyms])
    change = random.random()
    if change < 0.9:
        return name
    if change < 0.93:
        return name.upper()
    if change < 0.96:
        return name.replace("_", random.choice(["-", " ", ".", "__", "_\u200b"]))
    if change < 0.9999:
        return f" {name}\u00a0"
    return name + "\u200b" * 220


def _value(random: Random, column: Column) -> str:
    """Return the JSON text of a value that probably suits the column."""
    if random.random() < 0.08:
        return random.choice(["null", '""', '" "', *(json.dumps(token) for token in column.missing_values)])
    match column.logical_type:
        case LogicalType.STRING:
            return _text(random, column)
        case LogicalType.BOOLEAN:
            words = [
                "true",
                "false",
                "1",
                "0",
                "1.0",
                '"yes"',
                '" N\u00a0"',
                '"TRUE"',
                '"\\tno"',
                '"ja"',
                '"VÁ"',
                '"İ"',
                '"nein"',
            ]
            return random.choice(words)
        case LogicalType.INTEGER | LogicalType.NUMBER:
            return _number(random, column)
        case _:
            return json.dumps(_padded(random, _moment(random, column)), ensure_ascii=random.random() < 0.5)


def _text(random: Random, column: Column) -> str:
    if column.valid_values and random.random() < 0.8:
        return json.dumps(random.choice(column.valid_values))
    if column.role is Role.IDENTIFIER:
        forms = [
            f"C{random.randint(0, 10**6)}",
            f"A-{random.random()}",
            str(random.randint(0, 10**20)),
            f'="{random.randint(0, 99):04}"',
        ]
        ids = [
            *map(json.dumps, forms),
            str(random.randint(0, 10**17)),
            f"{random.randint(0, 9999)}.0",
            "12.000",
            "1E5",
            '"1.234E3"',
            '"12.0"',
        ]
        return random.choice(
            [*ids, *ids, '"a\\u00a0b"', '"\\ufeffC1 "', '"\\ufffd"', '"C\\t1"', "9007199254740993.0"]
        )
    if column.name.startswith("part"):
        return random.choice(
            [
                '"3"',
                "3",
                "12.0",
                '"März"',
                '"Fri"',
                "2026",
                '"2026-03"',
                "202603",
                '"5.0"',
                '" 7 "',
                "53",
                '"366"',
                "0",
            ]
        )
    return random.choice(
        [
            json.dumps(random.choice(WORDS)),
            json.dumps("ab" * random.randint(1, 25)),
            '"C12"',
            "5",
            "5.5",
            "5.0",
            "1.50",
            "-0",
            "true",
            "12345678901234567890",
            "12345678901234567.5",
            '[1, 2.50, {"a\\n": [null, "\\u001F\\u00e9/\\"\\\\", -0.0, 1e5]}]',
            '"é"',
            '"  "',
        ]
    )


def _number(random: Random, column: Column) -> str:
    digits = random.choice(
        [
            str(random.randint(0, 200)),
            f"{random.uniform(0, 200):.{random.randint(0, 4)}f}",
            str(random.randint(0, 10**19)),
            "0",
            "-0",
            "1.0",
            repr(random.uniform(-1e6, 1e6)),
            f"{random.uniform(1, 9)}e{random.randint(-30, 30)}",
            "007",
            "1000",
            "9223372036854775807",
            "1e400",
        ]
    )
    if random.random() < 0.4:
        return digits.removeprefix("00")
    separator, sign = (
        column.thousands_separator,
        random.choice(["", "", "", "-", "+", "\u2212", "- ", "(", "--"]),
    )
    whole, point, rest = digits.lstrip("-").partition(".")
    if separator and random.random() < 0.7 and whole.isdigit():
        separator = random.choice([separator, "\u202f" if separator in " \u00a0" else separator])
        whole = f"{int(whole):,}".replace(",", separator)
    text = whole + (column.decimal_separator if random.random() < 0.9 else ".") * bool(point) + rest
    text = f"({text})" if sign == "(" else random.choice([f"{sign}{text}", f"{sign}{text}", f"{text}{sign}"])
    if column.units and random.random() < 0.5:
        unit, gap = random.choice(column.units), random.choice(["", " ", "\u00a0"])
        text = random.choice([f"{unit}{gap}{text}", f"{text}{gap}{unit}"])
    return json.dumps(_padded(random, text), ensure_ascii=random.random() < 0.5)


def _moment(random: Random, column: Column) -> str:
    year = random.choice([2026, 2024, 1999, 1960, 1, 9999, 1500])
    moment = datetime(year, 1, 1) + timedelta(  # noqa: DTZ001 - only written
        random.randint(0, 364),
        random.choice([0, random.randint(0, 86399)]),
        random.choice([0, 0, random.randint(0, 999999)]),
    )
    if column.date_formats and random.random() < 0.7:
        form = random.choice(column.date_formats)
        text = moment.strftime(form).replace(
            "000000", random.choice(["0", "5", "123456789", "1234565", "000000"])
        )
        return random.choice(
            [
                text,
                text,
                text.lower(),
                text.upper(),
                text.replace(" 0", " "),
                text.replace("0", "", 1),
                text.replace(" ", "  "),
            ]
        )
    day = f"{moment.year:04}-{moment.month:02}-{moment.day:02}"
    time = random.choice(
        [
            f"{moment:%H:%M}",
            f"{moment:%H:%M:%S}",
            f"{moment:%H:%M:%S}.{moment.microsecond}",
            "24:00",
            "24:00:00.0",
            "00:00",
            "24:00:00",
        ]
    )
    time = random.choice(
        [
            time,
            time,
            time.replace(".", ","),
            f"{moment:%H:%M:%S}.{random.randint(0, 10**9)}",
            "23:59:60",
            "25:00",
            "10",
        ]
    )
    zone = random.choice(
        ["", "", "Z", " z", " UTC", "+01:00", " -0530", "+15", "-00:30", "+16:00", " CET", "utc"]
    )
    text = random.choice([day, f"{day}{random.choice('TTt ')}{time}{zone}"])
    return random.choice(
        [
            text,
            text,
            text,
            f"{moment:%Y-%m-%dT%H:%M:%S}",
            text.replace("-0", "-3"),
            "0000-00-00",
            f"{moment:%Y}-02-30",
        ]
    )


def _padded(random: Random, text: str) -> str:
    return random.choice(BLANKS) + text + random.choice(BLANKS)


def _hostile(random: Random) -> str:
    """Return any JSON value."""
    kind = random.random()
    if kind < 0.5:
        text = "".join(random.choices(ALPHABET, k=random.choice([0, 1, 2, 3, 5, 8, 41, 60])))
        return json.dumps(text, ensure_ascii=random.random() < 0.5)
    if kind < 0.7:
        return random.choice(
            [
                "NaN",
                "Infinity",
                "-Infinity",
                "true",
                "false",
                "null",
                "-0",
                "0.0",
                "1E5",
                "1e-400",
                "-1e-400",
                "1e99999",
                "0e99999",
                "1" * 30,
                "1" * 401,
                "1." + "0" * 398,
                "-9223372036854775808",
                "9223372036854775808",
                "0.1e1",
                "12.50",
                "1e12345",
            ]
        )
    if kind < 0.8:
        return random.choice(
            [
                '"\\u0000"',
                '"a\\\\u0000"',
                '"\\ud800"',
                '"\\ud83d\\ude00"',
                '"\\u001f12.0"',
                '"\\u001f\\u00025"',
                '"\\"\\\\u001f5\\""',
            ]
        )
    if kind < 0.9:
        return random.choice(
            [
                " [] ",
                "{}",
                '["NaN"]',
                "[NaN]",
                '{"claim_id": 1}',
                "[[" * 20 + "]]" * 20,
                "[" * 999 + "]" * 999,
                "[" * 1000 + "]" * 1000,
                '{"a": "x\\/\\u00e9", "a": 1.10}',
                "[1" + "0" * 999 + "]",
                "[1" + "0" * 998 + "]",
                "[1e-12345]",
                '["1e12345"]',
            ]
        )
    return json.dumps(
        "".join(
            map(
                chr,
                random.choices(
                    [*range(1, 0x250), 0x2028, 0xFEFF, 0xFFFD, 0x1F600, 0x661], k=random.randint(1, 12)
                ),
            )
        )
    )


def claims(seed: int, number: int) -> tuple[Contract, Sequence[str]]:
    """Return a contract and the texts of claims for it."""
    random = Random(seed)
    drawn = contract(random)
    validator = ClaimValidator(drawn)
    return drawn, [claim(random, validator) for _ in range(number)]
