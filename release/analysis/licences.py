"""The licences of every installed package and of npm's packages, compared with those that are allowed."""

import json
import re
import tomllib
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from release.analysis.pins import normalised, npm_pins, python_pins
from release.errors import ReleaseRefused

LICENCES = Path("requirements", "licences.toml")

_ENCLOSED = re.compile(r"\(([^()]*)\)")

_NO_LICENCE = ("License :: OSI Approved", "License :: DFSG approved")
"""Classifiers of packages that name no licence."""


@dataclass(frozen=True)
class Policy:
    """Licences that any package may have, and packages that may have another one, each with the reason.

    An exception is a name or a pattern such as ``@img/sharp-*``. Those of tools do not hold for packages that
    are deployed.
    """

    allowed: frozenset[str]
    exceptions: Mapping[str, str]
    of_tools: Mapping[str, str]

    @classmethod
    def read(cls, project: Path) -> "Policy":
        """Read the policy; raises `ReleaseRefused` if an exception has no reason."""
        document = tomllib.loads((project / LICENCES).read_text("utf-8"))
        exceptions, of_tools = document["exceptions"]["deployed"], document["exceptions"]["tools"]
        for package, reason in (exceptions | of_tools).items():
            if len(reason) < 20:
                raise ReleaseRefused(f"{LICENCES}: {package} is an exception without a reason")
        return cls(frozenset(document["allowed"]), exceptions, of_tools)

    def reason(self, package: "Licensed") -> str:
        """Return the reason of the exception for a package, or nothing."""
        every = [*self.exceptions.items(), *([] if package.deployed else self.of_tools.items())]
        return next((why for name, why in every if fnmatchcase(package.name, name)), "")

    def findings(self, packages: Iterable["Licensed"]) -> list[str]:
        """Return a sentence for each package whose licence is not allowed, and each exception without use."""
        refused = [package for package in packages if not permits(package.licences, self.allowed)]
        names = {package.name for package in refused}
        unused = [
            pattern
            for pattern in [*self.exceptions, *self.of_tools]
            if not any(fnmatchcase(n, pattern) for n in names)
        ]
        return [
            *(
                f"{package.name} {package.version}: {_words(package)} is not allowed by {LICENCES}"
                for package in refused
                if not self.reason(package)
            ),
            *(f"{LICENCES}: the exception for {each} has no use" for each in sorted(unused)),
        ]


@dataclass(frozen=True)
class Licensed:
    """A package with the licences that it states: SPDX expressions, or the text of a classifier."""

    name: str
    version: str
    licences: tuple[str, ...]
    deployed: bool = False


def installed_licences(sbom: Mapping[str, Any], deployed: Container[str] = ()) -> list[Licensed]:
    """Return the packages of a CycloneDX document with their licences; `deployed` are names of packages."""
    return [
        Licensed(name, component["version"], _stated(component), name in deployed)
        for component in sbom["components"]
        if (name := normalised(component["name"]))
    ]


def deployed_names(project: Path) -> frozenset[str]:
    """Return the names of the packages that layers and the training job pin."""
    return frozenset(pin.name for pin in python_pins(project) if not pin.file.startswith("requirements/"))


def npm_licences(project: Path) -> list[Licensed]:
    """Return the packages of npm's lock files with their licences."""
    return [
        Licensed(pin.name, pin.version, (pin.licence,) if pin.licence else ()) for pin in npm_pins(project)
    ]


def permits(licences: Iterable[str], allowed: frozenset[str]) -> bool:
    """Return whether every stated licence is allowed; at least one must be stated.

    Of alternatives (``A OR B``) one suffices; of a combination (``A AND B``) each counts. Parentheses may
    enclose the whole; other nested expressions are not understood, and so not allowed.
    """
    stated = [whole[1] if (whole := _ENCLOSED.fullmatch(each)) else each for each in licences]
    return bool(stated) and all(
        any(all(part.strip() in allowed for part in choice.split(" AND ")) for choice in each.split(" OR "))
        for each in stated
    )


def report(packages: Iterable[Licensed], policy: Policy) -> str:
    """Return the licence report as JSON: packages by licence, exceptions with their reasons."""
    rows = [
        {"name": each.name, "version": each.version, "licences": list(each.licences)}
        | {"deployed": each.deployed}
        | ({"exception": why} if (why := policy.reason(each)) else {})
        for each in sorted(packages, key=lambda each: (each.licences, each.name))
    ]
    return json.dumps(rows, indent=2) + "\n"


def _words(package: Licensed) -> str:
    use = " for what is deployed" if package.deployed else ""
    return f"{' / '.join(package.licences) or 'no licence'}{use}"


def _stated(component: Mapping[str, Any]) -> tuple[str, ...]:
    stated = set()
    for entry in component.get("licenses", []):
        licence = entry.get("license", {})
        text = entry.get("expression") or licence.get("id") or licence.get("name", "")
        if text and text not in _NO_LICENCE:
            stated.add(text)
    return tuple(sorted(stated))
