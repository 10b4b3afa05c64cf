"""Imports point one way: functions, use cases, storage and aws, and last the domain, which does no I/O."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[3]
PACKAGE = PROJECT / "layers" / "core" / "claimwatch"

BELOW = {
    "domain": set(),
    "aws": {"domain"},
    "storage": {"domain"},
    "ingest": {"domain", "aws", "storage"},
    "photos": {"domain", "aws", "storage"},
    "scoring": {"domain", "aws", "storage", "ingest"},
    "models": {"domain", "aws", "storage", "scoring"},
    "evaluation": {"domain", "aws", "storage", "scoring"},
}
"""What each room may import of the others; a room that is not here has yet to be given its place."""

ASTRAY = {"live_models.py: claimwatch.models.stored_bundle.read_bundle"}
"""Reading a stored bundle belongs to scoring, where it is used by both; until it is there, only this one."""

SHARED = {"errors", "allocation", "engine"}
"""Modules at the top that any room may import; settings and runtime are for functions."""

OUTSIDE = {
    "domain": {
        "numpy",
        "scipy",
        "PIL",
        "pillow_heif",
        "pydantic",
        "pydantic_core",
        "yaml",
        "open_data_contract_standard",
    },
    "aws": {"boto3", "botocore", "aws_lambda_powertools"},
    "storage": {"psycopg2"},
    "ingest": {"duckdb", "numpy", "psycopg2"},
    "photos": {"psycopg2"},
    "scoring": {"duckdb", "numpy", "onnxruntime", "psycopg2"},
    "models": {"psycopg2"},
    "evaluation": {"numpy", "psycopg2"},
}
"""Third-party packages of each room. None that serves has scikit-learn, MLflow or pandas in it."""

REACHES_OUT = {
    "os",
    "pathlib",
    "socket",
    "subprocess",
    "shutil",
    "tempfile",
    "urllib",
    "http",
    "time",
    "random",
}
"""What the domain has no use for: values come in, values go out, and time and chance are arguments."""

NUMPY_ONLY = ("features", "model", "calibration", "explain", "lift", "profile", "profile_rows", "reasons")
"""Modules of the domain that training and serving share."""


def imports(source: Path) -> Iterator[str]:
    """The modules that a file imports, wherever in it, but for those that only a type checker reads."""
    tree = ast.parse(source.read_text("utf-8"))
    skipped = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for branch in node.body
        for inner in ast.walk(branch)
    }
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{name.name}" for name in node.names)


def sources(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


def third_party(source: Path) -> set[str]:
    return {
        name.split(".")[0]
        for name in imports(source)
        if name.split(".")[0] not in sys.stdlib_module_names
        and name.split(".")[0] != "claimwatch"
        and not name.startswith("mypy_boto3")
    }


def rooms() -> set[str]:
    return {path.name for path in PACKAGE.iterdir() if path.is_dir() and list(path.glob("*.py"))}


def test_every_room_has_its_place() -> None:
    assert rooms() == BELOW.keys()


def test_no_room_is_below_itself() -> None:
    def all_below(room: str, seen: frozenset[str] = frozenset()) -> set[str]:
        assert room not in seen
        return BELOW[room].union(*(all_below(below, seen | {room}) for below in BELOW[room]))

    for room in BELOW:
        all_below(room)


@pytest.mark.parametrize("room", BELOW)
def test_a_room_imports_only_what_is_below_it(room: str) -> None:
    allowed = BELOW[room] | SHARED | {room}
    found = {
        f"{source.name}: {name}"
        for source in sources(PACKAGE / room)
        for name in imports(source)
        if name.startswith("claimwatch.") and name.split(".")[1] not in allowed
    }
    assert found - ASTRAY == set()


@pytest.mark.parametrize("room", BELOW)
def test_a_room_has_only_its_own_third_parties(room: str) -> None:
    found = {
        f"{source.name}: {name}"
        for source in sources(PACKAGE / room)
        for name in third_party(source) - OUTSIDE[room]
    }
    assert found == set()


def test_the_domain_does_not_reach_out() -> None:
    found = {
        f"{source.name}: {name}"
        for source in sources(PACKAGE / "domain")
        for name in imports(source)
        if name.split(".")[0] in REACHES_OUT
    }
    assert found == set()


@pytest.mark.parametrize("module", NUMPY_ONLY)
def test_what_training_and_serving_share_needs_nothing_but_numpy(module: str) -> None:
    assert third_party(PACKAGE / "domain" / f"{module}.py") <= {"numpy"}


def test_a_function_imports_claimwatch_and_no_sibling() -> None:
    found = {
        f"{source.parent.name}: {name}"
        for source in sources(PROJECT / "functions")
        for name in third_party(source) - {"aws_lambda_powertools"}
    }
    assert found == set()


def test_the_package_knows_nothing_of_what_is_built_on_it() -> None:
    above = {"training", "cli", "samples", "local", "benchmarks", "tests"}
    found = {f"{source.name}: {name}" for source in sources(PACKAGE) for name in third_party(source) & above}
    assert found == set()
