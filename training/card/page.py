"""The card as a page in the look of the weekly report, and as Markdown, from one list of sections."""

from collections.abc import Callable, Mapping, Sequence

from claimwatch.evaluation.report.document import box, document
from claimwatch.evaluation.report.markup import Markup, Part, element, joined
from claimwatch.evaluation.report.tables import SHOWN, folded, table
from training.card import data, features, groups, identity, summary, verdict, worth
from training.card.section import Section, Table
from training.evidence import Evidence

_LONGEST = 16
"""The longest part of a word, in characters, that is never wrapped."""


def sections(found: Evidence) -> list[Section]:
    """Return the card's content."""
    return [
        summary.summary(found),
        verdict.gates(found),
        *verdict.warnings(found),
        worth.worth(found),
        identity.model(found),
        data.data(found),
        worth.experiments(found),
        worth.errors(found),
        groups.groups(found),
        features.importance(found),
        features.features(found),
        identity.limits(found),
    ]


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
        cells = [[row[0], *map(_wrappable, row[1:])] for row in rows]
        return table(given.headings, cells, range(given.numeric, len(given.headings)))

    if len(given.rows) <= SHOWN + 3:
        return drawn(given.rows)
    rest = given.rows[SHOWN:]
    return element("div", drawn(given.rows[:SHOWN]), folded(f"{len(rest):,} more rows", drawn(rest)))


def _wrappable(cell: str) -> Part:
    """Return a cell whose long words, such as hashes, may be wrapped on a narrow screen."""
    words = [
        joined(
            [word[start : start + _LONGEST] for start in range(0, len(word), _LONGEST)] or [""],
            element("wbr"),
        )
        for word in cell.split(" ")
    ]
    return joined(words, " ")


def _title(found: Evidence) -> str:
    return f"Model card: {found.line}, version {found.version}"


def _markdown_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_plain(cell).replace('|', chr(92) + '|') for cell in cells)} |"


def _plain(text: str) -> str:
    """Return text with Markdown's signs escaped: names of features and values come from outside."""
    return "".join(f"\\{sign}" if sign in "\\`*_[]<>#" else sign for sign in text).replace("\n", " ")
