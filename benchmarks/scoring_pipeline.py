"""What people would serve: scikit-learn's pipeline on a DataFrame, with the model that Claimwatch serves.

A module of its own, as its users would have one: a pickled pipeline refers to its functions by their names.
"""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder


def with_times(frame: pd.DataFrame, dates: list[str], event: str, rest: list[str]) -> pd.DataFrame:
    """The frame with days, hour and weekday in the place of its dates, all but categories in 32 bits."""
    reported = frame[event]
    day = reported.dt.normalize()
    made = {f"{name}.days": (day - frame[name]).dt.days for name in dates}
    made |= {f"{event}.hour": reported.dt.hour, f"{event}.weekday": reported.dt.weekday}
    numbers = frame.assign(**made)[rest].astype(np.float32)
    return frame.drop(columns=[*dates, event, *numbers.columns.intersection(frame.columns)]).join(numbers)


def pipeline_of(
    classifier: Any, categories: dict[str, tuple[str, ...]], dates: list[str], event: str, rest: list[str]
) -> Pipeline:
    """From raw columns to probabilities; its matrix is the categories, then the ``rest``, in this order."""
    encoder = OrdinalEncoder(
        categories=[list(values) for values in categories.values()],
        handle_unknown="use_encoded_value",
        unknown_value=np.nan,
        dtype=np.float32,
    )
    return Pipeline(
        [
            (
                "times",
                FunctionTransformer(with_times, kw_args={"dates": dates, "event": event, "rest": rest}),
            ),
            (
                "columns",
                ColumnTransformer([("categories", encoder, list(categories)), ("rest", "passthrough", rest)]),
            ),
            ("classifier", classifier),
        ]
    )
