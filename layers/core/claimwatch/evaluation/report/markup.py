"""HTML and SVG by small functions: what is not markup already is escaped, so no value can become any."""

from collections.abc import Iterable
from html import escape

_VOID = frozenset({"meta", "wbr", "line", "rect", "circle", "path", "polyline"})


class Markup(str):
    """Text that is markup; made here alone."""

    __slots__ = ()


type Part = Markup | str | None
type Attribute = str | float | None


def element(name: str, /, *parts: Part, **attributes: Attribute) -> Markup:
    """An element. ``class_`` and ``for_`` lose their underscore, others become hyphens; None leaves out."""
    written = "".join(
        f' {_attribute(key)}="{escape(_value(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID and not parts:
        return Markup(f"<{name}{written}/>" if name not in {"meta", "wbr"} else f"<{name}{written}>")
    return Markup(f"<{name}{written}>{joined(parts)}</{name}>")


def joined(parts: Iterable[Part], between: str = "") -> Markup:
    """Parts one after the other, text among them escaped."""
    return Markup(between.join(_escaped(part) for part in parts if part is not None))


def breakable(name: str) -> Markup:
    """A column's name that may go on in the next line after each underscore."""
    words = name.split("_")
    return joined([part for word in words[:-1] for part in (f"{word}_", element("wbr"))] + [words[-1]])


def _escaped(part: Markup | str) -> str:
    return str(part) if isinstance(part, Markup) else escape(part)


def _attribute(key: str) -> str:
    return key.removesuffix("_").replace("_", "-")


def _value(value: str | float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
