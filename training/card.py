"""The model card: what a model is, how it was made, what it is worth and for whom, and where it ends.

One list of sections becomes a page that opens without a network, light or dark, and Markdown.
"""

import html
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan

from training.estimates import Interval
from training.evaluate import Group
from training.evidence import Evidence
from training.splits import NAMES


@dataclass(frozen=True)
class Table:
    """Rows of text under headings; the first column names the row."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Section:
    """A heading with paragraphs, tables and plots by their names."""

    title: str
    paragraphs: Sequence[str] = ()
    tables: Sequence[Table] = ()
    plots: Sequence[str] = field(default=())


_MEASURES = {
    "roc_auc": "ROC-AUC",
    "pr_auc": "PR-AUC",
    "lift_top_decile": "Lift in the top decile",
    "recall_at_capacity": "Recall at capacity",
    "precision_at_capacity": "Precision at capacity",
    "brier": "Brier score",
    "calibration_error": "Calibration error",
    "value_at_capacity": "Value at capacity, for a thousand claims",
    "base_rate": "Share of frauds",
}
_MOST_SLICES = 20


def sections(found: Evidence) -> list[Section]:
    """The card's content."""
    return [
        _what(found),
        _verdict(found),
        _worth(found),
        _data(found),
        _experiments(found),
        _errors(found),
        _fairness(found),
        _importance(found),
        _bivariate(found),
        _limits(found),
    ]


def _what(found: Evidence) -> Section:
    settings = found.settings
    rows = [
        ("Line and version", f"{found.line}, version {found.version}"),
        ("Model", f"{found.choice.name}, {found.size:,} numbers, {len(found.spec.features)} features"),
        ("Parameters", _listed(found.parameters)),
        ("Score", "the calibrated probability that the claim is fraud"),
        ("Referral", f"from a probability of {found.threshold:.4f}: {settings.capacity:.1%} of the claims"),
        ("Contract", f"version {found.contract_version}"),
        ("Code", found.code_version),
        ("Data", f"SHA-256 {found.data_sha256}"),
        ("Seed", str(settings.seed)),
        ("Made", found.created_at),
    ]
    return Section(
        "What it is",
        (
            (
                "It ranks new claims for human review. It decides nothing: a referral is a reason to look,"
                " and no reason to refuse."
            ),
        ),
        (Table(("", ""), rows),),
    )


def _verdict(found: Evidence) -> Section:
    verdict = (
        f"Refused: {found.refused_because}."
        if found.refused_because
        else "All gates passed; it may be promoted by a person who says why."
    )
    rows = [(gate.name, "passed" if gate.passed else "refused", gate.found) for gate in found.gates]
    return Section("Gates", (verdict,), (Table(("Gate", "", "What was found"), rows),))


def _worth(found: Evidence) -> Section:
    worth = found.evaluation
    rows = [
        (
            words,
            _told(worth.book[name]),
            _told(worth.audited[name]) if worth.audited else "too few",
            _number(worth.investigated[name]),
        )
        for name, words in _MEASURES.items()
    ]
    lift = [(str(place), _told(entry)) for place, entry in enumerate(worth.lift, 1)]
    return Section(
        "What it is worth",
        (
            (
                "On the test split: the latest claims, none of which it has learnt from. Intervals hold"
                f" {found.settings.confidence:.0%} of {found.settings.resamples} resamples. The book is all"
                " claims, estimated; the audit is what was picked by chance; the investigated claims are"
                " more suspicious than the book, so recall and lift among them alone are not the book's."
            ),
            found.sampling.told,
        ),
        (
            Table(("", "The book", "Random audit", "Investigated, as they are"), rows),
            Table(("Decile", "Lift"), lift),
        ),
        ("lift", "calibration", "gain", "precision_recall", "roc", "scores"),
    )


