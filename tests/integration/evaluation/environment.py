"""A line with weekly checks, without AWS: a queue that tests work off, and recorded notifications."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from random import Random
from typing import Any

from claimwatch.aws.metrics import Measure
from claimwatch.domain.evaluation.finding import CHECKS, Check, Finding
from claimwatch.domain.evaluation.week import start_of
from claimwatch.errors import TransientFault
from claimwatch.evaluation import close, plan, run_check
from claimwatch.evaluation.close import Unfinished
from claimwatch.evaluation.plan import Task
from claimwatch.storage import evaluations
from claimwatch.storage.evaluations import Key, Window
from tests.integration.ingest.environment import ARTIFACTS, Row, Site

MONDAY = date(2026, 2, 16)
NEXT = date(2026, 2, 23)
NOW = datetime(2026, 3, 3, 6, 0, tzinfo=UTC)
"""A Tuesday: the last complete week is that of NEXT."""

type Run = Callable[[Window], list[Finding]]


def quiet(_window: Window) -> list[Finding]:
    """A check without an alarm."""
    return [Finding("psi", 0.01, 500, feature="amount"), Finding("psi", 0.02, 500, feature="panes")]


def alarming(_window: Window) -> list[Finding]:
    """A check with an alarm."""
    return [Finding("psi", 0.6, 500, "alarm", feature="amount", threshold=0.05)]


@dataclass
class Message:
    """A message and the number of its deliveries."""

    body: Mapping[str, Any]
    received: int = 0


@dataclass
class Watch:
    """Weekly checks of a line, with everything that they send."""

    site: Site
    checks: dict[Check, Run] = field(default_factory=lambda: dict.fromkeys(CHECKS, quiet))
    queue: deque[Message] = field(default_factory=deque)
    dead: list[Message] = field(default_factory=list)
    measures: list[Measure] = field(default_factory=list)
    events: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)

    # -- Fakes of SQS, CloudWatch and EventBridge ------------------------------------------------------------

    def send(self, messages: Sequence[Mapping[str, Any]], delay_seconds: int = 0) -> None:  # noqa: ARG002
        """Queue messages, without the delay: no time passes here."""
        self.queue.extend(Message(body) for body in messages)

    def put(self, measures: Sequence[Measure]) -> None:
        """Record metrics."""
        self.measures.extend(measures)

    def publish_event(self, kind: str, detail: Mapping[str, Any]) -> None:
        """Record an event."""
        self.events.append((kind, detail))

    def deliver(self, message: Message) -> run_check.Ended | None:
        """Run the task of a message; return None if the message returns to the queue."""
        message.received += 1
        try:
            return run_check.run_task(self.running, Task.parse(message.body), message.received)
        except (TransientFault, Unfinished):
            if message.received < run_check.LAST_ATTEMPT:
                self.queue.append(message)
            else:
                self.dead.append(message)
            return None

    def work(self, order: Random | None = None, *, twice: bool = False) -> None:
        """Work off the queue, in a random order if given, and each message twice if ``twice``.

        Every message is invisible for the same time after a delivery, so none is delivered again before all
        others were delivered as often.
        """
        while self.queue:
            first = min(message.received for message in self.queue)
            candidates = [message for message in self.queue if message.received == first]
            message = candidates[0] if order is None else order.choice(candidates)
            self.queue.remove(message)
            self.deliver(message)
            if twice:
                self.deliver(Message(message.body, message.received - 1))

    def lose(self, *checks: Check, closing: bool = False) -> None:
        """Drop messages."""
        self.queue = deque(
            message
            for message in self.queue
            if message.body.get("check") not in checks and not (closing and message.body.get("close"))
        )

    # -- Requests --------------------------------------------------------------------------------------------

    def schedule(self, now: datetime = NOW) -> list[Window]:
        """Plan all lines, as the schedule does."""
        return plan.plan_all(self.planning, now)

    def ask(self, window: str | None = None, line: str = "glass", now: datetime = NOW) -> Window:
        """Plan a week, as a person does."""
        return plan.plan_window(self.planning, line, window, now)

    # -- Results ---------------------------------------------------------------------------------------------

    def window(self, monday: date = NEXT, version: str = "1") -> Window:
        """Return a window."""
        with self.site.database.transaction() as cursor:
            found = evaluations.find_window(cursor, Key("glass", start_of(monday), version))
        assert found is not None
        return found

    def rows(self) -> list[Row]:
        """Return all findings."""
        return self.site.query(
            "SELECT * FROM claimwatch.evaluation ORDER BY window_start, check_name, position"
        )

    def measured(self, name: str, **dimensions: str) -> list[float]:
        """Return the values of a metric."""
        return [
            measure.value
            for measure in self.measures
            if measure.name == name and dict(measure.dimensions) == {"Line": "glass"} | dimensions
        ]

    @property
    def digests(self) -> list[str]:
        """Subjects and messages of the weeks' digests."""
        return [
            f"{alert.subject}\n{alert.message}"
            for alert in self.site.alerts
            if "claimwatch report" in alert.message
        ]

    # -- Dependencies of the use cases -----------------------------------------------------------------------

    @property
    def planning(self) -> plan.Dependencies:
        """Dependencies of `plan`."""
        return plan.Dependencies(self.site.database.as_task("evaluation"), self)

    @property
    def closing(self) -> close.Dependencies:
        """Dependencies of `close`."""
        return close.Dependencies(
            self.site.database.as_task("evaluation"),
            self.site.objects,
            ARTIFACTS,
            self,
            self.site,
            self,
            lambda: NOW,
        )

    @property
    def running(self) -> run_check.Dependencies:
        """Dependencies of `run_check`."""
        return run_check.Dependencies(self.site.database.as_task("evaluation"), self.checks, self.closing)
