"""People are written to when there is something new, and then with what they need."""

from typing import Any

from claimwatch.domain.evaluation.finding import CHECKS, Check, Finding
from claimwatch.evaluation.notifications import digest, notify_window
from claimwatch.evaluation.report_data import PastWindow
from tests.unit.evaluation import weeks

QUIET: dict[Check, list[Finding]] = {check: [Finding("psi", 0.01, 100)] for check in CHECKS}
DRIFT = QUIET | {"feature_drift": [Finding("psi", 0.4, 100, "alarm", "claim_amount", threshold=0.1)]}
WATCH = QUIET | {"feature_drift": [Finding("psi", 0.4, 100, "watch", "claim_amount", threshold=0.1)]}
URI = "s3://artifacts/evaluations/motor/2026-W31/report.html"


def past(findings: dict[Check, list[Finding]], **more: Any) -> PastWindow:
    return PastWindow("2026-W30", "3", findings, **more)


def test_a_quiet_week_and_one_that_is_only_to_be_watched_are_not_told() -> None:
    assert digest(weeks.facts(), QUIET, past(QUIET), URI) is None
    assert digest(weeks.facts(), WATCH, past(QUIET), URI) is None


def test_an_alarm_that_stands_is_not_told_again() -> None:
    assert digest(weeks.facts(), DRIFT, past(DRIFT), URI) is None


def test_an_alarm_that_has_gone_is_no_reason_to_write() -> None:
    assert digest(weeks.facts(), QUIET, past(DRIFT), URI) is None


def test_an_alarm_that_comes_back_is_told_again() -> None:
    assert digest(weeks.facts(), DRIFT, past(QUIET), URI) is not None


def test_the_first_window_tells_its_alarms() -> None:
    assert digest(weeks.facts(), QUIET, None, URI) is None
    told = digest(weeks.facts(), DRIFT, None, URI)
    assert told is not None
    assert "- New: Feature drift, claim_amount: PSI 0.400, bound 0.100" in told[1]


def test_a_missing_check_is_told_though_nothing_alarms() -> None:
    told = digest(weeks.facts(missing={"bias": "it failed"}), QUIET, past(QUIET), URI)
    assert told is not None
    assert told[0] == "Claimwatch motor 2026-W31: 1 check missing"
    assert "1. Not checked: protected groups\n   It failed." in told[1]


def test_the_digest_has_what_changed_and_the_commands_that_lead_on() -> None:
    told = digest(weeks.facts(12), weeks.findings(12), weeks.history(12)[-1], URI)
    assert told is not None
    subject, message = told
    assert subject == "Claimwatch motor 2026-W31: performance, feature drift and error analysis"
    assert "1. Performance: Recall at capacity (alarm)" in message
    assert "- Still there: Protected groups, age_band" in message
    assert "  claimwatch report motor --window 2026-W31\n" in message
    assert f"  {URI}\n" in message
    assert "4. " not in message


def test_a_subject_is_short_enough_for_a_topic_though_everything_alarms() -> None:
    loud: dict[Check, list[Finding]] = {
        check: [Finding("psi", 0.4, 9, "alarm", f"feature_{number}") for number in range(40)]
        for check in CHECKS
    }
    told = digest(weeks.facts(), loud, past(QUIET), URI)
    assert told is not None
    assert len(told[0]) <= 100
    assert "- New: 394 others" in told[1]


class Mail:
    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []

    def publish(self, subject: str, message: str) -> None:
        self.sent.append((subject, message))


def test_one_message_goes_out_and_none_where_there_is_nothing_new() -> None:
    mail = Mail()
    assert not notify_window(mail, weeks.facts(), DRIFT, past(DRIFT), URI)
    assert notify_window(mail, weeks.facts(), DRIFT, past(QUIET), URI)
    assert len(mail.sent) == 1
