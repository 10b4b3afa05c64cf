"""Scores of a chunk as a stream for PostgreSQL's binary COPY, made block by block while COPY reads.

Arrays become fields without a detour through text: as CSV, the same scores cost the worker several times as
much processor time, and the server more as well.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain, repeat
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from claimwatch.scoring.claim_table import Column
from claimwatch.storage.scores import ScoringCounts

BLOCK = 8192
"""Claims scored at a time."""

_BEGINNING = b"PGCOPY\n\xff\r\n\0" + bytes(8)
"""The signature, no flags, no extension (PostgreSQL's documentation of COPY, "Binary Format")."""

_END = b"\xff\xff"

_NULL = b"\xff\xff\xff\xff"
_JSONB = b"\x01"
"""The version of jsonb's binary form; the text follows it."""

_JSON = json.JSONEncoder(ensure_ascii=False)

_FIELDS = 6
_ROW = np.dtype(
    [
        ("fields", ">i2"),
        *(("probability_bytes", ">i4"), ("probability", ">f8")),
        *(("percentile_bytes", ">i4"), ("percentile", ">f8")),
        *(("referred_bytes", ">i4"), ("referred", "?")),
        *(("audited_bytes", ">i4"), ("audited", "?")),
        ("claim_id_bytes", ">i4"),
    ]
)
"""The fields of fixed length, at the beginning of each row. The claim id and the reasons or null follow."""


class Scores(Protocol):
    """Scores of a block of claims: an entry for each claim, and counts of claims by feature."""

    @property
    def probability(self) -> npt.NDArray[np.float64]: ...
    @property
    def percentile(self) -> npt.NDArray[np.float64]: ...
    @property
    def missing(self) -> Mapping[str, int]: ...
    @property
    def unseen(self) -> Mapping[str, int]: ...


class Model(Protocol):
    """A model that is ready to score.

    ``kinds`` names the columns that the model needs, each with the kind of feature made from it.
    """

    @property
    def kinds(self) -> Mapping[str, str]: ...
    @property
    def threshold(self) -> float: ...
    def score(self, columns: Mapping[str, Column]) -> Scores: ...
    def reasons(
        self, columns: Mapping[str, Column], rows: Column
    ) -> Sequence[Sequence[Mapping[str, Any]]]: ...
    def referred(
        self, probability: npt.NDArray[np.float64], claim_ids: Column, key: bytes
    ) -> npt.NDArray[np.bool_]:
        """Return which claims are referred; the key decides which claims of a tie at the threshold are."""

    def audited(self, claim_ids: Column, key: bytes) -> npt.NDArray[np.bool_]:
        """Return which claims are in the random audit sample, which is reviewed whatever the scores are.

        Whoever does not know the key cannot predict them.
        """

    def profiles(
        self, columns: Mapping[str, Column], found: Sequence[Any], event_time: Column
    ) -> Mapping[date, tuple[int, bytes]]:
        """Return profiles of the claims by the Monday of their week: the number of claims, and packed counts.

        ``found`` is what ``score`` returned for the claims, block by block.
        """


class ScoreStream:
    """The scores of a chunk's claims, as a file that ``storage.scores.add`` reads.

    ``found`` has the scores of the blocks read so far, ``counts`` counts their claims, and ``referred`` are
    the ids of those that are referred. An error while a block is made is kept in ``failed``, because psycopg2
    replaces it with an error of its own.
    """

    def __init__(
        self, model: Model, claim_ids: Column, columns: Mapping[str, Column], audit_key: bytes
    ) -> None:
        self._model = model
        self._audit_key = audit_key
        self._claim_ids = claim_ids
        self._columns = columns
        self._parts = chain([_BEGINNING], self._rows(), [_END])
        self._unread = memoryview(b"")
        self._audited = 0
        self.found: list[Scores] = []
        self.referred: list[str] = []
        self.failed: Exception | None = None

    def read(self, size: int) -> bytes:
        """Return at most ``size`` of the next bytes; none at the end."""
        try:
            while not self._unread:
                self._unread = memoryview(next(self._parts))
        except StopIteration:
            return b""
        except Exception as error:
            self.failed = error
            raise
        part, self._unread = self._unread[:size], self._unread[size:]
        return bytes(part)

    @property
    def counts(self) -> ScoringCounts:
        """The counts of the claims scored so far."""
        missing, unseen = Counter[str](), Counter[str]()
        for found in self.found:
            missing.update(found.missing)
            unseen.update(found.unseen)
        claims = sum(len(found.probability) for found in self.found)
        return ScoringCounts(claims, len(self.referred), self._audited, dict(missing), dict(unseen))

    def _rows(self) -> Iterator[bytes]:
        """Score block by block and yield the rows: PostgreSQL reads one block while the next is made.

        Referred claims come last and together, because reasons cost less for many claims at a time.
        """
        referred, places = [], []
        for start in range(0, len(self._claim_ids), BLOCK):
            block = slice(start, start + BLOCK)
            claim_ids = self._claim_ids[block]
            found = self._model.score({name: values[block] for name, values in self._columns.items()})
            to_refer = self._model.referred(found.probability, claim_ids, self._audit_key)
            audited = self._model.audited(claim_ids, self._audit_key)
            self.found.append(found)
            self._audited += int(audited.sum())
            self.referred += claim_ids[to_refer].tolist()
            scored = _Block(claim_ids, found.probability, found.percentile, to_refer, audited)
            yield scored.only(~to_refer).encoded()
            referred.append(scored.only(to_refer))
            places.append(start + np.flatnonzero(to_refer))
        if referred:
            reasons = self._model.reasons(self._columns, np.concatenate(places))
            yield _Block.joined(referred).encoded(list(map(_JSON.encode, reasons)))


@dataclass(frozen=True)
class _Block:
    """Claims and their scores, an entry for each claim."""

    claim_ids: npt.NDArray[Any]
    probability: npt.NDArray[np.float64]
    percentile: npt.NDArray[np.float64]
    referred: npt.NDArray[np.bool_]
    audited: npt.NDArray[np.bool_]

    def only(self, rows: npt.NDArray[np.bool_]) -> "_Block":
        """Return the block with only these rows."""
        return _Block(*(values[rows] for values in vars(self).values()))

    @classmethod
    def joined(cls, blocks: Sequence["_Block"]) -> "_Block":
        """Return the rows of all blocks as one block."""
        return cls(*(np.concatenate(each) for each in zip(*(vars(b).values() for b in blocks), strict=True)))

    def encoded(self, reasons: Sequence[str] | None = None) -> bytes:
        """Return the rows in the binary format; ``reasons`` has a JSON text for each claim."""
        ids = [claim_id.encode() for claim_id in self.claim_ids.tolist()]
        row = np.empty(len(ids), _ROW)
        row["fields"] = _FIELDS
        row["claim_id_bytes"] = np.fromiter(map(len, ids), np.int32, len(ids))
        for name in ("probability", "percentile", "referred", "audited"):
            row[name] = getattr(self, name)
            row[f"{name}_bytes"] = _ROW[name].itemsize
        begins = row.view(f"V{_ROW.itemsize}").tolist()
        ends = repeat(_NULL) if reasons is None else map(_jsonb, reasons)
        return b"".join(chain.from_iterable(zip(begins, ids, ends, strict=False)))


def _jsonb(text: str) -> bytes:
    content = _JSONB + text.encode()
    return len(content).to_bytes(4) + content
