"""The next run of a source is read from its schedule."""

from datetime import UTC, datetime, timedelta

import pytest

from claimwatch.domain.sources.next_run import next_run

NOW = datetime(2026, 11, 29, 22, 15, 30, tzinfo=UTC)  # a Sunday


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        ("cron(0 6 * * ? *)", datetime(2026, 11, 30, 6, tzinfo=UTC)),
        ("cron(15,45 * * * ? *)", datetime(2026, 11, 29, 22, 45, tzinfo=UTC)),
        ("cron(0/20 8-17 ? * MON-FRI *)", datetime(2026, 11, 30, 8, tzinfo=UTC)),
        ("cron(30 2 1 JAN,jul ? *)", datetime(2027, 1, 1, 2, 30, tzinfo=UTC)),
        ("cron(0 12 ? * 1 *)", datetime(2026, 12, 6, 12, tzinfo=UTC)),
        ("cron(0 12 29 2 ? 2029)", None),
        ("cron(0 12 L * ? *)", None),
        ("cron(0 12 ? * 6#3 *)", None),
        ("at(2027-01-01T00:00:00)", None),
    ],
)
def test_the_next_time_of_a_cron_expression(schedule: str, expected: datetime | None) -> None:
    assert next_run(schedule, None, NOW) == expected


def test_a_rate_counts_from_the_last_pull() -> None:
    last = NOW - timedelta(minutes=4)
    assert next_run("rate(15 minutes)", last, NOW) == last + timedelta(minutes=15)
    assert next_run("rate(1 minute)", last, NOW) == NOW
    assert next_run("rate(15 minutes)", None, NOW) == NOW
