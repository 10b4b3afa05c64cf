"""Versions of functions, called and described by their ARNs."""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from claimwatch.aws.faults import aws_faults

_TEXT = re.compile(
    r"(?<!Billed )(?:Init|Restore) Duration: (?P<milliseconds>[\d.]+) ms|Max Memory Used: (?P<memory>\d+) MB"
)


@dataclass(frozen=True)
class Report:
    """What Lambda reports of a call: how long its start took, if there was one, and the memory in MB."""

    start_milliseconds: float | None
    memory_mb: int | None


@dataclass(frozen=True)
class Called:
    """The answer of a version. ``error`` is the type of an error that it raised; ``report`` may be None."""

    answer: object
    error: str | None
    report: Report | None

    def http_answer(self) -> tuple[object, Mapping[str, Any]]:
        """Return status and document of an answer for API Gateway; an answer of another form has neither."""
        if not isinstance(self.answer, Mapping):
            return None, {}
        try:
            document = json.loads(self.answer.get("body", "null"))
        except (ValueError, TypeError):
            document = None
        return self.answer.get("statusCode"), document if isinstance(document, Mapping) else {}


@dataclass(frozen=True)
class Described:
    """A version: its memory in MB, the bytes of its code and layers, zipped, and the tree it was made of."""

    memory_mb: int
    zipped_bytes: int
    tree_sha256: str


class FunctionVersions(Protocol):
    """Calls and describes versions of functions."""

    def call(self, arn: str, event: object) -> Called:
        """Call a version, or an alias, and wait for its answer."""

    def describe(self, arn: str) -> Described:
        """Return the description of a version."""

    def with_traffic(self, alias: str) -> str:
        """Return the ARN of the version that an alias stands for."""


class LambdaVersions:
    """Versions in Lambda; the client must not repeat calls that it waits for in vain."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def call(self, arn: str, event: object) -> Called:
        with aws_faults("Lambda"):
            answered = self._client.invoke(
                FunctionName=arn,
                InvocationType="RequestResponse",
                LogType="Tail",
                Payload=json.dumps(event).encode(),
            )
            content = answered["Payload"].read()
        answer = json.loads(content) if content else None
        failed = answered.get("FunctionError") is not None
        kind = answer.get("errorType") if isinstance(answer, dict) else None
        error = (str(kind) if kind else "an error without a type") if failed else None
        return Called(answer, error, read_report(answered.get("LogResult", "")))

    def describe(self, arn: str) -> Described:
        with aws_faults("Lambda"):
            found = self._client.get_function_configuration(FunctionName=arn)
        layers = sum(int(layer.get("CodeSize", 0)) for layer in found.get("Layers", ()))
        variables = found.get("Environment", {}).get("Variables", {})
        return Described(
            int(found["MemorySize"]), int(found["CodeSize"]) + layers, str(variables.get("TREE_SHA256", ""))
        )

    def with_traffic(self, alias: str) -> str:
        function, _, name = alias.rpartition(":")
        with aws_faults("Lambda"):
            found = self._client.get_alias(FunctionName=function, Name=name)
        return f"{function}:{found['FunctionVersion']}"


def read_report(log: str) -> Report | None:
    """Return what the end of a log reports of a call, in text or in JSON; None if it has no report."""
    try:
        lines = base64.b64decode(log, validate=True).decode("utf-8", "replace").splitlines()
    except binascii.Error:
        return None
    for line in reversed(lines):
        if line.startswith("REPORT "):
            return _of_text(line)
        if '"platform.report"' in line and (found := _of_json(line)) is not None:
            return found
    return None


def _of_text(line: str) -> Report:
    milliseconds = memory = None
    for found in _TEXT.finditer(line):
        milliseconds = float(found["milliseconds"]) if found["milliseconds"] else milliseconds
        memory = int(found["memory"]) if found["memory"] else memory
    return Report(milliseconds, memory)


def _of_json(line: str) -> Report | None:
    try:
        metrics = json.loads(line)["record"]["metrics"]
        start = metrics.get("initDurationMs", metrics.get("restoreDurationMs"))
        memory = metrics.get("maxMemoryUsedMB")
        return Report(None if start is None else float(start), None if memory is None else int(memory))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