def _data(found: Evidence) -> Section:
    rows = [
        (name, f"{count.claims:,}", f"{count.known:,}", f"{count.frauds:,}", count.first, count.last)
        for name, count in zip(NAMES, found.folds, strict=True)
    ]
    leaks = [(name, reason) for name, reason in found.leaks.items()]
    tables = [Table(("Split", "Claims", "With outcome", "Frauds", "From", "To"), rows)]
    if leaks:
        tables.append(Table(("Column refused", "Because"), leaks))
    trusted = (
        (f"Trusted against the search for leaks: {', '.join(found.settings.trusted)}.",)
        if found.settings.trusted
        else ()
    )
    return Section(
        "Data and splits",
        (
            f"Claims of {found.settings.maturity_days} days and more before {found.as_of}, so that outcomes"
            f" were due; {found.immature:,} younger ones were left out, whether decided or not. Splits are"
            " by event"
            " time." + _claimants(found),
            "No column was found to leak."
            if not leaks
            else "Columns that leak were refused before training.",
            *trusted,
        ),
        tables,
    )


def _claimants(found: Evidence) -> str:
    if found.settings.claimant_column is None:
        return " The contract names no claimant, so one person's claims can be in two splits."
    return (
        " No claimant's outcomes are in two splits:"
        f" {found.left_out:,} later claims of the same claimants were left out."
    )


def _experiments(found: Evidence) -> Section:
    rows = [
        (
            family.name + (" (chosen)" if family.name == found.choice.name else ""),
            str(family.trials),
            f"{family.loss:.4f}",
            f"{family.size:,}",
            _told(found.choice.values[family.name]),
            _listed(family.parameters),
        )
        for family in found.families
    ]
    return Section(
        "Experiments",
        (
            (
                f"Chosen is {found.choice.name}: {found.choice.why}. Parameters were searched within the"
                " training split, each part tried on what came after it; nothing was re-sampled, and"
                " probabilities were calibrated on the validation split."
            ),
        ),
        (Table(("Family", "Trials", "Log-loss", "Numbers", "Value at capacity", "Parameters"), rows),),
    )


def _errors(found: Evidence) -> Section:
    rows = [
        (
            f"{entry.feature} = {entry.value}",
            f"{entry.claims:,}",
            f"{entry.with_outcome:,}",
            *(
                "too few"
                if isnan(value) and entry.with_outcome < found.settings.smallest_group
                else _number(value)
                for value in (entry.fraud_rate, entry.mean_probability, entry.recall, entry.precision)
            ),
        )
        for entry in found.evaluation.slices[:_MOST_SLICES]
    ]
    headings = ("Slice", "Claims", "With outcome", "Frauds", "Probability", "Recall", "Precision")
    return Section(
        "Where it errs",
        ("By value of each category and flag at the threshold; where most frauds are missed comes first.",),
        (Table(headings, rows),),
    )


def _fairness(found: Evidence) -> Section:
    def row(group: Group) -> tuple[str, ...]:
        judged = (group.honest_referred, group.recall, group.ratio)
        return (
            f"{group.attribute} = {group.value}",
            f"{group.claims:,}",
            f"{group.with_outcome:,}",
            f"{group.referred:.2%}",
            *("too small" if entry is None else _told(entry) for entry in judged),
        )

    headings = ("Group", "Claims", "With outcome", "Referred", "Honest referred", "Recall", "Ratio to others")
    return Section(
        "Protected groups",
        (
            (
                "No protected attribute is a feature. The ratio says how many times as often as others' a"
                f" group's honest claims are referred; beyond {found.settings.bias_limit}, with its whole"
                f" interval, the model is refused. Groups of fewer than {found.settings.smallest_group}"
                " claims with an outcome are not judged."
            ),
        ),
        (Table(headings, [row(group) for group in found.evaluation.groups]),)
        if found.evaluation.groups
        else (),
    )


def _importance(found: Evidence) -> Section:
    rows = [(name, f"{entry.value:.4f}") for name, entry in found.evaluation.importance.items()]
    return Section(
        "What it looks at",
        ("ROC-AUC that is lost on the test split when a feature's values are dealt out anew.",),
        (Table(("Feature", "Lost"), rows),),
        ("importance",),
    )


def _bivariate(found: Evidence) -> Section:
    rows = [
        (
            entry.feature,
            f"{entry.missing:.1%}",
            _number(entry.area),
            each.label,
            f"{each.claims:,}",
            _number(each.fraud_rate),
            _number(each.lift),
        )
        for entry in found.bivariate
        for each in entry.bins
    ]
    headings = ("Feature", "Missing", "ROC-AUC alone", "Values", "With outcome", "Frauds", "Lift")
    return Section(
        "Each feature alone",
        ("On the training split, each claim counted by what it stands for.",),
        (Table(headings, rows),),
    )


