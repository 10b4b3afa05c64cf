"""Scoring of a chunk's claims, once by each live model, however often the task is repeated."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import IO

from claimwatch.aws.alerts import Alerts
from claimwatch.domain.contract.contract import Contract
from claimwatch.domain.contract.contract import Role as ColumnRole
from claimwatch.ingest.plan import Plan
from claimwatch.scoring.claim_table import Column, read_claims
from claimwatch.scoring.notifications import notify_without_champion
from claimwatch.scoring.score_stream import Model, ScoreStream
from claimwatch.storage import contracts, decided_claims, ledger, models, profiles, review_cases, scores
from claimwatch.storage.connection import Database
from claimwatch.storage.ledger import File
from claimwatch.storage.models import LiveModel, Role
from claimwatch.storage.scores import ChunkTiming, Scoring, ScoringCounts


@dataclass(frozen=True)
class Dependencies:
    """Dependencies of ``score_chunk``; ``model`` reads a live model and keeps it warm.

    ``cold_start`` says whether this is the first chunk of the process, ``memory_mb`` the process's memory.
    """

    database: Database
    alerts: Alerts
    model: Callable[[LiveModel], Model]
    code_version: str
    cold_start: bool | None = None
    memory_mb: int | None = None


@dataclass(frozen=True)
class Scored:
    """The result for a chunk: the number of claims scored now, by the role of the model.

    ``waits`` is True if the line has no champion, so that its claims have no score that counts.
    """

    line: str
    claims: dict[Role, int] = field(default_factory=dict)
    referred: int = 0
    waits: bool = False


@dataclass(frozen=True)
class _Chunk:
    file: File
    line: str
    contract: Contract
    number: int
    audit_key: bytes
    claim_ids: Column
    columns: dict[str, Column]
    event_time: Column | None


def score_chunk(deps: Dependencies, file_id: int, number: int) -> Scored:
    """Score the claims of a chunk by the live models that have not scored it yet.

    The champion's scores are stored before the challenger's are computed. Raises ``BundleMismatch`` if a
    bundle is not the promoted one.
    """
    with deps.database.transaction() as cursor:
        file = ledger.get(cursor, file_id)
        if file.line is None or file.dataset != "claims" or file.status != "committed":
            return Scored(file.line or "")
        live = models.live_models(cursor, file.line)
        done = scores.scored_by(cursor, file_id, number)
    waits = "champion" not in live
    if waits:
        notify_without_champion(deps.database, deps.alerts, file.line)
    todo = [live[role] for role in models.ROLES if role in live and (live[role].version, role) not in done]
    claims: dict[Role, int] = {}
    referred = 0
    for chosen in todo:
        model = deps.model(chosen)
        begun = time.monotonic()
        chunk = _read(deps.database, file, file.line, number, model.kinds)
        counts = _score(deps, chunk, chosen, model, begun)
        if counts is not None:
            claims[chosen.role] = counts.claims
            referred += counts.referred if chosen.role == "champion" else 0
    return Scored(file.line, claims, referred, waits)


def _read(database: Database, file: File, line: str, number: int, kinds: Mapping[str, str]) -> _Chunk:
    chunks = Plan.from_json(file.details).chunks
    following = chunks[number + 1 : number + 2]
    with database.transaction() as cursor:
        audit_key = scores.audit_key(cursor)
        contract = contracts.applied(cursor, file.dataset, line, file.contract_version)
        event = next((each.name for each in contract.columns if each.role is ColumnRole.EVENT_TIME), None)
        wanted = dict(kinds) if event is None else {event: "days"} | dict(kinds)

        def write(text: IO[bytes]) -> None:
            scores.copy_claims(
                cursor,
                contract,
                list(wanted),
                file.file_id,
                chunks[number].first_row,
                following[0].first_row - 1 if following else None,
                text,
            )

        claim_ids, columns = read_claims(write, wanted)
    event_time = columns.get(event) if event else None
    return _Chunk(file, line, contract, number, audit_key, claim_ids, columns, event_time)


def _score(
    deps: Dependencies, chunk: _Chunk, chosen: LiveModel, model: Model, begun: float
) -> ScoringCounts | None:
    """Store the chunk's scores, profiles and cases, and mark the chunk as scored, in one transaction.

    Returns None if another process has done so in the meantime.
    """
    scoring = Scoring(
        line=chunk.line,
        file_id=chunk.file.file_id,
        number=chunk.number,
        model=chosen,
        contract_version=chunk.contract.version,
        code_version=deps.code_version,
        threshold=model.threshold,
    )
    stream = ScoreStream(model, chunk.claim_ids, chunk.columns, chunk.audit_key)
    with deps.database.transaction() as cursor:
        scores.lock_chunk(cursor, scoring.file_id, scoring.number)
        if (chosen.version, chosen.role) in scores.scored_by(cursor, scoring.file_id, scoring.number):
            return None
        try:
            scores.add(cursor, scoring, stream)
        except Exception:
            if stream.failed is not None:
                raise stream.failed from None
            raise
        if chunk.event_time is not None:
            found = model.profiles(chunk.columns, stream.found, chunk.event_time)
            profiles.add_profiles(cursor, chunk.line, chosen.version, scoring.file_id, scoring.number, found)
        counts = stream.counts
        timing = ChunkTiming(time.monotonic() - begun, deps.cold_start, deps.memory_mb)
        scores.add_chunk(cursor, scoring, counts, timing)
        if chosen.role == "champion":
            review_cases.open_cases(cursor, chunk.line, scoring.file_id, chunk.claim_ids.tolist())
            decided_claims.note_scores(cursor, chunk.line, stream.referred)
    return counts
