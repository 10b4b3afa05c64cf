"""Software bills of materials (CycloneDX, JSON): of everything that is installed, and of each layer."""

import copy
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from release.analysis.pins import normalised, npm_pins, pins_of
from release.analysis.tools import run_tool
from release.errors import ReleaseRefused
from release.version import code_version

_VALIDATE = """\
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
validator = JsonStrictValidator(SchemaVersion.V1_6)
for path in sys.argv[1:]:
    problem = validator.validate_str(open(path, encoding="utf-8").read())
    if problem:
        sys.exit(f"{path}: ... {str(problem)[-300:]}")
"""


def environment_sbom(project: Path) -> dict[str, Any]:
    """Return the bill of everything in .venv: layers, training, and the tools of tests and builds."""
    options = ["--no-validate", "--output-reproducible", "--pyproject", str(project / "pyproject.toml")]
    done = run_tool(
        "cyclonedx-py",
        ["environment", *options, "--of", "JSON", str(project / ".venv" / "bin" / "python")],
        timeout=300,
    )
    if done.returncode:
        raise ReleaseRefused(f"cyclonedx-py failed: {done.stderr.strip()[-500:]}")
    sbom: dict[str, Any] = json.loads(done.stdout)
    sbom["metadata"]["component"]["version"] = code_version(project)
    return sbom


def with_npm(sbom: dict[str, Any], project: Path) -> dict[str, Any]:
    """Return a bill with the packages of npm's lock files."""
    whole = copy.deepcopy(sbom)
    # npm installs the same version more than once where others are in the way; a bill names it once.
    pins = {f"{pin.file}:{pin.name}@{pin.version}": pin for pin in npm_pins(project)}
    for bom_ref, pin in pins.items():
        reference = f"pkg:npm/{pin.name.replace('@', '%40')}@{pin.version}"
        # A combination of licences is an expression; a single identifier is one, too.
        licences = [{"expression": pin.licence}] if pin.licence else []
        whole["components"].append(
            {
                "type": "library",
                "bom-ref": bom_ref,
                "name": pin.name,
                "version": pin.version,
                "purl": reference,
            }
            | ({"licenses": licences} if licences else {})
        )
    return whole


def part_sbom(sbom: dict[str, Any], project: Path, requirements: Path) -> dict[str, Any]:
    """Return the bill of one layer, or of the training job: the components that its requirements file pins.

    The layers have the versions that are installed in .venv; raises `ReleaseRefused` for one that is not.
    """
    pins = {(pin.name, pin.version) for pin in pins_of(project, requirements)}
    part = copy.deepcopy(sbom)
    part["components"] = [
        component
        for component in sbom["components"]
        if (normalised(component["name"]), component["version"]) in pins
    ]
    found = {(normalised(component["name"]), component["version"]) for component in part["components"]}
    if missing := sorted(pins - found):
        name, version = missing[0]
        raise ReleaseRefused(
            f"{requirements.relative_to(project)}: {name} {version} is not the version in .venv; `make setup`"
        )
    root = part["metadata"]["component"]
    root["name"] = f"{root['name']}-{requirements.parent.name}"
    references = {component["bom-ref"] for component in part["components"]}
    part["dependencies"] = [
        {"ref": each["ref"]}
        | (
            {"dependsOn": kept}
            if (kept := [ref for ref in each.get("dependsOn", []) if ref in references])
            else {}
        )
        for each in sbom.get("dependencies", [])
        if each["ref"] in references or each["ref"] == root["bom-ref"]
    ]
    return part


def write_sboms(sbom: dict[str, Any], project: Path, folder: Path) -> list[Path]:
    """Write the bills of the whole, of each layer and of the training job; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = [*sorted(project.glob("layers/*/requirements.txt")), project / "training" / "requirements.txt"]
    bills = {"claimwatch": with_npm(sbom, project)} | {
        path.parent.name: part_sbom(sbom, project, path) for path in parts
    }
    written = []
    for name, bill in bills.items():
        path = folder / f"{name}.cdx.json"
        path.write_text(json.dumps(bill, indent=1, sort_keys=True) + "\n", "utf-8")
        written.append(path)
    return written


def validate(paths: Iterable[Path]) -> list[str]:
    """Return a sentence if one of the files does not follow the schema of CycloneDX 1.6."""
    done = run_tool("python", ["-c", _VALIDATE, *map(str, paths)], timeout=600)
    return [done.stderr.strip().partition("\n")[0]] if done.returncode else []
