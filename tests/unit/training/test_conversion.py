"""What is served says what the library says."""

import numpy as np
import onnxruntime
import pytest

from claimwatch.domain.model.calibration import HIGHEST, LOWEST, Calibration, probability
from claimwatch.domain.model.model import Forest, margin
from tests.unit.training.small_books import SPEC, small_book
from training.candidates import CANDIDATES, Candidate
from training.convert import model_of
from training.graph import onnx_of

LARGEST_BUT_ONE = np.nextafter(np.finfo(np.float32).max, np.float32(0))
CALIBRATION = Calibration(0.8, -0.3)


def awkward_rows() -> np.ndarray:
    """Rows that training has not met: missing where nothing was, extremes, zeros, exact thresholds."""
    x, _ = small_book(400, seed=2)
    x[:50, 4] = np.nan
    x[50:100, 4] = 0.0
    x[100:120, 0] = np.finfo(np.float32).max
    x[120:140, 0] = -np.finfo(np.float32).max
    x[140:160, 5] = 3.0
    x[160] = np.nan
    return x


@pytest.mark.parametrize("candidate", CANDIDATES, ids=lambda candidate: candidate.name)
def test_the_model_as_data_predicts_what_the_estimator_does(candidate: Candidate) -> None:
    x, y = small_book()
    estimator = candidate.make(candidate.first, SPEC, 7)
    estimator.fit(x, y)
    model = model_of(estimator, x)
    for rows in (x, awkward_rows()):
        ours = probability(Calibration(), model.link, margin(model, rows))
        theirs = estimator.predict_proba(rows)[:, 1]
        if model.link == "identity":  # at 0 and 1 there are no log-odds
            theirs = np.clip(theirs, LOWEST, HIGHEST)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)


@pytest.mark.parametrize("candidate", CANDIDATES, ids=lambda candidate: candidate.name)
def test_the_graph_is_within_a_millionth_of_the_model(candidate: Candidate) -> None:
    x, y = small_book()
    estimator = candidate.make(candidate.first, SPEC, 7)
    estimator.fit(x, y)
    model = model_of(estimator, x)
    session = onnxruntime.InferenceSession(onnx_of(model, CALIBRATION))
    rows = awkward_rows()
    served, odds = session.run(["probability", "margin"], {"x": rows})
    expected = margin(model, rows)
    np.testing.assert_allclose(served, probability(CALIBRATION, model.link, expected), rtol=0, atol=1e-6)
    np.testing.assert_allclose(odds, expected, rtol=1e-5, atol=1e-5)
    assert served.shape == (len(rows),)


@pytest.mark.parametrize("candidate", CANDIDATES, ids=lambda candidate: candidate.name)
def test_a_category_that_training_never_met_reads_no_other_weight(candidate: Candidate) -> None:
    x, y = small_book()
    x[x[:, 3] == 3, 3] = np.nan  # the contract knows "d", and no claim has it
    estimator = candidate.make(candidate.first, SPEC, 7)
    estimator.fit(x, y)
    model = model_of(estimator, x, [len(feature.categories) for feature in SPEC.features])
    rows = awkward_rows()
    rows[:, 3] = 3
    theirs = np.clip(estimator.predict_proba(rows)[:, 1], LOWEST, HIGHEST)
    ours = probability(Calibration(), model.link, margin(model, rows))
    np.testing.assert_allclose(np.clip(ours, LOWEST, HIGHEST), theirs, rtol=0, atol=1e-9)
    session = onnxruntime.InferenceSession(onnx_of(model, Calibration()))
    (served,) = session.run(["probability"], {"x": rows})
    np.testing.assert_allclose(np.clip(served, LOWEST, HIGHEST), theirs, rtol=0, atol=1e-6)


def test_every_threshold_branches_alike_at_its_own_value() -> None:
    x, y = small_book()
    for candidate in CANDIDATES:
        estimator = candidate.make(candidate.first, SPEC, 7)
        estimator.fit(x, y)
        model = model_of(estimator, x)
        if not isinstance(model, Forest):
            continue
        inner = np.flatnonzero(model.feature >= 0)[:300]
        rows = np.repeat(x[:1], 2 * len(inner), axis=0)
        for number, node in enumerate(inner):
            threshold = min(model.threshold[node], LARGEST_BUT_ONE)
            rows[2 * number, model.feature[node]] = threshold
            rows[2 * number + 1, model.feature[node]] = np.nextafter(threshold, np.float32(np.inf))
        ours = probability(Calibration(), model.link, margin(model, rows))
        theirs = np.clip(estimator.predict_proba(rows)[:, 1], LOWEST, HIGHEST)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)


def test_the_same_data_gives_the_same_bytes() -> None:
    x, y = small_book()
    for candidate in CANDIDATES:
        graphs = []
        for _ in range(2):
            estimator = candidate.make(candidate.first, SPEC, 7)
            estimator.fit(x, y)
            graphs.append(onnx_of(model_of(estimator, x), CALIBRATION))
        assert graphs[0] == graphs[1], candidate.name
