"""The families of models that are compared, and the parameters that are searched for each.

None re-samples claims or gives frauds more weight: that would distort the probabilities, and ranking finds
what is rare. All use a fixed number of threads, so the same data gives the same model on any machine.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import lightgbm
import numpy as np
import numpy.typing as npt
import optuna
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from claimwatch.domain.model.features import FeatureSpec

type Matrix = npt.NDArray[np.float32]
type Floats = npt.NDArray[np.float64]
type Parameters = Mapping[str, Any]

THREADS = 1
"""A second thread gains nothing on ten thousand claims, and waits for the first on a busy machine."""


class Estimator(Protocol):
    """The interface that scikit-learn and LightGBM share."""

    def fit(self, x: Matrix, y: Floats) -> Any: ...
    def predict_proba(self, x: Matrix) -> Floats: ...


@dataclass(frozen=True)
class Candidate:
    """A family of models.

    ``seconds`` is the time of one trial on ten thousand claims with an outcome, measured on two cores. It
    converts a time budget to a number of trials without the clock, so that a run can be repeated.
    """

    name: str
    seconds: float
    first: Parameters
    """The first trial of the search: parameters that work well on most books."""
    suggest: Callable[[optuna.Trial], Parameters]
    make: Callable[[Parameters, FeatureSpec, int], Estimator]


def logistic_regression(parameters: Parameters, spec: FeatureSpec, seed: int) -> Estimator:  # noqa: ARG001
    """Return a regression with a weight for each number, flag and category, and for each missing feature."""
    kinds = [feature.kind for feature in spec.features]
    categories = [place for place, kind in enumerate(kinds) if kind == "category"]
    numbers = [place for place, kind in enumerate(kinds) if kind != "category"]
    scaled = Pipeline([("impute", SimpleImputer(keep_empty_features=True)), ("scale", StandardScaler())])
    columns = [
        ("numbers", scaled, numbers),
        ("gaps", MissingIndicator(error_on_new=False), numbers),
        ("categories", OneHotEncoder(handle_unknown="ignore", sparse_output=False), categories),
    ]
    fitted: Estimator = Pipeline(
        [
            ("doubles", FunctionTransformer(_doubles)),
            ("columns", ColumnTransformer([entry for entry in columns if entry[2]], sparse_threshold=0.0)),
            ("regression", LogisticRegression(C=parameters["C"], max_iter=1_000)),
        ]
    )
    return fitted


def _doubles(matrix: Matrix) -> Floats:
    """Return doubles: in 32 bits a very large amount would overflow, and sums would differ from serving."""
    return matrix.astype(np.float64)


def random_forest(parameters: Parameters, spec: FeatureSpec, seed: int) -> Estimator:  # noqa: ARG001
    """Return an average of many deep trees, each on a sample of claims and features."""
    fitted: Estimator = RandomForestClassifier(n_jobs=THREADS, random_state=seed, **parameters)
    return fitted


def histogram_boosting(parameters: Parameters, spec: FeatureSpec, seed: int) -> Estimator:  # noqa: ARG001
    """Return scikit-learn's gradient boosting on binned features."""
    fitted: Estimator = HistGradientBoostingClassifier(early_stopping=False, random_state=seed, **parameters)
    return fitted


def lightgbm_boosting(parameters: Parameters, spec: FeatureSpec, seed: int) -> Estimator:  # noqa: ARG001
    """Return LightGBM's gradient boosting, configured to be deterministic."""
    return lightgbm.LGBMClassifier(
        n_jobs=THREADS,
        random_state=seed,
        deterministic=True,
        force_row_wise=True,
        verbose=-1,
        **parameters,
    )


CANDIDATES = (
    Candidate(
        "logistic_regression",
        seconds=1.6,
        first={"C": 0.3},
        suggest=lambda trial: {"C": trial.suggest_float("C", 1e-3, 10.0, log=True)},
        make=logistic_regression,
    ),
    Candidate(
        "random_forest",
        seconds=4.5,
        first={"n_estimators": 200, "min_samples_leaf": 5, "max_features": 0.3},
        suggest=lambda trial: {
            "n_estimators": 200,
            "min_samples_leaf": trial.suggest_int("min_samples_leaf", 3, 40, log=True),
            "max_features": trial.suggest_float("max_features", 0.1, 0.6),
        },
        make=random_forest,
    ),
    Candidate(
        "histogram_boosting",
        seconds=1.8,
        first={
            "max_iter": 250,
            "learning_rate": 0.04,
            "max_leaf_nodes": 6,
            "min_samples_leaf": 40,
            "l2_regularization": 5.0,
        },
        suggest=lambda trial: {
            "max_iter": trial.suggest_int("max_iter", 100, 500, step=50),
            "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.12, log=True),
            "max_leaf_nodes": trial.suggest_int("max_leaf_nodes", 3, 16),
            "min_samples_leaf": trial.suggest_int("min_samples_leaf", 10, 120, log=True),
            "l2_regularization": trial.suggest_float("l2_regularization", 0.1, 30.0, log=True),
        },
        make=histogram_boosting,
    ),
    Candidate(
        "lightgbm",
        seconds=1.9,
        first={
            "n_estimators": 400,
            "learning_rate": 0.03,
            "num_leaves": 5,
            "min_child_samples": 40,
            "colsample_bytree": 0.5,
            "reg_lambda": 5.0,
        },
        suggest=lambda trial: {
            "n_estimators": trial.suggest_int("n_estimators", 150, 700, step=50),
            "learning_rate": trial.suggest_float("learning_rate", 0.02, 0.12, log=True),
            "num_leaves": trial.suggest_int("num_leaves", 3, 16),
            "min_child_samples": trial.suggest_int("min_child_samples", 10, 120, log=True),
            "colsample_bytree": trial.suggest_float("colsample_bytree", 0.3, 1.0),
            "reg_lambda": trial.suggest_float("reg_lambda", 0.1, 30.0, log=True),
        },
        make=lightgbm_boosting,
    ),
)
