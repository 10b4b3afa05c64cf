"""A thousand real claims: the families and the search work as well as on the sample book.

The file is not part of this repository; CLAIMWATCH_TESTDATA is its folder. It is too small for splits by
time, so it is cross-validated, as in published results for it.
"""

from pathlib import Path

import numpy as np
import pyarrow.csv
import pytest
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits

from claimwatch.domain.contract.contract import Column, Contract, LogicalType, Role
from claimwatch.domain.model.features import FeatureSpec, encode
from claimwatch.domain.model.ranking_metrics import roc_auc, top_decile_lift
from tests.testdata import NO_TESTDATA, TESTDATA
from training.candidates import CANDIDATES
from training.category_encoding import by_fraud_rate
from training.leakage import find_leaks, without
from training.snapshot import Snapshot
from training.tune import fitted, fold, search

FILE = (TESTDATA or Path()) / "auto-claims" / "insurance_claims.csv"
TRIALS = 3

ROLES = {"incident_date": Role.EVENT_TIME, "fraud_reported": Role.LABEL, "insured_sex": Role.PROTECTED}
TYPES = {"policy_bind_date": LogicalType.DATE, "incident_date": LogicalType.DATE}


def read_claims() -> tuple[Contract, Snapshot]:
    table = pyarrow.csv.read_csv(
        FILE, convert_options=pyarrow.csv.ConvertOptions(null_values=["?", ""], strings_can_be_null=True)
    )
    columns, described = {}, []
    for name in table.column_names:
        values = table[name]
        if values.null_count == len(values):
            continue
        numeric = pyarrow.types.is_integer(values.type) or pyarrow.types.is_floating(values.type)
        kind = TYPES.get(name, LogicalType.NUMBER if numeric else LogicalType.STRING)
        described.append(Column(name, kind, ROLES.get(name, Role.FEATURE)))
        if name in TYPES:
            columns[name] = values.to_numpy().astype("datetime64[us]")
        elif numeric:
            columns[name] = values.cast(pyarrow.float64()).to_numpy()
        else:
            columns[name] = np.array(values.to_pylist(), dtype=object)
    fraud = (columns["fraud_reported"] == "Y").astype(np.float64)
    time = columns["incident_date"]
    nothing = np.full(len(fraud), None, dtype=object)
    contract = Contract("auto", "1.0.0", "claim_auto", tuple(described))
    return contract, Snapshot("", columns, time, fraud, time, nothing)


@pytest.mark.skipif(not FILE.is_file(), reason=NO_TESTDATA)
def test_a_thousand_real_claims_reach_the_published_figures() -> None:
    contract, claims = read_claims()
    fraud = claims.outcome
    leaks = find_leaks(contract, claims)
    assert {"policy_number", "insured_zip", "incident_location"} <= leaks.keys()
    contract = without(contract, leaks)
    score = np.empty(len(fraud))
    areas, lifts = [], []
    with threadpool_limits(1):
        for train, test in StratifiedKFold(5, shuffle=True, random_state=7).split(score, fraud):
            own = claims.of(np.isin(np.arange(len(fraud)), train))
            spec = FeatureSpec.fit(contract, own.columns)
            x = encode(spec, own.columns)
            parts = StratifiedKFold(3, shuffle=True, random_state=7).split(x, own.outcome)
            folds = [fold(spec, x, own.outcome, some, rest) for some, rest in parts]
            found = [(search(family, spec, folds, TRIALS, 7), family) for family in CANDIDATES]
            chosen, best = min(found, key=lambda entry: entry[0].loss)
            order = by_fraud_rate(spec, x, own.outcome)
            model = fitted(best, chosen.parameters, spec, order.recoded(x), own.outcome, 7)
            score[test] = model.predict_proba(order.recoded(encode(spec, claims.columns)[test]))[:, 1]
            areas.append(roc_auc(fraud[test], score[test]))
            lifts.append(top_decile_lift(fraud[test], score[test]))
            print(f"{best.name}: ROC-AUC {areas[-1]:.3f}, lift {lifts[-1]:.2f}")
    print(
        f"mean ROC-AUC {np.mean(areas):.3f}, lift {np.mean(lifts):.2f}; pooled {roc_auc(fraud, score):.3f},"
        f" {top_decile_lift(fraud, score):.2f}"
    )
    assert np.mean(areas) >= 0.85
    assert np.mean(lifts) >= 2.6
