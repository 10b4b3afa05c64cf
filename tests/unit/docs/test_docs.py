"""The documents agree with the code, and their links resolve."""

import ast
import re
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml

from release.files import project_files
from tests.unit.architecture.test_imports import ALLOWED

PROJECT = Path(__file__).resolve().parents[3]
PAGES = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")])
DECISIONS = sorted((PROJECT / "docs" / "decisions").glob("*.md"))
DECISION_HEADINGS = ["Context", "Decision", "Alternatives considered", "Consequences"]
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
NOT_RESOURCES = {"PostgreSQL", "ClaimsCommitted"}
LINE_LENGTH = 100
CODE_FENCE = re.compile(r"^\s*```")
CONFLICT = re.compile(rb"^(<{7}|\|{7}|>{7}) ", re.MULTILINE)


def text(*parts: str) -> str:
    return PROJECT.joinpath(*parts).read_text("utf-8")


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to headings."""
    headings = re.findall(r"^#+ +(.+?) *$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def glossary() -> list[str]:
    return re.findall(r"^\| \*\*(.+?)\*\*", text("docs", "glossary.md"), re.MULTILINE)


def prose(page: Path) -> Iterator[tuple[int, str]]:
    """Numbered lines outside of code blocks and tables."""
    in_code = False
    for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
        if CODE_FENCE.match(line):
            in_code = not in_code
        elif not in_code and not line.lstrip().startswith("|"):
            yield number, line


def tables(*parts: str) -> str:
    return "\n".join(line for line in text(*parts).splitlines() if line.startswith("|"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_links_resolve(page: Path) -> None:
    for link in LINK.findall(page.read_text("utf-8")):
        if link.startswith("https://"):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link} does not exist"
        assert not anchor or anchor in anchors(target), f"{link} names no heading"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_lines_of_prose_are_short(page: Path) -> None:
    """A line may be longer only if it cannot be wrapped: it is one link or picture."""
    too_long = [
        number
        for number, line in prose(page)
        if len(line) > LINE_LENGTH and not LINK.fullmatch(line.strip().rstrip(".,;:"))
    ]
    assert not too_long


def test_every_file_was_merged_to_its_end() -> None:
    """Lines of seven equals signs are left out: they underline headings and divide sections."""
    files = [path for path in project_files(PROJECT) if not (PROJECT / path).is_symlink()]
    assert [str(path) for path in files if CONFLICT.search((PROJECT / path).read_bytes())] == []


@pytest.mark.parametrize("marker", ["<<<<<<< HEAD", "||||||| 0123abc", ">>>>>>> branch"])
def test_the_markers_of_a_conflict_are_recognized(marker: str) -> None:
    assert CONFLICT.search(f"before\n{marker}\nafter\n".encode())


def test_every_document_and_decision_is_in_the_index() -> None:
    index = text("docs", "README.md")
    pages = [*(PROJECT / "docs").glob("*.md"), *(PROJECT / "docs" / "decisions").glob("*.md")]
    assert not [page.name for page in pages if page.name != "README.md" and page.name not in index]


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_the_index_has_the_title_of_every_decision(page: Path) -> None:
    number, title = page.read_text("utf-8").splitlines()[0].removeprefix("# ").split(" ", 1)
    assert f"| [{number}](decisions/{page.name}) | {title} |" in text("docs", "README.md")


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_has_the_usual_headings(page: Path) -> None:
    headings = re.findall(r"^## (.+)$", page.read_text("utf-8"), re.MULTILINE)
    assert [heading for heading in headings if heading in DECISION_HEADINGS] == DECISION_HEADINGS


def test_every_dependency_has_a_reason() -> None:
    reasons = text("docs", "decisions", "0001-dependencies.md")
    wanted = [*PROJECT.glob("requirements/*.in"), *PROJECT.glob("layers/*/requirements.in")]
    lines = [line.strip() for path in wanted for line in path.read_text("utf-8").splitlines()]
    names = {re.split(r"[\[>=<]", line)[0] for line in lines if line and not line.startswith(("#", "-"))}
    assert len(names) > 20
    assert not [name for name in names if not re.search(rf"\b{re.escape(name)}\b", reasons)]


def test_the_picture_shows_resources_of_the_template() -> None:
    class Loader(yaml.SafeLoader):
        """Reads CloudFormation's tags as nothing."""

    Loader.add_multi_constructor("!", lambda *_: None)
    template = yaml.load(text("template.yaml"), Loader)  # noqa: S506 - a subclass of SafeLoader
    shown = re.findall(r'class="name"[^>]*>([^<]+)<', text("docs", "pipeline.svg"))
    assert len(shown) > 10
    assert set(shown) - NOT_RESOURCES <= set(template["Resources"])


