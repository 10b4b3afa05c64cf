"""`python -m release analysis`: audit, licences, secrets and bills of materials of this tree."""

import json

from release.analysis import audit, licences, sbom, secrets
from release.errors import ReleaseRefused
from release.files import project_files
from release.version import PROJECT

REPORTS = PROJECT / "reports"


def analysis() -> None:
    """Write reports/audit.json, licences.json, secrets.json and sbom/; fail if anything is found."""
    REPORTS.mkdir(exist_ok=True)
    audited = audit.audit(PROJECT)
    _write("audit.json", {"findings": audited.findings, "notes": audited.notes})
    found = secrets.scan(PROJECT, secrets.scanned(PROJECT, project_files(PROJECT)))
    leaked = secrets.findings(found, secrets.known(PROJECT))
    _write("secrets.json", {"findings": leaked, "known": len(found) - len(leaked)})
    bill = sbom.environment_sbom(PROJECT)
    bills = sbom.write_sboms(bill, PROJECT, REPORTS / "sbom")
    packages = [
        *licences.installed_licences(bill, licences.deployed_names(PROJECT)),
        *licences.npm_licences(PROJECT),
    ]
    policy = licences.Policy.read(PROJECT)
    (REPORTS / "licences.json").write_text(licences.report(packages, policy), "utf-8")
    results = {
        "audit": audited.findings,
        "secrets": leaked,
        "licences": policy.findings(packages),
        "bills of materials": sbom.validate(bills),
    }
    for note in audited.notes:
        print(f"audit: {note}")
    print(f"secrets: {len(found)} texts look like secrets")
    print(f"licences: {len(packages)} packages, {len([*policy.exceptions, *policy.of_tools])} exceptions")
    print(f"bills of materials: {len(bills)} in {'reports/sbom'}")
    sentences = [f"{name}: {each}" for name, each_of in results.items() for each in each_of]
    for sentence in sentences:
        print(f"FAILED {sentence}")
    if sentences:
        raise ReleaseRefused(f"the analysis found {len(sentences)} problems; they are listed above")


def _write(name: str, content: object) -> None:
    (REPORTS / name).write_text(json.dumps(content, indent=2) + "\n", "utf-8")
