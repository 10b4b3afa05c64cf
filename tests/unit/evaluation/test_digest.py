"""A digest is sent if something is new, with what to do about it."""

from typing import Any

from claimwatch.domain.evaluation.finding import CHECKS, Check, Finding
from claimwatch.domain.evaluation.quality import Intake, data_quality
from claimwatch.evaluation.checks.registry import SPEC_OF
from claimwatch.evaluation.notifications import digest, notify_window
from claimwatch.evaluation.priorities import action_items
from claimwatch.evaluation.report_data import PastWindow
from tests.unit.evaluation import weeks

QUIET: dict[Check, list[Finding]] = {check: [Finding("psi", 0.01, 100)] for check in CHECKS}
DRIFT = QUIET | {"feature_drift": [Finding("psi", 0.4, 100, "alarm", "claim_amount", threshold=0.1)]}
WATCH = QUIET | {"feature_drift": [Finding("psi", 0.4, 100, "watch", "claim_amount", threshold=0.1)]}
URI = "s3://artifacts/evaluations/motor/2026-W31/report.html"


def past(findings: dict[Check, list[Finding]], **more: Any) -> PastWindow:
    return PastWindow("2026-W30", "3", findings, **more)


def test_a_week_without_an_alarm_sends_no_digest() -> None:
    assert digest(weeks.facts(), QUIET, past(QUIET), URI) is None
    assert digest(weeks.facts(), WATCH, past(QUIET), URI) is None


def test_a_standing_alarm_is_not_sent_again() -> None:
    assert digest(weeks.facts(), DRIFT, past(DRIFT), URI) is None


def test_a_cleared_alarm_sends_no_digest() -> None:
    assert digest(weeks.facts(), QUIET, past(DRIFT), URI) is None


def test_a_returning_alarm_is_sent_again() -> None:
    assert digest(weeks.facts(), DRIFT, past(QUIET), URI) is not None


def test_the_first_window_sends_its_alarms() -> None:
    assert digest(weeks.facts(), QUIET, None, URI) is None
    message = digest(weeks.facts(), DRIFT, None, URI)
    assert message is not None
    assert "- New: Feature drift, claim_amount: PSI 0.400, bound 0.100" in message[1]


def test_ten_silent_weeks_send_one_digest_and_always_need_a_person() -> None:
    silent: dict[Check, list[Finding]] = QUIET | {"data_quality": data_quality({}, {}, Intake(0, 0, 0))}
    sent, before = [], past(QUIET)
    for _ in range(10):
        facts = weeks.facts(claims=0)
        sent.append(digest(facts, silent, before, URI))
        assert [item.outcome for item in action_items(facts, silent, before)] == ["alarm"]
        before = past(silent)
    assert sent[0] is not None
    assert "0 claims scored" in sent[0][1]
    assert "no claims at all" in sent[0][1]
    assert sent[1:] == [None] * 9


def test_more_frauds_than_predicted_are_sent_with_their_own_next_step() -> None:
    found = Finding("observed_to_expected", 1.8, 900, "alarm", low=1.5, high=2.1, threshold=1.25)
    message = digest(weeks.facts(), QUIET | {"performance": [found]}, past(QUIET), URI)
    assert message is not None
    assert "Observed vs. predicted frauds 1.80 (1.50 to 2.10), bound 1.25" in message[1]
    assert "If the outcomes are complete" in message[1]
    worse = Finding("roc_auc", 0.6, 900, "alarm", low=0.5, high=0.7, threshold=0.8)
    message = digest(weeks.facts(), QUIET | {"performance": [found, worse]}, past(QUIET), URI)
    assert message is not None
    assert SPEC_OF["performance"].next_step.format(line="motor", window="2026-W31") in message[1]


def test_a_missing_check_sends_a_digest_without_any_alarm() -> None:
    message = digest(weeks.facts(missing={"bias": "it failed"}), QUIET, past(QUIET), URI)
    assert message is not None
    assert message[0] == "Claimwatch motor 2026-W31: 1 check missing"
    assert "1. Not checked: protected groups\n   It failed." in message[1]


def test_the_digest_lists_changes_and_next_commands() -> None:
    message = digest(weeks.facts(12), weeks.findings(12), weeks.history(12)[-1], URI)
    assert message is not None
    subject, text = message
    assert subject == "Claimwatch motor 2026-W31: performance, feature drift and error analysis"
    assert "1. Performance: Recall at capacity (alarm)" in text
    assert "- Still there: Protected groups, age_band" in text
    alarming: tuple[Check, ...] = ("performance", "feature_drift", "errors", "bias")
    for check in alarming:
        assert f"- {SPEC_OF[check].alarm}\n" in text
    assert SPEC_OF["challenger"].alarm not in text
    assert "  claimwatch report motor --window 2026-W31\n" in text
    assert f"  {URI}\n" in text
    assert "4. " not in text


def test_the_subject_fits_a_topic_if_everything_alarms() -> None:
    loud: dict[Check, list[Finding]] = {
        check: [Finding("psi", 0.4, 9, "alarm", f"feature_{number}") for number in range(40)]
        for check in CHECKS
    }
    message = digest(weeks.facts(), loud, past(QUIET), URI)
    assert message is not None
    assert len(message[0]) <= 100
    assert f"- New: {40 * len(CHECKS) - 6} others" in message[1]


class Mail:
    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []

    def publish(self, subject: str, message: str) -> None:
        self.sent.append((subject, message))


def test_a_digest_is_published_only_if_something_is_new() -> None:
    mail = Mail()
    assert not notify_window(mail, weeks.facts(), DRIFT, past(DRIFT), URI)
    assert notify_window(mail, weeks.facts(), DRIFT, past(QUIET), URI)
    assert len(mail.sent) == 1
