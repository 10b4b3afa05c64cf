"""Python environments for builds: the packages of this clone are shared, as by a cache of CodeBuild.

A build begins with `make setup`, which installs 300 packages; in a rehearsal, dozens of builds run on one
machine. If a tree asks for the same packages as this clone, it gets an environment with the packages of this
clone, and with the tree's own code (`claimwatch`, `release`, ...). Otherwise `make setup` does its work.

Its archives are compressed quickly instead of well, because `sam package` compresses every layer each time.
"""

import os
import sys
import sysconfig
from pathlib import Path

from local.emulator import PROJECT

PINS = ("requirements/uv.txt", "requirements/dev.txt", "Makefile")
"""Files on which the environment depends, as in the Makefile."""

_PINNED = {name: (PROJECT / name).read_bytes() for name in PINS}
"""What the environment of this clone was made from, even if somebody edits the clone meanwhile."""

STAMP = ".claimwatch"


def share_environment(tree: Path) -> bool:
    """Put an environment into a tree; return False if the tree asks for other packages than this clone."""
    if any((tree / name).read_bytes() != content for name, content in _PINNED.items()):
        return False
    own, shared = tree / ".venv", Path(sys.prefix)
    packages = Path(sysconfig.get_path("purelib"))
    site = own / packages.relative_to(shared)
    site.mkdir(parents=True)
    (own / "bin").mkdir()
    (own / "pyvenv.cfg").write_text((shared / "pyvenv.cfg").read_text("utf-8"), "utf-8")
    # Paths are appended in this order, and the names of the tree must win.
    (site / "claimwatch-tree.pth").write_text(f"{tree / 'layers' / 'core'}\n{tree}\n{packages}\n", "utf-8")
    (site / "quick-archives.pth").write_text("import zlib; zlib.Z_DEFAULT_COMPRESSION = 1\n", "utf-8")
    for program in (shared / "bin").iterdir():
        copy = own / "bin" / program.name
        head = b"" if program.is_dir() else program.read_bytes()[:2]
        if program.is_symlink():
            copy.symlink_to(os.readlink(program))
        elif head == b"#!":
            text = program.read_text("utf-8").replace(str(shared / "bin"), str(own / "bin"))
            copy.write_text(text, "utf-8")
            copy.chmod(0o755)
        elif program.is_file():
            copy.symlink_to(program)
    (own / STAMP).touch()
    return True
