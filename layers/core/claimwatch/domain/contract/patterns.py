"""Check of a contract's regular expressions: only those that DuckDB's RE2 supports are accepted.

RE2 takes linear time for any value, so it has no look-around and no backreferences. The check is written here
because the google-re2 package is newer than the RE2 inside DuckDB: it accepts ``(?<name>a)``, which DuckDB
refuses, so that such a contract would be applied and then fail every file.
"""

import re
import warnings

MAX_LENGTH = 1000
"""Maximum length of a pattern."""

MAX_REPEAT = 1000
"""RE2's limit for counted repetitions; nested counts are multiplied."""

_CLASS_ESCAPE = r"\\(?:[dDwWsStnrfv]|x[0-9A-Fa-f]{2}|[!-/:-@\[-^`{-~ ])"
_POSIX = "alnum|alpha|ascii|blank|cntrl|digit|graph|lower|print|punct|space|upper|word|xdigit"
TOKEN = re.compile(
    rf"""
      (?P<escape>\\(?:[bBA]|{_CLASS_ESCAPE[2:]}))
    | (?P<class>\[\^?\]?(?:\[:\^?(?:{_POSIX}):\]|(?!\[:)[^\\\]]|{_CLASS_ESCAPE})*\])
    | (?P<open>\((?:\?:|\?P<[A-Za-z_][A-Za-z0-9_]*>|\?[ims]*(?:-[ims]+)?:)?(?!\?))
    | (?P<flags>\(\?[ims]+\))
    | (?P<close>\))
    | (?P<count>\{{(?P<least>[0-9]{{1,4}})(?P<comma>,)?(?P<most>[0-9]{{1,4}})?\}}\??)(?![*+?{{])
    | (?P<repeat>[*+?]\??)(?![*+?{{])
    | (?P<other>[^\\\[()*+?{{])
    """,
    re.VERBOSE,
)
"""The parts of a pattern that RE2 supports."""

_REFUSED = (
    (re.compile(r"\(\?(?:<?[=!])"), "a look-around"),
    (re.compile(r"\\[1-9]|\(\?P=|\(\?\("), "a backreference"),
    (re.compile(r"\(\?>|[*+?}]\+"), "a possessive repetition"),
    (re.compile(r"\\Z"), "\\Z (write $)"),
    (re.compile(r"\(\?#"), "a comment"),
    (re.compile(r"\\[uN]"), "\\u (write the character itself)"),
    (re.compile(r"\{,"), "a repetition without a minimum (write {0,n})"),
)


def pattern_problem(pattern: str) -> str | None:
    """Return what is wrong with a pattern, as a predicate that completes a sentence, or None."""
    if len(pattern) > MAX_LENGTH:
        return f"is longer than {MAX_LENGTH} characters"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return f"is not a regular expression: {error}"
    return _beyond_re2(pattern)


def _beyond_re2(pattern: str) -> str | None:
    place = 0
    weights = [1]  # for each open group, the largest product of its nested counts
    atom = 1  # the weight of the part that a repetition would repeat
    while place < len(pattern):
        token = TOKEN.match(pattern, place)
        if token is None:
            for construct, name in _REFUSED:
                if construct.match(pattern, place):
                    return f"uses {name}, which RE2 does not have"
            return f"uses '{pattern[place : place + 4]}' at position {place + 1}, which RE2 does not support"
        place = token.end()
        match token.lastgroup:
            case "open":
                weights.append(1)
            case "close":
                atom = weights.pop()
                weights[-1] = max(weights[-1], atom)
            case "count":
                atom *= max(1, int(token["most"] or token["least"]))
                if atom > MAX_REPEAT:
                    return f"repeats more than {MAX_REPEAT} times, which is RE2's limit"
                weights[-1] = max(weights[-1], atom)
            case "repeat":
                pass
            case _:
                atom = 1
    return None
