"""ScoreClaim and CaseApi publish versions as template.yaml says: for another release, and for nothing else.

The functions are deployed with the template's own properties of versions and layers, and with small archives.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from local.emulator import Emulator
from local.processes import wait_until
from tests.template.application import GLOBALS, RESOURCES, TEMPLATE, layers_of

FUNCTIONS = ("ScoreClaim", "CaseApi")
LAYERS = sorted({layer for function in FUNCTIONS for layer in layers_of(function)})
BUCKET = "code"
TREE, OTHER_TREE = 64 * "a", 64 * "b"
OF_VERSIONS = ("AutoPublishAlias", "AutoPublishCodeSha256", "VersionDescription", "VersionDeletionPolicy")
OF_RELEASES = ("CodeVersion", "TreeSha256", "ScoringWarmth")
HANDLER = """
import core_text
def handler(event, context):
    return [context.function_version, core_text.TEXT]
"""

type Row = dict[str, Any]


def archive(**files: str) -> bytes:
    """Return a zip of files, whose names have "__" in place of a slash."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as code:
        for name, text in files.items():
            code.writestr(f"{name.replace('__', '/')}.py", text)
    return packed.getvalue()


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("emulator")) as server:
        s3 = server.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        s3.put_object(Bucket=BUCKET, Key="handler", Body=archive(handler=HANDLER))
        s3.put_object(Bucket=BUCKET, Key="libraries", Body=archive(python__library=""))
        for text in ("one", "two"):
            for build in ("first", "again"):
                core = archive(python__core_text=f"TEXT = '{text}'\n", python__built=f"# {build}\n")
                s3.put_object(Bucket=BUCKET, Key=f"core-{text}-{build}", Body=core)
        yield server


def template(core: str) -> str:
    """Return the part of template.yaml that publishes versions, with this archive of the core layer."""
    resources: Row = {}
    for name in LAYERS:
        key = core if name == "CoreLayer" else "libraries"
        properties = RESOURCES[name]["Properties"] | {"ContentUri": f"s3://{BUCKET}/{key}"}
        resources[name] = {"Type": RESOURCES[name]["Type"], "Properties": properties}
    for name in FUNCTIONS:
        properties = RESOURCES[name]["Properties"]
        variables = GLOBALS["Environment"]["Variables"] | properties["Environment"]["Variables"]
        resources[name] = {
            "Type": RESOURCES[name]["Type"],
            "Properties": {key: properties[key] for key in (*OF_VERSIONS, "Description")}
            | {
                "Runtime": GLOBALS["Runtime"],
                "Handler": GLOBALS["Handler"],
                "Layers": [{"Ref": layer} for layer in layers_of(name)],
                "CodeUri": {"Bucket": BUCKET, "Key": "handler"},
                # Each version differs from the last one by these, or Lambda would have nothing to publish.
                "Environment": {
                    "Variables": {
                        key: value for key, value in variables.items() if value in map(parameter, OF_RELEASES)
                    }
                },
            },
        }
    return json.dumps(
        {
            "Transform": TEMPLATE["Transform"],
            "Parameters": TEMPLATE["Parameters"],
            "Conditions": {"NamedRelease": TEMPLATE["Conditions"]["NamedRelease"]},
            "Resources": resources,
        }
    )


def parameter(name: str) -> Row:
    """Return a reference to a parameter."""
    return {"Ref": name}


def both(version: str, core: str) -> dict[str, list[str]]:
    """Return the answers of two aliases that agree."""
    return {name: [version, core] for name in FUNCTIONS}


class Stack:
    """A stack of the functions that publish versions."""

    def __init__(self, emulator: Emulator, name: str, core: str, **values: str) -> None:
        self.name, self.core, self.values = name, core, values
        self._emulator = emulator
        self._formation = emulator.client("cloudformation")
        self._apply(self._formation.create_stack)

    def deploy(self, core: str, **values: str) -> None:
        """Deploy other archives or values."""
        self.core, self.values = core, self.values | values
        self._apply(self._formation.update_stack)

    def answers(self) -> dict[str, list[str]]:
        """Return the version and the code of the core layer with which each alias answers."""
        client = self._emulator.client("lambda")
        return {
            name: json.loads(
                client.invoke(FunctionName=self._function(name), Qualifier="live")["Payload"].read()
            )
            for name in FUNCTIONS
        }

    def versions(self, name: str) -> list[str]:
        """Return the published versions of a function that exist."""
        found = self._emulator.client("lambda").list_versions_by_function(FunctionName=self._function(name))
        return [each["Version"] for each in found["Versions"] if each["Version"] != "$LATEST"]

    def _function(self, name: str) -> str:
        found = self._formation.describe_stack_resource(StackName=self.name, LogicalResourceId=name)
        return str(found["StackResourceDetail"]["PhysicalResourceId"])

    def _apply(self, operation: Any) -> None:
        operation(
            StackName=self.name,
            TemplateBody=template(self.core),
            Parameters=[
                {"ParameterKey": name, "ParameterValue": value} for name, value in self.values.items()
            ],
            Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        )
        assert wait_until(lambda: not self._status().endswith("IN_PROGRESS"), 60, every=0.1), self._status()
        events = self._formation.describe_stack_events(StackName=self.name)["StackEvents"]
        assert self._status() in ("CREATE_COMPLETE", "UPDATE_COMPLETE"), events

    def _status(self) -> str:
        [stack] = self._formation.describe_stacks(StackName=self.name)["Stacks"]
        return str(stack["StackStatus"])


def test_another_core_layer_alone_answers_requests_as_soon_as_its_tree_is_deployed(
    emulator: Emulator,
) -> None:
    stack = Stack(emulator, "releases", "core-one-first", TreeSha256=TREE, CodeVersion="0.1.0-aaaa")
    assert stack.answers() == both("1", "one")

    stack.deploy("core-two-first", TreeSha256=OTHER_TREE, CodeVersion="0.1.0-bbbb")

    assert stack.answers() == both("2", "two")
    assert [stack.versions(name) for name in FUNCTIONS] == [["2"], ["2"]]  # each would be billed for ever

    # The tree before comes back: a new version, because the old one is gone.
    stack.deploy("core-one-first", TreeSha256=TREE, CodeVersion="0.1.0-aaaa")

    assert stack.answers() == both("3", "one")


def test_a_tree_that_is_built_and_deployed_again_under_another_commit_publishes_nothing(
    emulator: Emulator,
) -> None:
    stack = Stack(emulator, "documents", "core-one-first", TreeSha256=TREE, CodeVersion="0.1.0-aaaa")

    stack.deploy("core-one-again", CodeVersion="0.1.0-bbbb")

    assert stack.answers() == both("1", "one")
    assert [stack.versions(name) for name in FUNCTIONS] == [["1"], ["1"]]


def test_a_deployment_by_hand_publishes_a_version_for_another_layer_or_warmth_and_for_nothing_else(
    emulator: Emulator,
) -> None:
    stack = Stack(emulator, "by-hand", "core-one-first", CodeVersion="0.1.0-aaaa")

    stack.deploy("core-one-first", CodeVersion="0.1.0-bbbb")
    assert stack.answers() == both("1", "one")

    stack.deploy("core-two-first")
    assert stack.answers() == both("2", "two")

    stack.deploy("core-two-first", ScoringWarmth="provisioned")
    assert stack.answers() == {"ScoreClaim": ["3", "two"], "CaseApi": ["2", "two"]}
    assert stack.versions("ScoreClaim") == ["3"]
