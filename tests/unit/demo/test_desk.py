"""The demo's investigator waits for a database that wakes up; each decision must become its outcome."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from local.demo import desk
from local.demo.context import DemoContext, DemoFailed
from local.stack import LaptopStack


class Answers:
    """Answers of the API, one after the other, and the requests."""

    def __init__(self, *answers: tuple[int, Any]) -> None:
        self.answers = [*answers]
        self.requests: list[tuple[Any, ...]] = []

    def __call__(self, *request: Any) -> tuple[int, dict[str, str], bytes]:
        self.requests.append(request)
        status, document = self.answers.pop(0)
        return status, {}, json.dumps(document).encode()


class DemoWithOutcomes(DemoContext):
    """A demo context whose database has these outcomes of the desk, and these current ones."""

    loaded: list[tuple[Any, ...]]
    current: list[tuple[Any, ...]]

    def query(self, sql: str, *_parameters: Any) -> list[tuple[Any, ...]]:
        return self.loaded if sql == desk.OUTCOMES else self.current


@pytest.fixture
def demo(tmp_path: Path) -> DemoWithOutcomes:
    return DemoWithOutcomes(LaptopStack(tmp_path / ".local"), Console(file=StringIO()))


def asked(monkeypatch: pytest.MonkeyPatch, *answers: tuple[int, Any]) -> tuple[Answers, Any]:
    fake = Answers(*answers)
    monkeypatch.setattr(desk, "request", fake)
    monkeypatch.setattr("local.demo.desk.time.sleep", lambda _: None)
    person = desk.Person("http://127.0.0.1:1", "a token")
    return fake, person.ask("POST", "/app/queue/next", {}, if_match='"v3"')


def test_a_request_is_repeated_while_the_database_wakes_up(monkeypatch: pytest.MonkeyPatch) -> None:
    fake, answer = asked(monkeypatch, (503, {"code": "waking"}), (200, {"case": None}))
    assert answer == {"case": None}
    assert len(fake.requests) == 2
    address, method, path, body, headers = fake.requests[-1]
    assert (address, method, path, body) == ("http://127.0.0.1:1", "POST", "/app/queue/next", "{}")
    assert headers["authorization"] == "Bearer a token"
    assert headers["if-match"] == '"v3"'


def test_a_refusal_fails_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DemoFailed, match="409"):
        asked(monkeypatch, (409, {"code": "stale"}))


def test_each_decision_has_to_be_one_outcome(demo: DemoWithOutcomes) -> None:
    one = ("c-1", True, "referral", "outcomes/motor/decisions/1-1.ndjson")
    object.__setattr__(demo, "current", [("c-1", True)])
    object.__setattr__(demo, "loaded", [one])
    desk._wait_for_outcomes(demo, {"c-1": True})
    for loaded, final in (([one, one], {"c-1": True}), ([], {"c-1": True}), ([one], {"c-1": False})):
        object.__setattr__(demo, "loaded", loaded)
        with pytest.raises(DemoFailed, match="not those that were decided"):
            desk._wait_for_outcomes(demo, final)
