"""Every alert can be sent: SNS refuses long messages, and subjects that are long or not printable ASCII."""

from typing import Any

import pytest

from claimwatch.aws.alerts import SnsAlerts


class Topic:
    """Records what SNS is asked to send."""

    def publish(self, **sent: Any) -> None:
        self.sent = sent


@pytest.fixture
def topic() -> Topic:
    return Topic()


def published(topic: Topic, subject: str, message: str) -> tuple[str, str]:
    SnsAlerts(topic, "arn").publish(subject, message)  # type: ignore[arg-type]
    return topic.sent["Subject"], topic.sent["Message"]


def test_a_short_alert_is_sent_as_it_is(topic: Topic) -> None:
    assert published(topic, "Two files", "First: Größe\nSecond\n") == ("Two files", "First: Größe\nSecond\n")


@pytest.mark.parametrize("letter", ["x", "ß", "\U0001f600"])
def test_a_long_message_is_cut_to_the_bytes_that_sns_accepts_and_says_so(topic: Topic, letter: str) -> None:
    _, message = published(topic, "s", letter * 300_000)
    assert len(message.encode()) <= 262_144
    assert message.endswith("SNS sends at most 262,144.\n")
    assert f"it had {len((letter * 300_000).encode()):,} bytes" in message
    assert "\ufffd" not in message


@pytest.mark.parametrize("subject", ["a\nb\tc", "a\x00\x1b[2Jb\x7f", "\x9bä\u202eb" * 50, "x" * 500])
def test_a_subject_is_printable_ascii_of_at_most_100_characters(topic: Topic, subject: str) -> None:
    sent, _ = published(topic, subject, "m")
    assert len(sent) <= 100
    assert sent.isascii()
    assert sent.isprintable()


def test_a_lone_surrogate_does_not_prevent_an_alert(topic: Topic) -> None:
    assert published(topic, "s", "a\ud800b")[1] == "a?b"
