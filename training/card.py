"""The model card: what a model is, how it was made, what it is worth and for whom, and its limits.

One list of sections becomes an HTML page in the look of the weekly report, and Markdown.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import isnan

from claimwatch.domain.evaluation.finding import Finding
from claimwatch.domain.evaluation.groups import LEAST_COUNTED
from claimwatch.domain.evaluation.ranking import Estimate
from claimwatch.evaluation.checks import bias, bivariate, errors, performance
from claimwatch.evaluation.formatting import Metric, Metrics
from claimwatch.evaluation.report.document import box, document
from claimwatch.evaluation.report.markup import Markup, Part, element
from claimwatch.evaluation.report.tables import SHOWN, folded, table
from training.evaluate import Findings, metrics_of
from training.evidence import Evidence
from training.gates import UNEQUAL
from training.splits import NAMES


@dataclass(frozen=True)
class Table:
    """Rows of text under headings; the first column names the row, figures start in column ``numeric``."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: int = 1


@dataclass(frozen=True)
class Section:
    """A heading with paragraphs, one a line, tables, and plots by their names; ``sign`` is a verdict."""

    title: str
    text: str
    tables: Sequence[Table] = ()
    plots: Sequence[str] = ()
    sign: Markup | None = None


_METRICS = Metrics(
    bias.SPEC.metrics | bivariate.SPEC.metrics | errors.SPEC.metrics | performance.SPEC.metrics,
    value_at_capacity=Metric("Value at capacity, per thousand claims"),
)


def sections(found: Evidence) -> list[Section]:
    """Return the card's content."""
    return [
        _model(found),
        _gates(found),
        *_warnings(found),
        _worth(found),
        _data(found),
        _experiments(found),
        _errors(found),
        _groups(found),
        _importance(found),
        _features(found),
        _limits(found),
    ]


def _model(found: Evidence) -> Section:
    settings = found.settings
    rows = [
        ("Line and version", f"{found.line}, version {found.version}"),
        ("Model", f"{found.choice.name}, {found.size:,} parameters, {len(found.spec.features)} features"),
        ("Hyperparameters", _listed(found.parameters)),
        ("Score", "the calibrated probability that the claim is fraud"),
        ("Referral", _referral(found)),
        ("Contract", f"version {found.contract_version}"),
        ("Code", found.code_version),
        ("Data", f"SHA-256 {found.data_sha256}"),
        ("Seed", str(settings.seed)),
        ("Created", found.created_at),
    ]
    return Section(
        "What it is",
        "The model ranks new claims for human review. It decides nothing: a referral is a reason to look at a"
        " claim, not a reason to refuse it.",
        (Table(("Property", "Value"), rows, numeric=2),),
    )


def _referral(found: Evidence) -> str:
    rule, capacity = found.referral, f"{found.settings.capacity:.1%} of the claims"
    if rule.tie_share >= 1.0:
        return f"from a probability of {rule.threshold:.4f}: {capacity}"
    return (
        f"above a probability of {rule.threshold:.4f}, and {rule.tie_share:.1%} of the claims that have"
        f" exactly this probability, drawn by their ids: {capacity}"
    )


def _gates(found: Evidence) -> Section:
    refused = found.refused_because is not None
    rows = [(gate.name, "passed" if gate.passed else "failed", gate.found) for gate in found.gates]
    return Section(
        "Gates",
        f"Refused: {found.refused_because}."
        if refused
        else "The model passed every gate. It may be promoted by a person, who gives a reason.",
        (Table(("Gate", "Result", "Finding"), rows, numeric=3),),
        sign=element(
            "span", "refused" if refused else "passed", class_=f"badge {'alarm' if refused else 'ok'}"
        ),
    )


def _warnings(found: Evidence) -> list[Section]:
    if not found.warnings:
        return []
    rows = [(warning.column, warning.found) for warning in found.warnings]
    return [
        Section(
            "Warnings",
            "None of these refuses the model. A person judges each of them before the model goes live.",
            (Table(("Column", "What was found"), rows, numeric=2),),
            sign=element("span", f"{len(rows)} to judge", class_="badge watch"),
        )
    ]


def _worth(found: Evidence) -> Section:
    worth = found.evaluation
    estimates = [metrics_of(each) for each in (worth.book, worth.audited, worth.investigated)]
    rows = [(_METRICS[name].title, *(_figure(each[name]) for each in estimates)) for name in estimates[0]]
    lift = [(str(place), _figure(each)) for place, each in enumerate(worth.lift, 1)]
    return Section(
        "What it is worth",
        "On the test split: the latest claims, none of which the model was trained on. The whole book is"
        " estimated from all outcomes, and again from the random audit alone. Investigated claims are more"
        " suspicious than the book, so recall and lift among them are not those of the book. Intervals have"
        " 95 % coverage and are computed as in the weekly report.\n" + found.sampling.description,
        (
            Table(("Measure", "Whole book", "Random audit", "Investigated claims only"), rows),
            Table(("Decile of the score", "Lift"), lift),
        ),
        ("lift", "calibration", "gain", "precision_recall", "roc", "scores"),
    )


