"""Texts that match a pattern of a contract."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from string import ascii_letters, digits, punctuation

from claimwatch.domain.contract.patterns import TOKEN
from claimwatch.domain.releases.draws import Draws
from claimwatch.domain.validation.linear_patterns import matcher

_SIGNS = tuple(digits + ascii_letters + punctuation + " \t\n\u00e9")
"""The characters that texts consist of, beside those that a pattern names."""

_MORE = 3
"""Repetitions beyond the least number."""

_TRIES = 20

type _Maker = Callable[[Draws], str]


def text_matching(pattern: str, draws: Draws, *name: object) -> str | None:
    """Return a text that a pattern matches as a whole, one for each name; None if none was found.

    Flags within a pattern have no effect here, so what was made is compared with the pattern.
    """
    matches = matcher(pattern)
    try:
        make = _maker(pattern)
    except _NoText:
        return None
    for attempt in range(_TRIES):
        text = make(Draws(f"{draws.seed}\0{name}\0{attempt}"))
        if matches(text):
            return text
    return None


class _NoText(Exception):
    """A pattern with a part that no text of these characters matches."""


@cache
def _maker(pattern: str) -> _Maker:
    return _Reader(list(_tokens(pattern))).alternatives("")


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    least: int = 1
    most: int = 1


def _tokens(pattern: str) -> Iterator[_Token]:
    place = 0
    while place < len(pattern):
        found = TOKEN.match(pattern, place)
        if found is None:
            raise _NoText
        place = found.end()
        kind, text = str(found.lastgroup), found[0]
        if kind == "count":
            least = int(found["least"])
            most = int(found["most"]) if found["most"] else least + (_MORE if found["comma"] else 0)
            yield _Token("repeat", text, least, most)
        elif kind == "repeat":
            least = int(text[0] == "+")
            yield _Token("repeat", text, least, 1 if text[0] == "?" else least + _MORE)
        elif kind == "other" and text in "|^$":
            yield _Token(text, text)
        elif kind == "escape" and text in (r"\b", r"\B", r"\A"):
            yield _Token("^", text)
        elif kind != "flags":
            yield _Token(kind if kind in ("open", "close") else "sign", text)


class _Reader:
    """Reads the tokens of a pattern; each part becomes a function that makes a text."""

    def __init__(self, tokens: Sequence[_Token]) -> None:
        self._tokens = tokens
        self._next = 0

    def alternatives(self, place: str) -> _Maker:
        branches = [self._sequence(f"{place}.0")]
        while self._take("|"):
            branches.append(self._sequence(f"{place}.{len(branches)}"))
        return lambda draws: branches[draws.below(len(branches), "branch", place)](draws)

    def _sequence(self, place: str) -> _Maker:
        parts: list[_Maker] = []
        while self._next < len(self._tokens) and self._tokens[self._next].kind not in ("|", "close"):
            if not self._take("^") and not self._take("$"):
                parts.append(self._repeated(f"{place}.{len(parts)}"))
        return lambda draws: "".join(part(draws) for part in parts)

    def _repeated(self, place: str) -> _Maker:
        make = self._part(place)
        count = self._take("repeat")
        if count is None:
            return make

        def repeat(draws: Draws) -> str:
            times = count.least + draws.below(max(1, count.most - count.least + 1), "times", place)
            return "".join(make(Draws(f"{draws.seed}\0{time}")) for time in range(times))

        return repeat

    def _part(self, place: str) -> _Maker:
        if self._take("open"):
            inner = self.alternatives(place)
            self._take("close")
            return inner
        sign = self._take("sign")
        if sign is None:
            raise _NoText
        if len(sign.text) == 1 and sign.text != ".":
            return lambda _: sign.text
        matches = matcher(sign.text)
        choices = [each for each in dict.fromkeys((*_SIGNS, *sign.text)) if matches(each)]
        if not choices:
            raise _NoText
        return lambda draws: choices[draws.below(len(choices), "sign", place)]

    def _take(self, kind: str) -> _Token | None:
        if self._next == len(self._tokens) or self._tokens[self._next].kind != kind:
            return None
        self._next += 1
        return self._tokens[self._next - 1]
