"""Encodes the profiles that a chunk adds to a week as bytes that can be added up fast.

A row has the profiles of all features and of the score, in the bins of one reference: a header, then the
sums, minimum and maximum of each as 64-bit floats, then all counts as integers of the least sufficient width.
All numbers are little-endian.
"""

import hashlib
import struct
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import batched

import numpy as np
import numpy.typing as npt

from claimwatch.domain.model.features import Columns, FeatureSpec, Matrix, unseen_rows
from claimwatch.domain.model.profile import Profile, Reference

type Floats = npt.NDArray[np.float64]
type Integers = npt.NDArray[np.int64]

_HEADER = struct.Struct("<4sB3x8s")
_FORMAT = b"cwp1"
_WIDTHS = (1, 2, 4, 8)
_COUNTS = ("rows", "missing", "unseen", "below", "above")
"""The counts that come before those of each profile's bins."""
_SUMS = 4
"""The number of floats of each profile: total, squares, minimum, maximum; nan if there is none."""
_AT_ONCE = 512
"""The number of rows in memory while they are added."""
_SCORE = "\0score"
"""The score's name among those of features, none of which contains a NUL."""
_DAY = 86_400_000_000
_MONDAY = 3
"""Days from a Monday to 1970-01-01, a Thursday."""


class Layout:
    """The position of each profile in a row, from the bins of a reference or of any profiles."""

    def __init__(self, features: Mapping[str, Profile], score: Profile) -> None:
        self.bins = [_Bins.of(profile) for profile in (*features.values(), score)]
        self.names = tuple(features)
        digest = hashlib.blake2b(digest_size=8)
        starts, place = [], 0
        for name, bins in zip((*features, _SCORE), self.bins, strict=True):
            digest.update(f"{name}\0{len(bins.edges)}\0{'\0'.join(bins.categories)}\0".encode())
            digest.update(np.array(bins.edges, "<f8").tobytes())
            starts.append(place)
            place += len(_COUNTS) + bins.count
        self.starts, self.integers, self.floats = starts, place, _SUMS * len(self.bins)
        self.digest = digest.digest()

    def head(self, width: int) -> bytes:
        """Return the header of a row."""
        return _HEADER.pack(_FORMAT, width, self.digest)

    def dtype(self, width: int) -> np.dtype[np.void]:
        """Return the type of a row whose integers have ``width`` bytes."""
        return np.dtype(
            [
                ("head", f"V{_HEADER.size}"),
                ("floats", "<f8", (self.floats,)),
                ("integers", f"<u{width}", (self.integers,)),
            ]
        )

    def row(self, integers: Integers, floats: Floats) -> bytes:
        """Write a row."""
        largest = int(integers.max(initial=0))
        width = next(width for width in _WIDTHS if largest < 1 << 8 * width)
        return self.head(width) + floats.astype("<f8").tobytes() + integers.astype(f"<u{width}").tobytes()

    def profiles(self, integers: Integers, floats: Floats) -> tuple[dict[str, Profile], Profile]:
        """Return the profiles of features, and of the score, from their numbers."""
        found = []
        for bins, start, (total, squares, low, high) in zip(
            self.bins, self.starts, floats.reshape(-1, _SUMS).tolist(), strict=True
        ):
            counts = integers[start : start + len(_COUNTS) + bins.count].tolist()
            rows, missing, unseen, below, above = counts[: len(_COUNTS)]
            found.append(
                Profile(
                    edges=bins.edges,
                    categories=bins.categories,
                    counts=tuple(counts[len(_COUNTS) :]),
                    rows=rows,
                    missing=missing,
                    unseen=unseen,
                    total=total,
                    squares=squares,
                    minimum=low if low == low else None,
                    maximum=high if high == high else None,
                    below=below,
                    above=above,
                )
            )
        return dict(zip(self.names, found[:-1], strict=True)), found[-1]