def _data(found: Evidence) -> Section:
    settings = found.settings
    rows = [
        (name, f"{count.claims:,}", f"{count.known:,}", f"{count.frauds:,}", count.first, count.last)
        for name, count in zip(NAMES, found.folds, strict=True)
    ]
    back_test = (
        f"This is a back-test: nothing after {found.as_of} was known, and the model was not compared with"
        " today's champion. So whoever promotes it has to name the day.\n"
        if found.back_test
        else ""
    )
    tables = [Table(("Split", "Claims", "With outcome", "Frauds", "From", "To"), rows)]
    leaks = "No column was found to leak the outcome."
    if found.leaks:
        leaks = "Columns that leak the outcome were refused before training."
        tables.append(Table(("Refused column", "Reason"), list(found.leaks.items()), numeric=2))
    if settings.trusted:
        leaks += f" Trusted despite the search for leaks: {', '.join(settings.trusted)}."
    claimants = (
        "The contract names no claimant column, so one person's claims can be in two splits."
        if settings.claimant_column is None
        else f"No claimant has outcomes in two splits: {found.left_out:,} later claims were left out."
    )
    return Section(
        "Data and splits",
        f"{back_test}Claims that were at least {settings.maturity_days} days old on {found.as_of}, so that"
        f" their outcomes were due; {found.immature:,} younger claims were left out, decided or not."
        f" Splits are by event time. {claimants}\n{leaks}",
        tables,
    )


def _experiments(found: Evidence) -> Section:
    choice = found.choice
    rows = [
        (
            family.name + (" (chosen)" if family.name == choice.name else ""),
            str(family.trials),
            f"{family.loss:.4f}",
            f"{family.size:,}",
            _estimate("roc_auc", choice.areas[family.name]),
            _estimate("value_at_capacity", choice.values[family.name]),
        )
        for family in found.families
    ]
    parameters = [(family.name, _listed(family.parameters)) for family in found.families]
    headings = ("Family", "Trials", "Log-loss", "Parameters", "ROC-AUC", _METRICS["value_at_capacity"].title)
    return Section(
        "Experiments",
        f"Chosen: {choice.name}. {choice.why}\n"
        "Families are compared on periods after the claims that they were trained on: three in the training"
        " split, and the validation split. A family ties with the best if its ROC-AUC, among claims with an"
        " outcome, is within one standard error of the best, and its value is not lower than the best of"
        " these beyond chance. Differences are measured claim by claim, so they are more precise than the"
        " intervals below. No claims were re-sampled; probabilities were calibrated on the validation split.",
        (Table(headings, rows), Table(("Family", "Hyperparameters"), parameters, numeric=2)),
    )


def _errors(found: Evidence) -> Section:
    return Section(
        "Where it errs",
        "Frauds that were not referred, by segment of each feature, most missed first. Small segments are"
        " summed, those with too few frauds and referrals left out; personal features have no segments.",
        (_by_segment(found.evaluation.errors, "Segment"),),
    )


def _groups(found: Evidence) -> Section:
    settings = found.settings
    shown = ("selection_rate", "recall", "false_positive_rate", "false_positive_rate_ratio")
    groups = [finding for finding in found.evaluation.bias if finding.metric in shown]
    small = [
        (f"{group.attribute} = {group.group}", "not enough data", f"{group.n:,}")
        for group in found.evaluation.disparities
        if isnan(group.p_value)
    ]
    tables = [_by_segment(groups, "Group")] if groups else []
    if small:
        tables.append(Table(("Group that is too small to be judged", "Result", "Claims"), small, numeric=2))
    return Section(
        "Protected groups",
        "No protected attribute is a feature. Each group, and each intersection of two attributes, is"
        " compared with all other claims. The model is refused if a group's honest claims are referred more"
        f" than {settings.bias_limit} times as often, beyond chance: models that treat all groups alike are"
        f" refused in at most {UNEQUAL:.0%} of trainings, over all groups together. Groups of fewer than"
        f" {settings.smallest_group} claims with an outcome are summed, of each only the number is shown,"
        f" from {LEAST_COUNTED} claims on, and those of personal attributes are numbered.",
        tables,
    )


