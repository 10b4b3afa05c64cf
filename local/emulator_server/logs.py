"""Patches for CloudWatch Logs. Each removes one of these differences from AWS.

- A metric filter is stored and publishes nothing.
- A filter pattern of JSON fields, such as { $.message = "x" }, matches every event. Patterns of columns and
  regular expressions are refused, because nothing here uses them.
"""

import fnmatch
import inspect
import json
import logging
import operator
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ministack.core.responses import error_response_json
from ministack.services import cloudwatch, cloudwatch_logs

logger = logging.getLogger("logs")

type Matches = Callable[[str], bool]
type Holds = Callable[[Any], bool]

TOKEN = re.compile(
    r'\s*(?:(?P<text>"(?:[^"\\]|\\.)*")|(?P<field>\$[\w.\-\[\]@]*)|(?P<sign>&&|\|\||!=|<=|>=|[()<>=])'
    r"|(?P<word>[\w.*+\-:/@]+))"
)
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
CONSTANTS = {"NULL": None, "TRUE": True, "FALSE": False}
ABSENT = object()


def match_fields() -> None:
    """Make patterns of JSON fields match as documented, for metric filters and FilterLogEvents."""
    compile_terms: Callable[[str], Matches] = cloudwatch_logs._compile_filter_pattern
    put: Callable[[dict[str, Any]], Any] = cloudwatch_logs._put_metric_filter
    if "treat as match-all for emulation" not in inspect.getsource(compile_terms):
        raise SystemExit("ministack's filter patterns have changed: see local/emulator_server")

    def compile_pattern(raw: str) -> Matches:
        pattern = (raw or "").strip()
        return FieldPattern(pattern).matches if pattern.startswith("{") else compile_terms(pattern)

    def put_checked(request: dict[str, Any]) -> Any:
        pattern = str(request.get("filterPattern") or "")
        try:
            if pattern.lstrip().startswith(("[", "%")):
                raise ValueError("this emulator supports terms and JSON fields only")
            compile_pattern(pattern)
        except ValueError as error:
            return error_response_json("InvalidParameterException", f"Invalid filter pattern: {error}", 400)
        return put(request)

    cloudwatch_logs._compile_filter_pattern = compile_pattern
    cloudwatch_logs._put_metric_filter = put_checked


def publish_filtered_metrics() -> None:
    """Publish the metrics of the metric filters of a group for each batch of its events."""
    fan_out: Callable[[str, str, Sequence[Mapping[str, Any]]], None] = (
        cloudwatch_logs._fanout_to_subscription_filters
    )
    if list(inspect.signature(fan_out).parameters) != ["group_name", "stream_name", "events"]:
        raise SystemExit("ministack's delivery of log events has changed: see local/emulator_server")

    def fan_out_and_publish(group: str, stream: str, events: Sequence[Mapping[str, Any]]) -> None:
        for (filtered, _), found in list(cloudwatch_logs._metric_filters.items()):
            if filtered == group:
                publish_matches(found, [str(event.get("message", "")) for event in events])
        fan_out(group, stream, events)

    cloudwatch_logs._fanout_to_subscription_filters = fan_out_and_publish


def publish_matches(metric_filter: Mapping[str, Any], messages: Sequence[str]) -> None:
    """Publish a data point for each message that matches; without any, the default value if there is one."""
    matches: Matches = cloudwatch_logs._compile_filter_pattern(metric_filter["filterPattern"])
    matching = [message for message in messages if matches(message)]
    for transformation in metric_filter["metricTransformations"]:
        for message in matching:
            value = read(message, str(transformation["metricValue"]))
            names = {
                name: str(read(message, path))
                for name, path in (transformation.get("dimensions") or {}).items()
            }
            publish(transformation, value, names)
        if not matching and "defaultValue" in transformation:
            publish(transformation, transformation["defaultValue"], {})


