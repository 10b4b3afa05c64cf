"""Scores as PostgreSQL's binary COPY takes them: arrays become fields, and no number passes through text.

Written as CSV they cost their worker several times as much, and the server more as well.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any

import numpy as np
import numpy.typing as npt

BEGINNING = b"PGCOPY\n\xff\r\n\0" + bytes(8)
"""The signature, no flags, no extension (PostgreSQL's documentation of COPY, "Binary Format")."""

END = b"\xff\xff"

_NULL = b"\xff\xff\xff\xff"
_JSONB = b"\x01"
"""The version of jsonb's binary form, which text follows."""

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
"""What is equally long in all rows. Behind it stand the claim id, and the reasons or their absence."""


@dataclass(frozen=True)
class Block:
    """Claims with their scores, an entry for each."""

    claim_ids: npt.NDArray[Any]
    probability: npt.NDArray[np.float64]
    percentile: npt.NDArray[np.float64]
    referred: npt.NDArray[np.bool_]
    audited: npt.NDArray[np.bool_]

    def of(self, rows: npt.NDArray[np.bool_]) -> "Block":
        """Some of them."""
        return Block(*(values[rows] for values in vars(self).values()))

    @classmethod
    def joined(cls, blocks: Sequence["Block"]) -> "Block":
        """All of them, one behind the other."""
        return cls(*(np.concatenate(each) for each in zip(*(vars(b).values() for b in blocks), strict=True)))

    def rows(self, reasons: Sequence[str] | None = None) -> bytes:
        """As ``scores.add`` takes them; ``reasons`` are JSON, one for each claim."""
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


class Stream:
    """Blocks of rows as a file, each made when it is read.

    What making one raises is kept in ``failed``: psycopg2 replaces it by an error of its own.
    """

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = chain([BEGINNING], blocks, [END])
        self._held = memoryview(b"")
        self.failed: Exception | None = None

    def read(self, size: int) -> bytes:
        """The next bytes, at most so many; none at the end."""
        try:
            while not self._held:
                self._held = memoryview(next(self._blocks))
        except StopIteration:
            return b""
        except Exception as error:
            self.failed = error
            raise
        part, self._held = self._held[:size], self._held[size:]
        return bytes(part)
