"""The first step that fails ends a run with a sentence, and what was made is removed in any case."""

from collections.abc import Callable

import pytest
from botocore.exceptions import EndpointConnectionError

from smoke.steps import Report, SmokeFailed, Undo, run_steps
from tests.unit.smoke.fakes import Time, refused

SECRET = "somebody@example.org"


def report() -> Report:
    said: list[str] = []
    return Report("claimwatch", "0a1b2c3d", say=said.append)


def failing(error: BaseException) -> Callable[[], str]:
    def step() -> str:
        raise error

    return step


def test_steps_run_in_order_until_one_fails_and_the_failure_says_what_where_and_what_to_look_at() -> None:
    ran: list[str] = []

    def third() -> str:
        ran.append("three")
        return ""

    steps: list[tuple[str, Callable[[], str]]] = [
        ("one", lambda: "found"),
        ("two", failing(SmokeFailed("It is broken", "there", "that"))),
        ("three", third),
    ]
    done = run_steps(steps, Undo(), report(), Time().clock())
    assert ran == []
    assert not done.passed
    assert (done.failed_step, done.failure) == ("two", "It is broken. Where: there. Look at: that.")
    assert [step.note for step in done.steps] == ["found"]


@pytest.mark.parametrize("error", [None, SmokeFailed("a", "b", "c"), ValueError(SECRET), KeyboardInterrupt()])
def test_what_was_made_is_removed_last_first_however_a_run_ends(error: BaseException | None) -> None:
    removed: list[str] = []
    undo = Undo()
    undo.add("the file", lambda: removed.append("file"))
    undo.add("the person", lambda: removed.append("person"))
    run_steps([("one", failing(error) if error else lambda: "")], undo, report(), Time().clock())
    assert removed == ["person", "file"]


def test_what_could_not_be_removed_is_reported_and_the_rest_is_removed() -> None:
    removed: list[str] = []
    undo = Undo()
    undo.add("the file", lambda: removed.append("file"))
    undo.add("the person", failing(refused("DeleteUser", "NotAuthorizedException")))  # type: ignore[arg-type]
    done = run_steps([("one", lambda: "")], undo, report(), Time().clock())
    assert removed == ["file"]
    assert done.left == ["the person (DeleteUser: NotAuthorizedException)"]
    assert done.passed, "a release is not rolled back because something could not be removed"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (refused("GetAlias", "AccessDeniedException"), "deployment-roles.yaml"),
        (refused("DescribeStacks", "ExpiredToken"), "the credentials of this process"),
        (refused("PutObject", "SlowDown"), "PutObject answers SlowDown"),
        (EndpointConnectionError(endpoint_url="https://x"), "AWS cannot be called"),
        (ValueError(SECRET), "The smoke test itself failed: ValueError"),
    ],
)
def test_an_error_becomes_a_sentence_that_quotes_nothing(error: Exception, sentence: str) -> None:
    done = run_steps([("one", failing(error))], Undo(), report(), Time().clock())
    assert sentence in (done.failure or "")
    assert SECRET not in str(done.document())
    assert not done.document()["passed"]
