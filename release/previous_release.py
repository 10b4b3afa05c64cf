"""The tests of the last release, run on the schema of this tree: its code must run during a canary."""

import io
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import typer

from release.migrations import FOLDER, last_release

SCRATCH = ".local/previous-release"
"""The folder for the tree of the last release."""

_OTHERS = {"iam", "laptop", "formats"}
"""Folders of integration tests that need more than PostgreSQL."""

_REQUIREMENTS = "requirements/dev.txt"


def check_previous_release() -> None:
    """Run the tests of the last release that need only PostgreSQL, on the schema of this tree."""
    project = Path.cwd()
    tag = last_release(project)
    if tag is None:
        print("No release is tagged yet: there are no tests of an earlier release to run.")
        return
    tree = exported(project, tag, project / SCRATCH)
    code = run_tests(tree, python_of(tree, project))
    if code:
        raise typer.Exit(code)


def exported(project: Path, tag: str, tree: Path) -> Path:
    """Write the tree of a tag to a folder, with the migrations of this project in place of its own."""
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)
    archive = subprocess.run(["git", "-C", str(project), "archive", tag], stdout=subprocess.PIPE, check=True)
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as content:
        content.extractall(tree, filter="tar")
    shutil.rmtree(tree / FOLDER)
    shutil.copytree(project / FOLDER, tree / FOLDER, ignore=shutil.ignore_patterns("__pycache__"))
    return tree


def python_of(tree: Path, project: Path) -> Path:
    """Return a Python with the packages that a tree requires: this one, or one of its own."""
    if (tree / _REQUIREMENTS).read_bytes() == (project / _REQUIREMENTS).read_bytes():
        return Path(sys.executable)
    print("The release requires other packages: make setup in its tree.", flush=True)
    subprocess.run(["make", "setup"], cwd=tree, check=True)
    return tree / ".venv" / "bin" / "python"


def run_tests(tree: Path, python: Path, *options: str) -> int:
    """Run the tests of a tree, except those that describe its own schema; return the status of pytest."""
    folders = sorted(
        path
        for path in (tree / "tests" / "integration").iterdir()
        if path.is_dir() and path.name not in _OTHERS and any(path.glob("test_*.py"))
    )
    return subprocess.run(
        [
            str(python), "-m", "pytest", "-n", "2", "-m", "not schema_of_this_release",
            *(str(folder.relative_to(tree)) for folder in folders), "tests/faults",
            "--ignore", "tests/integration/training/test_auto_claims.py", *options,
        ],
        cwd=tree,
        # The tree of the release comes before this one, which the environment names.
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tree / "layers" / "core"), str(tree)])},
        check=False,
    ).returncode  # fmt: skip
