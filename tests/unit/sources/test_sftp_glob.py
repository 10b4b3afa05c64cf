"""Globs over the paths of a server."""

import fnmatch
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimwatch.domain.sources.glob import Glob


def matches(glob: str, path: str) -> bool:
    """Return whether a walk from the base of the glob finds the path."""
    compiled = Glob(glob)
    base = "" if compiled.base == "." else compiled.base.rstrip("/") + "/"
    if not path.startswith(base):
        return False
    *folders, name = path.removeprefix(base).split("/")
    states = compiled.start
    for folder in folders:
        states = compiled.enter(states, folder)
    return compiled.matches(states, name)


@pytest.mark.parametrize(
    ("glob", "base"),
    [
        ("*.csv", "."),
        ("a.csv", "."),
        ("out/motor/*.csv", "out/motor"),
        ("/data/out/claims.csv", "/data/out"),
        ("/*.csv", "/"),
        ("out/20??/*.csv", "out"),
        ("./out//motor/*.csv", "out/motor"),
    ],
)
def test_only_folders_before_the_first_wildcard_are_opened_as_they_are(glob: str, base: str) -> None:
    assert Glob(glob).base == base


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("*.csv", "a.csv"),
        ("a.csv", "a.csv"),
        ("out/*.csv", "out/a b.csv"),
        ("out/claims_[0-9][0-9].csv", "out/claims_07.csv"),
        ("out/claims_[!0-9].csv", "out/claims_x.csv"),
        ("out/20??/*/c.csv", "out/2026/11/c.csv"),
        ("/srv/*.csv", "/srv/a.csv"),
        ("out/**/*.csv", "out/a.csv"),
        ("out/**/*.csv", "out/2026/11/a.csv"),
        ("out/**", "out/2026/11/a.csv"),
        ("out/**", "out/a.csv"),
        ("**/motor/**/*.csv", "x/y/motor/a.csv"),
        ("**/motor/**/*.csv", "motor/x/a.csv"),
        ("*.csv", "zeile\n.csv"),
    ],
)
def test_a_path_matches_name_by_name(glob: str, path: str) -> None:
    assert matches(glob, path)


@pytest.mark.parametrize(
    ("glob", "path"),
    [
        ("*.csv", "out/a.csv"),
        ("*.csv", "a.CSV"),
        ("*.csv", "a.csv.gz"),
        ("out/*.csv", "out/2026/a.csv"),
        ("out/*/a.csv", "out/a.csv"),
        ("out/**/*.csv", "in/a.csv"),
        ("out/**/*.csv", "out/2026/a.txt"),
        ("**/motor/*.csv", "motor/x/a.csv"),
        ("a?c", "a/c"),
    ],
)
def test_wildcards_never_match_a_slash_nor_another_case(glob: str, path: str) -> None:
    assert not matches(glob, path)


@pytest.mark.parametrize("folder", ["2027", "x", "20266"])
def test_folders_in_which_nothing_can_match_are_not_entered(folder: str) -> None:
    glob = Glob("out/2026/*/*.csv".replace("2026", "202[0-6]"))
    assert not glob.enter(glob.start, folder)


def test_the_path_is_that_of_the_server() -> None:
    assert Glob("/srv/out/*/*.csv").path(("2026", "a.csv")) == "/srv/out/2026/a.csv"
    assert Glob("out/*.csv").path(("a.csv",)) == "out/a.csv"
    assert Glob("*.csv").path(("a.csv",)) == "a.csv"


NAMES = st.text("ab.*?", min_size=1, max_size=4).filter(lambda name: name not in {".", ".."})
PATTERNS = st.lists(st.one_of(NAMES, st.just("**")), min_size=1, max_size=4)


@given(PATTERNS, st.lists(NAMES, min_size=1, max_size=5))
def test_globs_match_as_their_patterns_define(patterns: list[str], names: list[str]) -> None:
    def defined(patterns: list[str], names: list[str]) -> bool:
        if not patterns or not names:
            return not patterns and not names
        if patterns[0] == "**":
            after = patterns[1:] or ["*"]
            return any(defined(after, names[skipped:]) for skipped in range(len(names)))
        return fnmatch.fnmatchcase(names[0], patterns[0]) and defined(patterns[1:], names[1:])

    path = str(PurePosixPath(*names))
    glob = "/".join(patterns)
    fixed = Glob(glob).base
    if fixed != "." and not path.startswith(f"{fixed}/"):
        assert not defined(patterns, names)
    else:
        assert matches(glob, path) == defined(patterns, names)
