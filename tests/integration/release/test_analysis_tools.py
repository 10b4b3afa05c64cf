"""The tools of `make analysis` find what is planted, and describe what the layers contain."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from release.analysis import licences, sbom, secrets
from release.analysis.pins import pins_of
from release.analysis.tools import run_tool

PROJECT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module", autouse=True)
def tools() -> None:
    """Install .venv-analysis, as `make analysis` does."""
    done = subprocess.run(
        ["make", str(PROJECT / ".venv-analysis" / ".claimwatch")],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def bill(tools: None) -> dict[str, Any]:
    return sbom.environment_sbom(PROJECT)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        # Composed, so that this file contains none of them.
        ("settings.py", f'key = "AKIA{"Q3EGWJ7ZLRNDV5TX"}"\n'),
        ("stack.yaml", f"MasterUserPassword: {'hunter2' + 'Trombone' + '77'}\n"),
        ("key.pem", f"-----BEGIN {'RSA PRIVATE'} KEY-----\nMIIB\n"),
        ("call.sh", f"curl https://user:{'c0rrecthorse'}@example.org/\n"),
        ("token.json", f'{{"token": "ghp_{"a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8"}"}}\n'),
    ],
)
def test_a_planted_secret_is_found(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    (tmp_path / "clean.py").write_text('name = "arn:aws:secretsmanager:eu-central-1:1234:secret:database"\n')
    found = secrets.scan(tmp_path, [Path(name), Path("clean.py")])
    assert {finding.file for finding in found} == {name}
    assert len(secrets.findings(found, {})) == len(found)


def test_made_up_passwords_and_digests_of_tests_do_not_count_but_keys_do(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    text = f'password = "correct horse battery"\nkey = "AKIA{"Q3EGWJ7ZLRNDV5TX"}"\n'
    for file in ("tests/test_a.py", "a.py"):
        (tmp_path / file).write_text(text)
    found = secrets.scan(tmp_path, [Path("tests/test_a.py"), Path("a.py")])
    assert {(each.file, each.line) for each in found} == {("tests/test_a.py", 2), ("a.py", 1), ("a.py", 2)}


def test_the_bill_of_each_layer_has_its_pins_and_licences_and_follows_the_schema(
    bill: dict[str, Any], tmp_path: Path
) -> None:
    written = sbom.write_sboms(bill, PROJECT, tmp_path)
    layers = {path.parent.name: path for path in PROJECT.glob("layers/*/requirements.txt")}
    expected = {"claimwatch", "training", *layers}
    assert {path.name.removesuffix(".cdx.json") for path in written} == expected
    for layer, requirements in layers.items():
        document = json.loads((tmp_path / f"{layer}.cdx.json").read_text())
        pinned = {(pin.name, pin.version) for pin in pins_of(PROJECT, requirements)}
        assert len(document["components"]) == len(pinned) > 0
        assert all(component["purl"].startswith("pkg:pypi/") for component in document["components"])
    # Validation takes seconds for each; `make analysis` validates all.
    assert sbom.validate([tmp_path / "platform.cdx.json", tmp_path / "online.cdx.json"]) == []


def test_a_bill_that_breaks_the_schema_is_refused(tmp_path: Path) -> None:
    (tmp_path / "broken.cdx.json").write_text(
        '{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": 1}'
    )
    assert len(sbom.validate([tmp_path / "broken.cdx.json"])) == 1


def test_every_installed_package_has_a_licence_that_is_allowed(bill: dict[str, Any]) -> None:
    packages = licences.installed_licences(bill, licences.deployed_names(PROJECT))
    deployed = {package.name for package in packages if package.deployed}
    assert {"psycopg2-binary", "numpy", "mlflow"} <= deployed
    assert "ministack" not in deployed
    policy = licences.Policy.read(PROJECT)
    assert policy.findings([*packages, *licences.npm_licences(PROJECT)]) == []
    strict = licences.Policy(policy.allowed - {"MIT"}, policy.exceptions, policy.of_tools)
    assert any(finding.startswith("pydantic ") for finding in strict.findings(packages))


def test_pip_audit_understands_pinned_requirements_with_their_hashes() -> None:
    for path in (PROJECT / "requirements" / "dev.txt", PROJECT / "training" / "requirements.txt"):
        done = run_tool(
            "pip-audit",
            [
                "--requirement",
                str(path),
                "--require-hashes",
                "--disable-pip",
                "--dry-run",
                "--progress-spinner",
                "off",
            ],
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        assert "would have audited" in done.stderr
