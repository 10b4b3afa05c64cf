"""Lines of NDJSON with several objects: their detection in a whole file, and one line for each object."""

import json
import re
from collections.abc import Iterable, Iterator

from claimwatch.domain.files.csv_reader import LONGEST_RECORD

_JOINT = re.compile(r"\}[ \t\r]*(?=\{)")
_JOINT_BYTES = re.compile(_JOINT.pattern.encode())
_BLANK = re.compile(r"[ \t\r]*")
_LONGEST_GAP = 64
"""Bytes of white space between two objects that are in two blocks."""
_JSON = json.JSONDecoder(parse_int=str, parse_float=str)  # a number may be too long for Python


class JoinedObjects:
    """Finds out whether a line has several objects, however far from the beginning.

    Feed it the whole file in blocks of any size. Text that looks like the end of an object and the beginning
    of another counts too; ``JoinedLines`` leaves it alone.
    """

    def __init__(self) -> None:
        self.found = False
        """Whether such a line was met."""
        self._tail = b""

    def feed(self, block: bytes) -> None:
        """Look through a block at memory speed."""
        if not self.found:
            border = self._tail + block[:_LONGEST_GAP]
            self.found = bool(_JOINT_BYTES.search(border) or _JOINT_BYTES.search(block))
            self._tail = (border if len(block) < _LONGEST_GAP else block)[-_LONGEST_GAP:]


class JoinedLines:
    """Rewrites lines of several objects as one line for each; it does not touch other lines.

    What is not an object stays a line of its own, so that damage does not spread over its line.
    """

    def __init__(self) -> None:
        self._pending = ""
        self._overlong = False
        """Whether the rest of a line is passed through because no object in it ends."""

    def rewrite(self, texts: Iterable[str]) -> Iterator[str]:
        """Yield the text with one object on each line."""
        for text in texts:
            yield self._rewrite(self._pending + text, final=False)
        yield self._rewrite(self._pending, final=True)

    def _rewrite(self, text: str, *, final: bool) -> str:
        at, pieces = 0, list[str]()
        while at < len(text):
            newline = text.find("\n", at)
            whole = newline >= 0 or final
            end = newline + 1 if newline >= 0 else len(text)
            if self._overlong:
                pieces.append(text[at:end])
                at, self._overlong = end, not whole
            elif whole:
                pieces += _split(text[at:end], whole=True)
                at = end
            elif len(text) - at <= LONGEST_RECORD:
                break
            else:
                *complete, rest = _split(text[at:], whole=False)
                pieces += complete
                at = len(text) - len(rest)
                self._overlong = len(rest) > LONGEST_RECORD
                if not self._overlong:
                    break
        self._pending = text[at:]
        return "".join(pieces)


def _split(line: str, *, whole: bool) -> list[str]:
    """Return a line for each object, and for each stretch that is not one; the last one ends as the line.

    If the end of the line is missing, so may that of an object.
    """
    if _JOINT.search(line) is None:
        return [line]
    pieces, start = list[str](), 0
    while True:
        try:
            end = _JSON.raw_decode(line, start)[1]
            following = _end_of_blanks(line, end)
        except (ValueError, RecursionError):
            if not whole and len(line) - start <= LONGEST_RECORD:
                return [*pieces, line[start:]]
            end = following = start
        if end == start or not line.startswith("{", following):
            joint = _JOINT.search(line, end)
            if joint is None:
                return [*pieces, line[start:]]
            end, following = joint.start() + 1, joint.end()
        pieces.append(f"{line[start:end]}\n")
        start = following


def _end_of_blanks(line: str, at: int) -> int:
    match = _BLANK.match(line, at)
    return at if match is None else match.end()
