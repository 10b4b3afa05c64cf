"""The parameters with which each stage deploys a release, checked before anything runs."""

import json
import re
import shlex
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from samcli.yamlhelper import yaml_parse

from release.errors import ReleaseRefused
from release.training_inputs import training_hashes
from release.tree import tree_sha256
from release.version import PROJECT, code_version, source_commit

STAGES = ("staging", "production")
OF_THE_RELEASE = ("CodeVersion", "TreeSha256", "WantedDifferences")
"""Parameters that say what is deployed: equal in both stages, so samconfig.toml must not set them."""

RELEASE_FILE = "release.json"


def configure() -> None:
    """Write staging.json and production.json (CloudFormation template configurations) and release.json."""
    commit = source_commit()
    release = {
        "commit": commit,
        "code_version": code_version(),
        "tree_sha256": tree_sha256(PROJECT),
        "training": training_hashes(PROJECT),
    }
    template = yaml_parse((PROJECT / "template.yaml").read_text("utf-8"))
    samconfig = (PROJECT / "samconfig.toml").read_text("utf-8")
    of_release = {
        "CodeVersion": str(release["code_version"]),
        "TreeSha256": str(release["tree_sha256"]),
        "WantedDifferences": wanted_differences((PROJECT / "release.toml").read_text("utf-8")),
    }
    # Nothing is written before everything is checked.
    files = {
        f"{stage}.json": {
            "Parameters": stage_parameters(stage, samconfig, of_release, template["Parameters"])
        }
        for stage in STAGES
    }
    for name, content in (files | {RELEASE_FILE: release}).items():
        Path(name).write_text(json.dumps(content, indent=2) + "\n", "utf-8")
        print(f"wrote {name}")


def wanted_differences(text: str) -> str:
    """Return the parameter `WantedDifferences` from the text of release.toml."""
    settings = tomllib.loads(text)
    unknown = sorted(settings.keys() - {"wanted_differences"})
    if unknown:
        raise ReleaseRefused(f"release.toml: '{unknown[0]}' is unknown; the file has wanted_differences only")
    value = settings.get("wanted_differences", "none")
    if not isinstance(value, str):
        raise ReleaseRefused('release.toml: wanted_differences must be a text, for example "none"')
    return value


def stage_parameters(
    stage: str, samconfig: str, of_release: Mapping[str, str], declared: Mapping[str, Mapping[str, Any]]
) -> dict[str, str]:
    """Return all parameters of a stage by name.

    `samconfig` is the text of samconfig.toml, `declared` are the parameters of the template. Raises
    `ReleaseRefused` with a sentence for a parameter that the template does not have, a value that it does not
    allow, or a parameter without a value.
    """
    place = f"samconfig.toml, [{stage}.deploy.parameters]"
    given = overrides(tomllib.loads(samconfig).get(stage, {}), place)
    for name in OF_THE_RELEASE:
        if name in given:
            raise ReleaseRefused(f"{place}: {name} is set by the release; remove it")
    values = {**given, **of_release}
    for name, value in values.items():
        if name not in declared:
            raise ReleaseRefused(f"{place}: the template has no parameter {name}{_nearest(name, declared)}")
        problem = refusal(value, declared[name])
        if problem:
            raise ReleaseRefused(f"{place}: {name} {problem}")
    missing = [name for name, body in declared.items() if "Default" not in body and name not in values]
    if missing:
        raise ReleaseRefused(f"{place}: {missing[0]} has no default and must be set")
    return values


def overrides(section: Mapping[str, Any], place: str) -> dict[str, str]:
    """Return `parameter_overrides` of a section of samconfig.toml: a text or a list of `Name=value`."""
    raw = section.get("deploy", {}).get("parameters", {}).get("parameter_overrides", [])
    pairs = shlex.split(raw) if isinstance(raw, str) else [str(pair) for pair in raw]
    values: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise ReleaseRefused(f"{place}: '{pair}' is not Name=value")
        if name in values:
            raise ReleaseRefused(f"{place}: {name} is set twice")
        values[name] = value
    return values


def refusal(value: str, declared: Mapping[str, Any]) -> str:
    """Return why the template does not allow a value, or nothing. CloudFormation applies the same rules."""
    hint = f": {declared['ConstraintDescription']}" if "ConstraintDescription" in declared else ""
    allowed = [_text(each) for each in declared.get("AllowedValues", [])]
    if allowed and value not in allowed:
        return f"must be one of {', '.join(allowed)}"
    if declared.get("Type") == "Number":
        return _number_refusal(value, declared)
    if "AllowedPattern" in declared and not re.fullmatch(str(declared["AllowedPattern"]), value):
        return f"does not match {declared['AllowedPattern']}{hint}"
    if len(value) < int(declared.get("MinLength", 0)):
        return f"must have at least {declared['MinLength']} characters{hint}"
    if len(value) > int(declared.get("MaxLength", 4096)):
        return f"must have at most {declared.get('MaxLength', 4096)} characters{hint}"
    return ""


def _number_refusal(value: str, declared: Mapping[str, Any]) -> str:
    try:
        number = float(value)
    except ValueError:
        return "must be a number"
    if number < float(declared.get("MinValue", number)):
        return f"must be at least {declared['MinValue']}"
    if number > float(declared.get("MaxValue", number)):
        return f"must be at most {declared['MaxValue']}"
    return ""


def _nearest(name: str, declared: Iterable[str]) -> str:
    """Return a hint if a parameter differs only in case, or nothing."""
    same = [each for each in declared if each.lower() == name.lower()]
    return f"; it has {same[0]}" if same else ""


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
