"""YAML read plainly: what is written is what is meant.

Every scalar stays the text that was written, so that ``NO`` is a country and ``0123`` keeps its zero; only an
empty or ``null`` value of a key is None. Aliases, tags, keys that are there twice and nesting without end are
refused: a contract needs none of them, and each is a known way to mislead a reader or to exhaust its memory.
"""

import re

import yaml

from claimwatch.errors import RefusedContract

MAX_TEXT = 1 << 20
"""Characters; a column takes about 500, and PostgreSQL holds at most 1,600 of them."""

MAX_DEPTH = 24

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNFIT = re.compile(
    "[\0-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]"
)  # PostgreSQL takes no NUL and no half character
_NULLS = {"", "~", "null", "Null", "NULL"}

type Value = str | list[Value] | Block | None


class Block(dict[str, Value]):
    """A mapping, and the line (from 1) that it begins on."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line


def read_yaml(text: str) -> Value:
    """The value of a text with one document; ``RefusedContract`` says where and why it cannot be read."""
    if len(text) > MAX_TEXT:
        raise RefusedContract([f"the file has {len(text):,} characters, and {MAX_TEXT:,} are the most"])
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            builder.take(event)
    except yaml.MarkedYAMLError as error:
        raise RefusedContract([_said(error, text)]) from None
    except (yaml.YAMLError, UnicodeError):
        raise RefusedContract(
            ["the file holds characters that YAML does not allow; save it as UTF-8"]
        ) from None
    return builder.document


def _said(error: yaml.MarkedYAMLError, text: str) -> str:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    problem = error.problem or "it ends too early"
    said = f"{problem} ({error.context})" if error.context else problem
    if "".join(text.split("\n")[line : line + 1])[column : column + 1] == "\t":
        said = "a tab stands where only blanks may; indent with blanks"
    elif "mapping values are not allowed" in problem:
        said = "a colon stands where none may; indent as the line above does, or quote the text that holds it"
    return f"line {line + 1}, position {column + 1}: the YAML cannot be read: {said}"


class _Builder:
    """Makes the value out of the parser's events, one after the other."""

    def __init__(self) -> None:
        self.document: Value = None
        self._documents = 0
        self._holders: list[list[Value] | Block] = []
        self._keys: list[str | None] = []  # for each holder, the key that waits for its value

    def take(self, event: yaml.Event) -> None:
        """Take the next event."""
        line = event.start_mark.line + 1 if event.start_mark else 0
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents > 1:
                    raise RefusedContract(
                        [f"line {line}: a second document begins; put one contract in a file"]
                    )
            case yaml.AliasEvent():
                raise RefusedContract([f"line {line}: '*{event.anchor}' is an alias; write the value out"])
            case yaml.NodeEvent() if getattr(event, "tag", None):
                raise RefusedContract([f"line {line}: a tag begins the value; write the value without it"])
            case yaml.SequenceStartEvent():
                self._open([], line)
            case yaml.MappingStartEvent():
                self._open(Block(line), line)
            case yaml.CollectionEndEvent():
                self._keys.pop()
                self._put(self._holders.pop(), line)
            case yaml.ScalarEvent():
                self._scalar(event, line)

    def _open(self, holder: list[Value] | Block, line: int) -> None:
        if len(self._holders) == MAX_DEPTH:
            raise RefusedContract([f"line {line}: the blocks are nested more than {MAX_DEPTH} deep"])
        self._holders.append(holder)
        self._keys.append(None)

    def _scalar(self, event: yaml.ScalarEvent, line: int) -> None:
        if _UNFIT.search(event.value):
            raise RefusedContract([f"line {line}: the text holds a control character; take it out"])
        holder = self._holders[-1] if self._holders else None
        if not isinstance(holder, Block):
            self._put(event.value, line)
        elif self._keys[-1] is not None:
            self._put(None if event.implicit[0] and event.value in _NULLS else event.value, line)
        elif event.value in holder:
            raise RefusedContract([f"line {line}: the key '{event.value}' is there twice"])
        else:
            self._keys[-1] = event.value

    def _put(self, value: Value, line: int) -> None:
        if not self._holders:
            self.document = value
            return
        holder = self._holders[-1]
        if isinstance(holder, list):
            holder.append(value)
            return
        key = self._keys[-1]
        if key is None:
            raise RefusedContract([f"line {line}: a key has to be a text"])
        holder[key] = value
        self._keys[-1] = None
