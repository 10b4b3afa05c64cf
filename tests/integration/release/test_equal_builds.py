"""Equal trees make equal packages, wherever they are built: a release of documents shifts no traffic."""

import os
import subprocess
import sys
from pathlib import Path

from samcli.lib.utils.hash import dir_checksum

from local.buildspec import copy_tree
from release.tree import tree_sha256

PROJECT = Path(__file__).resolve().parents[3]
BUILD = Path(".aws-sam", "build")


def checksums(project: Path) -> dict[str, str]:
    """Return the checksum of each built function and layer, from which `sam package` makes its key in S3."""
    return {
        folder.name: dir_checksum(str(folder)) for folder in (project / BUILD).iterdir() if folder.is_dir()
    }


def test_an_archive_of_this_tree_is_built_to_the_same_packages(tmp_path: Path) -> None:
    """Needs `make build` of this tree, which `make test` runs first."""
    archive = tmp_path / "archive"
    copy_tree(PROJECT, archive)
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    for command in (["make", "links"], ["python", "-m", "release", "desk"], ["sam", "build"]):
        done = subprocess.run(
            command, cwd=archive, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr[-3000:]
    assert tree_sha256(archive) == tree_sha256(PROJECT)
    built = checksums(archive)
    assert len(built) > 30
    assert built == checksums(PROJECT), "a layer or function differs, or `make build` is older than the tree"
