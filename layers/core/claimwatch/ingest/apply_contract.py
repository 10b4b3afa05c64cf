"""A contract was put where a line's contract belongs: its table follows, and the files that waited for it."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.aws.alerts import Alerts
from claimwatch.aws.events import CreatedObject
from claimwatch.aws.objects import ObjectMissing, ObjectRef, ObjectStore
from claimwatch.domain.contract.contract import Contract
from claimwatch.domain.contract.parse import parse_contract
from claimwatch.domain.contract.schema_change import plan_change, version_problem
from claimwatch.domain.contract.strict_yaml import MAX_TEXT
from claimwatch.errors import RefusedContract, RefusedData, TransientFault
from claimwatch.storage import contracts, ledger
from claimwatch.storage.connection import Database
from claimwatch.storage.contracts import Entry, Submission

TRIES = 4
PAUSE = 10.0
"""Seconds between tries to change a table that files are loaded into; the queue would wait half an hour."""

_KEY = re.compile(r"contracts/(?P<line>[^/]+?)(?P<draft>\.draft)?\.ya?ml")


type _Settled = tuple[Entry, tuple[str, ...]]
"""What is recorded of a submission, and what was changed in the table."""


@dataclass(frozen=True)
class Applied:
    """What became of a contract.

    ``status`` is ``applied``, ``refused``, ``superseded`` (a newer one was there) or ``ignored`` (it is no
    contract). ``notes`` say what was changed in the table; ``replayed`` files had waited for it.
    """

    status: str
    line: str = ""
    version: str | None = None
    notes: tuple[str, ...] = ()
    replayed: int = 0


@dataclass(frozen=True)
class Dependencies:
    """What applying a contract works with; ``replay`` begins a new attempt at a file."""

    database: Database
    objects: ObjectStore
    alerts: Alerts
    replay: Callable[[int], object]
    lock_timeout: float = contracts.LOCK_TIMEOUT
    sleep: Callable[[float], None] = time.sleep


def apply_contract(deps: Dependencies, created: CreatedObject) -> Applied:
    """Apply the contract in an object version, once however often it is asked for.

    One that cannot be applied is recorded with the reasons and told once; the running one stays. Raises
    ``TransientFault`` where the same call may succeed later.
    """
    line = line_of(created.ref.key)
    if line is None:
        return Applied("ignored")
    try:
        text, problems = _read(deps.objects, created.ref)
    except ObjectMissing:
        return Applied("ignored", line)
    submission = Submission(
        line=line,
        bucket=created.ref.bucket,
        key=created.ref.key,
        version_id=created.ref.version_id,
        received_at=created.created_at,
        sequencer=created.sequencer.rjust(32, "0"),  # so that text sorts as the number does
        text=text,
    )
    entry, notes = _settle_patiently(deps, submission, problems)
    if entry.status == "refused":
        _tell_refused(deps, submission, entry)
    replayed = _replay_parked(deps, line) if entry.status == "applied" else 0
    return Applied(entry.status, line, entry.version, notes, replayed)


def line_of(key: str) -> str | None:
    """The line whose contract belongs at this key; None if none does, as with drafts."""
    found = _KEY.fullmatch(key)
    return None if found is None or found["draft"] else found["line"]


def _read(objects: ObjectStore, ref: ObjectRef) -> tuple[str, list[str]]:
    """The text, fit for being stored, and why it cannot be read as a contract."""
    read = bytearray()
    for block in objects.read(ref):
        read += block
        if len(read) > 4 * MAX_TEXT:
            return "", [f"the file is larger than {4 * MAX_TEXT:,} bytes; a contract is much smaller"]
    text = read.decode("utf-8-sig", "replace").replace("\0", "\ufffd")
    if b"\0" in read:
        return text, [f"byte {read.index(0) + 1:,} of the file is zero, so it is no text; save it as UTF-8"]
    try:
        read.decode("utf-8")
    except UnicodeDecodeError as error:
        return text, [f"byte {error.start + 1:,} of the file is not UTF-8; save it as UTF-8"]
    return text, []


def _settle_patiently(deps: Dependencies, submission: Submission, problems: list[str]) -> _Settled:
    contract: Contract | None = None
    if not problems:
        try:
            contract = parse_contract(submission.text, submission.line)
        except RefusedContract as refusal:
            problems = refusal.problems
    for _ in range(TRIES - 1):
        try:
            return _settle(deps, submission, contract, problems)
        except TransientFault:
            deps.sleep(PAUSE)
    return _settle(deps, submission, contract, problems)


def _settle(
    deps: Dependencies, submission: Submission, contract: Contract | None, problems: list[str]
) -> _Settled:
    """Decide and do it, in one transaction; nobody else looks at the line's contracts meanwhile."""
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
    with deps.database.transaction() as cursor:
        contracts.lock_line(cursor, submission.line)
        known = contracts.find_entry(cursor, submission)
        version = contract.version if contract else None
        why = "\n".join(problems)
        return known or contracts.add(cursor, submission, "refused", version=version, error=why), ()


def _apply(cursor: Cursor, submission: Submission, contract: Contract, lock_timeout: float) -> _Settled:
    """Change the table and record the contract; ``RefusedContract`` if that cannot be."""
    running = contracts.find_running(cursor, submission.line)
    if running is not None and running.sha256 == submission.sha256:
        stored = running.stored
        return contracts.add(cursor, submission, "applied", version=contract.version, stored=stored), ()
    problem = version_problem(running.contract, contract) if running is not None else None
    if running is not None and problem:
        # Events come in any order: what S3 received earlier is no mistake, only late.
        if (submission.received_at, submission.sequencer) < (running.received_at, running.sequencer):
            return contracts.add(cursor, submission, "superseded", version=contract.version), ()
        raise RefusedContract([problem])
    change = plan_change(running.stored if running else {}, contract)
    if change.problems:
        raise RefusedContract(list(change.problems))
    contracts.run(cursor, change.statements, lock_timeout)
    stored = change.stored
    return contracts.add(cursor, submission, "applied", version=contract.version, stored=stored), change.notes


def _tell_refused(deps: Dependencies, submission: Submission, entry: Entry) -> None:
    """Publish first, remember afterwards: a crash in between tells people twice rather than never."""
    if entry.notified:
        return
    reasons = "\n".join(f"  - {reason}" for reason in (entry.error or "").splitlines())
    deps.alerts.publish(
        f"Claimwatch refused a contract: line {entry.line}",
        f"Contract: s3://{submission.bucket}/{submission.key} (version {submission.version_id})\n"
        f"Why:\n{reasons}\n"
        "The contract that was running goes on. Mend this one and put it there again.\n",
    )
    with deps.database.transaction() as cursor:
        contracts.set_notified(cursor, entry.contract_id)


def _replay_parked(deps: Dependencies, line: str) -> int:
    """Begin again with the files that waited for a contract, in the order in which they came."""
    with deps.database.transaction() as cursor:
        waiting = ledger.parked_files(cursor, line)
    replayed = 0
    for file_id in waiting:
        try:
            deps.replay(file_id)
        except RefusedData:
            continue  # committed meanwhile, by a replay of somebody else's
        replayed += 1
    return replayed
