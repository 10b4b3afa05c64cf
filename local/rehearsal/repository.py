"""The repository of the rehearsal: a clone of this one, to which each scenario commits a change."""

import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from local.emulator import PROJECT
from local.processes import StartupFailed
from release.files import project_files

type Edit = Callable[[str], str]
"""Returns the new text of a file."""


class Repository:
    """A scratch clone with this tree's state, committed or not; commits go nowhere else."""

    def __init__(self, folder: Path) -> None:
        """Prepare a clone in a folder, which is emptied."""
        self.folder = folder
        shutil.rmtree(folder, ignore_errors=True)

    def clone(self) -> str:
        """Clone this repository and commit what differs from its last commit; return the commit."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        _git(PROJECT, "clone", "--quiet", "--no-hardlinks", str(PROJECT), str(self.folder))
        for path in self.folder.iterdir():
            if path.name != ".git":
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        for name in project_files(PROJECT):
            origin, copy = PROJECT / name, self.folder / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            if origin.is_symlink() or origin.is_file():
                shutil.copy2(origin, copy, follow_symlinks=False)
        if _git(self.folder, "status", "--porcelain"):
            return self._commit("Take the state of the working tree")
        return self.head()

    def commit(self, message: str, edits: Mapping[str, Edit]) -> str:
        """Change files and commit; return the commit. Raises `StartupFailed` if an edit changes nothing."""
        for name, edit in edits.items():
            path = self.folder / name
            before = path.read_text("utf-8") if path.exists() else ""
            after = edit(before)
            if after == before:
                raise StartupFailed(f"{message}: the edit of {name} changes nothing; adapt local/rehearsal")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(after, "utf-8")
        return self._commit(message)

    def revert(self) -> str:
        """Commit the opposite of the last commit, as a person would after a failed release."""
        _git(self.folder, *IDENTITY, "revert", "--no-edit", "HEAD")
        return self.head()

    def head(self) -> str:
        """Return the last commit."""
        return _git(self.folder, "rev-parse", "HEAD")

    def archive(self) -> bytes:
        """Return the files of the last commit as a zip, which has no `.git`."""
        done = subprocess.run(
            ["git", "archive", "--format=zip", "-1", "HEAD"],
            cwd=self.folder,
            capture_output=True,
            check=True,
        )
        return done.stdout

    def _commit(self, message: str) -> str:
        _git(self.folder, "add", "--all")
        _git(self.folder, *IDENTITY, "commit", "--quiet", "--no-verify", "--message", message)
        return self.head()


IDENTITY = (
    "-c",
    "user.name=rehearsal",
    "-c",
    "user.email=rehearsal@example.com",
    "-c",
    "commit.gpgsign=false",
)


def replaced(old: str, new: str) -> Edit:
    """Return an edit that replaces the only occurrence of a text."""

    def edit(text: str) -> str:
        if text.count(old) != 1:
            raise StartupFailed(f"{old!r} occurs {text.count(old)} times; adapt local/rehearsal")
        return text.replace(old, new)

    return edit


def appended(more: str) -> Edit:
    """Return an edit that appends a text."""
    return lambda text: text + more


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise StartupFailed(f"git {arguments[0]} failed: {done.stderr.strip()}")
    return done.stdout.strip()
