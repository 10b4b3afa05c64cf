"""Every function gets the environment variables that its code reads, and only shared ones besides."""

import ast
from pathlib import Path

import pytest

from claimwatch.settings import MissingSetting, Settings, settings
from tests.template.application import FUNCTIONS, GLOBALS, PROJECT

RUNTIMES = ("runtime", "request_runtime", "online_runtime", "release_runtime")
SHARED = set(GLOBALS["Environment"]["Variables"])


def attributes_of(name: str, code: ast.AST) -> set[str]:
    """Return the attributes that code reads of the object with this name."""
    return {
        node.attr
        for node in ast.walk(code)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name
    }


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


DEPENDENCIES = {
    runtime: {
        node.name: node
        for node in parsed(PROJECT / "layers/core/claimwatch" / f"{runtime}.py").body
        if isinstance(node, ast.FunctionDef)
    }
    for runtime in RUNTIMES
}
SHARED_DEPENDENCIES = DEPENDENCIES["request_runtime"]
"""Functions that online_runtime imports."""


def settings_of_dependency(runtime: str, name: str) -> set[str]:
    """Return the settings that a function of a runtime reads, itself or through others that it calls."""
    known = DEPENDENCIES[runtime] if runtime == "runtime" else SHARED_DEPENDENCIES | DEPENDENCIES[runtime]
    code = known[name]
    called = {node.id for node in ast.walk(code) if isinstance(node, ast.Name)} & known.keys()
    return attributes_of("settings", code).union(*(settings_of_dependency(runtime, each) for each in called))


def variables_read(function: str) -> set[str]:
    code = parsed(PROJECT / FUNCTIONS[function]["CodeUri"] / "handler.py")
    used = [(runtime, name) for runtime in RUNTIMES for name in attributes_of(runtime, code)]
    read = attributes_of("settings", code).union(*(settings_of_dependency(*each) for each in used))
    return {name.upper() for name in read}


READ_BY_OTHERS = {"ScoreClaim": {"TREE_SHA256"}}
"""Variables of a version that the checks of later versions read, from outside."""


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_gets_the_variables_that_it_reads(name: str) -> None:
    own = set(FUNCTIONS[name].get("Environment", {}).get("Variables", {}))
    assert variables_read(name) - SHARED == own - READ_BY_OTHERS.get(name, set())


def test_every_setting_is_read_by_a_function() -> None:
    declared = {name.upper() for name in vars(Settings) if not name.startswith("_")}
    assert declared == set().union(*map(variables_read, FUNCTIONS))


def test_a_missing_or_unreadable_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ALERT_TOPIC_ARN", raising=False)
    with pytest.raises(MissingSetting, match="ALERT_TOPIC_ARN is not set"):
        _ = settings.alert_topic_arn
    monkeypatch.setenv("TRAINING_MAX_HOURS", "four")
    with pytest.raises(MissingSetting, match="TRAINING_MAX_HOURS cannot be read"):
        _ = settings.training_max_hours


def test_a_stack_without_a_network_names_no_subnets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRAINING_SUBNETS", raising=False)
    assert settings.training_subnets == []
    monkeypatch.setenv("TRAINING_SUBNETS", "subnet-1 subnet-2")
    assert settings.training_subnets == ["subnet-1", "subnet-2"]


def test_settings_have_their_types(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRAINING_MAX_HOURS", "1.5")
    monkeypatch.setenv("WATCHED_QUEUE_URLS", "https://a https://b")
    assert settings.training_max_hours == 1.5
    assert settings.watched_queue_urls == ["https://a", "https://b"]
