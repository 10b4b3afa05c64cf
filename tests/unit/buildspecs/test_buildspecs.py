"""The buildspecs of the pipeline can be run by the runner, and need nothing that nobody sets."""

import re
from pathlib import Path

import pytest

from local.buildspec import read_buildspec

PROJECT = Path(__file__).resolve().parents[3]
BUILDSPECS = sorted((PROJECT / "buildspecs").glob("*.yml"))


def test_every_step_of_the_pipeline_has_a_buildspec() -> None:
    steps = ["check", "experiments", "package", "promote", "review", "smoke", "train", "verify"]
    assert [path.stem for path in BUILDSPECS] == steps


@pytest.mark.parametrize("path", BUILDSPECS, ids=lambda path: path.stem)
def test_a_buildspec_sets_what_it_exports(path: Path) -> None:
    spec = read_buildspec(path.read_text("utf-8"))
    commands = [command for phase in spec.phases.values() for command in (*phase.commands, *phase.finally_)]
    assigned = set(re.findall(r"(?:^|export )(\w+)=", "\n".join(commands), re.MULTILINE))
    assert set(spec.exported) <= assigned | set(spec.variables)


@pytest.mark.parametrize("path", BUILDSPECS, ids=lambda path: path.stem)
def test_a_buildspec_says_what_it_is_for(path: Path) -> None:
    assert path.read_text("utf-8").startswith(f"# {path.stem.capitalize()}: ")


@pytest.mark.parametrize("path", BUILDSPECS, ids=lambda path: path.stem)
def test_a_buildspec_runs_only_modules_of_this_tree_and_its_tools(path: Path) -> None:
    """On CodeBuild nothing is installed that `make setup` does not install."""
    spec = read_buildspec(path.read_text("utf-8"))
    for phase in spec.phases.values():
        for command in (*phase.commands, *phase.finally_):
            for module in re.findall(r"python -m (\w+)", command):
                assert module in {"release", "smoke"}, command
            assert not re.search(r"\b(curl|wget|pip|docker|aws)\b", command), command
