"""Application of a contract: its table changes, files that waited for it are loaded, and it is published."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.aws.alerts import Alerts
from claimwatch.aws.events import CreatedObject, sortable, storable_key
from claimwatch.aws.objects import ObjectMissing, ObjectRef, ObjectStore, read_whole
from claimwatch.domain.contract.compiled import to_json
from claimwatch.domain.contract.contract import Contract
from claimwatch.domain.contract.label import label_problems
from claimwatch.domain.contract.parse import parse_contract
from claimwatch.domain.contract.schema_change import Stored, plan_change, version_problem
from claimwatch.domain.contract.status import status_problem
from claimwatch.domain.contract.strict_yaml import MAX_TEXT, decode_text
from claimwatch.domain.contract.unseen_values import unseen_problems
from claimwatch.errors import RefusedContract, RefusedData, TransientFault
from claimwatch.ingest.contract_keys import line_of
from claimwatch.ingest.feed_links import feed_links
from claimwatch.storage import contracts, ledger
from claimwatch.storage.connection import Database, DataRefused
from claimwatch.storage.contracts import Entry, Submission

ATTEMPTS = 4
MOST_LISTED = 50
"""Problems of a contract that a notification lists."""

PAUSE = 10.0
"""Seconds between attempts to change a table that files are being loaded into; the queue waits 30 minutes."""

FEEDING_TIME = 120.0
"""Seconds for feeding the values of new columns that link claims; the rest waits for the next commit."""


type _Result = tuple[Entry, tuple[str, ...]]
"""The ledger entry of a submission, and notes about the changes of the table."""


@dataclass(frozen=True)
class Applied:
    """Result of applying a contract.

    ``status`` is ``applied``, ``refused``, ``superseded`` (a newer one is running) or ``ignored`` (the object
    is not a contract). ``notes`` describe the changes of the table; ``replayed`` is the number of files that
    had waited for the contract.
    """

    status: str
    line: str = ""
    version: str | None = None
    notes: tuple[str, ...] = ()
    replayed: int = 0


@dataclass(frozen=True)
class Dependencies:
    """Dependencies of ``apply_contract``.

    ``replay`` begins a new attempt at a file; ``publish`` publishes the running contract of a line.
    """

    database: Database
    objects: ObjectStore
    alerts: Alerts
    replay: Callable[[int], object]
    publish: Callable[[str], object]
    lock_timeout: float = contracts.LOCK_TIMEOUT
    sleep: Callable[[float], None] = time.sleep


def apply_contract(deps: Dependencies, created: CreatedObject) -> Applied:
    """Apply the contract in an object version, exactly once even if called several times.

    A contract that cannot be applied is recorded with the reasons and notified once; the running one stays.
    Raises ``TransientFault`` if the same call may succeed later.
    """
    line = line_of(storable_key(created.ref.key))
    if line is None:
        return Applied("ignored")
    try:
        text, problems = _read(deps.objects, created.ref)
    except ObjectMissing:
        return Applied("ignored", line)
    submission = Submission(
        line=line,
        bucket=created.ref.bucket,
        key=storable_key(created.ref.key),
        version_id=created.ref.version_id,
        received_at=created.created_at,
        sequencer=sortable(created.sequencer),
        text=text,
    )
    entry, notes = _record_with_retry(deps, submission, problems)
    if entry.status == "refused":
        _notify_refused(deps, submission, entry)
    replayed = 0
    if entry.status == "applied":
        # Both also after a crash, because the message comes again. A file that cannot be replayed must not
        # keep the API on the contract before.
        deps.publish(line)
        replayed = _replay_parked(deps, line)
        feed_links(deps.database, None, FEEDING_TIME)
    return Applied(entry.status, line, entry.version, notes, replayed)


def _read(objects: ObjectStore, ref: ObjectRef) -> tuple[str, list[str]]:
    """Return the text, made storable, and the reasons why it is not a readable contract."""
    content = read_whole(objects, ref, 4 * MAX_TEXT)
    if content is None:
        return "", [f"the file is larger than {4 * MAX_TEXT:,} bytes; a contract is much smaller"]
    return decode_text(content)


def _record_with_retry(deps: Dependencies, submission: Submission, problems: list[str]) -> _Result:
    contract: Contract | None = None
    if not problems:
        try:
            contract = parse_contract(submission.text, submission.line)
        except RefusedContract as refusal:
            problems = refusal.problems
    for _ in range(ATTEMPTS - 1):
        try:
            return _record(deps, submission, contract, problems)
        except TransientFault:
            deps.sleep(PAUSE)
    return _record(deps, submission, contract, problems)


def _record(
    deps: Dependencies, submission: Submission, contract: Contract | None, problems: list[str]
) -> _Result:
    """Apply or refuse the contract in one transaction, holding the lock of the line."""
    try:
        with deps.database.transaction() as cursor:
            contracts.lock_line(cursor, submission.line)
            known = contracts.find_entry(cursor, submission)
            if known is not None:
                return known, ()
            if contract is not None:
                return _apply(cursor, submission, contract, deps.lock_timeout)
    except RefusedContract as refusal:
        problems = refusal.problems
    except DataRefused as error:
        # For instance an index over values that are too long for it.
        problems = [f"schema: the stored claims do not allow this change ({error}); undo it in the contract"]
    with deps.database.transaction() as cursor:
        contracts.lock_line(cursor, submission.line)
        known = contracts.find_entry(cursor, submission)
        version = contract.version if contract else None
        why = "\n".join(problems)
        return known or contracts.add(cursor, submission, "refused", version=version, error=why), ()


def _apply(cursor: Cursor, submission: Submission, contract: Contract, lock_timeout: float) -> _Result:
    """Change the table and record the contract. Raises ``RefusedContract`` if that is impossible."""
    running = contracts.find_running(cursor, submission.line)
    if running is not None and running.sha256 == submission.sha256:
        return _add_applied(cursor, submission, contract, running.stored), ()
    problem = version_problem(running.contract, contract) if running is not None else None
    if running is not None and problem:
        # Events arrive in any order: an older version is not an error, only late.
        if (submission.received_at, submission.sequencer) < (running.received_at, running.sequencer):
            return contracts.add(cursor, submission, "superseded", version=contract.version), ()
        raise RefusedContract([problem])
    change = plan_change(running.stored if running else {}, contract)
    status = status_problem(contract)
    refusals = [*([status] if status else []), *unseen_problems(contract), *label_problems(contract)]
    if problems := [*refusals, *change.problems]:
        raise RefusedContract(problems)
    if change.emptied and ledger.is_loading(cursor, submission.line):
        raise TransientFault(f"files of line {submission.line} are being loaded by its running contract")
    contracts.change_line(cursor, submission.line, change.statements, lock_timeout)
    return _add_applied(cursor, submission, contract, change.stored), change.notes


def _add_applied(cursor: Cursor, submission: Submission, contract: Contract, stored: Stored) -> Entry:
    return contracts.add(
        cursor, submission, "applied", version=contract.version, stored=stored, compiled=to_json(contract)
    )


def _notify_refused(deps: Dependencies, submission: Submission, entry: Entry) -> None:
    """Publish before recording: after a crash in between, two notifications are better than none."""
    if entry.notified:
        return
    problems = (entry.error or "").splitlines()
    reasons = "\n".join(f"  - {reason}" for reason in problems[:MOST_LISTED])
    if len(problems) > MOST_LISTED:
        reasons += (
            f"\n  - {len(problems) - MOST_LISTED:,} more; all are listed by `claimwatch contract check`"
        )
    deps.alerts.publish(
        f"Claimwatch refused a contract: line {entry.line}",
        f"Contract: s3://{submission.bucket}/{submission.key} (version {submission.version_id})\n"
        f"Why:\n{reasons}\n"
        "The running contract stays in effect. Correct this one and store it again.\n",
    )
    with deps.database.transaction() as cursor:
        contracts.set_notified(cursor, entry.contract_id)


def _replay_parked(deps: Dependencies, line: str) -> int:
    """Begin a new attempt at each file that waited for the contract, oldest first; return their number."""
    with deps.database.transaction() as cursor:
        waiting = ledger.parked_files(cursor, line)
    replayed = 0
    for file_id in waiting:
        try:
            deps.replay(file_id)
        except RefusedData:
            continue  # committed in the meantime by another replay
        replayed += 1
    return replayed
