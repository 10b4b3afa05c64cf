"""A tree that CodePipeline has handed over has its symbolic links again after `make setup`."""

import os
import re
import subprocess
from pathlib import Path

from local.buildspec import copy_tree
from local.emulator import PROJECT

NOT_OF_THE_TREE = {"node_modules"}


def links_of(tree: Path) -> dict[str, str]:
    """Return the targets of the symbolic links of a tree by their paths."""
    found = {}
    for folder, folders, files in os.walk(tree):
        folders[:] = [name for name in folders if name not in NOT_OF_THE_TREE and not name.startswith(".")]
        for path in (Path(folder, name) for name in [*folders, *files]):
            if path.is_symlink():
                found[path.relative_to(tree).as_posix()] = os.readlink(path)
    return found


def test_links_are_files_after_codepipeline_and_links_again_after_make(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    copy_tree(PROJECT, tree)
    assert not links_of(tree)
    done = subprocess.run(["make", "links"], cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert links_of(tree) == links_of(PROJECT)
    assert links_of(tree)


def test_every_target_that_builds_makes_the_links_first() -> None:
    makefile = (PROJECT / "Makefile").read_text("utf-8")
    for target in ("setup", "build"):
        assert re.search(rf"^{target}: links ", makefile, re.MULTILINE), target
