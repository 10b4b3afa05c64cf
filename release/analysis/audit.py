"""Known vulnerabilities of the pinned packages.

A list in the tree is always checked. Where the advisory service of PyPI answers, pip-audit asks it, too.
pip-audit reports success for packages that the service does not know, and behind a mirror it knows none. So
the service counts as reached only if it names a vulnerability of an old version that has many.
"""

import json
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.version import Version

from release.analysis.pins import Pin, lock_files, npm_pins, python_pins, requirements_files
from release.analysis.tools import run_program, run_tool
from release.errors import ReleaseRefused

ADVISORIES = Path("requirements", "advisories.json")
CONTROL = "jinja2==2.4.1"
"""A version with known vulnerabilities: an answer that does not name them cannot be relied on."""

OFFLINE = "the audit of Python's packages was offline: the advisory service of PyPI did not answer"


@dataclass(frozen=True)
class Advisory:
    """A vulnerability of a package in ranges of versions, each from one version up to before another."""

    id: str
    package: str
    affected: tuple[tuple[str, str], ...]
    summary: str

    def affects(self, version: str) -> bool:
        """Return whether a version is affected."""
        found = Version(version)
        return any(
            (not first or found >= Version(first)) and (not fixed or found < Version(fixed))
            for first, fixed in self.affected
        )


@dataclass(frozen=True)
class Advisories:
    """The list in the tree: its date, what it covers, and the reasons for accepted ones, by file and id."""

    as_of: str
    covers: str
    advisories: tuple[Advisory, ...]
    accepted: Mapping[tuple[str, str], str]

    @classmethod
    def read(cls, project: Path) -> "Advisories":
        """Read the list; raises `ReleaseRefused` if an accepted advisory has no reason."""
        document = json.loads((project / ADVISORIES).read_text("utf-8"))
        for accepted in document["accepted"]:
            if len(accepted.get("reason", "")) < 20:
                raise ReleaseRefused(f"{ADVISORIES}: {accepted['id']} is accepted without a reason")
        return cls(
            document["as_of"],
            document["covers"],
            tuple(
                Advisory(
                    each["id"],
                    each["package"],
                    tuple((pair[0], pair[1]) for pair in each["affected"]),
                    each["summary"],
                )
                for each in document["advisories"]
            ),
            {(each["file"], each["id"]): each["reason"] for each in document["accepted"]},
        )

    def findings(self, pins: Iterable[Pin]) -> list[str]:
        """Return a sentence for each pinned version that is affected, and each acceptance that has no use."""
        affected = [
            (advisory, pin)
            for pin in pins
            for advisory in self.advisories
            if advisory.package == pin.name and advisory.affects(pin.version)
        ]
        unused = self.accepted.keys() - {(pin.file, advisory.id) for advisory, pin in affected}
        return [
            *(
                f"{pin.file}: {pin.name} {pin.version} has {advisory.id}: {advisory.summary}"
                for advisory, pin in affected
                if (pin.file, advisory.id) not in self.accepted
            ),
            *(
                f"{ADVISORIES}: {id_} is accepted, but no version in {file} has it"
                for file, id_ in sorted(unused)
            ),
        ]


@dataclass(frozen=True)
class Audit:
    """Findings, each a sentence, and sentences on what was and what was not asked."""

    findings: list[str]
    notes: list[str]


def audit(project: Path) -> Audit:
    """Check every pinned package of Python and of npm."""
    known = Advisories.read(project)
    pins = python_pins(project)
    listed = known.findings(pins)
    note = (
        f"{len({(pin.name, pin.version) for pin in pins})} pinned packages compared with the"
        f" {len(known.advisories)} advisories of {ADVISORIES}, as of {known.as_of}"
    )
    python, npm = _ask_pypi(project, known), _ask_npm(project)
    return Audit([*listed, *python.findings, *npm.findings], [note, *python.notes, *npm.notes])


def _ask_pypi(project: Path, known: Advisories) -> Audit:
    with tempfile.TemporaryDirectory() as folder:
        control = Path(folder) / "control.txt"
        control.write_text(f"{CONTROL}\n", "utf-8")
        answer = _pip_audit(control, "--no-deps")
    if answer is None or not any(each.get("vulns") for each in answer):
        return Audit(
            [],
            [f"{OFFLINE} ({CONTROL} was the control); advisories after {known.as_of} are not known here"],
        )
    findings: list[str] = []
    notes: list[str] = []
    for path in requirements_files(project):
        file = path.relative_to(project).as_posix()
        answer = _pip_audit(path, "--require-hashes")
        if answer is None:
            return Audit(findings, [*notes, f"{file}: the advisory service of PyPI stopped answering"])
        found, skipped = pip_audit_findings(file, answer, known.accepted)
        findings += found
        notes += skipped
    return Audit(
        findings, [*notes, "pip-audit asked the advisory service of PyPI about every pinned package"]
    )


def pip_audit_findings(
    file: str, answer: Iterable[Mapping[str, Any]], accepted: Mapping[tuple[str, str], str]
) -> tuple[list[str], list[str]]:
    """Return findings and notes from the dependencies that pip-audit lists; a skipped package is a note."""
    findings: list[str] = []
    notes: list[str] = []
    for dependency in answer:
        name = dependency["name"]
        if "skip_reason" in dependency:
            notes.append(f"{file}: {name} was not audited: {dependency['skip_reason']}")
        for each in dependency.get("vulns", []):
            names = [each["id"], *each.get("aliases", [])]
            if not any((file, known) in accepted for known in names):
                fixed = ", ".join(each.get("fix_versions", [])) or "no version"
                findings.append(f"{file}: {name} {dependency['version']} has {each['id']}; {fixed} fixes it")
    return findings, notes


def _pip_audit(path: Path, option: str) -> list[dict[str, Any]] | None:
    """Return the dependencies as pip-audit describes them, or None if it could not ask."""
    options = ["--disable-pip", "--progress-spinner", "off", "--format", "json", "--timeout", "15"]
    done = run_tool("pip-audit", ["--requirement", str(path), option, *options], timeout=300)
    try:
        dependencies: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        return None
    return dependencies


def _ask_npm(project: Path) -> Audit:
    """Ask npm's registry about each lock file; where it cannot be asked, a note says so."""
    findings: list[str] = []
    notes: list[str] = []
    for path in lock_files(project):
        file = path.relative_to(project).as_posix()
        answer = _npm_audit(path.parent)
        if answer is None:
            count = len([pin for pin in npm_pins(project) if pin.file == file])
            notes.append(f"{file}: npm audit could not be asked about its {count} packages")
        else:
            findings += npm_findings(file, answer)
    return Audit(findings, notes)


def npm_findings(file: str, answer: Mapping[str, Any]) -> list[str]:
    """Return a sentence for each vulnerable package in the answer of `npm audit --json`."""
    return [
        f"{file}: {name} {each.get('range', '')} has a {each.get('severity', 'known')} vulnerability"
        for name, each in sorted(answer["vulnerabilities"].items())
    ]


def _npm_audit(folder: Path) -> Mapping[str, Any] | None:
    npm = shutil.which("npm")
    if npm is None:
        return None
    done = run_program([npm, "audit", "--package-lock-only", "--json"], folder)
    try:
        answer: Mapping[str, Any] = json.loads(done)
    except ValueError:
        return None
    return answer if "vulnerabilities" in answer else None
