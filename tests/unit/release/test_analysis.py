"""Vulnerabilities, forbidden licences and secrets are found; what is accepted has a reason and a use."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from release.analysis import audit, licences, sbom, secrets
from release.analysis.audit import Advisories, Advisory
from release.analysis.licences import Licensed, Policy, permits
from release.analysis.pins import Pin, normalised, npm_pins, pins_of, python_pins
from release.errors import ReleaseRefused
from release.files import GENERATED, GENERATED_ANYWHERE, project_files
from release.recorded_migrations import RECORD

PROJECT = Path(__file__).resolve().parents[3]


# -- dependencies --------------------------------------------------------------------------------------------


def test_this_tree_pins_no_version_of_the_list() -> None:
    assert Advisories.read(PROJECT).findings(python_pins(PROJECT)) == []


def test_each_advisory_of_the_list_concerns_a_package_that_is_pinned() -> None:
    names = {pin.name for pin in python_pins(PROJECT)}
    known = Advisories.read(PROJECT)
    assert len(known.advisories) > 60
    assert {each.package for each in known.advisories} - names == set()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", known.as_of)


def test_a_planted_version_is_found_for_each_advisory(tmp_path: Path) -> None:
    known = Advisories.read(PROJECT)
    for advisory in known.advisories:
        for first, fixed in advisory.affected:
            (tmp_path / "requirements.txt").write_text(
                f"{advisory.package}=={first or '0.1'} \\\n    --hash=x\n"
            )
            pins = list(pins_of(tmp_path, tmp_path / "requirements.txt"))
            assert any(advisory.id in finding for finding in known.findings(pins)), advisory
            if fixed:
                assert not advisory.affects(fixed), advisory


def test_versions_are_compared_as_versions() -> None:
    advisory = Advisory("CVE-1", "package", (("1.9", "1.10.2"), ("2.0", "")), "breaks")
    affected = ["1.9", "1.10", "1.10.1", "1.10.2rc1", "2.0", "3.5"]
    assert [version for version in affected if not advisory.affects(version)] == []
    assert [version for version in ["1.8.9", "1.10.2", "1.11", "2.0b1"] if advisory.affects(version)] == []


def test_an_accepted_advisory_holds_for_one_file_and_must_have_a_use() -> None:
    advisory = Advisory("CVE-1", "package", (("", ""),), "breaks")
    known = Advisories("2026-01-01", "", (advisory,), {("requirements/checkov.txt", "CVE-1"): "a reason"})
    tool = Pin("requirements/checkov.txt", "package", "1.0")
    layer = Pin("layers/platform/requirements.txt", "package", "1.0")
    assert known.findings([tool]) == []
    assert known.findings([tool, layer]) == [
        "layers/platform/requirements.txt: package 1.0 has CVE-1: breaks"
    ]
    [unused] = known.findings([])
    assert "is accepted, but no version in requirements/checkov.txt has it" in unused


def test_an_advisory_cannot_be_accepted_without_a_reason(tmp_path: Path) -> None:
    (tmp_path / "requirements").mkdir()
    accepted = {"id": "CVE-1", "file": "requirements/dev.txt", "reason": "ok"}
    document = {"as_of": "2026-01-01", "covers": "", "advisories": [], "accepted": [accepted]}
    (tmp_path / "requirements" / "advisories.json").write_text(json.dumps(document))
    with pytest.raises(ReleaseRefused, match="CVE-1 is accepted without a reason"):
        Advisories.read(tmp_path)


def test_an_answer_that_does_not_know_the_control_counts_as_no_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """pip-audit reports success if the service knows none of the packages, as behind a mirror."""
    asked = []

    def unknown(path: Path, option: str) -> list[dict[str, object]]:
        asked.append(path.name)
        return [{"name": "jinja2", "skip_reason": "Dependency not found on PyPI"}]

    monkeypatch.setattr(audit, "_pip_audit", unknown)
    monkeypatch.setattr(audit, "_npm_audit", dict[Path, None]().get)
    audited = audit.audit(PROJECT)
    assert asked == ["control.txt"]
    assert audited.findings == []
    assert any(note.startswith(audit.OFFLINE) for note in audited.notes)
    assert [note for note in audited.notes if "npm audit could not be asked about its" in note]


def test_what_the_service_reports_fails_unless_it_is_accepted_and_what_it_skips_is_noted() -> None:
    vulnerable = {"id": "PYSEC-1", "aliases": ["CVE-1"], "fix_versions": ["2.0"]}
    answer: list[dict[str, Any]] = [
        {"name": "one", "version": "1.0", "vulns": [vulnerable, {"id": "CVE-2", "fix_versions": []}]},
        {"name": "two", "skip_reason": "not found"},
    ]
    found, notes = audit.pip_audit_findings("dev.txt", answer, {("dev.txt", "CVE-1"): "a reason"})
    assert found == ["dev.txt: one 1.0 has CVE-2; no version fixes it"]
    assert notes == ["dev.txt: two was not audited: not found"]
    found, _ = audit.pip_audit_findings("other.txt", answer, {("dev.txt", "CVE-1"): "a reason"})
    assert found[0] == "other.txt: one 1.0 has PYSEC-1; 2.0 fixes it"


def test_what_npm_reports_fails() -> None:
    answer = {"vulnerabilities": {"sharp": {"range": "<0.30", "severity": "high"}}}
    assert audit.npm_findings("package-lock.json", answer) == [
        "package-lock.json: sharp <0.30 has a high vulnerability"
    ]


def test_every_requirements_file_and_lock_file_is_read() -> None:
    python = {pin.file for pin in python_pins(PROJECT)}
    found = {path for path in map(Path.as_posix, project_files(PROJECT)) if path.endswith("requirements.txt")}
    assert found <= python
    assert len([file for file in python if file.startswith("requirements/")]) == 5
    assert {pin.file for pin in npm_pins(PROJECT)} == {
        path.as_posix() for path in project_files(PROJECT) if path.name == "package-lock.json"
    }
    assert "numpy" in {pin.name for pin in python_pins(PROJECT)}
    assert normalised("Ruamel.YAML") == "ruamel-yaml"


def test_a_bill_names_a_package_once_that_npm_installs_in_two_places(tmp_path: Path) -> None:
    package = {"version": "1.28.0", "license": "Apache-2.0"}
    places = ("node_modules/conventions", "node_modules/sdk/node_modules/conventions")
    locked = {"lockfileVersion": 3, "packages": {"": {"name": "desk"}} | dict.fromkeys(places, package)}
    (tmp_path / "package-lock.json").write_text(json.dumps(locked))
    bill = sbom.with_npm({"components": []}, tmp_path)
    assert [component["name"] for component in bill["components"]] == ["conventions"]


# -- licences ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stated", "permitted"),
    [
        (["MIT"], True),
        (["GPL-3.0-or-later"], False),
        (["GPL-3.0-or-later OR MIT"], True),
        (["GPL-3.0-or-later AND MIT"], False),
        (["MIT AND Apache-2.0"], True),
        (["MIT", "GPL-3.0-or-later"], False),
        (["(MIT OR GPL-3.0-or-later) AND GPL-3.0-or-later"], False),
        (["(MIT OR GPL-3.0-or-later) AND (GPL-3.0-or-later)"], False),
        (["(MIT OR CC0-1.0)"], True),
        ([], False),
    ],
)
def test_every_stated_licence_must_be_allowed(stated: list[str], permitted: bool) -> None:
    assert permits(stated, frozenset({"MIT", "Apache-2.0"})) is permitted


def test_a_forbidden_licence_fails_and_an_exception_for_tools_does_not_cover_what_is_deployed() -> None:
    policy = Policy(frozenset({"MIT"}), {}, {"copyleft*": "a tool of tests only"})
    tool = Licensed("copyleft-tool", "1.0", ("AGPL-3.0-only",))
    assert policy.findings([tool]) == []
    [finding] = policy.findings([Licensed("copyleft-tool", "1.0", ("AGPL-3.0-only",), deployed=True)])
    assert finding.startswith("copyleft-tool 1.0: AGPL-3.0-only for what is deployed is not allowed")
    [other, _] = policy.findings([Licensed("other", "1.0", ())])
    assert other.startswith("other 1.0: no licence is not allowed")


def test_an_exception_without_a_use_fails() -> None:
    policy = Policy(frozenset({"MIT"}), {"gone": "a reason"}, {})
    [finding] = policy.findings([Licensed("gone", "1.0", ("MIT",))])
    assert finding.endswith("the exception for gone has no use")


def test_a_classifier_that_names_no_licence_is_none() -> None:
    component = {"name": "a", "version": "1", "licenses": [{"license": {"name": "License :: OSI Approved"}}]}
    assert licences.installed_licences({"components": [component]})[0].licences == ()


# -- secrets -------------------------------------------------------------------------------------------------


def test_a_text_without_a_reason_fails_and_is_not_quoted() -> None:
    found = [secrets.Finding("local/key.py", 3, "AWS Access Key", "ab" * 20)]
    [sentence] = secrets.findings(found, {})
    assert sentence == f"local/key.py:3: looks like a secret (AWS Access Key, SHA-1 {'ab' * 20})"
    assert secrets.findings(found, {("local/key.py", "ab" * 20): "made up"}) == []
    assert len(secrets.findings(found, {("local/other.py", "ab" * 20): "made up"})) == 2


def test_every_text_that_is_no_secret_has_a_reason_and_a_file() -> None:
    reasons = secrets.known(PROJECT)
    assert len(reasons) > 15
    assert {file for file, _ in reasons if not (PROJECT / file).is_file()} == set()


def test_everything_but_hashes_is_scanned() -> None:
    files = project_files(PROJECT)
    left_out = {path.as_posix() for path in files} - {
        path.as_posix() for path in secrets.scanned(PROJECT, files)
    }
    links = {path.as_posix() for path in files if (PROJECT / path).is_symlink()}
    for path in left_out - links - {"requirements/not_secrets.toml", RECORD}:
        text = (PROJECT / path).read_text("utf-8")
        assert "--hash=sha256:" in text or '"integrity": "sha512-' in text, path


# -- bills of materials --------------------------------------------------------------------------------------


def test_the_bill_of_a_layer_has_what_the_layer_pins_and_nothing_else(tmp_path: Path) -> None:
    layer = tmp_path / "layers" / "images"
    layer.mkdir(parents=True)
    (layer / "requirements.txt").write_text("pillow==13.0.0 \\\n    --hash=x\n")
    names = ("pillow", "13.0.0"), ("numpy", "2.5.5")
    whole = {
        "metadata": {"component": {"bom-ref": "root", "name": "claimwatch"}},
        "components": [{"bom-ref": name, "name": name, "version": version} for name, version in names],
        "dependencies": [{"ref": "pillow", "dependsOn": ["numpy"]}, {"ref": "numpy"}, {"ref": "root"}],
    }
    part = sbom.part_sbom(whole, tmp_path, layer / "requirements.txt")
    assert [component["name"] for component in part["components"]] == ["pillow"]
    assert part["dependencies"] == [{"ref": "pillow"}, {"ref": "root"}]
    assert part["metadata"]["component"]["name"] == "claimwatch-images"
    (layer / "requirements.txt").write_text("pillow==12.0.0\n")
    with pytest.raises(ReleaseRefused, match=r"pillow 12.0.0 is not the version in \.venv"):
        sbom.part_sbom(whole, tmp_path, layer / "requirements.txt")


# -- files ---------------------------------------------------------------------------------------------------


def test_an_archive_has_the_files_of_its_clone(tmp_path: Path) -> None:
    """On CodeBuild there is no git: what builds and tests write must not count as part of the tree."""
    from local.buildspec import copy_tree

    archive = tmp_path / "archive"
    copy_tree(PROJECT, archive)
    for name in GENERATED - {"packaged.yaml", "production.json", "release.json", "staging.json"}:
        (archive / name / "below").mkdir(parents=True)
        (archive / name / "below" / "file").write_text("generated")
    (archive / "packaged.yaml").write_text("generated")
    (archive / "ui" / "node_modules" / "react").mkdir(parents=True)
    (archive / "ui" / "node_modules" / "react" / "package-lock.json").write_text("generated")
    (archive / "local" / "__pycache__").mkdir()
    (archive / "local" / "__pycache__" / "file.pyc").write_text("generated")
    assert project_files(archive) == project_files(PROJECT)


def test_what_git_ignores_is_generated() -> None:
    ignored = {line.strip("/") for line in (PROJECT / ".gitignore").read_text("utf-8").splitlines() if line}
    tops = ignored - GENERATED_ANYWHERE - {"*.egg-info", ".venv*"}
    assert tops - GENERATED == set()
    assert {name for name in GENERATED if not name.startswith(".venv")} == tops
