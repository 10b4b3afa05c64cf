"""Notifications about sources: what happened, where, and what to do, without any row, key or secret."""

from datetime import datetime

from claimwatch.aws.alerts import Alerts
from claimwatch.domain.sources.fields import described
from claimwatch.domain.sources.source import Source
from claimwatch.storage.sources import Entry, State, Submission

MOST_LISTED = 50
"""Problems of a file that a notification lists."""


def notify_refused(alerts: Alerts, submission: Submission, entry: Entry) -> None:
    """Notify that the file of a source cannot be applied."""
    problems = (entry.error or "").splitlines()
    reasons = "\n".join(f"  - {reason}" for reason in problems[:MOST_LISTED])
    if len(problems) > MOST_LISTED:
        reasons += f"\n  - {len(problems) - MOST_LISTED:,} more"
    alerts.publish(
        f"Claimwatch refused a source: {submission.source}",
        f"File: s3://{submission.bucket}/{submission.key} (version {submission.version_id})\n"
        f"Why:\n{reasons}\n"
        "The running version stays in effect. Correct the file and store it again:\n"
        f"  claimwatch source put {submission.source}.yaml\n",
    )


def notify_failing(alerts: Alerts, source: str, error: str) -> None:
    """Notify that a source cannot be pulled; once until it was pulled again."""
    alerts.publish(
        f"Claimwatch cannot pull source {source}",
        f"Source: {source}\nWhy: {error}\n"
        "Nothing is lost: the next pull goes on where the last one ended. It is tried again on schedule; to\n"
        "try it now, run:\n"
        f"  claimwatch source run {source}\n"
        "You are notified once, until it was pulled again.\n",
    )


def notify_silent(alerts: Alerts, source: Source, state: State) -> None:
    """Notify that a source had no new row for longer than its file allows; once per silence."""
    assert source.silent_after is not None
    after = described(source.silent_after)
    reason = (
        f"It was last pulled to its end {_moment(state.looked_at)}. Look at its errors and its schedule:\n"
        if state.failing_since is not None or state.looked_at is None
        else f"It was last looked at {_moment(state.looked_at)}, so it can be read. Ask whoever fills it:\n"
    )
    alerts.publish(
        f"Claimwatch: source {source.name} is silent",
        f"Source: {source.name} (line {source.line})\n"
        f"It has had no new {'file' if source.files else 'row'} for more than {after}. The last one came "
        f"{_moment(state.rows_at)}.\n{reason}"
        f"  claimwatch sources\n"
        "You are notified once, until it has a new one. Change silentAfter in its file if this is normal.\n",
    )


def notify_deletions(alerts: Alerts, source: Source, deleted: int) -> None:
    """Notify that a source no longer has rows that were pulled."""
    rows = "1 row" if deleted == 1 else f"{deleted:,} rows"
    alerts.publish(
        f"Claimwatch: {rows} of source {source.name} are gone",
        f"Source: {source.name} (line {source.line})\n"
        f"Its last pull no longer found {rows} that earlier ones did. Their claims stay as they are.\n"
        "The keys of the rows are in the table claimwatch.source_deletion.\n",
    )


def notify_refused_file(alerts: Alerts, source: Source, number: int, refusal: str) -> None:
    """Notify that a version of a file could not be pulled, without its path, which may name people."""
    alerts.publish(
        f"Claimwatch: a file of source {source.name} was not pulled",
        f"Source: {source.name} (line {source.line}), window {number}\nWhy: {refusal}\n"
        "Other files are pulled. This one is tried again by each pull; you are notified once, until its\n"
        "size or time has changed. Its path is in the list of windows:\n"
        f"  claimwatch sources {source.name}\n",
    )


def _moment(moment: datetime | None) -> str:
    return "never" if moment is None else f"on {moment:%Y-%m-%d at %H:%M} UTC"
