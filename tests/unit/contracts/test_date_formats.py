"""Accepted date formats mean the same to strptime and to DuckDB."""

from datetime import datetime

import duckdb
import pytest

from claimwatch.domain.contract.date_formats import format_problem, from_java


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
    ],
)
def test_incomplete_or_unsupported_formats_are_refused(form: str, problem: str) -> None:
    assert problem in (format_problem(form, with_time=True) or "")
