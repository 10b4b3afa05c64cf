"""Models are trained on the past and tested on the future, and no claimant is in both."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from training.splits import LEFT_OUT, TEST, TRAIN, VALIDATION, by_time, forward

START = np.datetime64("2026-01-05T00:00:00", "us")


def moments(minutes: list[int]) -> np.ndarray:
    return START + np.array(minutes, dtype="timedelta64[m]").astype("timedelta64[us]")


@given(
    st.lists(st.tuples(st.integers(0, 300), st.sampled_from([*"abcdefgh", None]), st.booleans()), min_size=1)
)
def test_no_claimant_has_outcomes_in_two_splits_and_splits_are_in_time_order(
    claims: list[tuple[int, str | None, bool]],
) -> None:
    time = moments([minute for minute, _, _ in claims])
    claimant = np.array([name for _, name, _ in claims], dtype=object)
    known = np.array([outcome for _, _, outcome in claims])
    split = by_time(time, claimant, known)
    for name in set(claimant) - {None}:
        assert len(set(split.fold[known & (claimant == name)]) - {LEFT_OUT}) <= 1
    for earlier, later in ((TRAIN, VALIDATION), (VALIDATION, TEST)):
        if (split.fold == earlier).any() and (split.fold == later).any():
            assert time[split.fold == earlier].max() < time[split.fold == later].min()
    assert not (split.fold[~known] == LEFT_OUT).any()
    nobody = np.array([name is None for name in claimant])
    assert not (split.fold[nobody] == LEFT_OUT).any()


def test_the_shares_are_sixty_twenty_twenty() -> None:
    split = by_time(moments(list(range(1000))))
    assert [int((split.fold == fold).sum()) for fold in (TRAIN, VALIDATION, TEST)] == [600, 200, 200]


def test_a_claim_without_a_time_is_in_no_split() -> None:
    time = moments(list(range(10)))
    time[3] = np.datetime64("NaT", "us")
    assert by_time(time).fold[3] == LEFT_OUT


@given(st.lists(st.tuples(st.integers(0, 300), st.sampled_from("abcdefgh")), min_size=8))
def test_search_folds_test_on_later_claims_of_other_claimants(
    claims: list[tuple[int, str]],
) -> None:
    time = moments([minute for minute, _ in claims])
    claimant = np.array([name for _, name in claims], dtype=object)
    for train, test in forward(time, claimant):
        assert not set(claimant[train]) & set(claimant[test])
        if len(train) and len(test):
            assert time[train].max() <= time[test].min()
