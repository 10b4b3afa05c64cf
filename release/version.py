"""The version of a tree: the same text from a clone and from the archive that a pipeline hands over."""

import os
import re
import subprocess
import tomllib
from collections.abc import Mapping
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
SOURCE_VERSION = "CODEBUILD_RESOLVED_SOURCE_VERSION"
"""Set by CodeBuild: the commit or, if the source is an object in S3, the version of the object."""

_COMMIT = re.compile(r"[0-9a-f]{40}(-dirty)?")


def source_commit(project: Path = PROJECT, environment: Mapping[str, str] = os.environ) -> str:
    """Return the commit of a tree, with ``-dirty`` if tracked files differ from it, or "unversioned".

    CodeBuild's variable comes first, because the archive that CodePipeline hands over has no ``.git``. The
    version of an object in S3 is returned as it is.
    """
    given = environment.get(SOURCE_VERSION)
    if given:
        return given
    if not (project / ".git").exists():
        return "unversioned"
    commit = _git(project, "rev-parse", "HEAD")
    if not commit:
        return "unversioned"
    return f"{commit}-dirty" if _git(project, "status", "--porcelain", "--untracked-files=no") else commit


def code_version(project: Path = PROJECT, environment: Mapping[str, str] = os.environ) -> str:
    """Return the parameter `CodeVersion` of a tree: the newest release, then where the tree comes from.

    For example ``0.1.0-32742f6abcde``, and ``0.1.0-32742f6abcde-dirty`` with changes that are not committed.
    """
    version = tomllib.loads((project / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    source = source_commit(project, environment)
    if _COMMIT.fullmatch(source):
        short = source[:12] + source[40:]
    else:
        short = re.sub(r"[^A-Za-z0-9._-]", "", source)[:32] or "unversioned"
    return f"{version}-{short}"


def print_version() -> None:
    """Print the version of this tree, as `make deploy` and the pipeline pass it to the template."""
    print(code_version())


def _git(project: Path, *arguments: str) -> str:
    """Return the output of git, or nothing if git is missing or refuses."""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=project, capture_output=True, text=True, check=False, timeout=60
        )
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""
