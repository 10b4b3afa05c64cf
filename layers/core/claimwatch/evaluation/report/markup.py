"""HTML and SVG elements. Text that is not `Markup` is escaped, so a value can never become markup."""

from collections.abc import Iterable
from html import escape

_VOID = frozenset({"meta", "wbr", "line", "rect", "circle", "path", "polyline"})


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


type Part = Markup | str | None
type Attribute = str | float | None


def element(name: str, /, *parts: Part, **attributes: Attribute) -> Markup:
    """Return an element.

    In names of attributes, a final underscore is dropped and others become hyphens (``class_``,
    ``aria_label``). Attributes and parts that are None are left out.
    """
    written = "".join(
        f' {_attribute(key)}="{escape(_value(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if name in _VOID and not parts:
        return Markup(f"<{name}{written}/>" if name not in {"meta", "wbr"} else f"<{name}{written}>")
    return Markup(f"<{name}{written}>{joined(parts)}</{name}>")


def joined(parts: Iterable[Part], between: str = "") -> Markup:
    """Join parts; text is escaped."""
    return Markup(between.join(_escaped(part) for part in parts if part is not None))


def breakable(name: str) -> Markup:
    """Return a column's name that may be wrapped after each underscore."""
    words = name.split("_")
    return joined([part for word in words[:-1] for part in (f"{word}_", element("wbr"))] + [words[-1]])


def _escaped(part: Markup | str) -> str:
    return str(part) if isinstance(part, Markup) else escape(part)


def _attribute(key: str) -> str:
    return key.removesuffix("_").replace("_", "-")


def _value(value: str | float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
