"""The check build runs from a clean copy of the tree, and a failing test stops it with its reports."""

import shutil
import subprocess
from pathlib import Path

import pytest

from local.buildspec import BuildResult, run_buildspec
from release.files import project_files

PROJECT = Path(__file__).resolve().parents[3]

PLANTED = """
def test_that_passes() -> None:
    assert True


def test_that_fails() -> None:
    assert False
"""


@pytest.fixture(scope="module")
def downloads() -> dict[str, str]:
    """Packages that were downloaded before; everything else of a build is new."""
    done = subprocess.run(["uv", "cache", "dir"], capture_output=True, text=True, check=True)
    return {"UV_CACHE_DIR": done.stdout.strip()}


def check(source: Path, artifacts: Path, **variables: str) -> BuildResult:
    return run_buildspec(Path("buildspecs", "check.yml"), source, variables, artifacts, timeout=540)


def test_the_check_build_runs_to_its_end_from_a_clean_copy(tmp_path: Path, downloads: dict[str, str]) -> None:
    variables = downloads | {"CHECK_TARGETS": "unit", "UNIT": "tests/unit/release/test_version.py"}
    result = check(PROJECT, tmp_path, **variables)
    assert result.succeeded, result.log[-3000:]
    assert [phase.name for phase in result.phases] == ["install", "build"]
    counts = result.reports["tests"]
    assert counts.tests > 0
    assert (counts.failures, counts.errors) == (0, 0)
    assert (result.artifacts["primary"] / "unit.xml").exists()


def test_a_failing_test_fails_the_check_build_which_still_leaves_its_reports(
    tmp_path: Path, downloads: dict[str, str]
) -> None:
    source = tmp_path / "source"
    for path in project_files(PROJECT):
        (source / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(PROJECT / path, source / path, follow_symlinks=False)
    planted = source / "tests" / "unit" / "planted" / "test_planted.py"
    planted.parent.mkdir()
    planted.write_text(PLANTED)
    variables = downloads | {"CHECK_TARGETS": "unit", "UNIT": "tests/unit/planted"}
    result = check(source, tmp_path / "artifacts", **variables)
    assert result.status == "FAILED"
    assert [(phase.name, phase.succeeded) for phase in result.phases] == [("install", True), ("build", False)]
    assert (result.reports["tests"].tests, result.reports["tests"].failures) == (2, 1)
    assert "[build] $ ls -l reports" in result.log
    assert "test_that_fails" in (result.artifacts["primary"] / "unit.xml").read_text()
