"""The files of a tree: those that git knows or would add; in an archive, all that are not generated."""

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
        "packaged.yaml",
        "production.json",
        "release.json",
        "reports",
        "staging.json",
    }
)
"""What builds and tests write to the top of a tree; a test compares these names with .gitignore."""


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
    return sorted(
        relative
        for top in project.iterdir()
        if top.name not in GENERATED
        for path in ([top] if _is_file(top) else top.rglob("*"))
        if _is_file(path) and "__pycache__" not in (relative := path.relative_to(project)).parts
    )


def _is_file(path: Path) -> bool:
    return path.is_symlink() or path.is_file()
