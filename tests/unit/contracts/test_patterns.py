"""Every accepted pattern runs in DuckDB."""

import re

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claimwatch.domain.contract.patterns import pattern_problem

CONNECTION = duckdb.connect()


def runs(pattern: str) -> bool:
    try:
        CONNECTION.execute("SELECT regexp_full_match('a', ?)", [pattern]).fetchall()
    except duckdb.Error:
        return False
    return True


@pytest.mark.parametrize(
    "pattern",
    [
        r"^MTR-[0-9A-F]{12}$",
        r"^[^@ ]+@[^@ ]+[.][a-z]+$",
        r"(?i)ab|cd",
        r"(?i:a)b",
        r"(?P<year>\d{4})-(?:\d\d)*?",
        r"[]a]",
        r"[^]a-z\]\-]+",
        r"[[:alpha:]]{2,}",
        r"\x41\.\/\-\@",
        r"(a{10}){10}",
        r"é+",
        r"a|",
        "",
    ],
)
def test_common_patterns_are_accepted(pattern: str) -> None:
    assert pattern_problem(pattern) is None
    assert runs(pattern)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(?=a)", "a look-around"),
        ("a(?!b)", "a look-around"),
        ("(?<=a)b", "a look-around"),
        ("(?<!a)b", "a look-around"),
        (r"(a)\1", "a backreference"),
        (r"(?P<x>a)(?P=x)", "a backreference"),
        (r"(a)?(?(1)b|c)", "a backreference"),
        ("(?>a)", "possessive"),
        ("a++", "possessive"),
        (r"a\Z", "write \\$"),
        ("(?#words)a", "a comment"),
        (r"\u00e9", "write the character itself"),
        ("a{,3}", r"write \{0,n\}"),
        ("a{1001}", "more than 1000 times"),
        ("((a{100}){100}){100}", "more than 1000 times"),
        ("(a", "is not a regular expression"),
        ("[z-a]", "is not a regular expression"),
        ("a" * 2000, "longer than 1000"),
    ],
)
def test_constructs_that_re2_lacks_are_refused_by_name(pattern: str, reason: str) -> None:
    problem = pattern_problem(pattern)
    assert problem is not None
    assert re.search(reason, problem)


_pieces = st.sampled_from(
    [
        *(
            "a",
            "é",
            ".",
            "^",
            "$",
            "|",
            "(",
            ")",
            "(?:",
            "(?i:",
            "(?i)",
            "(?P<n>",
            "(?",
            "[",
            "]",
            "[^",
            "[a-z]",
        ),
        *(
            "-",
            "\\d",
            "\\W",
            "\\b",
            "\\B",
            "\\A",
            "\\z",
            "\\Z",
            "\\1",
            "\\x41",
            "\\x",
            "\\u0041",
            "\\-",
            "\\_",
        ),
        *(
            "\\]",
            "\\\\",
            "\\",
            "*",
            "+",
            "?",
            "*?",
            "{2}",
            "{2,}",
            "{,2}",
            "{2,3}",
            "{1000}",
            "{0}",
            "{",
            "}",
        ),
        *(
            "[:alpha:]",
            "[[:alpha:]]",
            "&&",
            "#",
            " ",
            "\n",
            "=",
            "!",
            "<",
            ">",
            "0",
            "\\0",
            "\\n",
            "\\v",
            "\\a",
        ),
    ]
)


@given(st.lists(_pieces, max_size=8).map("".join))
@settings(max_examples=800, deadline=None)
def test_any_accepted_pattern_runs(pattern: str) -> None:
    if pattern_problem(pattern) is None:
        assert runs(pattern)
