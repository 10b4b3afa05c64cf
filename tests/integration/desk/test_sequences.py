"""Whatever people do in whatever order, the promises about cases hold: generated sequences of requests."""

from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from claimwatch.storage.case_api import Answer
from tests.integration.desk.environment import Book, Scored, decision, investigator, lead

PEOPLE = st.sampled_from(["ida", "ben", "eve", "uli"])
VERDICTS = st.sampled_from(["fraud", "not_fraud", "inconclusive"])
CLAIMS = ("a", "b", "c")


class DeskMachine(RuleBasedStateMachine):
    """Three cases, one of which needs a second look, four people with tabs that remember what they saw."""

    book: Book
    number = 0

    def __init__(self) -> None:
        super().__init__()
        type(self).number += 1
        self.line = f"glass_{self.number}"
        self.book.add_line(self.line)
        self.book.set_terms(self.line, second_look_above=500)
        self.book.receive(
            Scored("a", 0.9, 900), Scored("b", 0.5, 100), Scored("c", 0.1, 50, referred=False, audited=True),
            line=self.line,
        )  # fmt: skip
        # An audited claim's priority is drawn with the name of the line: the order would differ each time.
        self.book.query(
            "UPDATE claimwatch.review_case SET priority = 20 WHERE (line, claim_id) = (%s, 'c'); SELECT 1",
            self.line,
        )
        self.tabs: list[tuple[str, dict[str, Any]]] = []
        self.sent: list[tuple[str, dict[str, Any], Answer]] = []
        self.asked = 0
        self.events = len(self.book.events())

    def _ask(self, name: Any, caller: Any, **asked: Any) -> Answer:
        self.asked += 1
        return self.book.ask(name, caller, **asked)

    @rule(name=PEOPLE)
    def next_case(self, name: str) -> None:
        case = self._ask("next_case", investigator(name), lines=[self.line]).document["case"]
        if case is not None:
            assert case["lease"]["holder"] == name
            assert name not in [each["by"] for each in case["decisions"] if not each["undone"]]
            self.tabs.append((name, case))

    @precondition(lambda self: self.tabs)
    @rule(data=st.data(), verdict=VERDICTS, second_look=st.booleans())
    def decide(self, data: st.DataObject, verdict: str, second_look: bool) -> None:
        name, case = data.draw(st.sampled_from(self.tabs))
        asked = decision(case, verdict=verdict, second_look=second_look)
        before = self.book.case(case["claim_id"], self.line)
        answer = self._ask("decide", investigator(name), **asked)
        if answer.outcome == "answered":
            assert (before["holder"], before["generation"]) == (name, asked["generation"])
            assert before["closed_at"] is None
        self.sent.append((name, asked, answer))

    @precondition(lambda self: self.sent)
    @rule(data=st.data())
    def send_again(self, data: st.DataObject) -> None:
        name, asked, first = data.draw(st.sampled_from(self.sent))
        answer = self._ask("decide", investigator(name), **asked)
        if first.outcome == "answered":
            assert answer.outcome == "answered"
            assert answer.document["decision"]["verdict"] == first.document["decision"]["verdict"]

    @precondition(lambda self: self.sent)
    @rule(data=st.data(), who=PEOPLE)
    def undo(self, data: st.DataObject, who: str) -> None:
        name, asked, _ = data.draw(st.sampled_from(self.sent))
        undone = {"case_id": asked["case_id"], "decision_id": asked["decision_id"]}
        answer = self._ask("undo", investigator(who), **undone)
        if answer.outcome == "answered":
            assert who == name
            self.tabs.append((who, answer.document["case"]))

    @precondition(lambda self: self.tabs)
    @rule(data=st.data(), action=st.sampled_from(["skip", "snooze", "renew", "release", "take", "hand_over"]))
    def act(self, data: st.DataObject, action: str) -> None:
        name, case = data.draw(st.sampled_from(self.tabs))
        asked: dict[str, Any] = {
            "case_id": case["case_id"], "action": action, "generation": case["lease"]["generation"],
        }  # fmt: skip
        if action == "hand_over":
            asked |= {"to": data.draw(PEOPLE), "reason": "because"}
        answer = self._ask("case_action", investigator(name), **asked)
        if answer.outcome == "answered" and action == "take":
            shown = self._ask("case", investigator(name), case_id=case["case_id"]).document
            self.tabs.append((name, shown))

    @precondition(lambda self: self.tabs)
    @rule(data=st.data(), to=st.one_of(st.none(), PEOPLE))
    def assign(self, data: st.DataObject, to: str | None) -> None:
        _, case = data.draw(st.sampled_from(self.tabs))
        version = self.book.case(case["claim_id"], self.line)["version"]
        self._ask(
            "assign", lead(), case_id=case["case_id"], to=to, reason="because", if_match=f'"v{version}"'
        )

    @rule(claim=st.sampled_from(CLAIMS))
    def let_the_lease_end(self, claim: str) -> None:
        self.book.query(
            "UPDATE claimwatch.review_case SET lease_until = clock_timestamp()"
            " WHERE (line, claim_id) = (%s, %s) AND holder IS NOT NULL; SELECT 1",
            self.line,
            claim,
        )

    @rule(claim=st.sampled_from(CLAIMS))
    def let_time_pass(self, claim: str) -> None:
        self.book.let_time_pass(claim, self.line)

    @invariant()
    def a_case_is_decided_once(self) -> None:
        standing = self.book.query(
            "SELECT d.*, c.state, c.decision_id AS closing FROM claimwatch.decision AS d"
            " JOIN claimwatch.review_case AS c USING (case_id) WHERE d.line = %s AND NOT EXISTS"
            " (SELECT FROM claimwatch.decision_undo AS u WHERE u.decision_id = d.decision_id) ORDER BY d.at",
            self.line,
        )
        for claim in CLAIMS:
            looks = [row for row in standing if row["claim_id"] == claim]
            final = [row for row in looks if row["final"]]
            assert len(final) <= 1
            assert len(looks) <= 3
            assert len({row["by"] for row in looks}) == len(looks)  # nobody decides both looks
            state = self.book.case(claim, self.line)["state"]
            assert (state == "decided") == (len(final) == 1)
            if final:
                assert final[0]["closing"] == final[0]["decision_id"]
                if len(looks) == 2:
                    assert looks[0]["verdict"] == looks[1]["verdict"]

    @invariant()
    def what_is_published_was_not_undone(self) -> None:
        offered = self.book.query(
            "SELECT decision_id FROM claimwatch.decision_to_publish WHERE line = %s", self.line
        )
        undone = self.book.query("SELECT decision_id FROM claimwatch.decision_undo")
        assert not {row["decision_id"] for row in offered} & {row["decision_id"] for row in undone}
        assert len(offered) <= len(CLAIMS)

    @invariant()
    def no_lease_is_longer_than_a_quarter_of_an_hour(self) -> None:
        found = self.book.query(
            "SELECT 1 FROM claimwatch.review_case WHERE line = %s"
            " AND lease_until > clock_timestamp() + interval '15 minutes'",
            self.line,
        )
        assert found == []

    @invariant()
    def every_request_is_one_access_event(self) -> None:
        assert len(self.book.events()) - self.events == self.asked

    def teardown(self) -> None:
        """Whatever has happened, an open case reaches somebody once leases, snoozes and assignments end."""
        self.book.query(
            "UPDATE claimwatch.review_case SET lease_until = lease_until - interval '1 hour',"
            " snoozed_until = NULL, assigned_to = NULL WHERE line = %s; SELECT 1",
            self.line,
        )
        for claim in CLAIMS:
            self.book.let_time_pass(claim, self.line)
        waiting = {claim for claim in CLAIMS if self.book.case(claim, self.line)["closed_at"] is None}
        reached = set()
        for number in range(len(waiting)):
            case = self.book.next(f"new-{number}", lines=[self.line])
            reached.add(case["claim_id"])
        assert reached == waiting


def test_generated_sequences_keep_every_promise(shared_book: Book) -> None:
    class Machine(DeskMachine):
        book = shared_book

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=40,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
