"""Claim ids are hashed the same everywhere, and ordered as an index orders them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from claimwatch.domain.validation.claim_ids import ClaimIds

IDS = st.lists(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20).map(str.encode)
)


@given(IDS)
def test_a_hash_depends_on_its_id_alone(ids: list[bytes]) -> None:
    together = ClaimIds(ids).hashes().tolist()
    assert together == [int(ClaimIds([one]).hashes()[0]) for one in ids]
    assert len(set(together)) == len(set(ids))


def test_hashes_stay_what_they_are() -> None:
    # Chunks of one file may be loaded by two versions of the code.
    assert ClaimIds([b"MTR-000000000001", b"7"]).hashes().tolist() == [
        4949895674368790247,
        14506874374415697684,
    ]


def test_hashes_are_spread_evenly() -> None:
    hashes = ClaimIds([b"MTR-%012X" % number for number in range(64_000)]).hashes()
    counts = np.bincount((hashes >> np.uint64(58)).astype(np.int64), minlength=64)
    assert 800 < counts.min() < counts.max() < 1_200


@given(st.binary(max_size=12), st.lists(st.binary(max_size=8)))
def test_ids_are_ordered_by_eight_bytes_behind_what_all_begin_with(alike: bytes, rest: list[bytes]) -> None:
    ids = [(alike + end).replace(b"\0", b"0") for end in rest]
    assert [ids[index] for index in ClaimIds(ids).order()] == sorted(ids)
