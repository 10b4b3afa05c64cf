"""Scoring the claims of a chunk: once by each live model, however often it is asked for."""

import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import IO, Any, Protocol

import numpy as np
import numpy.typing as npt

from claimwatch.aws.alerts import Alerts
from claimwatch.domain.contract.contract import Contract
from claimwatch.domain.contract.contract import Role as ColumnRole
from claimwatch.ingest.plan import Plan
from claimwatch.scoring.claim_table import Column, read_claims
from claimwatch.scoring.notifications import notify_without_champion
from claimwatch.scoring.score_copy import Block, Stream
from claimwatch.storage import contracts, ledger, models, profiles, scores
from claimwatch.storage.connection import Database
from claimwatch.storage.ledger import File
from claimwatch.storage.models import LiveModel, Role
from claimwatch.storage.scores import ChunkTiming, Scoring, ScoringCounts

BLOCK = 8192
"""Claims that are scored at a time."""


_JSON = json.JSONEncoder(ensure_ascii=False)


class Scores(Protocol):
    """What a model makes of claims: an entry for each, and counts of claims by feature."""

    @property
    def probability(self) -> npt.NDArray[np.float64]: ...
    @property
    def percentile(self) -> npt.NDArray[np.float64]: ...
    @property
    def referred(self) -> npt.NDArray[np.bool_]: ...
    @property
    def missing(self) -> Mapping[str, int]: ...
    @property
    def unseen(self) -> Mapping[str, int]: ...


class Model(Protocol):
    """A model that is ready to score.

    ``kinds`` are the columns that it wants, each with the kind of a feature that is made of it.
    """

    @property
    def kinds(self) -> Mapping[str, str]: ...
    @property
    def threshold(self) -> float: ...
    def score(self, columns: Mapping[str, Column]) -> Scores: ...
    def reasons(
        self, columns: Mapping[str, Column], rows: Column
    ) -> Sequence[Sequence[Mapping[str, Any]]]: ...
    def audited(self, claim_ids: Column) -> npt.NDArray[np.bool_]:
        """Which claims are in the random slice that is looked at whatever their score."""

    def profiles(
        self, columns: Mapping[str, Column], found: Sequence[Any], event_time: Column
    ) -> Mapping[date, tuple[int, bytes]]:
        """What claims look like, by the Monday of their week: how many they are, and packed counts.

        ``found`` is what ``score`` made of them, block by block.
        """


@dataclass(frozen=True)
class Dependencies:
    """What scoring works with; ``model`` reads a live model and keeps it warm.

    ``cold_start`` says that the process begins with this chunk, ``memory_mb`` what memory it has.
    """

    database: Database
    alerts: Alerts
    model: Callable[[LiveModel], Model]
    code_version: str
    cold_start: bool | None = None
    memory_mb: int | None = None


@dataclass(frozen=True)
class Scored:
    """What became of a chunk: claims by the role that scored them now.

    ``waits`` says that the line has no champion, so that the claims have no score that counts.
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
    claim_ids: Column
    columns: dict[str, Column]
    event_time: Column | None


def score_chunk(deps: Dependencies, file_id: int, number: int) -> Scored:
    """Score the claims of a chunk by the models that are live now and have not scored it.

    The champion's scores are there before the challenger's are tried. Raises ``BundleMismatch`` where a
    bundle is not the one that was promoted.
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
    if not todo:
        return Scored(file.line, waits=waits)
    claims: dict[Role, int] = {}
    referred = 0
    for chosen in todo:
        model = deps.model(chosen)
        begun = time.monotonic()
        tally = _score(deps, _read(deps.database, file, file.line, number, model.kinds), chosen, model, begun)
        if tally is not None:
            claims[chosen.role] = tally.claims
            referred += tally.referred if chosen.role == "champion" else 0
    return Scored(file.line, claims, referred, waits)


def _read(database: Database, file: File, line: str, number: int, kinds: Mapping[str, str]) -> _Chunk:
    chunks = Plan.from_json(file.details).chunks
    following = chunks[number + 1 : number + 2]
    with database.transaction() as cursor:
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
    return _Chunk(file, line, contract, number, claim_ids, columns, columns.get(event) if event else None)


def _score(
    deps: Dependencies, chunk: _Chunk, chosen: LiveModel, model: Model, begun: float
) -> ScoringCounts | None:
    """Score the chunk and write it down with its profiles, in one transaction with the mark that it is done.

    None if somebody else has done so meanwhile.
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
    made = _Made()
    rows = Stream(_rows(chunk, model, made))
    with deps.database.transaction() as cursor:
        scores.lock_chunk(cursor, scoring.file_id, scoring.number)
        if (chosen.version, chosen.role) in scores.scored_by(cursor, scoring.file_id, scoring.number):
            return None
        try:
            scores.add(cursor, scoring, rows)
        except Exception:
            if rows.failed is not None:
                raise rows.failed from None
            raise
        if chunk.event_time is not None:
            seen = model.profiles(chunk.columns, made.found, chunk.event_time)
            profiles.add_profiles(cursor, chunk.line, chosen.version, scoring.file_id, scoring.number, seen)
        took = ChunkTiming(time.monotonic() - begun, deps.cold_start, deps.memory_mb)
        scores.add_chunk(cursor, scoring, made.tally, took)
    return made.tally


@dataclass
class _Made:
    """What the blocks of a chunk have come to so far."""

    claims: int = 0
    referred: int = 0
    audited: int = 0
    missing: Counter[str] = field(default_factory=Counter)
    unseen: Counter[str] = field(default_factory=Counter)
    found: list[Scores] = field(default_factory=list)

    def count(self, found: Scores, audited: npt.NDArray[np.bool_]) -> None:
        """One more block."""
        self.claims += len(audited)
        self.referred += int(found.referred.sum())
        self.audited += int(audited.sum())
        self.missing.update(found.missing)
        self.unseen.update(found.unseen)
        self.found.append(found)

    @property
    def tally(self) -> ScoringCounts:
        return ScoringCounts(self.claims, self.referred, self.audited, dict(self.missing), dict(self.unseen))


def _rows(chunk: _Chunk, model: Model, made: _Made) -> Iterator[bytes]:
    """The chunk's scores, block by block: PostgreSQL takes one in while the next is made.

    Those that are referred come last and together, for reasons cost less for many at a time.
    """
    suspected, places = [], []
    for start in range(0, len(chunk.claim_ids), BLOCK):
        block = slice(start, start + BLOCK)
        claim_ids = chunk.claim_ids[block]
        found = model.score({name: values[block] for name, values in chunk.columns.items()})
        audited = model.audited(claim_ids)
        made.count(found, audited)
        scored = Block(claim_ids, found.probability, found.percentile, found.referred, audited)
        yield scored.of(~found.referred).rows()
        suspected.append(scored.of(found.referred))
        places.append(start + np.flatnonzero(found.referred))
    if suspected:
        reasons = model.reasons(chunk.columns, np.concatenate(places))
        yield Block.joined(suspected).rows(list(map(_JSON.encode, reasons)))
