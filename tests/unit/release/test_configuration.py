"""What a stage is deployed with is checked before anything is deployed, and says which release it is."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from local.buildspec import copy_tree
from release import configuration
from release.configuration import overrides, refusal, stage_parameters, wanted_differences
from release.errors import ReleaseRefused
from release.tree import tree_sha256
from tests.template.application import TEMPLATE

PROJECT = Path(__file__).resolve().parents[3]
DECLARED: dict[str, dict[str, Any]] = TEMPLATE["Parameters"]
RELEASE = {"CodeVersion": "0.1.0-abc", "TreeSha256": "ab" * 32, "WantedDifferences": "none"}


def samconfig(stage: str, *pairs: str) -> str:
    return f"[{stage}.deploy.parameters]\nparameter_overrides = {json.dumps(pairs)}\n"


def test_the_files_of_this_tree_name_the_release_and_hold_the_parameters_of_each_stage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CODEBUILD_RESOLVED_SOURCE_VERSION", "c0ffee" * 6 + "abcd")
    configuration.configure()
    staging, production, release = (
        json.loads((tmp_path / name).read_text())
        for name in ("staging.json", "production.json", "release.json")
    )
    tree = tree_sha256(PROJECT)
    assert release["commit"] == "c0ffee" * 6 + "abcd"
    assert release["tree_sha256"] == tree
    assert re.fullmatch(r"\d+\.\d+\.\d+-c0ffeec0ffee", release["code_version"])
    assert {"*", "motor"} <= release["training"].keys()
    assert staging["Parameters"]["GradualDeployment"] == "false"
    assert production["Parameters"]["GradualDeployment"] == "true"
    for configured in (staging, production):
        assert configured.keys() == {"Parameters"}
        assert configured["Parameters"]["TreeSha256"] == tree
        assert configured["Parameters"]["CodeVersion"] == release["code_version"]
        assert configured["Parameters"].keys() <= DECLARED.keys()
        assert all(isinstance(value, str) for value in configured["Parameters"].values())


def test_the_archive_of_a_clone_is_the_same_release(tmp_path: Path) -> None:
    """The archive has no executable bits, and text files in place of links, which `make setup` restores."""
    archive = tmp_path / "archive"
    copy_tree(PROJECT, archive)
    subprocess.run(["make", "links"], cwd=archive, check=True, capture_output=True)
    assert tree_sha256(archive) == tree_sha256(PROJECT)


@pytest.mark.parametrize(
    ("pair", "sentence"),
    [
        ("GradualDeploiment=true", "the template has no parameter GradualDeploiment"),
        ("gradualdeployment=true", "has no parameter gradualdeployment; it has GradualDeployment"),
        ("GradualDeployment=yes", "GradualDeployment must be one of true, false"),
        ("TrafficShift=Canary50Percent1Minute", "TrafficShift must be one of Canary10Percent5Minutes"),
        ("AlertEmail=nobody", "AlertEmail does not match"),
        ("AlertEmail=nobody", "must be an e-mail address or empty"),
        ("AuditRetentionDays=0", "AuditRetentionDays must be at least 1"),
        ("AuditRetentionDays=99999", "AuditRetentionDays must be at most 36500"),
        ("AuditRetentionDays=many", "AuditRetentionDays must be a number"),
        ("LogRetentionDays=8", "LogRetentionDays must be one of 1, 3"),
        ("CodeVersion=1.0", "CodeVersion is set by the release; remove it"),
        ("TreeSha256=", "TreeSha256 is set by the release; remove it"),
        ("WantedDifferences=probability", "WantedDifferences is set by the release; remove it"),
        ("GradualDeployment", "'GradualDeployment' is not Name=value"),
    ],
)
def test_a_parameter_that_cloudformation_would_refuse_is_refused_at_packaging(
    pair: str, sentence: str
) -> None:
    with pytest.raises(ReleaseRefused, match=re.escape(sentence)) as refused:
        stage_parameters("production", samconfig("production", pair), RELEASE, DECLARED)
    assert str(refused.value).startswith("samconfig.toml, [production.deploy.parameters]: ")


def test_a_parameter_of_another_stage_does_not_count() -> None:
    text = samconfig("staging", "AuditRetentionDays=7") + samconfig("production", "AlertEmail=a@example.org")
    assert stage_parameters("staging", text, RELEASE, DECLARED) == {"AuditRetentionDays": "7", **RELEASE}
    assert stage_parameters("production", text, RELEASE, DECLARED)["AlertEmail"] == "a@example.org"
    assert stage_parameters("production", "", RELEASE, DECLARED) == RELEASE


def test_a_parameter_without_a_value_is_refused() -> None:
    declared = DECLARED | {"Needed": {"Type": "String"}}
    with pytest.raises(ReleaseRefused, match="Needed has no default and must be set"):
        stage_parameters("staging", "", RELEASE, declared)


def test_overrides_are_read_as_sam_reads_them() -> None:
    def of(value: object) -> dict[str, str]:
        return overrides({"deploy": {"parameters": {"parameter_overrides": value}}}, "here")

    expected = {"A": "one", "B": "two words", "C": "a=b", "D": ""}
    assert of(["A=one", "B=two words", "C=a=b", "D="]) == expected
    assert of('A=one B="two words" C=a=b D=""') == expected
    with pytest.raises(ReleaseRefused, match="here: A is set twice"):
        of(["A=one", "A=two"])


def test_every_default_of_the_template_is_a_value_that_it_allows() -> None:
    for name, declared in DECLARED.items():
        if "Default" in declared:
            assert refusal(str(declared["Default"]), declared) == "", name


@pytest.mark.parametrize("value", ["none", "probability", "probability,reasons"])
def test_wanted_differences_come_from_the_release_file(value: str) -> None:
    differences = wanted_differences(f'wanted_differences = "{value}"\n')
    release = RELEASE | {"WantedDifferences": differences}
    assert stage_parameters("staging", "", release, DECLARED)["WantedDifferences"] == value


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('wanted_diferences = "none"', "release.toml: 'wanted_diferences' is unknown"),
        ("wanted_differences = true", "must be a text"),
        ('wanted_differences = "everything"', "WantedDifferences does not match"),
        ('wanted_differences = "reasons, problems"', "WantedDifferences does not match"),
    ],
)
def test_a_difference_that_is_none_of_the_members_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(ReleaseRefused, match=re.escape(sentence)):
        stage_parameters("staging", "", RELEASE | {"WantedDifferences": wanted_differences(text)}, DECLARED)
