"""The benchmark of reasons, on a small book."""

from pathlib import Path

import pytest

from benchmarks.reasons import judge, property_, trained
from training.candidates import CANDIDATES


@pytest.mark.slow
def test_reasons_name_no_frequent_value_without_its_fraud_rate(tmp_path: Path) -> None:
    contract, snapshot = property_(tmp_path, 4_000, 7)
    lightgbm = [family for family in CANDIDATES if family.name == "lightgbm"]
    scorer = trained(tmp_path, contract, snapshot, lightgbm, 0.02)

    judged, listed = judge(scorer, contract, snapshot)

    assert judged.modal > 0.1 * judged.reasons  # policy holders are at fault in 7 of 10 claims
    assert judged.modal_without_rate <= 0.05 * judged.reasons
    assert judged.with_rate >= 0.9 * judged.reasons
    assert judged.explained >= 0.7
    assert all("typical" not in reason["text"] for each in listed for reason in each)
    assert all(reason["share"] >= 0.05 for each in listed for reason in each[1:])
