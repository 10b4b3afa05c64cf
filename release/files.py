"""The files of a tree: those that git knows or would add; in an archive, all that are not generated."""

import os
import subprocess
from pathlib import Path

GENERATED = frozenset(
    {
        ".aws-sam",
        ".hypothesis",
        ".local",
        ".mypy_cache",
        ".postgres-17",
        ".pytest_cache",
        ".ruff_cache",
        ".venv",
        ".venv-analysis",
        ".venv-checkov",
        ".venv-evidently",
        "layers/desk/built",
        "packaged.yaml",
        "production.json",
        "release.json",
        "reports",
        "staging.json",
        "ui/dist",
    }
)
"""What builds and tests write to a tree; a test compares these paths with .gitignore."""

GENERATED_ANYWHERE = frozenset({"__pycache__", "node_modules"})
"""Names of folders that are generated wherever they are."""


def project_files(project: Path) -> list[Path]:
    """Return the files and symbolic links of a tree, relative to it and sorted."""
    if (project / ".git").exists():
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=project,
            capture_output=True,
            check=True,
        )
        paths = {Path(name) for name in listed.stdout.decode().split("\0") if name}
        return sorted(
            path for path in paths if _is_file(project / path)
        )  # one may be deleted, but not in git
    found: list[Path] = []
    for folder, folders, names in os.walk(project):
        within = Path(folder).relative_to(project)
        links = [name for name in folders if Path(folder, name).is_symlink()]
        folders[:] = [
            name
            for name in folders
            if name not in GENERATED_ANYWHERE and (within / name).as_posix() not in GENERATED
        ]
        found += [within / name for name in [*names, *links] if (within / name).as_posix() not in GENERATED]
    return sorted(found)


def _is_file(path: Path) -> bool:
    return path.is_symlink() or path.is_file()
