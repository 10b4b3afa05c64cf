"""Step 8: an investigator signs in, and decides cases by the API, as the desk does; they become outcomes."""

import json
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

from local.demo.book import MotorBook
from local.demo.context import DemoContext, DemoFailed
from local.demo.model import LINE
from local.sign_in import request, sign_in

DECIDER, SECOND = "ida", "ivo"
CASES = 8
"""Cases that are decided."""
UNDO_SECONDS = 17
"""Seconds after which a decision can be undone no more, so that a second person may look at its case."""
ATTEMPTS = 20
"""How often a request is repeated while the API is busy."""
BUSY = {429, 503}

WAITING = "SELECT count(*) FROM claimwatch.review_case WHERE closed_at IS NULL"
OUTCOMES = """
SELECT o.claim_id, o.is_fraud, o.source, f.key
FROM claimwatch.committed_outcome AS o JOIN claimwatch.file AS f USING (file_id)
WHERE o.line = %s AND f.key LIKE 'outcomes/%%/decisions/%%' AND o.claim_id = ANY (%s) ORDER BY o.claim_id
"""
CURRENT = "SELECT claim_id, is_fraud FROM claimwatch.current_outcome WHERE line = %s AND claim_id = ANY (%s)"


@dataclass(frozen=True)
class Decided:
    """What was decided: the verdict of each claim, and on how many of them two persons had to agree."""

    final: Mapping[str, bool]
    by_two: int


@dataclass(frozen=True)
class Person:
    """A person who has signed in to the desk."""

    address: str
    token: str

    @classmethod
    def of(cls, demo: DemoContext, name: str) -> "Person":
        """Sign in, by authorization code and PKCE, as a browser does."""
        [user] = [each for each in demo.stack.users if each.name == name]
        client = demo.stack.outputs["UserPoolClientId"]
        tokens = sign_in(demo.stack.endpoint_url, client, user.name, user.password)
        return cls(demo.stack.desk_url, tokens["access_token"])

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> dict[str, Any]:
        """Send a request, again while the API is busy; raises ``DemoFailed`` if it is refused."""
        sent = {"authorization": f"Bearer {self.token}", "x-purpose": "fraud_investigation"} | {
            name.replace("_", "-"): value for name, value in headers.items()
        }
        content = None if body is None else json.dumps(body)
        if content is not None:
            sent["content-type"] = "application/json"
        status, answer = 0, b""
        for _ in range(ATTEMPTS):
            status, _, answer = request(self.address, method, path, content, sent)
            if status not in BUSY:
                break
            time.sleep(1)
        if status >= 400:
            raise DemoFailed(f"{method} {path} is answered {status}: {answer.decode(errors='replace')[:300]}")
        document: dict[str, Any] = json.loads(answer)
        return document

    def decide(self, case: Mapping[str, Any], *, fraud: bool) -> str:
        """Decide a case that the person holds, and return the state that it has then."""
        decided = self.ask(
            "POST",
            f"/app/cases/{case['case_id']}/decision",
            {
                "generation": case["lease"]["generation"],
                "verdict": "fraud" if fraud else "not_fraud",
                "grounds": ["staged_event" if fraud else "documents_verified"],
                "note": "decided by the demo",
            },
            if_match=f'"v{case["version"]}"',
            idempotency_key=str(uuid.uuid4()),
        )
        state: str = decided["state"]
        return state


def run(demo: DemoContext, book: MotorBook) -> Decided:
    """Decide some cases as they come, and wait until each is an outcome."""
    demo.heading(f"8. An investigator decides: {DECIDER} signs in to the desk and works on cases")
    person = Person.of(demo, DECIDER)
    is_fraud = book.truth().is_fraud  # who investigates finds out; only the generator knows before
    verdicts: dict[str, bool] = {}
    second_look: list[dict[str, Any]] = []
    blinded = 0
    for _ in range(CASES):
        case = person.ask("POST", "/app/queue/next", {})["case"]
        if case is None:
            raise DemoFailed(f"no case waits after {len(verdicts)} decisions")
        blinded += case["blinded"]
        verdicts[case["claim_id"]] = is_fraud[case["claim_id"]]
        if person.decide(case, fraud=verdicts[case["claim_id"]]) != "decided":
            second_look.append(case)
    demo.out.print(
        f"{DECIDER} decided {CASES} cases, of which {blinded} did not show what the model says.",
        highlight=False,
    )
    if second_look:
        _decide_again(demo, second_look, verdicts)
    _wait_for_outcomes(demo, verdicts)
    demo.out.print(_outcomes(demo, verdicts))
    demo.out.print(
        f"Each decision is one outcome, from which the next model learns. {waiting(demo):,} cases wait.",
        highlight=False,
    )
    return Decided(verdicts, len(second_look))


def _decide_again(
    demo: DemoContext, cases: Sequence[Mapping[str, Any]], verdicts: Mapping[str, bool]
) -> None:
    """Let a second person look at cases of high amounts, and agree."""
    demo.out.print(
        f"Much is at stake in {len(cases)} of them, so a second person has to agree: {SECOND} does.",
        highlight=False,
    )
    begun = time.monotonic()
    demo.wait(
        lambda: time.monotonic() - begun > UNDO_SECONDS, lambda: "A decision can be undone for 15 seconds"
    )
    second = Person.of(demo, SECOND)
    for case in cases:
        held = second.ask("POST", f"/app/cases/{case['case_id']}/actions", {"action": "take"})
        if second.decide(held, fraud=verdicts[case["claim_id"]]) != "decided":
            raise DemoFailed("two persons agree, and the case is not decided")


def waiting(demo: DemoContext) -> int:
    """Return how many cases wait for a decision."""
    ((count,),) = demo.query(WAITING)
    return int(count)


def _wait_for_outcomes(demo: DemoContext, final: Mapping[str, bool]) -> None:
    """Wait until each decision is an outcome; raises ``DemoFailed`` if one is another outcome, or two."""

    def arrived() -> dict[str, bool]:
        return dict(demo.query(CURRENT, LINE, list(final)))

    demo.wait(
        lambda: len(arrived()) == len(final),
        lambda: f"{len(arrived())} of {len(final)} decisions are outcomes; one can be undone for 15 seconds",
    )
    loaded = [claim for claim, *_ in demo.query(OUTCOMES, LINE, list(final))]
    if arrived() != dict(final) or sorted(loaded) != sorted(final):
        raise DemoFailed(f"the outcomes are not those that were decided: {sorted(loaded)}")


def _outcomes(demo: DemoContext, final: Mapping[str, bool]) -> Table:
    table = Table(title="Decisions as outcomes", title_justify="left")
    for title in ("claim", "verdict", "why it was a case", "file"):
        table.add_column(title, overflow="fold")
    for claim, fraud, source, key in demo.query(OUTCOMES, LINE, list(final)):
        table.add_row(claim, "fraud" if fraud else "not fraud", source, key)
    return table