def _importance(found: Evidence) -> Section:
    rows = [(name, f"{lost:.4f}") for name, lost in found.evaluation.importance.items()]
    return Section(
        "Which features it uses",
        "ROC-AUC that is lost on the test split when a feature's values are shuffled.",
        (Table(("Feature", "ROC-AUC lost"), rows),),
        ("importance",),
    )


def _features(found: Evidence) -> Section:
    related = [each for each in found.evaluation.bivariate if each.metric in ("correlation", "q_value")]
    return Section(
        "Each feature alone",
        "On the training split, weighted to the whole book: how each feature is related to the outcome, and"
        " the share of frauds by segment.",
        (_by_segment(related, "Feature"), _by_segment(found.evaluation.fraud_rates, "Segment")),
    )


def _limits(found: Evidence) -> Section:
    first = found.folds[0]
    return Section(
        "Limits",
        f"The model was trained on claims of line {found.line} from {first.first} to {first.last}. If fraud,"
        " the book or the way of investigating changes, its probabilities are wrong until it is trained"
        " again.\nIt was trained on investigated claims. A kind of fraud that nobody looks for has no"
        " outcomes; only the random audit can show it.\n"
        "The figures for the whole book assume that claims were selected for investigation by their own"
        " features, and otherwise at random.\n"
        "A reason says what moved the score. It does not say what caused the fraud.",
    )


def _by_segment(found: Findings, heading: str) -> Table:
    """Return a table with a row for each feature and segment, and a column for each metric.

    Segments and metrics of which nothing is known are left out.
    """
    rows: dict[str, dict[str, Finding]] = {}
    known = [finding for finding in found if finding.value is not None]
    for finding in known:
        name = f"{finding.feature} = {finding.segment}" if finding.segment else finding.feature
        rows.setdefault(name, {})[finding.metric] = finding
    metrics = list(dict.fromkeys(finding.metric for finding in known))
    return Table(
        (heading, *(_METRICS[metric].title for metric in metrics), "Claims"),
        [
            (
                name,
                *(_figure(row[metric]) if metric in row else "not enough data" for metric in metrics),
                f"{max(finding.n for finding in row.values()):,}",
            )
            for name, row in rows.items()
        ],
    )


def as_markdown(found: Evidence, picture: Callable[[str], str]) -> str:
    """Return the card as Markdown; ``picture`` returns the address of a plot."""
    lines = [f"# {_title(found)}", ""]
    for section in sections(found):
        lines += [f"## {section.title}", ""]
        for paragraph in section.text.split("\n"):
            lines += [_plain(paragraph), ""]
        for each in section.tables:
            lines += [_markdown_row(each.headings), _markdown_row(["---"] * len(each.headings))]
            lines += [*(_markdown_row(row) for row in each.rows), ""]
        for name in section.plots:
            lines += [f"![{name}]({picture(name)})", ""]
    return "\n".join(lines)


def as_html(found: Evidence, plots: Mapping[str, str]) -> str:
    """Return the card as one page; ``plots`` are SVG by name."""
    title = _title(found)
    return document(
        title,
        element("header", element("h1", title)),
        *(_box(section, plots) for section in sections(found)),
    )


def _box(section: Section, plots: Mapping[str, str]) -> Markup:
    figures = [
        element("figure", Markup(plots[name]), role="img", aria_label=name.replace("_", " "))
        for name in section.plots
    ]
    return box(
        section.title.lower().replace(" ", "-"),
        section.title,
        section.sign,
        *(element("p", paragraph) for paragraph in section.text.split("\n")),
        element("div", *figures, class_="plots") if figures else None,
        *(_table(each) for each in section.tables),
    )


def _table(given: Table) -> Part:
    def drawn(rows: Sequence[Sequence[str]]) -> Markup:
        return table(given.headings, rows, range(given.numeric, len(given.headings)))

    if len(given.rows) <= SHOWN + 3:
        return drawn(given.rows)
    rest = given.rows[SHOWN:]
    return element("div", drawn(given.rows[:SHOWN]), folded(f"{len(rest):,} more rows", drawn(rest)))


def _title(found: Evidence) -> str:
    return f"Model card: {found.line}, version {found.version}"


def _figure(finding: Finding) -> str:
    return "not enough data" if finding.value is None else _METRICS.interval(finding)


def _estimate(metric: str, found: Estimate) -> str:
    bounds = found.interval
    return _METRICS.interval(Finding(metric, bounds.value, 0, low=bounds.low, high=bounds.high))


def _listed(parameters: Mapping[str, object]) -> str:
    return ", ".join(
        f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in parameters.items()
    )


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_plain(cell).replace('|', chr(92) + '|') for cell in cells)} |"


def _plain(text: str) -> str:
    """Return text with Markdown's signs escaped: names of features and values come from outside."""
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>#" else sign for sign in text).replace("\n", " ")