def test_the_newest_release_of_the_changelog_is_the_version_of_the_project() -> None:
    project = tomllib.loads(text("pyproject.toml"))["project"]
    unreleased, newest = re.findall(r"^## \[(.+?)\]", text("CHANGELOG.md"), re.MULTILINE)[:2]
    assert (unreleased, newest) == ("Unreleased", project["version"])


def test_the_architecture_page_lists_every_package() -> None:
    page = tables("docs", "architecture.md")
    core = PROJECT / "layers" / "core" / "claimwatch"
    packages = {path.parent.name for path in [*core.glob("*/*.py"), *core.glob("domain/*/*.py")]}
    assert len(packages) >= 12
    assert not [package for package in packages if f"`{package}`" not in page]


@pytest.mark.parametrize("package", ALLOWED)
def test_the_architecture_page_states_what_a_layer_may_import(package: str) -> None:
    rows = [line.split("|") for line in tables("docs", "architecture.md").splitlines()]
    [allowed] = [row[2] for row in rows if f"`{package}`" in row[1] and "may import" not in row[2]][:1]
    assert set(re.findall(r"`(\w+)`", allowed)) - {"claimwatch"} == ALLOWED[package]


def test_the_architecture_page_names_the_owner_of_every_table() -> None:
    page = tables("docs", "architecture.md")
    storage = PROJECT / "layers" / "core" / "claimwatch" / "storage"
    sql = "\n".join(path.read_text("utf-8") for path in storage.rglob("*.sql"))
    created = set(re.findall(r"CREATE TABLE (?:IF NOT EXISTS )?claimwatch\.(\w+)", sql))
    assert len(created) > 15
    assert not [table for table in created if f"`{table}`" not in page]


@pytest.mark.parametrize(
    "page",
    [
        *("README.md", "CONTRIBUTING.md"),
        *(f"docs/{name}.md" for name in ("benchmarks", "cost", "desk", "interfaces", "pipeline", "runbook")),
    ],
)
def test_every_make_target_that_a_document_names_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):", text("Makefile"), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z0-9-]+)", text(page), re.MULTILINE))
    assert named
    assert named <= targets


def test_every_file_that_the_guide_for_contributors_names_exists() -> None:
    named = set(
        re.findall(r"`((?:docs|functions|layers|local|tests|training)/[\w./-]*)`", text("CONTRIBUTING.md"))
    )
    assert named
    assert not [path for path in named if not (PROJECT / path).exists()]


def test_the_imports_of_examples_for_contributors_exist() -> None:
    blocks = re.findall(r"^```python\n(.+?)^```", text("CONTRIBUTING.md"), re.MULTILINE | re.DOTALL)
    imports = [node for block in blocks for node in ast.parse(block).body if isinstance(node, ast.ImportFrom)]
    assert imports
    for node in imports:
        module = import_module(str(node.module))
        assert not [name.name for name in node.names if not hasattr(module, name.name)]


def test_the_glossary_is_in_alphabetical_order() -> None:
    words = glossary()
    assert words == sorted(words)


def test_the_glossary_explains_the_terms_of_the_domain() -> None:
    terms = (
        *("line", "contract", "file", "chunk", "quarantine", "champion", "challenger", "outcome", "matured"),
        *("referral", "random audit", "reason", "lift", "window", "cohort", "profile", "snapshot", "bundle"),
    )
    assert not set(terms) - set(glossary())