def _limits(found: Evidence) -> Section:
    first = found.folds[0]
    return Section(
        "Limits",
        (
            (
                f"It knows claims of line {found.line} from {first.first} to {first.last}. Where fraud, the"
                " book or the way of investigating changes, its probabilities do not hold until it is"
                " trained again."
            ),
            (
                "It has learnt from what was investigated. A kind of fraud that nobody looks for has no"
                " outcomes, and only the random audit can show it."
            ),
            (
                "The figures for the book rest on the assumption that claims were chosen for investigation"
                " by what stands in them, and by chance otherwise."
            ),
            "A reason says what moved the score. It says nothing about what caused the fraud.",
        ),
    )


def as_markdown(found: Evidence, picture: Callable[[str], str]) -> str:
    """The card as Markdown; ``picture`` gives the address of a plot."""
    lines = [f"# Model card: {found.line}, version {found.version}", ""]
    for section in sections(found):
        lines += [f"## {section.title}", ""]
        for paragraph in section.paragraphs:
            lines += [_plain(paragraph), ""]
        for table in section.tables:
            lines += [_markdown_row(table.headings), _markdown_row(["---"] * len(table.headings))]
            lines += [*(_markdown_row(row) for row in table.rows), ""]
        for name in section.plots:
            lines += [f"![{name}]({picture(name)})", ""]
    return "\n".join(lines)


def as_html(found: Evidence, plots: Mapping[str, str]) -> str:
    """The card as one page; ``plots`` are SVG by name."""
    body = "\n".join(_html_section(section, plots) for section in sections(found))
    title = html.escape(f"Model card: {found.line}, version {found.version}")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head>\n<body><main><h1>{title}</h1>\n{body}\n"
        "</main></body></html>\n"
    )


def _html_section(section: Section, plots: Mapping[str, str]) -> str:
    parts = [f"<section><h2>{html.escape(section.title)}</h2>"]
    parts += [f"<p>{html.escape(paragraph)}</p>" for paragraph in section.paragraphs]
    if section.plots:
        figures = "".join(
            f'<figure role="img" aria-label="{html.escape(name)}">{plots[name]}</figure>'
            for name in section.plots
        )
        parts.append(f'<div class="plots">{figures}</div>')
    for table in section.tables:
        head = "".join(f'<th scope="col">{html.escape(heading)}</th>' for heading in table.headings)
        rows = "".join(
            f'<tr><th scope="row">{html.escape(row[0])}</th>'
            + "".join(f"<td>{html.escape(cell)}</td>" for cell in row[1:])
            + "</tr>"
            for row in table.rows
        )
        parts.append(
            f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>'
        )
    return "\n".join([*parts, "</section>"])


_STYLE = """
:root { color-scheme: light dark; --line: #d5d8dd; --quiet: #5c636e; }
@media (prefers-color-scheme: dark) { :root { --line: #3d434c; --quiet: #a4abb6; } }
body { font: 15px/1.5 system-ui, sans-serif; margin: 0; }
main { max-width: 68rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.5rem; } h2 { font-size: 1.15rem; margin-top: 2.2rem; }
p { max-width: 46rem; }
.wide { overflow-x: auto; margin: .8rem 0; }
table { border-collapse: collapse; font-size: .87rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .25rem .9rem .25rem 0; }
th, td { border-bottom: 1px solid var(--line); }
th[scope=col] { color: var(--quiet); font-weight: 600; } th[scope=row] { font-weight: 500; }
td { overflow-wrap: anywhere; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); gap: 1rem; }
figure { margin: 0; } figure svg { width: 100%; height: auto; }
"""


def _told(entry: Interval) -> str:
    if isnan(entry.low):
        return _number(entry.value)
    return f"{_number(entry.value)} ({_number(entry.low)} to {_number(entry.high)})"


def _number(value: float) -> str:
    if isnan(value):
        return "not known"
    return f"{value:,.1f}" if abs(value) >= 100.0 else f"{value:.3f}"


def _listed(parameters: Mapping[str, object]) -> str:
    return ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in parameters.items()
    )


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_plain(cell).replace('|', chr(92) + '|') for cell in cells)} |"


def _plain(text: str) -> str:
    """Text that Markdown takes as it is: names of features and values come from outside."""
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>#" else sign for sign in text).replace("\n", " ")
