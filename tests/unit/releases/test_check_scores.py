"""A new version gets traffic only if it answers golden claims as the version with traffic does."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from claimwatch.access.lines_in_force import FRESH_SECONDS
from claimwatch.aws.function_versions import Described, Report
from claimwatch.domain.releases.golden_claims import GOLDEN_CLAIMS
from claimwatch.releases.check_scores import MOST_MOVES, check_scores
from claimwatch.releases.version_bounds import (
    MOST_MEMORY_SHARE,
    MOST_START_MILLISECONDS,
    MOST_ZIPPED_BYTES,
)
from tests.unit.releases.environment import NEW_TREE, OLD_TREE, PETS, ROLE, Change, Stack, results


@pytest.fixture
def stack() -> Stack:
    stack = Stack()
    stack.promote()
    return stack


def test_equal_versions_pass(stack: Stack) -> None:
    findings = stack.check()
    assert findings.refusals == []
    assert findings.notes == []


def test_both_versions_are_asked_as_api_gateway_asks_and_leave_a_record_of_each_request(stack: Stack) -> None:
    stack.check()
    assert len(stack.new.calls) == 1 + 2
    assert len(stack.old.calls) == 2
    assert {(record["actor"], record["purpose"], record["outcome"]) for record in stack.records} == {
        (ROLE, "testing", "answered")
    }
    assert len({record["request_id"] for record in stack.records}) == 4
    assert sum(len(record["claims"]) for record in stack.records) == 2 * GOLDEN_CLAIMS


def flip_a_bit(document: dict[str, Any]) -> None:
    [first, *_] = results(document)
    first["probability"] = math.nextafter(first["probability"], 1.0)


def give_other_percentiles(document: dict[str, Any]) -> None:
    for result in results(document)[:3]:
        result["percentile"] = float(np.nextafter(result["percentile"], -1.0))


def refer_others(document: dict[str, Any]) -> None:
    results(document)[0]["refer"] ^= True


def say_other_reasons(document: dict[str, Any]) -> None:
    results(document)[0]["reasons"][0]["text"] += "."


def say_other_problems(document: dict[str, Any]) -> None:
    results(document, "rejected")[0]["problems"][0]["message"] += "."


def reject_another(document: dict[str, Any]) -> None:
    scored = results(document)[0]
    place = scored["position"]
    document["results"][place] = {
        "position": place,
        "claim_id": scored["claim_id"],
        "status": "rejected",
        "problems": [{"column": "amount", "rule": "type", "message": "x"}],
    }


DIFFERENCES: dict[str, tuple[Change, str]] = {
    "one flipped bit": (flip_a_bit, "probability"),
    "other percentiles": (give_other_percentiles, "percentile"),
    "another referral": (refer_others, "refer"),
    "another text of a reason": (say_other_reasons, "reasons"),
    "another text of a rejection": (say_other_problems, "problems"),
    "another rejection": (reject_another, "problems"),
}


@pytest.mark.parametrize("what", DIFFERENCES)
def test_another_answer_is_refused_with_its_line_member_and_number_of_claims(stack: Stack, what: str) -> None:
    stack.new.change, member = DIFFERENCES[what]
    [sentence] = stack.check().refusals
    claims = 6 if "percentiles" in what else 2  # in each of two requests
    assert sentence == f"line pets: '{member}' differs in {claims} of {GOLDEN_CLAIMS} claims"


@pytest.mark.parametrize("what", DIFFERENCES)
def test_a_wanted_difference_passes_for_the_named_member_only(stack: Stack, what: str) -> None:
    stack.new.change, member = DIFFERENCES[what]
    others = {name for _, name in DIFFERENCES.values()} - {member}
    assert stack.check(*others).refusals != []
    assert stack.check(member).refusals == []


def test_two_differences_of_which_one_is_wanted_are_refused_for_the_other(stack: Stack) -> None:
    def change(document: dict[str, Any]) -> None:
        flip_a_bit(document)
        say_other_reasons(document)

    stack.new.change = change
    findings = stack.check("reasons")
    assert findings.refusals == [f"line pets: 'probability' differs in 2 of {GOLDEN_CLAIMS} claims"]
    assert findings.notes == [f"line pets: 'reasons' differs in 2 of {GOLDEN_CLAIMS} claims, as wanted"]


def test_a_claim_without_a_result_is_refused(stack: Stack) -> None:
    stack.new.change = lambda document: document["results"].pop()
    assert stack.check().refusals == [f"line pets: 2 of {GOLDEN_CLAIMS} claims have no result"]


def test_results_of_other_claims_are_refused_whatever_is_wanted(stack: Stack) -> None:
    def swap(document: dict[str, Any]) -> None:
        one, other = results(document)[:2]
        one["claim_id"], other["claim_id"] = other["claim_id"], one["claim_id"]

    stack.new.change = swap
    assert stack.check("probability", "problems").refusals == [
        f"line pets: 'claim' differs in 4 of {GOLDEN_CLAIMS} claims"
    ]


def test_a_member_that_clients_do_not_know_yet_passes_and_one_that_is_gone_does_not(stack: Stack) -> None:
    def add(document: dict[str, Any]) -> None:
        for result in document["results"]:
            result["trace"] = 1

    stack.new.change = add
    findings = stack.check()
    assert (findings.refusals, findings.notes) == ([], ["line pets: results have a new member 'trace'"])

    stack.old.change, stack.new.change = add, None
    stack.store.objects.clear()
    assert stack.check().refusals == [
        f"line pets: 'trace' differs in {GOLDEN_CLAIMS} of {GOLDEN_CLAIMS} claims"
    ]


def test_a_version_that_raises_is_refused_without_the_words_of_its_error(stack: Stack) -> None:
    stack.new.error = "KeyError"
    findings = stack.check()
    assert findings.refusals == ["line pets: the new version cannot score: it raises KeyError"]


def test_a_version_that_cannot_send_its_records_is_refused(stack: Stack) -> None:
    """Nothing is scored without a record."""
    working = stack.new.scorer.handler

    def without_queue(event: Any, context: Any) -> Any:
        stack.queue_works = False
        try:
            return working(event, context)
        finally:
            stack.queue_works = True

    stack.new.scorer.handler = without_queue
    assert stack.check().refusals == ["line pets: the new version cannot score: it answers 503 unavailable"]


def test_a_transient_fault_passes_by_itself(stack: Stack) -> None:
    stack.new.busy = 2
    assert stack.check().refusals == []
    assert stack.slept == [3.0, 3.0]


def test_a_version_that_mends_scoring_passes(stack: Stack) -> None:
    stack.old.error = "KeyError"
    findings = stack.check()
    assert findings.refusals == []
    assert findings.notes == [
        "line pets: nothing to compare with: the version with traffic cannot score (it raises KeyError)"
    ]


def test_a_model_that_neither_version_can_use_does_not_stop_a_release(stack: Stack) -> None:
    bundle = stack.deps.bundle(stack.champion("pets"))
    key = next(key for key in stack.objects if key.endswith("model.onnx"))
    stack.objects[key] += b"x"
    findings = check_scores(replace(stack.deps, bundle=lambda _: bundle), stack.release())
    assert findings.refusals == []
    assert findings.notes == ["line pets: neither version can score (it answers 503 unavailable)"]


BOUNDS: dict[str, tuple[Callable[[Stack], None], str]] = {
    "a slow start": (
        lambda stack: setattr(stack.new, "report", Report(MOST_START_MILLISECONDS + 1, 300)),
        "the new version took 5001 ms to start; at most 5000 ms are allowed",
    ),
    "too much memory": (
        lambda stack: setattr(stack.new, "report", Report(900.0, 1500)),
        "the new version used 1500 MB of its 1769 MB of memory; at most 1415 MB are allowed",
    ),
    "too large": (
        lambda stack: setattr(stack.new, "described", Described(1769, MOST_ZIPPED_BYTES + (1 << 20), "")),
        "the new version has 101 MB of code and layers, zipped; at most 100 MB are allowed",
    ),
}


@pytest.mark.parametrize("what", BOUNDS)
def test_a_version_out_of_bounds_is_refused(stack: Stack, what: str) -> None:
    spoil, sentence = BOUNDS[what]
    spoil(stack)
    assert stack.check().refusals == [sentence]


def test_a_version_at_its_bounds_passes(stack: Stack) -> None:
    stack.new.report = Report(MOST_START_MILLISECONDS, int(MOST_MEMORY_SHARE * 1769))
    stack.new.described = Described(1769, MOST_ZIPPED_BYTES, NEW_TREE)
    assert stack.check().refusals == []


def test_a_start_that_nobody_reports_is_noted(stack: Stack) -> None:
    stack.new.report = None
    findings = stack.check()
    assert findings.refusals == []
    assert findings.notes == ["Lambda reported no start of the new version: its time is not known"]


def test_without_a_live_model_a_version_passes_that_starts() -> None:
    stack = Stack()
    findings = stack.check()
    assert findings.refusals == []
    assert findings.notes == ["no line has a live model: there are no answers to compare"]
    stack.new.report = Report(MOST_START_MILLISECONDS + 1, 300)
    assert len(stack.check().refusals) == 1


def test_each_line_is_compared_by_its_own_model(stack: Stack) -> None:
    stack.promote(replace(PETS, line="exotic", table="claim_exotic"), "v9")

    def change(document: dict[str, Any]) -> None:
        if document["line"] == "exotic":
            flip_a_bit(document)

    stack.new.change = change
    assert stack.check().refusals == [f"line exotic: 'probability' differs in 2 of {GOLDEN_CLAIMS} claims"]
    assert {record["line"] for record in stack.records} == {"pets", "exotic"}


def test_a_line_that_does_not_allow_testing_is_compared_for_a_purpose_that_it_allows() -> None:
    stack = Stack()
    stack.promote(replace(PETS, purposes=("claim_handling",)))
    assert stack.check().refusals == []
    assert {record["purpose"] for record in stack.records} == {"claim_handling"}


# -- Releases that come back ---------------------------------------------------------------------------------


def test_a_release_is_recorded_only_if_it_passes(stack: Stack) -> None:
    sha256 = stack.champion("pets").sha256
    stack.new.change = flip_a_bit
    stack.check()
    assert stack.store.objects == {}
    stack.check("probability")
    assert stack.store.objects.keys() == {
        f"releases/{tree}/{name}"
        for tree in (OLD_TREE, NEW_TREE)
        for name in (f"pets-{sha256}.json", "release.json")
    }


def test_a_record_has_no_value_of_a_claim_and_no_score(stack: Stack) -> None:
    stack.check()
    content = b"".join(stack.store.objects.values()).decode()
    for secret in ("golden", "2026-", "cat", "dog", "claim_id", "0."):
        assert secret not in content.replace('"1.0.0"', "").replace("2026-11-24", "2026-")


def test_a_rollback_answers_as_it_did_and_not_as_the_release_that_it_replaces(stack: Stack) -> None:
    stack.check()
    stack.old.change = flip_a_bit  # the release that goes
    findings = stack.check()
    assert findings.refusals == []
    assert findings.notes == ["line pets: compared with what this release answered when it was new"]


def test_a_rollback_to_the_release_that_the_first_check_replaced_passes(stack: Stack) -> None:
    """That one was deployed without a check."""
    stack.new.change = flip_a_bit
    assert stack.check("probability").refusals == []
    stack.new.change, stack.old.change = None, flip_a_bit
    assert stack.check(tree=OLD_TREE).refusals == []


@pytest.mark.parametrize("wanted", [(), ("probability",)])
def test_a_tree_that_answers_otherwise_than_it_did_is_refused(stack: Stack, wanted: tuple[str, ...]) -> None:
    stack.check()
    stack.new.change = stack.old.change = flip_a_bit
    [sentence] = stack.check(*wanted).refusals
    assert sentence == (
        f"line pets: 'probability' differs in 2 of {GOLDEN_CLAIMS} claims"
        " from what this release answered when it was new"
    )


def test_a_rollback_with_a_newer_model_passes_and_says_what_differs(stack: Stack) -> None:
    stack.check()
    stack.promote(version="v2")
    stack.pass_seconds(FRESH_SECONDS)
    stack.old.change = flip_a_bit
    findings = stack.check()
    assert findings.refusals == []
    [note] = findings.notes
    assert note == (
        f"line pets: 'probability' differs in 2 of {GOLDEN_CLAIMS} claims"
        " between this earlier release and the version with traffic"
    )


def test_a_record_under_another_contract_is_not_used(stack: Stack) -> None:
    stack.check()
    stack.publish_contract(replace(PETS, version="1.1.0"))
    stack.pass_seconds(FRESH_SECONDS)
    findings = stack.check()
    assert findings.refusals == []
    assert findings.notes == []


def test_without_a_tree_nothing_is_recorded(stack: Stack) -> None:
    stack.old.described = replace(stack.old.described, tree_sha256="")
    assert stack.check(tree="").refusals == []
    assert stack.store.objects == {}


# -- Models that are replaced during a check -----------------------------------------------------------------


def test_a_promotion_during_the_check_begins_it_again(stack: Stack) -> None:
    asked = stack.old.scorer.handler
    promoted: list[str] = []

    def promote_first(event: Any, context: Any) -> Any:
        answer = asked(event, context)
        if not promoted:
            promoted.append(stack.promote(version="v2"))
        return answer

    stack.old.scorer.handler = promote_first
    findings = stack.check()
    assert findings.refusals == []
    assert stack.slept == [FRESH_SECONDS + 1]
    assert {record["model_version"] for record in stack.records[-4:]} == {"v2"}


def test_a_version_that_uses_another_model_than_it_should_is_refused(stack: Stack) -> None:
    stack.new.change = lambda document: document.update(model_version="v0")
    [sentence] = stack.check().refusals
    assert sentence.startswith("line pets: the versions use another model or contract")
    assert len(stack.slept) == MOST_MOVES
