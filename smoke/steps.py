"""Steps that run one after the other until one fails, and what is cleaned up afterwards in any case."""

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError


class SmokeFailed(Exception):
    """A step found something wrong: ``what`` is wrong, ``where``, and what to ``look_at``."""

    def __init__(self, what: str, where: str, look_at: str) -> None:
        super().__init__(f"{what}. Where: {where}. Look at: {look_at}.")


@dataclass
class Clock:
    """The time that is left for all steps together."""

    seconds: float
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    begun: float = field(init=False)

    def __post_init__(self) -> None:
        self.begun = self.now()

    @property
    def left(self) -> float:
        """Seconds until the steps must have ended."""
        return self.begun + self.seconds - self.now()

    def wait_until[T](self, found: Callable[[], T | None], every: float) -> T | None:
        """Return what ``found`` returns, as soon as that is not None; None if the time is up before."""
        while True:
            result = found()
            if result is not None or self.left <= every:
                return result
            self.sleep(every)


@dataclass(frozen=True)
class Step:
    """A step that passed, the seconds that it took, and what it found."""

    name: str
    seconds: float
    note: str


@dataclass
class Report:
    """What a run did; ``left`` says what it could not remove."""

    stack: str
    run: str
    steps: list[Step] = field(default_factory=list)
    failed_step: str | None = None
    failure: str | None = None
    left: list[str] = field(default_factory=list)
    say: Callable[[str], None] = lambda text: print(text, file=sys.stderr, flush=True)

    @property
    def passed(self) -> bool:
        """Whether every step passed."""
        return self.failure is None

    def document(self) -> dict[str, Any]:
        """Return the report for programs."""
        return {
            "stack": self.stack,
            "run": self.run,
            "passed": self.passed,
            "steps": [asdict(step) for step in self.steps],
            "failed_step": self.failed_step,
            "failure": self.failure,
            "left": self.left,
        }


@dataclass(frozen=True)
class Cleanup:
    """Removes something that a step made; ``what`` names it without a value of a person."""

    what: str
    remove: Callable[[], None]


class Undo:
    """What has to be removed when the steps have ended, the last first."""

    def __init__(self) -> None:
        self._cleanups: list[Cleanup] = []

    def add(self, what: str, remove: Callable[[], None]) -> None:
        """Remember what to remove; call it before the thing is made."""
        self._cleanups.append(Cleanup(what, remove))

    def run(self, report: Report) -> None:
        """Remove everything, and report what could not be removed."""
        while self._cleanups:
            cleanup = self._cleanups.pop()
            try:
                cleanup.remove()
            except Exception as error:  # noqa: BLE001 - the next one has to be tried in any case
                report.left.append(f"{cleanup.what} ({described(error)})")
                report.say(f"  could not remove {report.left[-1]}")


def run_steps(steps: list[tuple[str, Callable[[], str]]], undo: Undo, report: Report, clock: Clock) -> Report:
    """Run the steps until one fails; each returns what it found. Then clean up, even when interrupted."""
    try:
        for name, step in steps:
            begun = clock.now()
            try:
                note = step()
            except SmokeFailed as failure:
                report.failure = str(failure)
            except (ClientError, BotoCoreError) as error:
                report.failure = str(_of_aws(error))
            except KeyboardInterrupt:
                report.failure = "The run was interrupted."
            except Exception as error:  # noqa: BLE001 - the sentence names the type, and its values stay out
                report.failure = f"The smoke test itself failed: {described(error)}. Look at: smoke/."
            seconds = round(clock.now() - begun, 1)
            if report.failure is not None:
                report.failed_step = name
                report.say(f"FAILED {name} ({seconds} s)\n  {report.failure}")
                break
            report.steps.append(Step(name, seconds, note))
            report.say(f"ok     {name} ({seconds} s){': ' + note if note else ''}")
    finally:
        with suppress(KeyboardInterrupt):
            undo.run(report)
    return report


def described(error: BaseException) -> str:
    """Return an error without values that it quotes, except for a refusal of AWS, which names the action."""
    if isinstance(error, ClientError):
        return f"{error.operation_name}: {error.response['Error'].get('Code', 'unknown')}"
    return str(error) if isinstance(error, SmokeFailed) else type(error).__name__


def _of_aws(error: ClientError | BotoCoreError) -> SmokeFailed:
    if not isinstance(error, ClientError):
        return SmokeFailed(
            f"AWS cannot be called: {type(error).__name__}",
            "between this process and AWS",
            "credentials, region and network of this process",
        )
    code = error.response["Error"].get("Code", "unknown")
    look_at = "the state of that service in this region"
    if "Denied" in code or "Unauthorized" in code:
        look_at = "the role of this process: deployment-roles.yaml grants what the smoke test needs"
    elif "Token" in code or "Client" in code:
        look_at = "the credentials of this process, which may have ended"
    return SmokeFailed(f"{error.operation_name} answers {code}", "the AWS service of that operation", look_at)
