"""The pinned packages of this tree: Python's requirements files and npm's lock files."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PIN = re.compile(r"^([A-Za-z0-9][A-Za-z0-9._-]*)(?:\[[^\]]*\])?==([^\s;\\]+)", re.MULTILINE)


@dataclass(frozen=True, order=True)
class Pin:
    """One package at one version; `file` is relative to the project, `name` is normalised."""

    file: str
    name: str
    version: str


def requirements_files(project: Path) -> list[Path]:
    """Return every pinned requirements file, sorted: those of tools, of layers, and of the training job."""
    found = [
        *project.glob("requirements/*.txt"),
        *project.glob("layers/*/requirements.txt"),
        *project.glob("training/requirements.txt"),
    ]
    return sorted(found)


def lock_files(project: Path) -> list[Path]:
    """Return npm's lock files, sorted; not those inside of installed packages."""
    generated = {"node_modules", ".aws-sam", ".local", ".postgres-17"}
    return sorted(
        path
        for path in project.glob("**/package-lock.json")
        if not generated.intersection(path.relative_to(project).parts)
    )


def python_pins(project: Path) -> list[Pin]:
    """Return what the requirements files pin."""
    return sorted(pin for path in requirements_files(project) for pin in pins_of(project, path))


def pins_of(project: Path, path: Path) -> Iterator[Pin]:
    """Yield what one requirements file pins."""
    for name, version in _PIN.findall(path.read_text("utf-8")):
        yield Pin(path.relative_to(project).as_posix(), normalised(name), version)


@dataclass(frozen=True, order=True)
class NpmPin:
    """One package of npm at one version, with the licence that its lock file states, or nothing."""

    file: str
    name: str
    version: str
    licence: str


def npm_pins(project: Path) -> list[NpmPin]:
    """Return what npm's lock files pin."""
    return sorted(
        NpmPin(
            path.relative_to(project).as_posix(),
            place.rpartition("node_modules/")[2],
            str(package["version"]),
            str(package.get("license", "")),
        )
        for path in lock_files(project)
        for place, package in json.loads(path.read_text("utf-8"))["packages"].items()
        if place
    )


def normalised(name: str) -> str:
    """Return a name as PyPI compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()
