"""A week is planned, checked, closed and notified once, whatever happens to its messages."""

import multiprocessing
import os
import signal
from contextlib import closing
from random import Random

import pytest

from claimwatch.domain.evaluation.finding import CHECKS, Check, Finding
from claimwatch.errors import MalformedEvent, RefusedData, TransientFault
from claimwatch.evaluation import run_check
from claimwatch.evaluation.plan import Task
from claimwatch.storage import evaluations
from claimwatch.storage.evaluations import Window
from tests.cluster import database_at
from tests.integration.evaluation.environment import MONDAY, NEXT, Message, Watch, alarming, quiet
from tests.integration.ingest.environment import ARTIFACTS
from tests.integration.models.environment import ModelEnvironment


def failing(_window: Window) -> list[Finding]:
    raise ZeroDivisionError("of claim MTR-1")


def unreachable(_window: Window) -> list[Finding]:
    raise TransientFault("PostgreSQL broke off")


def assert_each_once(watch: Watch, windows: int = 1, missing: int = 0) -> None:
    assert len(watch.rows()) == 2 * (len(CHECKS) * windows - missing)
    assert watch.dead == []


def test_a_plan_sends_a_message_for_each_check_and_a_closing_message(watch: Watch) -> None:
    [window] = watch.schedule()

    assert (window.line, window.start.date(), window.model_version) == ("glass", NEXT, "1")
    asked = [message.body.get("check") for message in watch.queue]
    assert asked == [*CHECKS, None]
    assert watch.queue[-1].body["close"] is True


def test_planning_refreshes_the_statistics_of_the_tables(watch: Watch) -> None:
    watch.schedule()

    counted = watch.site.query(
        "SELECT relname, reltuples FROM pg_class WHERE relnamespace = 'claimwatch'::regnamespace"
        " AND relname IN ('file', 'score', 'claim_glass') ORDER BY relname"
    )
    claims = watch.site.query("SELECT count(*) AS n FROM claimwatch.claim_glass")[0]["n"]
    assert [(row["relname"], row["reltuples"]) for row in counted] == [
        ("claim_glass", claims),
        ("file", 1),
        ("score", claims),
    ]


def test_the_last_check_closes_the_week_with_a_report(watch: Watch) -> None:
    watch.schedule()
    watch.lose(closing=True)

    watch.work()

    window = watch.window()
    assert (window.status, window.missing, window.notified, window.advised) == ("closed", {}, True, False)
    assert window.claims == 6
    key = (window.report_uri or "").removeprefix(f"s3://{ARTIFACTS}/")
    page = watch.site.objects.newest(ARTIFACTS, key).decode()
    assert "2026-W09" in page
    assert watch.digests == []  # nothing is worth a word
    assert watch.events == []
    assert watch.measured("ChecksMissing") == [0]
    assert watch.measured("Alarms", Check="feature_drift") == [0]
    assert watch.measured("StandingAlarms") == [0]
    assert_each_once(watch)


def test_planning_again_has_no_effect(watch: Watch) -> None:
    for _ in range(2):
        watch.schedule()
    watch.work()
    watch.schedule()

    assert not watch.queue  # a closed week is not checked again
    assert watch.measured("ChecksMissing") == [0]
    assert_each_once(watch)


@pytest.mark.parametrize("seed", range(5))
def test_duplicate_and_reordered_messages_have_no_effect(watch: Watch, seed: int) -> None:
    watch.checks["feature_drift"] = alarming
    watch.schedule()

    watch.work(Random(seed), twice=True)

    assert watch.window().status == "closed"
    assert len(watch.rows()) == 2 * (len(CHECKS) - 1) + 1
    assert len(watch.digests) == 1
    assert len(watch.events) == 1
    assert watch.measured("ChecksMissing") == [0]


def test_a_lost_message_makes_its_check_missing_at_the_final_closing_attempt(watch: Watch) -> None:
    watch.schedule()
    watch.lose("bias")

    watch.work()

    window = watch.window()
    assert window.status == "incomplete"
    assert list(window.missing) == ["bias"]
    assert watch.measured("ChecksMissing") == watch.measured("StandingAlarms") == [1]
    [digest] = watch.digests
    assert "1 check missing" in digest
    assert "claimwatch evaluate glass --window 2026-W09" in digest
    assert_each_once(watch, missing=1)


