"""The plugin that keeps only the tests that use PostgreSQL leaves out no test that does."""

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

from release.database_tests import SERVERS
from tests.cluster import PROJECT

TESTS = """
import pytest

@pytest.fixture
def cluster(): ...

@pytest.fixture
def database(cluster): ...

def test_direct(cluster): ...

@pytest.mark.usefixtures("database")
def test_indirect(): ...

def test_without(tmp_path): ...
"""


@pytest.mark.slow
def test_only_tests_that_start_a_server_are_kept(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(TESTS)

    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "release.database_tests", "-p", "no:cacheprovider"),
            *("--collect-only", "-q", "--rootdir", str(tmp_path), str(tmp_path)),
        ],
        cwd=PROJECT,
        env={name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"},
        capture_output=True,
        text=True,
        check=True,
    )

    kept = [line.rpartition("::")[2] for line in done.stdout.splitlines() if "::" in line]
    assert kept == ["test_direct", "test_indirect"]
    assert "1 deselected" in done.stdout


def test_every_server_of_a_test_is_started_by_a_fixture_that_the_plugin_knows() -> None:
    names = ("Cluster", "PostgresServer")
    files = [PROJECT / "tests" / "conftest.py", *(PROJECT / "tests" / "faults").rglob("test_*.py")]
    for folder in (PROJECT / "tests" / "integration").iterdir():
        if folder.name != "laptop":  # its tests are about the servers of a laptop
            files += folder.rglob("*.py")
    found = {
        function.name
        for text in (file.read_text("utf-8") for file in files)
        if any(f"{name}(" in text for name in names)
        for function in ast.walk(ast.parse(text))
        if isinstance(function, ast.FunctionDef)
        if any(
            isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in names
            for call in ast.walk(function)
        )
    }
    assert found == SERVERS
