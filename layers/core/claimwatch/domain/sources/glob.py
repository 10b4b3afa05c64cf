"""Globs over the paths of a server."""

import fnmatch
import re

_ANY_FOLDERS = "**"


class Glob:
    """A glob: ``*``, ``?`` and ``[…]`` match within a name, and ``**`` matches any number of folders.

    ``base`` is the folder before the first wildcard. The names below it are matched one by one: the states of
    a folder are the numbers of patterns that the names on the way to it may have used up.
    """

    start = frozenset({0})
    """The states of the base."""

    def __init__(self, glob: str) -> None:
        names = [name for name in glob.split("/") if name not in ("", ".")] or ["*"]
        fixed = next((at for at, name in enumerate(names) if any(map(name.count, "*?["))), len(names) - 1)
        root = "/" if glob.startswith("/") else ""
        self.base = f"{root}{'/'.join(names[:fixed])}" or "."
        self._prefix = root + "".join(f"{name}/" for name in names[:fixed])
        self._patterns = names[fixed:]
        if self._patterns[-1] == _ANY_FOLDERS:
            self._patterns.append("*")
        self._compiled = [re.compile(fnmatch.translate(pattern)) for pattern in self._patterns]

    def path(self, names: tuple[str, ...]) -> str:
        """Return the path of a file or folder below the base."""
        return self._prefix + "/".join(names)

    def enter(self, states: frozenset[int], name: str) -> frozenset[int]:
        """Return the states of a folder in a folder; empty if nothing in it can match."""
        entered = set()
        for at in self._reachable(states):
            if self._patterns[at] == _ANY_FOLDERS:
                entered.add(at)
            elif at < len(self._patterns) - 1 and self._compiled[at].match(name):
                entered.add(at + 1)
        return frozenset(entered)

    def matches(self, states: frozenset[int], name: str) -> bool:
        """Return whether a file in a folder with these states matches the glob."""
        last = len(self._patterns) - 1
        return last in self._reachable(states) and self._compiled[last].match(name) is not None

    def _reachable(self, states: frozenset[int]) -> set[int]:
        """Return the states, with those after each ``**`` that matches no folder at all."""
        reachable = set(states)
        for at, pattern in enumerate(self._patterns):
            if at in reachable and pattern == _ANY_FOLDERS:
                reachable.add(at + 1)
        return reachable