def publish(transformation: Mapping[str, Any], value: Any, dimensions: Mapping[str, str]) -> None:
    """Publish one data point; a value that is not a number is ignored, as on AWS."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        logger.info("metric %s: the value is not a number", transformation["metricName"])
        return
    cloudwatch._store_datum(
        transformation["metricNamespace"],
        transformation["metricName"],
        dict(dimensions),
        time.time(),
        transformation.get("unit", "None"),
        number,
        None,
        None,
        None,
    )


def read(message: str, value: str) -> Any:
    """Return a constant, or the field that a path such as $.latency selects from a JSON message."""
    if not value.startswith("$"):
        return value
    try:
        found = select(json.loads(message), value)
    except ValueError:
        return None
    return None if found is ABSENT else found


def select(document: Any, path: str) -> Any:
    """Return the value at a path such as $.request.items[0], or ABSENT."""
    for name, index in re.findall(r"\.([\w\-@]+)|\[(\d+)\]", path):
        try:
            document = document[int(index)] if index else document[name]
        except (KeyError, IndexError, TypeError):
            return ABSENT
    return document


class FieldPattern:
    """A pattern such as { ($.level = "ERROR") && ($.status >= 500) }; ValueError if it is not valid."""

    def __init__(self, pattern: str) -> None:
        if not pattern.endswith("}"):
            raise ValueError("the pattern does not end with '}'")
        self._tokens = self._split(pattern[1:-1].rstrip())
        self._holds = self._any()
        if self._tokens:
            raise ValueError(f"unexpected {self._tokens[0]!r}")

    def matches(self, message: str) -> bool:
        """Return whether a message is a JSON object for which the pattern holds."""
        try:
            document = json.loads(message)
        except ValueError:
            return False
        return isinstance(document, dict) and self._holds(document)

    @staticmethod
    def _split(text: str) -> list[str]:
        tokens, position = [], 0
        while position < len(text):
            found = TOKEN.match(text, position)
            if found is None:
                raise ValueError(f"unexpected {text[position:]!r}")
            tokens.append(found.group().strip())
            position = found.end()
        return tokens

    def _next(self) -> str:
        if not self._tokens:
            raise ValueError("the pattern is not complete")
        return self._tokens.pop(0)

    def _any(self) -> Holds:
        terms = [self._all()]
        while self._tokens and self._tokens[0] == "||":
            self._next()
            terms.append(self._all())
        return lambda document: any(term(document) for term in terms)

    def _all(self) -> Holds:
        terms = [self._term()]
        while self._tokens and self._tokens[0] == "&&":
            self._next()
            terms.append(self._term())
        return lambda document: all(term(document) for term in terms)

    def _term(self) -> Holds:
        token = self._next()
        if token == "(":
            inner = self._any()
            if self._next() != ")":
                raise ValueError("expected ')'")
            return inner
        if not token.startswith("$"):
            raise ValueError(f"expected a field instead of {token!r}")
        return self._condition(token, self._next())

    def _condition(self, path: str, sign: str) -> Holds:
        if sign.upper() == "IS":
            constant = self._next().upper()
            if constant not in CONSTANTS:
                raise ValueError(f"unexpected {constant!r}")
            return lambda document: select(document, path) is CONSTANTS[constant]
        if sign.upper() == "NOT":
            if self._next().upper() != "EXISTS":
                raise ValueError("expected EXISTS")
            return lambda document: select(document, path) is ABSENT
        if sign in COMPARISONS:
            limit, compare = float(self._next()), COMPARISONS[sign]
            return lambda document: (
                isinstance(found := select(document, path), int | float) and compare(found, limit)
            )
        if sign not in ("=", "!="):
            raise ValueError(f"expected a comparison instead of {sign!r}")
        value = self._next()
        equals = text_equals(json.loads(value) if value.startswith('"') else value)
        if sign == "=":
            return lambda document: equals(select(document, path))
        return lambda document: (found := select(document, path)) is not ABSENT and not equals(found)


def text_equals(wanted: str) -> Holds:
    """Return a test for a value: equal as a number or a text; * stands for any characters."""
    pattern = wanted.replace("[", "[[]").replace("?", "[?]")

    def equals(found: Any) -> bool:
        if isinstance(found, bool) or found is None or found is ABSENT:
            return False
        if isinstance(found, int | float):
            try:
                return float(wanted) == found
            except ValueError:
                return False
        return isinstance(found, str) and fnmatch.fnmatchcase(found, pattern)

    return equals