@dataclass(frozen=True)
class _Bins:
    """One profile's bins: ``cuts`` are the ends of all but the last, ``seen`` the reference's range."""

    edges: tuple[float, ...]
    categories: tuple[str, ...]
    cuts: npt.NDArray[np.floating]
    seen: tuple[float | None, float | None]

    @classmethod
    def of(cls, profile: Profile) -> "_Bins":
        ends = np.array(profile.edges or np.arange(len(profile.categories) - 1), np.float64)
        short = ends.astype(np.float32)
        # Searching numbers of one width among numbers of another width would convert all of them.
        return cls(
            profile.edges, profile.categories, short if np.array_equal(short, ends) else ends, profile.seen
        )

    @property
    def count(self) -> int:
        return len(self.cuts) + 1


def pack(features: Mapping[str, Profile], score: Profile) -> bytes:
    """Return profiles in the bins of one reference as a row; features are in the reference's order."""
    layout = Layout(features, score)
    integers, floats = np.zeros(layout.integers, np.int64), np.zeros(layout.floats)
    for number, (start, profile) in enumerate(zip(layout.starts, (*features.values(), score), strict=True)):
        counts = [getattr(profile, name) for name in _COUNTS]
        integers[start : start + len(counts) + len(profile.counts)] = (*counts, *profile.counts)
        lowest, highest = (np.nan if end is None else end for end in profile.seen)
        floats[number * _SUMS : (number + 1) * _SUMS] = profile.total, profile.squares, lowest, highest
    return layout.row(integers, floats)


def unpack(reference: Reference, packed: Iterable[bytes | memoryview]) -> tuple[dict[str, Profile], Profile]:
    """Return the sum of rows: the profiles of features, and of the score.

    Without rows, it is profiles without a claim. Raises ``ValueError`` for bytes that are not a row in the
    bins of this reference.
    """
    layout = Layout(reference.features, reference.score)
    integers, floats = np.zeros(layout.integers, np.int64), _nothing(layout)
    dtypes = {layout.head(width): layout.dtype(width) for width in _WIDTHS}
    for rows in batched(packed, _AT_ONCE, strict=False):
        alike: dict[bytes, list[bytes | memoryview]] = {head: [] for head in dtypes}
        for row in rows:
            head = bytes(row[: _HEADER.size])
            if head not in alike or len(row) != dtypes[head].itemsize:
                raise ValueError("the bytes are not a row of profiles in the bins of this reference")
            alike[head].append(row)
        for head, several in alike.items():
            if several:
                block = np.frombuffer(b"".join(several), dtypes[head])
                integers += block["integers"].sum(axis=0, dtype=np.int64)
                _add(floats, block["floats"])
    return layout.profiles(integers, floats)


