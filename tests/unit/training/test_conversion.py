"""The served graph and the model as data return what the library returns."""

from functools import cache
from typing import Any

import numpy as np
import onnxruntime
import pytest

from claimwatch.domain.model.calibration import HIGHEST, LOWEST, Calibration, probability
from claimwatch.domain.model.model import Forest, Model, margin
from tests.unit.training.small_books import SPEC, small_book
from training.candidates import CANDIDATES, Candidate
from training.convert import model_of
from training.graph import onnx_of

LARGEST_BUT_ONE = np.nextafter(np.finfo(np.float32).max, np.float32(0))
CALIBRATION = Calibration(0.8, -0.3)

each_family = pytest.mark.parametrize("candidate", CANDIDATES, ids=lambda candidate: candidate.name)


def fit(candidate: Candidate) -> tuple[Any, Model]:
    x, y = small_book()
    estimator = candidate.make(candidate.first, SPEC, 7)
    estimator.fit(x, y)
    return estimator, model_of(estimator, x)


@cache
def fitted(name: str) -> tuple[Any, Model]:
    """Return a family's estimator and model, fitted once for all tests."""
    return fit(next(candidate for candidate in CANDIDATES if candidate.name == name))


def awkward_rows() -> np.ndarray:
    """Return rows unlike the training claims: new missing values, extremes, zeros, exact thresholds."""
    x, _ = small_book(400, seed=2)
    x[:50, 4] = np.nan
    x[50:100, 4] = 0.0
    x[100:120, 0] = np.finfo(np.float32).max
    x[120:140, 0] = -np.finfo(np.float32).max
    x[140:160, 5] = 3.0
    x[160] = np.nan
    return x


@each_family
def test_the_model_as_data_predicts_what_the_estimator_predicts(candidate: Candidate) -> None:
    estimator, model = fitted(candidate.name)
    for rows in (small_book()[0], awkward_rows()):
        ours = probability(Calibration(), model.link, margin(model, rows))
        theirs = estimator.predict_proba(rows)[:, 1]
        if model.link == "identity":  # at 0 and 1 there are no log-odds
            theirs = np.clip(theirs, LOWEST, HIGHEST)
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)


@each_family
def test_the_graph_is_within_a_millionth_of_the_model(candidate: Candidate) -> None:
    _, model = fitted(candidate.name)
    session = onnxruntime.InferenceSession(onnx_of(model, CALIBRATION))
    rows = awkward_rows()
    served, odds = session.run(["probability", "margin"], {"x": rows})
    expected = margin(model, rows)
    np.testing.assert_allclose(served, probability(CALIBRATION, model.link, expected), rtol=0, atol=1e-6)
    np.testing.assert_allclose(odds, expected, rtol=1e-5, atol=1e-5)
    assert served.shape == (len(rows),)


@each_family
def test_a_category_that_training_never_saw_uses_no_other_category_s_weight(candidate: Candidate) -> None:
    x, y = small_book()
    x[x[:, 3] == 3, 3] = np.nan  # the contract lists "d", and no claim has it
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


@each_family
def test_values_at_and_next_to_a_threshold_take_the_library_s_branch(candidate: Candidate) -> None:
    estimator, model = fitted(candidate.name)
    if not isinstance(model, Forest):
        return
    x, _ = small_book()
    inner = np.flatnonzero(model.feature >= 0)[:300]
    rows = np.repeat(x[:1], 2 * len(inner), axis=0)
    for number, node in enumerate(inner):
        threshold = min(model.threshold[node], LARGEST_BUT_ONE)
        rows[2 * number, model.feature[node]] = threshold
        rows[2 * number + 1, model.feature[node]] = np.nextafter(threshold, np.float32(np.inf))
    ours = probability(Calibration(), model.link, margin(model, rows))
    theirs = np.clip(estimator.predict_proba(rows)[:, 1], LOWEST, HIGHEST)
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-9)


@each_family
def test_the_same_data_gives_the_same_bytes(candidate: Candidate) -> None:
    graphs = [onnx_of(model, CALIBRATION) for _, model in (fitted(candidate.name), fit(candidate))]
    assert graphs[0] == graphs[1]
