"""The usual way to serve the same model: scikit-learn's pipeline on a DataFrame.

It is a module of its own, because a pickled pipeline refers to its functions by name.
"""

from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, OrdinalEncoder


def with_times(frame: pd.DataFrame, dates: list[str], event: str, rest: list[str]) -> pd.DataFrame:
    """Replace dates by days, hour and weekday, and convert all columns except categories to 32 bits."""
    reported = frame[event]
    day = reported.dt.normalize()
    made = {f"{name}.days": (day - frame[name]).dt.days for name in dates}
    made |= {f"{event}.hour": reported.dt.hour, f"{event}.weekday": reported.dt.weekday}
    numbers = frame.assign(**made)[rest].astype(np.float32)
    return frame.drop(columns=[*dates, event, *numbers.columns.intersection(frame.columns)]).join(numbers)


def pipeline_of(
    classifier: Any, categories: dict[str, tuple[str, ...]], dates: list[str], event: str, rest: list[str]
) -> Pipeline:
    """Return the pipeline from raw columns to probabilities; its matrix has the categories, then the rest."""
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