@pytest.mark.parametrize(
    ("broken", "comes", "reason"),
    [(failing, 1, "ZeroDivisionError"), (unreachable, run_check.LAST_ATTEMPT, "failed 5 times")],
    ids=["a bug", "a fault that does not pass"],
)
def test_a_check_that_always_fails_is_missing_and_the_week_closes(
    watch: Watch, broken: object, comes: int, reason: str
) -> None:
    calls = []

    def counted(window: Window) -> list[Finding]:
        calls.append(window)
        return broken(window)  # type: ignore[operator, no-any-return]

    watch.checks["errors"] = counted
    watch.schedule()
    watch.lose(closing=True)

    watch.work()

    window = watch.window()
    assert len(calls) == comes
    assert window.status == "incomplete"
    assert reason in window.missing["errors"]
    assert "MTR-1" not in window.missing["errors"]  # what others' messages quote goes no further
    assert watch.measured("ChecksMissing") == [1]
    assert len(watch.digests) == 1
    assert_each_once(watch, missing=1)


def test_a_late_check_completes_the_week(watch: Watch) -> None:
    watch.schedule()
    [late] = [message for message in watch.queue if message.body.get("check") == "bias"]
    watch.lose("bias")
    watch.work()

    watch.deliver(late)

    window = watch.window()
    assert (window.status, window.missing) == ("closed", {})
    assert watch.measured("ChecksMissing") == [1, 0]
    assert_each_once(watch)


def test_late_checks_send_one_digest_when_the_week_is_complete(watch: Watch) -> None:
    watch.checks["score_drift"] = watch.checks["performance"] = watch.checks["bias"] = alarming
    watch.schedule()
    late = [
        message
        for message in watch.queue
        if message.body.get("check") in ("score_drift", "performance", "bias")
    ]
    watch.lose("score_drift", "performance", "bias")
    watch.work()

    for message in late:
        watch.deliver(message)

    assert watch.window().status == "closed"
    assert ["checks missing" in digest for digest in watch.digests] == [True, False]
    assert [detail["alarms"][0]["check"] for _, detail in watch.events] == ["performance"]


def test_the_next_plan_resends_a_week_whose_messages_were_lost(watch: Watch) -> None:
    watch.schedule()
    watch.queue.clear()

    watch.schedule()
    watch.work()

    assert watch.window().status == "closed"
    assert_each_once(watch)


def test_requesting_an_incomplete_week_runs_its_missing_checks(watch: Watch) -> None:
    watch.checks["errors"] = failing
    watch.schedule()
    watch.work()
    watch.checks["errors"] = quiet

    asked = watch.ask("2026-W09")
    assert [message.body.get("check") for message in watch.queue] == ["errors", None]
    watch.work()

    assert asked.status == "planned"
    assert watch.window().status == "closed"
    assert_each_once(watch)


@pytest.mark.parametrize(
    ("line", "week", "reason"),
    [
        ("motor", "2026-W09", "no champion"),
        ("glass", "2026-W10", "not over"),
        ("glass", "2026-W54", "no week"),
        ("glass", "last", "not a valid ISO week"),
    ],
)
def test_a_week_that_cannot_be_checked_is_refused_with_the_reason(
    watch: Watch, line: str, week: str, reason: str
) -> None:
    with pytest.raises(RefusedData, match=reason):
        watch.ask(week, line)

    assert not watch.queue


def test_a_standing_alarm_is_sent_and_advised_once(watch: Watch) -> None:
    watch.checks["feature_drift"] = alarming
    for week in ("2026-W08", "2026-W09"):
        watch.ask(week)
        watch.work(twice=True)

    assert [window.status for window in (watch.window(MONDAY), watch.window(NEXT))] == ["closed", "closed"]
    [digest] = watch.digests
    assert "2026-W08" in digest
    assert "amount" in digest
    [(kind, detail)] = watch.events
    assert kind == "RetrainingAdvised"
    assert (detail["line"], detail["window"], detail["model_version"]) == ("glass", "2026-W08", "1")
    assert detail["alarms"][0]["feature"] == "amount"
    assert watch.measured("Alarms", Check="feature_drift") == [1, 1]
    assert watch.measured("Alarms", Check="score_drift") == [0, 0]
    assert watch.measured("StandingAlarms") == [1, 1]


