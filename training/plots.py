"""The plots of a model's evidence, drawn without a screen; the same evidence gives the same bytes."""

from collections.abc import Callable, Mapping, Sequence
from io import BytesIO, StringIO
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from sklearn.metrics import precision_recall_curve, roc_curve

from claimwatch.domain.model.ranking_metrics import in_top
from training.estimates import Interval, ScoredSample, base_rate, weighted_calibration

type Drawing = Callable[[Any], None]

_INK = "#123456"
"""Stands for the colour of the page's text; the card puts that in."""
_BLUE, _ORANGE, _GREY = "#3b82c4", "#d9822b", "#8a8f98"
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "claimwatch",
    "svg.fonttype": "none",
    "text.parse_math": False,  # names of features are no formulas
    "font.size": 9.0,
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "axes.titlecolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}


def drawings(
    tried: ScoredSample, lift: Sequence[Interval], importance: Mapping[str, Interval], threshold: float
) -> dict[str, Drawing]:
    """Every plot by its name."""
    return {
        "lift": lambda axes: _lift(axes, lift),
        "calibration": lambda axes: _calibration(axes, tried),
        "gain": lambda axes: _gain(axes, tried),
        "roc": lambda axes: _roc(axes, tried),
        "precision_recall": lambda axes: _precision_recall(axes, tried),
        "scores": lambda axes: _scores(axes, tried, threshold),
        "importance": lambda axes: _importance(axes, importance),
    }


def as_png(drawing: Drawing) -> bytes:
    """A plot on white, for the bundle and for MLflow."""
    with mpl.rc_context(_STYLE):
        figure = _figure(drawing)
        figure.set_facecolor("white")
        written = BytesIO()
        figure.savefig(written, format="png", dpi=130, metadata={"Software": None})
    return written.getvalue()


def as_svg(drawing: Drawing) -> str:
    """A plot to stand in a page, in the page's own colour of text."""
    with mpl.rc_context(_STYLE):
        figure = _figure(drawing)
        figure.patch.set_alpha(0.0)
        figure.axes[0].patch.set_alpha(0.0)
        written = StringIO()
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    text = written.getvalue()
    return text[text.index("<svg") :].replace(_INK, "currentColor")


def _figure(drawing: Drawing) -> Figure:
    figure = Figure(figsize=(5.2, 3.3), layout="constrained")
    FigureCanvasAgg(figure)
    drawing(figure.add_subplot())
    return figure


def _lift(axes: Any, lift: Sequence[Interval]) -> None:
    place = np.arange(1, len(lift) + 1)
    height = np.array([entry.value for entry in lift])
    error = np.array(
        [[entry.value - entry.low for entry in lift], [entry.high - entry.value for entry in lift]]
    )
    axes.bar(place, height, color=_BLUE, yerr=np.maximum(np.nan_to_num(error), 0.0), ecolor=_GREY, capsize=2)
    axes.axhline(1.0, color=_ORANGE, linewidth=1)
    axes.set(xticks=place, xlabel="Decile of the score, highest first", ylabel="Lift", title="Lift by decile")


def _calibration(axes: Any, tried: ScoredSample) -> None:
    told, true, _ = weighted_calibration(tried)
    most = max(float(told.max()), float(true.max())) * 1.05
    axes.plot([0, most], [0, most], color=_GREY, linewidth=1, linestyle="--")
    axes.plot(told, true, marker="o", color=_BLUE)
    axes.set(xlabel="Mean probability", ylabel="Share of frauds", title="Calibration, by tenths of the book")


def _gain(axes: Any, tried: ScoredSample) -> None:
    shares = np.linspace(0.0, 1.0, 101)
    frauds = tried.weight * tried.outcome
    found = [in_top(tried.probability, tried.book, share) @ frauds / frauds.sum() for share in shares]
    axes.plot(shares, found, color=_BLUE)
    axes.plot([0, 1], [0, 1], color=_GREY, linewidth=1, linestyle="--")
    axes.set(xlabel="Share of claims reviewed", ylabel="Share of frauds found", title="Gain")


def _roc(axes: Any, tried: ScoredSample) -> None:
    false, true, _ = roc_curve(tried.outcome, tried.probability, sample_weight=tried.weight)
    axes.plot(false, true, color=_BLUE)
    axes.plot([0, 1], [0, 1], color=_GREY, linewidth=1, linestyle="--")
    axes.set(xlabel="Honest claims referred", ylabel="Frauds referred", title="ROC")


def _precision_recall(axes: Any, tried: ScoredSample) -> None:
    precision, recall, _ = precision_recall_curve(
        tried.outcome, tried.probability, sample_weight=tried.weight
    )
    axes.plot(recall, precision, color=_BLUE)
    axes.axhline(base_rate(tried), color=_ORANGE, linewidth=1)
    axes.set(xlabel="Recall", ylabel="Precision", title="Precision and recall", ylim=(0, 1.02))


def _scores(axes: Any, tried: ScoredSample, threshold: float) -> None:
    axes.hist(tried.book, bins=50, color=_BLUE)
    axes.axvline(threshold, color=_ORANGE, linewidth=1)
    axes.set(xlabel="Probability", ylabel="Claims", title="Scores, and the threshold", yscale="log")


def _importance(axes: Any, importance: Mapping[str, Interval]) -> None:
    listed = list(importance.items())[:12][::-1]
    axes.barh([name for name, _ in listed], [entry.value for _, entry in listed], color=_BLUE)
    axes.tick_params(axis="y", labelsize=7)
    axes.set(xlabel="ROC-AUC lost when shuffled", title="Permutation importance")
