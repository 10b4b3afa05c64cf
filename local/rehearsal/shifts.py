"""What an alias did during a release: the versions and their weights, watched from outside."""

import threading
import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

INTERVAL = 0.1
"""Seconds between two looks at the alias."""


@dataclass(frozen=True)
class Routing:
    """Where an alias sends traffic from a moment on (Unix seconds): its version, and another one's share."""

    at: float
    version: str
    other: str | None = None
    share: float = 0.0


@dataclass
class AliasWatch:
    """The routings of the alias `live` of a function, in their order, until the end of the block."""

    client: Any
    function: str
    routings: list[Routing] = field(default_factory=list)
    _stopped: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        """Start watching."""
        self._look()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop watching."""
        self._stopped.set()
        if self._thread:
            self._thread.join()
        self._look()

    @property
    def versions(self) -> list[str]:
        """The versions that the alias has named as its own, in their order."""
        found: list[str] = []
        for routing in self.routings:
            if not found or found[-1] != routing.version:
                found.append(routing.version)
        return found

    def window(self) -> tuple[float, float] | None:
        """Return the period in which two versions got traffic; None if there was none."""
        shared = [place for place, routing in enumerate(self.routings) if routing.other]
        if not shared:
            return None
        after = self.routings[shared[-1] + 1 :]
        return self.routings[shared[0]].at, after[0].at if after else time.time()

    def received(self, version: str) -> bool:
        """Return whether a version got any traffic while the alias was watched."""
        return any(version in (routing.version, routing.other) for routing in self.routings)

    def _watch(self) -> None:
        while not self._stopped.wait(INTERVAL):
            self._look()

    def _look(self) -> None:
        alias = self.client.get_alias(FunctionName=self.function, Name="live")
        weights = (alias.get("RoutingConfig") or {}).get("AdditionalVersionWeights") or {}
        other, share = next(iter(weights.items()), (None, 0.0))
        now = Routing(time.time(), alias["FunctionVersion"], other, float(share))
        last = self.routings[-1] if self.routings else None
        if last is None or (last.version, last.other, last.share) != (now.version, now.other, now.share):
            self.routings.append(now)