def _nothing(layout: Layout) -> Floats:
    """Return the floats of profiles without a claim."""
    floats = np.full((layout.floats // _SUMS, _SUMS), np.nan)
    floats[:, :2] = 0.0
    return floats.reshape(-1)


def _add(floats: Floats, block: Floats) -> None:
    into, added = floats.reshape(-1, _SUMS), block.reshape(len(block), -1, _SUMS)
    into[:, :2] += added[:, :, :2].sum(axis=0)
    np.fmin(into[:, 2], np.fmin.reduce(added[:, :, 2]), out=into[:, 2])
    np.fmax(into[:, 3], np.fmax.reduce(added[:, :, 3]), out=into[:, 3])


def profiles_by_week(
    spec: FeatureSpec,
    columns: Columns,
    matrix: Matrix,
    reference: Reference,
    event_time: npt.ArrayLike,
    probability: npt.ArrayLike,
) -> dict[date, tuple[dict[str, Profile], Profile]]:
    """Return what ``packed_by_week`` packs, as profiles of features and of the score."""
    layout = Layout(reference.features, reference.score)
    counted = _by_week(layout, spec, columns, matrix, event_time, probability)
    return {monday: layout.profiles(integers, floats) for monday, integers, floats in counted}


def packed_by_week(
    spec: FeatureSpec,
    columns: Columns,
    matrix: Matrix,
    reference: Reference,
    event_time: npt.ArrayLike,
    probability: npt.ArrayLike,
) -> dict[date, tuple[int, bytes]]:
    """Return the number of claims and a row of profiles for each ISO week in UTC, by its Monday.

    ``matrix`` is the encoding of the columns, ``event_time`` datetime64 in UTC. A claim without an event time
    belongs to no week and is left out; the counts of its chunk include it.
    """
    layout = Layout(reference.features, reference.score)
    counted = _by_week(layout, spec, columns, matrix, event_time, probability)
    return {
        monday: (int(integers[layout.starts[-1]]), layout.row(integers, floats))
        for monday, integers, floats in counted
    }


def _by_week(
    layout: Layout,
    spec: FeatureSpec,
    columns: Columns,
    matrix: Matrix,
    event_time: npt.ArrayLike,
    probability: npt.ArrayLike,
) -> Iterable[tuple[date, Integers, Floats]]:
    if spec.names != layout.names:
        raise ValueError("the reference has other features")
    moments = np.asarray(event_time, dtype="datetime64[us]")
    scores = np.asarray(probability, dtype=np.float64)
    if not len(moments) == len(scores) == len(matrix):
        raise ValueError("one event time and one probability for each claim")
    # NaT is the least integer, so claims without a time come first.
    week = (moments.view(np.int64) // _DAY + _MONDAY) // 7
    order = None
    if len(week) and week.min() != week.max():
        order = np.argsort(week, kind="stable")
        week, matrix, scores = week[order], matrix[order], scores[order]
    strange = _unseen_by_claim(spec, columns, matrix, order)
    numbers, starts = np.unique(week, return_index=True)
    for number, start, end in zip(
        numbers.tolist(), starts.tolist(), [*starts[1:].tolist(), len(week)], strict=True
    ):
        if np.isnat(moments[start if order is None else order[start]]):
            continue
        unseen = {place: int(flags[start:end].sum()) for place, flags in strange.items()}
        integers, floats = _counted(layout, matrix[start:end], scores[start:end], unseen)
        yield date(1970, 1, 1) + timedelta(days=7 * number - _MONDAY), integers, floats


def _unseen_by_claim(
    spec: FeatureSpec, columns: Columns, matrix: Matrix, order: npt.NDArray[np.intp] | None
) -> dict[int, npt.NDArray[np.bool_]]:
    """Return the rows with a category not seen in training, by the position of its feature."""
    if order is not None:
        places = [place for place, feature in enumerate(spec.features) if feature.kind == "category"]
        columns = dict(columns) | {
            spec.features[place].column: np.asarray(columns[spec.features[place].column], object)[order]
            for place in places
            if spec.features[place].column in columns
        }
    found = {}
    for place, rows in unseen_rows(spec, columns, matrix).items():
        found[place] = np.zeros(len(matrix), np.bool_)
        found[place][rows] = True
    return found


def _counted(
    layout: Layout, matrix: Matrix, scores: Floats, unseen: Mapping[int, int]
) -> tuple[Integers, Floats]:
    """Return the integers and floats of a row. Sorting a column is faster than looking up its bins."""
    integers, floats = np.zeros(layout.integers, np.int64), _nothing(layout)
    sums = floats.reshape(-1, _SUMS)
    claims, few = len(matrix), len(_COUNTS)
    for place, (bins, start) in enumerate(zip(layout.bins, layout.starts, strict=True)):
        values = scores if place == matrix.shape[1] else matrix[:, place]
        ordered = np.sort(values)
        present = claims - int(np.isnan(ordered).sum())
        ordered = ordered[:present]
        strange = unseen.get(place, 0)
        counts = integers[start : start + few + bins.count]
        counts[:few] = claims, claims - present - strange, strange, 0, 0
        ends = ordered.searchsorted(bins.cuts, side="right")
        counts[few:-1] = ends
        counts[-1] = present
        counts[few + 1 :] -= ends
        if present and not bins.categories:
            wide = ordered.astype(np.float64)
            # Not a dot product: BLAS would split it over threads, which wait for each other.
            sums[place] = wide.sum(), np.square(wide).sum(), wide[0], wide[-1]
            lowest, highest = bins.seen
            if lowest is not None and highest is not None:
                counts[3] = ordered.searchsorted(_like(ordered, lowest), side="left")
                counts[4] = present - ordered.searchsorted(_like(ordered, highest), side="right")
    return integers, floats


def _like(values: npt.NDArray[np.floating], end: float) -> np.floating:
    short = values.dtype.type(end)
    return short if short == end else np.float64(end)
