"""A clone and the archive that a pipeline hands over have the same version."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from local.buildspec import copy_tree, source_version
from release.version import SOURCE_VERSION, code_version, source_commit
from tests.template.application import TEMPLATE

PROJECT = Path(__file__).resolve().parents[3]
GIT = ["git", "-c", "user.name=Test", "-c", "user.email=test@example.org"]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    folder = tmp_path / "clone"
    folder.mkdir()
    (folder / "pyproject.toml").write_text('[project]\nversion = "1.2.3"\n')
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "First"]):
        subprocess.run([*GIT, *command], cwd=folder, check=True)
    return folder


def head(clone: Path) -> str:
    done = subprocess.run([*GIT, "rev-parse", "HEAD"], cwd=clone, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_clone_and_its_archive_have_the_same_version(clone: Path, tmp_path: Path) -> None:
    archive = tmp_path / "archive"
    copy_tree(clone, archive)
    assert not (archive / ".git").exists()
    assert code_version(clone, {}) == f"1.2.3-{head(clone)[:12]}"
    assert code_version(archive, source_version(clone)) == code_version(clone, {})


def test_a_changed_tree_says_so(clone: Path, tmp_path: Path) -> None:
    (clone / "pyproject.toml").write_text('[project]\nversion = "1.2.4"\n')
    assert code_version(clone, {}) == f"1.2.4-{head(clone)[:12]}-dirty"
    assert code_version(clone, source_version(clone)) == code_version(clone, {})


def test_an_archive_in_s3_is_named_by_the_version_of_its_object(clone: Path) -> None:
    version = "3sL4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY+MTRCxf3vjVBH40Nr8X8gdRQBpUMLUo"
    assert source_commit(clone, {SOURCE_VERSION: version}) == version
    assert code_version(clone, {SOURCE_VERSION: version}) == "1.2.3-3sL4kqtJlcpXroDTDmJrmSpXd3dIbrHY"


def test_a_tree_without_git_and_without_a_source_is_unversioned(clone: Path) -> None:
    shutil.rmtree(clone / ".git")
    assert code_version(clone, {}) == "1.2.3-unversioned"


def test_the_template_accepts_the_version_of_this_tree() -> None:
    pattern = TEMPLATE["Parameters"]["CodeVersion"]["AllowedPattern"]
    assert re.search(pattern, code_version(PROJECT, {}))
    longest = code_version(PROJECT, {SOURCE_VERSION: "v" * 1024})
    assert re.search(pattern, longest)
    version = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    assert longest.startswith(f"{version}-")
