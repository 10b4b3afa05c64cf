"""The frame that the weekly report and the model card share: one page without a network, and its boxes."""

from claimwatch.evaluation.report.markup import Markup, Part, element
from claimwatch.evaluation.report.style import STYLE


def document(title: str, *body: Part) -> str:
    """Return a complete HTML page."""
    page = element(
        "html",
        element(
            "head",
            element("meta", charset="utf-8"),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("meta", name="color-scheme", content="light dark"),
            element(
                "meta",
                http_equiv="Content-Security-Policy",
                content="default-src 'none'; style-src 'unsafe-inline'",
            ),
            element("title", title),
            element("style", Markup(STYLE)),
        ),
        element("body", element("main", *body)),
        lang="en",
    )
    return f"<!doctype html>\n{page}\n"


def box(anchor: str, title: str, sign: Markup | None, *parts: Part) -> Markup:
    """Return a section in a box; ``sign`` is shown next to its title."""
    return element(
        "section",
        element("header", element("h2", title, id=f"{anchor}-title"), sign),
        *parts,
        class_="box",
        id=anchor,
        aria_labelledby=f"{anchor}-title",
    )
