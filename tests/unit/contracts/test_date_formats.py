"""Accepted date formats mean the same to strptime and to DuckDB."""

import re
from datetime import datetime

import duckdb
import pytest

from claimwatch.domain.contract.date_formats import ambiguous, format_problem, from_java, shape_of_format


@pytest.mark.parametrize(
    ("java", "text"),
    [
        ("dd.MM.yyyy", "05.03.2024"),
        ("M/d/yyyy", "3/5/2024"),
        ("yyyyMMdd", "20240305"),
        ("dd MMM yyyy", "05 Mar 2024"),
        ("yyyy-MM-dd'T'HH:mm:ss", "2024-03-05T00:00:00"),
        ("MM/dd/yyyy hh:mm a", "03/05/2024 12:00 AM"),
    ],
)
def test_java_formats_are_converted_to_strptime(java: str, text: str) -> None:
    form = from_java(java)
    assert form is not None
    assert format_problem(form, with_time=True) is None
    assert datetime.strptime(text, form) == datetime(2024, 3, 5)  # noqa: DTZ001, DTZ007
    assert duckdb.execute("SELECT strptime(?, ?)", [text, form]).fetchone() == (datetime(2024, 3, 5),)  # noqa: DTZ001


@pytest.mark.parametrize("java", ["YYYY-'W'ww", "yyyy-MM-ddXXX", "EEEE", "yyyy'"])
def test_unknown_java_formats_are_not_converted(java: str) -> None:
    assert from_java(java) is None


@pytest.mark.parametrize(
    ("form", "problem"),
    [
        ("%d.%m", "lacks the year, month or day"),
        ("%Y-%U", "%U"),
        ("%c", "%c"),
        ("%Y-%m-%d %z", "%z"),
        ("%Y-%m-%", "uses '%'"),
        ("%d/%m/%Y %d", "has '%d' more than once"),
    ],
)
def test_incomplete_or_unsupported_formats_are_refused(form: str, problem: str) -> None:
    assert problem in (format_problem(form, with_time=True) or "")


@pytest.mark.parametrize(
    ("form", "right", "wrong"),
    [
        (
            "%d/%m/%Y",
            ["03/02/2026", " 3/2/2026 ", "01/01/0001"],
            ["3/2/26", "3/2/226", "3-2-2026", "3/2/2026x"],
        ),
        ("%d.%m.%y", ["3.2.26"], ["3.2.2026", "3.2.6", "3x2x26"]),
        ("%Y%m%d", ["20260203"], ["2026023", "202602031"]),
        ("%d-%b-%y %I.%M.%S.%f %p", ["14-MAR-26 09.15.32.000000000 AM"], ["14-03-26 09.15.32.0 AM"]),
        ("%b %d, %Y 100%%", ["Mar  3, 2026 100%"], ["Mar 3 2026 100%"]),
    ],
)
def test_the_shape_of_a_format_allows_the_texts_that_it_describes_and_no_others(
    form: str, right: list[str], wrong: list[str]
) -> None:
    shape = shape_of_format(form)
    assert all(re.fullmatch(shape, text) for text in right)
    assert not any(re.fullmatch(shape, text) for text in wrong)
    assert duckdb.execute("SELECT regexp_full_match(?, ?)", [right[0], shape]).fetchone() == (True,)


@pytest.mark.parametrize(
    ("formats", "expected"),
    [
        (("%d/%m/%Y",), False),
        (("%d/%m/%Y", "%d.%m.%Y", "%Y%m%d"), False),
        (("%d/%m/%Y", "%d/%m/%y"), False),
        (("%d/%m/%Y", "%m/%d/%Y"), True),
        (("%d.%m.%Y %H:%M", "%Y%m%d", "%m.%d.%Y %H:%M"), True),
        (("%d/%m/%y", "%y/%m/%d"), True),
        (("%Y-%d-%m",), True),
    ],
)
def test_formats_that_read_a_text_as_two_dates_are_found(formats: tuple[str, ...], expected: bool) -> None:
    assert ambiguous(formats) is expected
