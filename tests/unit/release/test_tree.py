"""The hash of a tree changes with what reaches AWS, and with nothing else."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from release.tree import DEPLOYED, tree_sha256

PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A small tree with one file in each part, and files around it."""
    for name in DEPLOYED:
        path = tmp_path / name
        if path.suffix:
            path.write_text("Resources: {}\n")
            continue
        (path / "inner").mkdir(parents=True)
        (path / "inner" / "module.py").write_text("x = 1\n")
    for name in ("README.md", "samconfig.toml", "Makefile"):
        (tmp_path / name).write_text("words\n")
    (tmp_path / "tests").mkdir()
    return tmp_path


def touch(tree: Path) -> None:
    """Give every file another time."""
    for path in tree.rglob("*"):
        os.utime(path, (0, 0))


def compile_module(tree: Path) -> None:
    """Leave byte code beside a module."""
    (tree / "layers" / "inner" / "__pycache__").mkdir()
    (tree / "layers" / "inner" / "__pycache__" / "module.cpython-313.pyc").write_bytes(b"code")


UNCHANGED: dict[str, Callable[[Path], object]] = {
    "documents": lambda tree: (tree / "README.md").write_text("other words\n"),
    "tests": lambda tree: (tree / "tests" / "test_it.py").write_text("assert True\n"),
    "times": touch,
    "byte code": compile_module,
    "wishes of packages": lambda tree: (tree / "layers" / "requirements.in").write_text("numpy\n"),
    "files of the desktop": lambda tree: (tree / "functions" / ".DS_Store").write_bytes(b"\0"),
}

CHANGED: dict[str, Callable[[Path], object]] = {
    "a module": lambda tree: (tree / "layers" / "inner" / "module.py").write_text("x = 2\n"),
    "the template": lambda tree: (tree / "template.yaml").write_text("Resources: {A: {}}\n"),
    "a new file": lambda tree: (tree / "functions" / "inner" / "more.py").write_text(""),
    "a name": lambda tree: (tree / "training" / "inner" / "module.py").rename(tree / "training" / "it.py"),
    "pinned packages": lambda tree: (tree / "layers" / "requirements.txt").write_text("numpy==2.0\n"),
    "the right to execute": lambda tree: (tree / "layers" / "inner" / "module.py").chmod(0o755),
    "where a line ends": lambda tree: (tree / "contracts" / "inner" / "module.py").write_bytes(b"x = 1\r\n"),
}


@pytest.mark.parametrize("change", UNCHANGED)
def test_what_does_not_reach_aws_leaves_the_hash(change: str, tree: Path) -> None:
    before = tree_sha256(tree)
    UNCHANGED[change](tree)
    assert tree_sha256(tree) == before


@pytest.mark.parametrize("change", CHANGED)
def test_what_reaches_aws_changes_the_hash(change: str, tree: Path) -> None:
    before = tree_sha256(tree)
    CHANGED[change](tree)
    assert tree_sha256(tree) != before


def test_a_copy_has_the_same_hash_wherever_it_is(
    tree: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    copy = tmp_path_factory.mktemp("elsewhere") / "copy"
    shutil.copytree(tree, copy, symlinks=True)
    assert tree_sha256(copy) == tree_sha256(tree)


def test_a_missing_part_is_named(tree: Path) -> None:
    (tree / "template.yaml").unlink()
    with pytest.raises(FileNotFoundError, match=r"template\.yaml is part of every deployment"):
        tree_sha256(tree)


def test_the_hash_of_this_tree_is_accepted_by_the_template() -> None:
    assert len(tree_sha256(PROJECT)) == 64


def test_every_code_uri_of_the_template_is_hashed() -> None:
    text = (PROJECT / "template.yaml").read_text()
    uris = {
        line.split(":", 1)[1].strip() for line in text.splitlines() if line.strip().startswith("CodeUri:")
    }
    uris |= {line.split(":", 1)[1].strip() for line in text.splitlines() if "ContentUri:" in line}
    uris |= {line.split(":", 1)[1].strip() for line in text.splitlines() if "DefinitionUri:" in line}
    assert uris
    assert {uri.split("/")[0] for uri in uris} <= set(DEPLOYED)
