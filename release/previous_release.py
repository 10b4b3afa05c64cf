"""The tests of the last release, run on the schema of this tree: its code must run during a canary."""

import io
import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import typer

from release import database_tests
from release.recorded_migrations import FOLDER, migrations_of

SCRATCH = ".local/previous-release"
"""The folder for the tree of the last release."""

_OTHERS = {"iam", "laptop", "formats", "release"}
"""Folders of integration tests that need more than PostgreSQL, or nothing of it."""

_PLUGIN = Path(database_tests.__file__)
"""Leaves out the single tests that do not use it."""

_REQUIREMENTS = "requirements/dev.txt"


def check_previous_release() -> None:
    """Run the tests of the last release that need only PostgreSQL, on the schema of this tree."""
    project = Path.cwd()
    tag = last_release(project)
    if tag is None:
        print("No tag of a release is in this copy's history: there are no earlier tests to run.")
        return
    tree = exported(project, tag, project / SCRATCH)
    if migrations_of(tree) == migrations_of(project):
        print(f"No migration was added since {tag}: its code runs on the same schema.")
        return
    use_migrations_of(project, tree)
    shutil.copy2(_PLUGIN, tree / "release")  # the release may be older than the plugin
    code = run_tests(tree, python_of(tree, project))
    if code:
        raise typer.Exit(code)


def last_release(project: Path) -> str | None:
    """Return the tag of the last release in the history of HEAD; None if there is none."""
    found = subprocess.run(
        ["git", "-C", str(project), "describe", "--tags", "--abbrev=0", "--match", "v[0-9]*"],
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip() or None


def exported(project: Path, tag: str, tree: Path) -> Path:
    """Write the tree of a tag to a folder."""
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir(parents=True)
    archive = subprocess.run(["git", "-C", str(project), "archive", tag], stdout=subprocess.PIPE, check=True)
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as content:
        content.extractall(tree, filter="tar")
    return tree


def use_migrations_of(project: Path, tree: Path) -> None:
    """Put the migrations of a project in place of those of a tree."""
    shutil.rmtree(tree / FOLDER)
    shutil.copytree(project / FOLDER, tree / FOLDER, ignore=shutil.ignore_patterns("__pycache__"))


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
            "-p", f"release.{_PLUGIN.stem}", *(str(folder.relative_to(tree)) for folder in folders),
            "tests/faults", *options,
        ],
        cwd=tree,
        # The tree of the release comes before this one, which the environment names.
        env=os.environ | {"PYTHONPATH": os.pathsep.join([str(tree / "layers" / "core"), str(tree)])},
        check=False,
    ).returncode  # fmt: skip
