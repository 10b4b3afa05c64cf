"""Training and weekly checks make the same groups of protected columns."""

from dataclasses import replace

import numpy as np

from claimwatch.domain.contract.contract import Column, Contract, LogicalType, Role
from claimwatch.domain.evaluation.protected import groups_of, kinds_of, new_bands, numbered_attributes
from tests.unit.evaluation.cohorts import words

EVENT = Column("at", LogicalType.DATE, Role.EVENT_TIME)
CLAIMS = 1_000
COLUMNS = {
    "at": np.full(CLAIMS, np.datetime64("2025-06-15", "us")),
    "sex": words(["female", "male"] * (CLAIMS // 2)),
    "born": np.datetime64("1940-01-01") + np.arange(CLAIMS) * np.timedelta64(24, "D"),
    "married": np.array([0.0, 1.0, np.nan, 1.0] * (CLAIMS // 4)),
    "nation": words(["f0", "9a"] * (CLAIMS // 2)),
}
CONTRACT = Contract(
    "x",
    "1.0.0",
    "claim_x",
    (
        EVENT,
        Column("sex", LogicalType.STRING, Role.PROTECTED),
        Column("born", LogicalType.DATE, Role.PROTECTED, personal=True),
        Column("married", LogicalType.BOOLEAN, Role.PROTECTED),
        Column("nation", LogicalType.STRING, Role.PROTECTED, personal=True, hashed=True),
        Column("amount", LogicalType.NUMBER, Role.FEATURE),
    ),
)


def test_every_protected_column_has_groups_also_one_that_is_stored_as_a_hash() -> None:
    bands = new_bands(CONTRACT, COLUMNS)
    groups = groups_of(CONTRACT, COLUMNS, bands)
    assert set(groups["sex"]) == {"female", "male"}
    assert set(groups["nation"]) == {"f0", "9a"}
    assert set(groups["married"]) == {"no", "yes", None}
    assert groups["born"][0] == "80 years and over"


def test_bands_of_persons_are_named_and_values_of_persons_are_numbered() -> None:
    assert list(numbered_attributes(CONTRACT, new_bands(CONTRACT, COLUMNS))) == ["nation"]
    assert list(numbered_attributes(CONTRACT, {})) == ["born", "nation"]


def test_the_event_time_is_read_for_the_age_at_the_event() -> None:
    assert kinds_of(CONTRACT) == {
        "sex": "category",
        "born": "days",
        "married": "flag",
        "nation": "category",
        "at": "days",
    }
    words_only = replace(CONTRACT, columns=(EVENT, CONTRACT.columns[1]))
    assert kinds_of(words_only) == {"sex": "category"}
    assert kinds_of(replace(CONTRACT, columns=(EVENT, CONTRACT.columns[-1]))) == {}
