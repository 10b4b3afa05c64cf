"""What the documents name is there."""

import re
import tomllib
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[3]
PAGES = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")])
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
NOT_RESOURCES = {"PostgreSQL", "ClaimsCommitted"}


def anchors(page: Path) -> set[str]:
    """The anchors that headings get, as GitHub makes them."""
    headings = re.findall(r"^#+ +(.+?) *$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_links_lead_somewhere(page: Path) -> None:
    for link in LINK.findall(page.read_text("utf-8")):
        if link.startswith("https://"):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link} leads nowhere"
        assert not anchor or anchor in anchors(target), f"{link} names no heading"


def test_every_decision_is_in_the_index() -> None:
    index = (PROJECT / "docs" / "README.md").read_text("utf-8")
    missing = [path.name for path in (PROJECT / "docs" / "decisions").glob("*.md") if path.name not in index]
    assert not missing


def test_every_dependency_has_a_reason() -> None:
    reasons = (PROJECT / "docs" / "decisions" / "0001-dependencies.md").read_text("utf-8")
    wanted = [*PROJECT.glob("requirements/*.in"), *PROJECT.glob("layers/*/requirements.in")]
    lines = [line.strip() for path in wanted for line in path.read_text("utf-8").splitlines()]
    names = {re.split(r"[\[>=<]", line)[0] for line in lines if line and not line.startswith(("#", "-"))}
    assert len(names) > 20
    assert not [name for name in names if not re.search(rf"\b{re.escape(name)}\b", reasons)]


def test_the_picture_shows_resources_of_the_template() -> None:
    class Loader(yaml.SafeLoader):
        """Reads CloudFormation's tags as nothing."""

    Loader.add_multi_constructor("!", lambda *_: None)
    template = yaml.load((PROJECT / "template.yaml").read_text("utf-8"), Loader)  # noqa: S506 - it is a safe one
    shown = re.findall(r'class="name"[^>]*>([^<]+)<', (PROJECT / "docs" / "pipeline.svg").read_text("utf-8"))
    assert len(shown) > 10
    assert set(shown) - NOT_RESOURCES <= set(template["Resources"])


def test_the_newest_release_of_the_changelog_is_the_version_of_the_project() -> None:
    changelog = (PROJECT / "CHANGELOG.md").read_text("utf-8")
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    unreleased, newest = re.findall(r"^## \[(.+?)\]", changelog, re.MULTILINE)[:2]
    assert (unreleased, newest) == ("Unreleased", project["version"])
