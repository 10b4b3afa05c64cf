"""Converts a library's estimator to the model as data, which is served, explained and exported.

Every claim takes the same branches as in the library: thresholds are compared with 32-bit features, and each
library's own rule for missing values is stored node by node.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import lightgbm
import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.pipeline import Pipeline

from claimwatch.domain.model.model import LEAF, Forest, Linear, Model, Tree, contributions, forest_of

type Matrix = npt.NDArray[np.float32]


def model_of(estimator: Any, matrix: Matrix, categories: Sequence[int] = ()) -> Model:
    """Return the model of a fitted estimator; ``matrix`` is the matrix that it was fitted on.

    ``categories`` is the number of possible codes of each column, because ``matrix`` may lack rare codes.
    """
    if isinstance(estimator, lightgbm.LGBMClassifier):
        return of_lightgbm(estimator.booster_)
    if isinstance(estimator, HistGradientBoostingClassifier):
        return of_histogram_boosting(estimator)
    if isinstance(estimator, RandomForestClassifier):
        return of_random_forest(estimator)
    if isinstance(estimator, Pipeline):
        return of_logistic_regression(estimator, matrix, categories)
    raise TypeError(f"estimators of type {type(estimator).__name__} cannot be converted")


def of_random_forest(estimator: RandomForestClassifier) -> Forest:
    """Convert a random forest; its margin is a probability, the average of the trees' shares of fraud."""
    count = len(estimator.estimators_)
    trees = [
        Tree(
            feature=tree.feature,
            threshold=tree.threshold,
            left=tree.children_left,
            right=tree.children_right,
            missing_left=np.asarray(tree.missing_go_to_left, dtype=np.bool_),
            value=tree.value[:, 0, 1] / count,
            cover=tree.weighted_n_node_samples,
        )
        for tree in (fitted.tree_ for fitted in estimator.estimators_)
    ]
    return forest_of(trees, 0.0, "identity", estimator.n_features_in_)


def of_histogram_boosting(estimator: HistGradientBoostingClassifier) -> Forest:
    """Convert histogram boosting; its trees are in private attributes, which a test checks by predictions."""
    trees = []
    for (predictor,) in estimator._predictors:  # noqa: SLF001
        nodes = predictor.nodes
        if nodes["is_categorical"].any():
            raise ValueError("native categorical splits are not supported; encode categories as numbers")
        trees.append(
            Tree(
                feature=np.where(nodes["is_leaf"], LEAF, nodes["feature_idx"]),
                threshold=nodes["num_threshold"],
                left=nodes["left"].astype(np.int64),
                right=nodes["right"].astype(np.int64),
                missing_left=nodes["missing_go_to_left"].astype(np.bool_),
                value=nodes["value"],
                cover=nodes["count"].astype(np.float64),
            )
        )
    base = float(np.ravel(estimator._baseline_prediction)[0])  # noqa: SLF001
    return forest_of(trees, base, "logit", estimator.n_features_in_)


def of_lightgbm(booster: lightgbm.Booster) -> Forest:
    """Convert LightGBM; its first tree holds the base rate.

    For a feature without missing values in training, LightGBM treats a missing value as 0.
    """
    dumped = booster.dump_model()
    trees = [_lightgbm_tree(tree["tree_structure"]) for tree in dumped["tree_info"]]
    return forest_of(trees, 0.0, "logit", booster.num_feature())


def _lightgbm_tree(root: Mapping[str, Any]) -> Tree:
    listed: list[Mapping[str, Any]] = [root]
    children: list[tuple[int, int]] = []
    for node in listed:  # grows during the loop
        if "split_feature" not in node:
            children.append((0, 0))
            continue
        if node["decision_type"] != "<=":
            raise ValueError("native categorical splits are not supported; encode categories as numbers")
        children.append((len(listed), len(listed) + 1))
        listed += [node["left_child"], node["right_child"]]
    return Tree(
        feature=np.array([node.get("split_feature", LEAF) for node in listed]),
        threshold=np.array([node.get("threshold", 0.0) for node in listed], dtype=np.float64),
        left=np.array([left for left, _ in children]),
        right=np.array([right for _, right in children]),
        missing_left=np.array([_missing_goes_left(node) for node in listed]),
        value=np.array([node.get("leaf_value", 0.0) for node in listed], dtype=np.float64),
        cover=np.array([_cover(node) for node in listed], dtype=np.float64),
    )


def _missing_goes_left(node: Mapping[str, Any]) -> bool:
    if "split_feature" not in node:
        return False
    if node["missing_type"] == "NaN":
        return bool(node["default_left"])
    if node["missing_type"] == "None":
        return bool(node["threshold"] >= 0.0)
    raise ValueError("zero as a missing value is not supported")


def _cover(node: Mapping[str, Any]) -> float:
    # A tree that is a single leaf has no count; no average needs it.
    return float(node.get("internal_count", node.get("leaf_count", 1)))


def of_logistic_regression(estimator: Pipeline, matrix: Matrix, categories: Sequence[int] = ()) -> Linear:
    """Convert ``candidates.logistic_regression``: its steps are ``columns`` and ``regression``.

    A code that it was not fitted on adds nothing, as in scikit-learn.
    """
    columns, regression = estimator.named_steps["columns"], estimator.named_steps["regression"]
    width = matrix.shape[1]
    coefficients: Sequence[float] = regression.coef_[0]
    weight, center, missing = np.zeros(width), np.zeros(width), np.zeros(width)
    first = np.full(width, -1, dtype=np.int32)
    table: list[float] = []
    places = columns.output_indices_
    fitted = {name: (step, where) for name, step, where in columns.transformers_}
    if "numbers" in fitted:
        step, where = fitted["numbers"]
        imputer, scaler = step.named_steps["impute"], step.named_steps["scale"]
        own = np.asarray(coefficients[places["numbers"]])
        weight[where] = own / scaler.scale_
        # Imputation inserts the mean, the scaler subtracts its own.
        center[where] = scaler.mean_
        missing[where] = (imputer.statistics_ - scaler.mean_) / scaler.scale_ * own
    if "gaps" in fitted:
        step, where = fitted["gaps"]
        for gap, coefficient in zip(step.features_, coefficients[places["gaps"]], strict=True):
            missing[where[gap]] += coefficient
    if "categories" in fitted:
        step, where = fitted["categories"]
        start = places["categories"].start
        for place, seen in zip(where, step.categories_, strict=True):
            own = np.asarray(coefficients[start : start + len(seen)])
            start += len(seen)
            codes = seen[~np.isnan(seen)].astype(int)
            first[place] = len(table)
            known = categories[place] if categories else 0
            row = np.zeros(max(int(max(codes, default=0)) + 1, known))
            row[codes] = own[~np.isnan(seen)]
            table += row.tolist()
            missing[place] = float(own[np.isnan(seen)].sum())
    model = Linear(
        weight=weight,
        center=center,
        missing=missing,
        first=first,
        table=np.array(table, dtype=np.float64),
        expected=np.zeros(width),
        intercept=float(regression.intercept_[0]),
    )
    return Linear(**{**vars(model), "expected": contributions(model, matrix).mean(axis=0)})