def test_alarms_of_other_checks_do_not_advise_training(watch: Watch) -> None:
    watch.checks["bias"] = alarming
    watch.schedule()
    watch.work()

    assert len(watch.digests) == 1
    assert watch.events == []


def test_an_old_week_puts_no_metrics_and_advises_nothing(watch: Watch) -> None:
    watch.ask("2026-W09")
    watch.work()
    before = len(watch.measures)
    watch.checks["feature_drift"] = alarming

    watch.ask("2026-W08")
    watch.work()

    assert watch.window(MONDAY).status == "closed"
    assert len(watch.measures) == before
    assert watch.events == []
    assert len(watch.digests) == 1  # somebody asked


def test_a_newly_promoted_model_has_a_window_of_its_own(watch: Watch, house: ModelEnvironment) -> None:
    watch.schedule()
    watch.work()
    house.register("2")
    house.promote("2")

    watch.schedule()
    watch.work()

    assert watch.window(version="2").status == "closed"
    assert_each_once(watch, windows=2)


@pytest.mark.parametrize("fault", ["publish", "publish_event", "put"])
def test_a_notification_that_failed_is_sent_at_the_next_delivery(
    watch: Watch, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    watch.checks["feature_drift"] = alarming
    whose = watch.site if fault == "publish" else watch
    works, faults = getattr(whose, fault), [TransientFault("away"), TransientFault("away")]

    def at_first_not(*given: object) -> None:
        if faults:
            raise faults.pop()
        works(*given)

    monkeypatch.setattr(whose, fault, at_first_not)
    watch.schedule()
    watch.work()

    assert watch.window().status == "closed"
    assert len(watch.digests) == 1
    assert len(watch.events) == 1
    assert watch.measured("Alarms", Check="feature_drift") == [1]


def die(_window: object, *_given: object, **_named: object) -> list[Finding]:
    os.kill(os.getpid(), signal.SIGKILL)
    return []


def run_and_die(url: str, check: Check, when: str) -> None:
    """A process with a check that is killed while it computes, or before what it found is marked."""
    with closing(database_at(url)) as database:
        if when == "writing":
            evaluations._mark = die  # type: ignore[assignment]
        run = die if when == "computing" else quiet
        task = Task.parse({"line": "glass", "window": "2026-W09", "model_version": "1", "check": check})
        run_check.run_task(run_check.Dependencies(database, {check: run}, None), task)  # type: ignore[arg-type]


@pytest.mark.parametrize("when", ["computing", "writing"])
def test_a_killed_check_leaves_nothing_and_succeeds_at_the_next_delivery(watch: Watch, when: str) -> None:
    watch.schedule()
    process = multiprocessing.get_context("spawn").Process(
        target=run_and_die, args=(watch.site.database.urls["evaluation"], "bias", when)
    )
    process.start()
    process.join()

    assert process.exitcode == -signal.SIGKILL
    assert watch.rows() == []
    watch.work()
    assert watch.window().status == "closed"
    assert_each_once(watch)


def test_a_check_that_is_always_killed_does_not_keep_the_week_open(watch: Watch) -> None:
    watch.schedule()
    watch.lose("performance")  # its message goes to the dead letters without a word

    watch.work()

    assert watch.window().status == "incomplete"
    assert "function died" in watch.window().missing["performance"]


def test_a_message_about_an_unplanned_week_is_dropped(watch: Watch) -> None:
    ended = watch.deliver(
        Message({"line": "glass", "window": "2026-W01", "model_version": "1", "check": "bias"})
    )

    assert ended is not None
    assert ended.status == "unknown window"


@pytest.mark.parametrize(
    "body",
    [{}, {"line": "glass"}, {"line": "glass", "window": "2026-W09", "model_version": "1", "check": "all"}],
)
def test_a_message_that_asks_for_nothing_known_is_no_task(body: dict[str, str]) -> None:
    with pytest.raises(MalformedEvent, match="evaluation task"):
        Task.parse(body)
