"""Claimwatch's errors, in two families: rejected data and transient faults.

Rejected data is recorded and acknowledged: a retry would not improve it. A transient fault is raised and
retried. The class names are a contract: the state machines match them.
"""

import traceback

from claimwatch.invisible import show_invisible

LONGEST_SENTENCE = 500
"""Characters of a reason for a refusal: people read it in a table, a terminal or a notification."""

MOST_PROBLEMS = 200
"""Problems of a contract or a source that are listed; a notification holds 256 KiB."""


class ClaimwatchError(Exception):
    """Base of every error that Claimwatch raises itself."""


class RefusedData(ClaimwatchError):
    """Data that cannot be accepted; the message says what is wrong, where, and what to do."""


class RefusedFile(RefusedData):
    """A file that cannot be loaded at all."""

    def __init__(self, reason: str) -> None:
        super().__init__(sentence(reason))


class RefusedPhoto(RefusedData):
    """A photo that cannot be shown; one sentence says what is wrong and what to do."""

    def __init__(self, reason: str) -> None:
        super().__init__(sentence(reason))


class RefusedDefinition(RefusedData):
    """A file of the company's own settings that cannot be read or applied.

    ``problems`` holds one sentence for each problem, each naming the column or the key; of very many problems
    it holds the first.
    """

    def __init__(self, problems: list[str]) -> None:
        self.problems = [sentence(problem) for problem in problems[:MOST_PROBLEMS]]
        if len(problems) > MOST_PROBLEMS:
            self.problems.append(
                f"{len(problems) - MOST_PROBLEMS:,} more problems follow; correct these first"
            )
        super().__init__("; ".join(self.problems))


class RefusedContract(RefusedDefinition):
    """A contract that cannot be read or applied."""


class RefusedSourceFile(RefusedDefinition):
    """A file ``sources/<name>.yaml`` that cannot be read or applied."""


class TransientFault(ClaimwatchError):
    """A fault that passes by itself: a lost connection, a throttled call, a database that is waking up."""


class EngineFault(ClaimwatchError):
    """DuckDB failed on claims; the message quotes none of them."""


class ReaderFault(ClaimwatchError):
    """Data broke the code that reads it; the message has the type and place of the error, and no value."""


class Superseded(ClaimwatchError):
    """A newer attempt at the same file has replaced the attempt that this work belongs to."""


class MalformedEvent(ClaimwatchError):
    """An event that a function cannot read; the message names the field and never quotes a value."""


def sentence(text: str) -> str:
    """Return a text that may quote names of hostile data as people can read it and PostgreSQL can store it.

    Characters that nobody sees, and control characters, which a terminal would obey, become their code
    points, and line breaks become blanks. A text of more than ``LONGEST_SENTENCE`` characters loses its
    middle: it begins with the place and ends with advice.
    """
    line = show_invisible(text)
    if len(line) <= LONGEST_SENTENCE:
        return line
    half = LONGEST_SENTENCE // 2 - 1
    return f"{line[:half]}\u2026{line[-half:]}"


def place_of(error: BaseException) -> str:
    """Return the type of an error and the innermost line of Claimwatch that it passed, without its message.

    The message may quote a claim; the type and the place suffice to find an error in the code.
    """
    frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if f"/{__package__}/" in frame.filename
        or "/training/" in frame.filename
        or frame.filename.endswith("/handler.py")
    ]
    if not frames:
        return type(error).__name__
    module = frames[-1].filename.rpartition("/")[2].removesuffix(".py")
    return f"{type(error).__name__} in {module}.{frames[-1].name}, line {frames[-1].lineno}"
