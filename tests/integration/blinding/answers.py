"""What investigators are told about cases before a decision, and the comparison of two kinds of cases."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from claimwatch.storage import case_api, desk
from claimwatch.storage.case_api import Answer
from tests.integration.desk.environment import Book, decision, investigator

SECRET = re.compile(r'"(origin|referred|audit_sample|audited|priority)": (?!null)')
"""A member that no answer has before a decision, except with the value null."""

type Document = Mapping[str, Any]

OF_A_CASE: tuple[desk.Function, ...] = ("case", "links", "photos", "unmask", "what_if")
"""Functions that answer about one case, besides those that change it."""

COUNTED = {"waiting", "generation", "version"}
"""Numbers that depend on what happened before. They may depend on nothing else: see ``Answers.versions``."""


@dataclass
class Answers:
    """The answers about each case, without what differs from claim to claim whatever its kind is."""

    book: Book
    of_case: dict[str, list[str]] = field(default_factory=dict)
    versions: dict[str, list[int]] = field(default_factory=dict)
    order: list[str] = field(default_factory=list)
    """Claims in the order in which they were handed out."""
    listed: list[str] = field(default_factory=list)
    """Claims in the order of the queue's list."""
    asked: set[str] = field(default_factory=set)
    """The functions that were called."""
    known: set[str] = field(default_factory=set)
    """The functions that the database has."""
    secrets: set[str] = field(default_factory=set)
    """Members that no answer may have, with the answers that have them."""

    def collect(self, name: str = "ida") -> None:
        """Ask everything about every case, as somebody who works through the queue."""
        found = self.book.query(
            "SELECT proname::text FROM pg_proc WHERE pronamespace = 'claimwatch'::regnamespace"
        )
        self.known = {row["proname"].removeprefix("api_") for row in found} & set(desk.FUNCTIONS)
        self._list(name)
        while case := self._next(name):
            self.order.append(case["claim_id"])
            self._note(case["claim_id"], "next_case", case)
            self._read(case, name)
            self._act(case, name)

    def _list(self, name: str) -> None:
        cursor: dict[str, str] = {}
        while True:
            page = self._ask("queue", name, **cursor)
            for item in page.document["cases"]:
                self.listed.append(item["claim_id"])
                self._note(item["claim_id"], "queue", item)
            if page.document["cursor"] is None:
                return
            cursor = {"cursor": page.document["cursor"]}

    def _next(self, name: str) -> Any:
        return self._ask("next_case", name).document["case"]

    def _read(self, case: Document, name: str) -> None:
        claim = case["claim_id"]
        for function in OF_A_CASE:
            if function in self.known:
                extra: dict[str, Any] = {"reason": "to compare"} if function == "unmask" else {}
                extra |= {"changes": {"amount": 1}} if function == "what_if" else {}
                answer = self._ask(function, name, case_id=case["case_id"], **extra)
                self._note(claim, function, answer.document)
        if "search" in self.known:
            self._note(claim, "search", self._ask("search", name, q=claim).document)
        with self.book.database.as_task("api").transaction() as cursor:
            read = case_api.read_claim(cursor, case["line"], claim, investigator(name))
        self._note(claim, "read_claim", read.document)

    def _act(self, case: Document, name: str) -> None:
        """Renew, decide with a second look and undo, and decide again: answers of all of it are compared."""
        claim = case["claim_id"]
        renewed = self.book.act("renew", case, name)
        self._note(claim, "renew", renewed.document)
        answer = self._ask_decision(case, name, second_look=True)
        self._note(claim, "decide", answer)
        undone = self._ask(
            "undo", name, case_id=case["case_id"], decision_id=answer["decision"]["decision_id"]
        )
        self._note(claim, "undo", undone.document)
        again = undone.document["case"]
        self._note(claim, "decide again", self._ask_decision(again, name))
        # The decision can still be undone, so nothing is told yet.
        self._note(claim, "just decided", self._ask("case", name, case_id=case["case_id"]).document)
        self.versions[claim] = [case["version"], again["version"]]

    def _ask_decision(self, case: Document, name: str, **asked: Any) -> Any:
        self.asked.add("decide")
        return self.book.decided(case, name, **(decision(case) | {"verdict": "fraud"} | asked))

    def _ask(self, function: desk.Function, name: str, **asked: Any) -> Answer:
        self.asked.add(function)
        return self.book.ask(function, investigator(name), **asked)

    def _note(self, claim: str, what: str, document: Document) -> None:
        text = json.dumps(plain(document, claim), sort_keys=False)
        if secret := SECRET.search(text):
            self.secrets.add(f"{what}: {secret[0]}")
        self.of_case.setdefault(claim, []).append(f"{what}: {text}")


def plain(value: Any, claim: str, name: str = "") -> Any:
    """Return a document without ids, moments, numbers of the history and values of the claim's columns."""
    if isinstance(value, Mapping):
        if {"name", "value", "masked"} <= value.keys():
            value = dict(value) | {"value": "a value" if value["value"] is not None else None}
        return {key: plain(each, claim, key) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each, claim) for each in value]
    if name in COUNTED or name == "amount":
        return f"<{name}>"
    if not isinstance(value, str):
        return value
    text = value.replace(claim, "<claim>")
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<id>", text)
    return re.sub(r"\d{4}-\d\d-\d\d[T ][\d:.+Z-]*", "<moment>", text)


def differences(of_case: Mapping[str, list[str]], is_audit: Callable[[str], bool]) -> Iterator[str]:
    """Yield what is answered about cases of one kind only."""
    kinds: tuple[set[str], set[str]] = (set(), set())
    for claim, answers in of_case.items():
        kinds[is_audit(claim)].update(answers)
    for one, other, title in ((*kinds, "referrals"), (*kinds[::-1], "the audit")):
        for answer in sorted(one - other):
            yield f"only of {title}: {answer[:1500]}"
