"""The hash of everything that a deployment brings to AWS: it names a release.

Two trees with the same hash behave alike there, whatever their documents, tests and tools. The requirements
of the layers contain the hash of each package, so packages count too.
"""

import hashlib
import os
from pathlib import Path

DEPLOYED = ("contracts", "functions", "layers", "statemachines", "template.yaml", "training", "ui")
"""Files and folders, relative to the project."""

_NOT_DEPLOYED = {"__pycache__", "requirements.in", "node_modules", "tests"}
_GENERATED = {"layers/desk/built", "ui/dist"}
"""What is built from the sources in ui/."""
_ENDINGS_NOT_DEPLOYED = (".pyc", ".pyo", ".test.ts", ".test.tsx")


def tree_sha256(project: Path) -> str:
    """Return the hash as 64 hexadecimal digits.

    Names, contents and the right to execute count; times, owners, the order of a folder and byte code do not.
    A symbolic link counts as the file that it leads to. Raises ``FileNotFoundError`` if a part is missing.
    """
    digest = hashlib.sha256()
    for name in DEPLOYED:
        path = project / name
        if not path.exists():
            raise FileNotFoundError(f"{path} is part of every deployment, but it does not exist")
        for file in [path] if path.is_file() else deployed_files(project, name):
            content = file.read_bytes()
            kind = "x" if os.access(file, os.X_OK) else "-"
            digest.update(f"{file.relative_to(project).as_posix()}\0{kind}\0{len(content)}\0".encode())
            digest.update(content)
    return digest.hexdigest()


def deployed_files(project: Path, name: str) -> list[Path]:
    """Return the files below a folder of the project that count, in the order of their names everywhere."""
    found = []
    for folder, folders, names in os.walk(project / name):
        within = Path(folder).relative_to(project)
        folders[:] = [
            each
            for each in folders
            if each not in _NOT_DEPLOYED
            and not each.startswith(".")
            and (within / each).as_posix() not in _GENERATED
        ]
        found += [
            Path(folder, each)
            for each in names
            if each not in _NOT_DEPLOYED
            and not each.endswith(_ENDINGS_NOT_DEPLOYED)
            and not each.startswith(".")
        ]
    return sorted(found, key=lambda path: path.relative_to(project).as_posix())


def print_tree() -> None:
    """Print the hash of this tree, as `make deploy` and the pipeline pass it to the template."""
    print(tree_sha256(Path(__file__).resolve().parent.parent))
