"""The demo ends with what a person needs to open the desk."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from local.demo import summary
from local.demo.context import DemoContext
from local.demo.desk import DECIDER, Decided
from local.demo.model import TrainedModel
from local.demo.pull import Pulled
from local.demo.stream import Streamed
from local.demo.watch import Detection, Week
from local.people import GROUP_OF, User
from local.stack import LaptopStack


class DemoWithUsers(DemoContext):
    """A demo context of a stack with users and waiting cases."""

    def query(self, _sql: str, *_parameters: object) -> list[tuple[object, ...]]:
        return [(1234,)]


def test_the_demo_ends_with_the_address_of_the_desk_a_user_and_the_cases_that_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = "http://127.0.0.1:8402/"
    monkeypatch.setattr(LaptopStack, "desk_url", address)
    stack = LaptopStack(tmp_path / ".local")
    stack.users = [User(name, f"drawn for {name}", group) for name, group in GROUP_OF.items()]
    week = Week(33, "2025-W33", {"findings": []})
    shown = summary.text(
        DemoWithUsers(stack, Console(file=StringIO())),
        TrainedModel("1", tmp_path / "card.html", 4.0, 5.0),
        Decided({"a": True}, 0),
        Streamed(300, 3),
        Pulled(2_000),
        Detection(week, [week], tmp_path / "report.html"),
        60.0,
    )
    assert f"1,234 cases wait at the investigators' desk:\n  {address}\n" in shown
    assert "300 claims of a stream, and 3 records that fit no line;" in shown
    assert "2,000 claims pulled from another database;" in shown
    assert f"sign in as {DECIDER}, password drawn for {DECIDER}\n" in shown
    assert all(name in shown and group in shown for name, group in GROUP_OF.items())
