"""A permission that no stack would accept is incorrect usage, before any stack is called."""

import pytest
from typer.testing import CliRunner

from cli import permissions
from cli.main import app

RUNNER = CliRunner()


@pytest.mark.parametrize("command", ["grant", "revoke"])
@pytest.mark.parametrize(
    ("words", "rule"),
    [
        (("lead", "claim.read"), "group:<name> or person:<name>"),
        (("group:", "claim.read"), "group:<name> or person:<name>"),
        (("group:lead", "claim.reed"), "claim.read, claim.unmask"),
        (("group:lead", "claim.read", "--line", "Motor!"), "the name of a line"),
    ],
)
def test_a_change_that_cannot_be_is_incorrect_usage(command: str, words: tuple[str, ...], rule: str) -> None:
    result = RUNNER.invoke(app, [command, *words, "--why", "a test"], env={"COLUMNS": "300"})

    assert result.exit_code == 2
    assert rule in " ".join(result.output.replace("│", " ").split())


@pytest.mark.parametrize("command", ["grant", "revoke"])
def test_a_change_needs_a_reason(command: str) -> None:
    assert RUNNER.invoke(app, [command, "group:lead", "claim.read"]).exit_code == 2
    assert RUNNER.invoke(app, [command, "group:lead", "claim.read", "--why", " "]).exit_code == 2


@pytest.mark.parametrize("warning", [None, "no contract of this line was applied"])
def test_the_warning_of_a_grant_is_shown(monkeypatch: pytest.MonkeyPatch, warning: str | None) -> None:
    granted = {"grantee": "group:lead", "permission": "claim.read", "line": "gloss", "warning": warning}
    monkeypatch.setattr(permissions, "_ask", lambda *_: granted)

    words = ["grant", "group:lead", "claim.read", "--line", "gloss", "--why", "a test"]
    result = RUNNER.invoke(app, words, env={"COLUMNS": "300"})

    assert result.exit_code == 0
    assert ("Warning: no contract" in result.output) == (warning is not None)
