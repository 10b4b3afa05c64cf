"""Hashes of what decides the result of a training, so that a commit trains only the lines that it concerns.

A hash covers every file of `training/`, among them the pinned requirements; the modules of `claimwatch` that
make a model or read the claims that it is trained on; and the contract of the line. The modules are found by
following the imports of the tree that is hashed, so no list has to be kept. Imports of the job around a run
(storage of the result, alerts) and of the card are not followed: they change no model.

Python files count with every byte. A contract counts with its values: comments and layout do not matter.
"""

import ast
import hashlib
import json
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from claimwatch.domain.contract.contract import LINE_NAME
from claimwatch.domain.contract.strict_yaml import read_yaml

EVERY_LINE = "*"
"""The key of the hash without a contract: that of a line whose contract is not in the tree."""

_PACKAGES = {"training": Path("training"), "claimwatch": Path("layers", "core", "claimwatch")}
_ENTRIES = ("training.__main__", "training.take_snapshot")
"""The command that makes a model from a snapshot, and the module that takes the snapshot."""

_NOT_FOLLOWED = ("training.job", "training.publish")
"""Modules that store a model, and describe it on its card: their imports do not change it."""

_NOT_CODE = {"__pycache__", "requirements.in"}


def training_hashes(project: Path) -> dict[str, str]:
    """Return the hash of the training code as ``*``, and the hash of each line with a contract in the tree.

    Raises ``RefusedContract`` for a contract that is not valid YAML.
    """
    code = training_code_sha256(project)
    return {EVERY_LINE: code} | {
        line: _digest([("code", code.encode()), ("contract", contract_values(path.read_text("utf-8-sig")))])
        for line, path in sorted(contracts_of(project).items())
    }


def training_sha256(project: Path, line: str) -> str:
    """Return the hash for one line, whether or not its contract is in the tree."""
    hashes = training_hashes(project)
    return hashes.get(line, hashes[EVERY_LINE])


def training_code_sha256(project: Path) -> str:
    """Return the hash of the training code and of the modules of ``claimwatch`` that it uses."""
    reached = {path for module in model_modules(project) if (path := _source(project, module))}
    files = reached | set(_files(project / "training")) | set(_data_files(reached))
    return _digest((path.relative_to(project).as_posix(), path.read_bytes()) for path in sorted(files))


def contracts_of(project: Path) -> dict[str, Path]:
    """Return the files of the contracts in the tree by line; files with other names are no contracts."""
    return {
        path.stem: path for path in (project / "contracts").glob("*.yaml") if LINE_NAME.fullmatch(path.stem)
    }


def contract_values(text: str) -> bytes:
    """Return the values of a contract as canonical JSON; two texts with equal values are one contract."""
    return json.dumps(read_yaml(text), sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def model_modules(project: Path) -> set[str]:
    """Return the modules that make a model: they are imported at any place, directly or indirectly."""
    found: set[str] = set()
    waiting = list(_ENTRIES)
    while waiting:
        module = waiting.pop()
        if module in found:
            continue
        source = _source(project, module)
        if source is None:
            waiting += _parent(module)  # a name in a module, or a package that is not of this project
            continue
        found.add(module)
        waiting += _parent(module)
        if module not in _NOT_FOLLOWED:
            waiting += _imports(source, module)
    return found


def _imports(source: Path, module: str) -> Iterable[str]:
    package = module if source.name == "__init__.py" else module.rpartition(".")[0]
    return _imported(source.read_bytes(), package)


@lru_cache(maxsize=1024)
def _imported(source: bytes, package: str) -> tuple[str, ...]:
    """Return what a source imports anywhere; a name could be a module, so it has its package before it."""
    found: list[str] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package.split(".")[: -(node.level - 1) or None] if node.level else []
            origin = ".".join([*base, *([node.module] if node.module else [])])
            found += (f"{origin}.{name.name}" for name in node.names)
    return tuple(found)


def _parent(module: str) -> list[str]:
    parent = module.rpartition(".")[0]
    return [parent] if parent else []


def _source(project: Path, module: str) -> Path | None:
    first, *rest = module.split(".")
    if first not in _PACKAGES:
        return None
    path = project.joinpath(_PACKAGES[first], *rest)
    return next((file for file in (path / "__init__.py", path.with_suffix(".py")) if file.is_file()), None)


def _files(folder: Path) -> Iterator[Path]:
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        if path.is_file() and not any(part in _NOT_CODE or part.startswith(".") for part in parts):
            yield path


def _data_files(modules: Iterable[Path]) -> Iterator[Path]:
    """Yield files next to a module that have its name, such as its queries, or that its source names."""
    for module in modules:
        source = module.read_text("utf-8")
        for path in module.parent.iterdir():
            named = path.stem == module.stem or f'"{path.name}"' in source
            if named and path.is_file() and path.suffix not in {".py", ".pyc"}:
                yield path


def _digest(parts: Iterable[tuple[str, bytes]]) -> str:
    """Return the SHA-256 of named contents; their lengths keep one part from passing as two."""
    digest = hashlib.sha256()
    for name, content in parts:
        for field in (name.encode(), content):
            digest.update(len(field).to_bytes(8, "big") + field)
    return digest.hexdigest()
