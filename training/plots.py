"""The plots of a model's evidence, drawn without a display; the same evidence gives the same bytes."""

from collections.abc import Callable, Mapping, Sequence
from io import BytesIO, StringIO
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from sklearn.metrics import precision_recall_curve, roc_curve

from claimwatch.domain.evaluation.cohort import Cohort
from claimwatch.domain.evaluation.finding import Finding
from claimwatch.domain.evaluation.ranking import calibration
from claimwatch.domain.model.ranking_metrics import in_top

type Drawing = Callable[[Any], None]

_INK, _BLUE, _ORANGE, _GREY = "#1b1f26", "#1f6f8b", "#b3261e", "#59616e"
_OF_THE_PAGE = {_INK: "var(--text)", _BLUE: "var(--accent)", _ORANGE: "var(--alarm)", _GREY: "var(--quiet)"}
"""The report's light colours, and what they are replaced by in a page that may be dark."""
_LONGEST = 30
"""The longest name of a feature in a plot, in characters."""

_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "claimwatch",
    "svg.fonttype": "none",
    "text.parse_math": False,  # feature names are not formulas
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
    book: Cohort, lift: Sequence[Finding], importance: Mapping[str, float], threshold: float
) -> dict[str, Drawing]:
    """Return every plot by its name."""
    return {
        "lift": lambda axes: _lift(axes, lift),
        "calibration": lambda axes: _calibration(axes, book),
        "gain": lambda axes: _gain(axes, book),
        "roc": lambda axes: _roc(axes, book),
        "precision_recall": lambda axes: _precision_recall(axes, book),
        "scores": lambda axes: _scores(axes, book, threshold),
        "importance": lambda axes: _importance(axes, importance),
    }


def as_png(drawing: Drawing) -> bytes:
    """Return a plot on white, for the bundle and for MLflow."""
    with mpl.rc_context(_STYLE):
        figure = _figure(drawing)
        figure.set_facecolor("white")
        written = BytesIO()
        figure.savefig(written, format="png", dpi=160, metadata={"Software": None})
    return written.getvalue()


def as_svg(drawing: Drawing) -> str:
    """Return a plot to embed in a page, in the page's own colours."""
    with mpl.rc_context(_STYLE):
        figure = _figure(drawing)
        figure.patch.set_alpha(0.0)
        figure.axes[0].patch.set_alpha(0.0)
        written = StringIO()
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    text = written.getvalue()
    text = text[text.index("<svg") :]
    for colour, of_the_page in _OF_THE_PAGE.items():
        text = text.replace(colour, of_the_page)
    return text


def _figure(drawing: Drawing) -> Figure:
    figure = Figure(figsize=(4.0, 2.7), layout="constrained")
    FigureCanvasAgg(figure)
    drawing(figure.add_subplot())
    return figure


def _lift(axes: Any, lift: Sequence[Finding]) -> None:
    place = np.arange(1, len(lift) + 1)
    height, low, high = (
        np.array([getattr(each, end) for each in lift], dtype=np.float64) for end in ("value", "low", "high")
    )
    error = np.maximum(np.nan_to_num([height - low, high - height]), 0.0)
    axes.bar(place, height, color=_BLUE, yerr=error, ecolor=_GREY, capsize=2)
    axes.axhline(1.0, color=_ORANGE, linewidth=1)
    axes.set(xticks=place, xlabel="Decile of the score, highest first", ylabel="Lift", title="Lift by decile")


def _calibration(axes: Any, book: Cohort) -> None:
    curve = calibration(book)
    given = np.array([probability for probability, _ in curve])
    seen = [rate.interval for _, rate in curve]
    share, low, high = (np.array([getattr(each, end) for each in seen]) for end in ("value", "low", "high"))
    most = max(float(given.max()), float(share.max())) * 1.1
    axes.plot([0, most], [0, most], color=_GREY, linewidth=1, linestyle="--")
    axes.errorbar(
        given, share, yerr=[share - low, high - share], marker="o", color=_BLUE, ecolor=_GREY, capsize=2
    )
    axes.set(xlabel="Mean probability", ylabel="Share of frauds", title="Calibration, by tenths of the book")


def _gain(axes: Any, book: Cohort) -> None:
    shares = np.linspace(0.0, 1.0, 101)
    frauds = book.weight[book.used] * book.fraud
    scores = book.probability[book.used]
    found = [in_top(scores, book.probability, share) @ frauds / frauds.sum() for share in shares]
    axes.plot(shares, found, color=_BLUE)
    axes.plot([0, 1], [0, 1], color=_GREY, linewidth=1, linestyle="--")
    axes.set(xlabel="Share of claims reviewed", ylabel="Share of frauds found", title="Gain")


def _roc(axes: Any, book: Cohort) -> None:
    false, true, _ = roc_curve(*_outcomes(book), sample_weight=book.weight[book.used])
    axes.plot(false, true, color=_BLUE)
    axes.plot([0, 1], [0, 1], color=_GREY, linewidth=1, linestyle="--")
    axes.set(xlabel="Share of honest claims referred", ylabel="Share of frauds referred", title="ROC")


def _precision_recall(axes: Any, book: Cohort) -> None:
    precision, recall, _ = precision_recall_curve(*_outcomes(book), sample_weight=book.weight[book.used])
    # The last point belongs to no claim: it is a precision of 1 at a recall of 0.
    axes.plot(recall[:-1], precision[:-1], color=_BLUE)
    axes.axhline(book.mean(book.fraud), color=_ORANGE, linewidth=1)
    axes.set(xlabel="Recall", ylabel="Precision", title="Precision and recall", ylim=(0, 1.02))


def _outcomes(book: Cohort) -> tuple[Any, Any]:
    return book.fraud, book.probability[book.used]


def _scores(axes: Any, book: Cohort, threshold: float) -> None:
    axes.hist(book.probability, bins=50, color=_BLUE)
    axes.axvline(threshold, color=_ORANGE, linewidth=1)
    axes.set(xlabel="Probability", ylabel="Claims", title="Scores, and the threshold", yscale="log")
    # The default labels are formulas, which are not parsed here.
    axes.yaxis.set_major_formatter(FuncFormatter(lambda claims, _: f"{claims:,.0f}"))
    axes.yaxis.set_minor_formatter(FuncFormatter(lambda *_: ""))


def _importance(axes: Any, importance: Mapping[str, float]) -> None:
    listed = list(importance.items())[:12][::-1]
    if not listed:
        axes.text(0.5, 0.5, "not enough data", ha="center", va="center", color=_GREY)
    axes.barh(range(len(listed)), [lost for _, lost in listed], color=_BLUE)
    axes.set_yticks(range(len(listed)), [_short(name) for name, _ in listed])
    axes.tick_params(axis="y", labelsize=7)
    axes.set(xlabel="ROC-AUC lost when shuffled", title="Permutation importance")


def _short(name: str) -> str:
    """Return a name that leaves room for the plot; its beginning and its end tell features apart."""
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 13]}…{name[-12:]}"
