"""Hashes of claim ids are spread evenly and never change."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from claimwatch.domain.validation.claim_ids import claim_id_hashes

IDS = st.lists(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20).map(str.encode)
)


def hashes_of(ids: list[bytes]) -> list[int]:
    return [int(one) for one in claim_id_hashes(b"".join(one + b"\0" for one in ids))]


@given(IDS)
def test_a_hash_depends_on_its_id_alone(ids: list[bytes]) -> None:
    together = hashes_of(ids)
    assert together == [hashes_of([one])[0] for one in ids]
    assert len(set(together)) == len(set(ids))


def test_hashes_never_change() -> None:
    # Chunks of one file may be loaded by two versions of the code.
    assert hashes_of([b"MTR-000000000001", b"7"]) == [4949895674368790247, 14506874374415697684]


def test_hashes_are_spread_evenly() -> None:
    hashes = np.array(hashes_of([b"MTR-%012X" % number for number in range(64_000)]), np.uint64)
    counts = np.bincount((hashes >> np.uint64(58)).astype(np.int64), minlength=64)
    assert 800 < counts.min() < counts.max() < 1_200


def test_a_hash_does_not_depend_on_the_number_of_ids() -> None:
    ids = [b"%d" % number for number in range(9_000)]
    assert hashes_of(ids)[4_000:4_200] == hashes_of(ids[4_000:4_200])
    assert hashes_of(ids)[-1:] == hashes_of(ids[-1:])
