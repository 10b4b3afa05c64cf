"""Step Functions ends an execution after 25,000 events, and no Catch sees it; no execution can have so many.

The bound assumes nothing about faults: every task, of every chunk of a file and of every window of a
source, fails as often as all its retriers together allow, and the execution takes the longest way through
its states.
"""

from functools import cache
from typing import Any

import pytest

from claimwatch.ingest.inspect import MAX_CHUNKS
from claimwatch.scoring.plan_scoring import CHUNKS_AT_A_TIME
from claimwatch.sources.plan_pull import MOST_WINDOWS
from tests.template.application import MACHINES, state_machine

MOST_EVENTS = 25_000
ITEMS = {"LoadChunks": MAX_CHUNKS, "ScoreChunks": CHUNKS_AT_A_TIME}
"""The most items of each Map."""
MOST_NARROWED = 24
"""Windows that an execution halves: each took most of the 15 minutes of a step, and it has six hours."""
ROUNDS = {"PlanNext": MOST_WINDOWS, "PlanNarrower": MOST_NARROWED}
"""States that begin another round through states that were visited before, and the most rounds."""


def events_of(name: str, state: dict[str, Any]) -> int:
    """Return the most events that one visit of a state adds to the history."""
    entered_and_exited = 2
    match state["Type"]:
        case "Task":
            attempts: int = 1 + sum(retry["MaxAttempts"] for retry in state.get("Retry", ()))
            return entered_and_exited + 3 * attempts  # scheduled, started, and succeeded or failed
        case "Map":
            assert state["ItemProcessor"]["ProcessorConfig"] == {"Mode": "INLINE"}
            inside = longest(state["ItemProcessor"])
            return entered_and_exited + 2 + ITEMS[name] * (2 + inside)  # started and succeeded, twice
        case "Choice" | "Succeed" | "Fail" | "Pass" | "Wait":
            return entered_and_exited
    raise AssertionError(f"the events of a {state['Type']} are not known")


def following(state: dict[str, Any]) -> set[str]:
    """Return the states that may follow a state."""
    ways = [state, *state.get("Choices", ()), *state.get("Catch", ())]
    return {way["Next"] for way in ways if "Next" in way} | {
        state[name] for name in ["Default"] if name in state
    }


def longest(machine: dict[str, Any]) -> int:
    """Return the most events of any way through the states; there must be no loop without a bound."""
    visiting: list[str] = []

    @cache
    def from_state(name: str) -> int:
        assert name not in visiting, f"{name} is in a loop, so the history has no bound"
        visiting.append(name)
        state = machine["States"][name]
        found = events_of(name, state) + max(map(from_state, following(state) - ROUNDS.keys()), default=0)
        visiting.remove(name)
        return found

    rounds = {name: most for name, most in ROUNDS.items() if name in machine["States"]}
    return from_state(machine["StartAt"]) + sum(most * from_state(name) for name, most in rounds.items())


@pytest.mark.parametrize("name", MACHINES)
def test_no_execution_reaches_the_limit_of_its_history(name: str) -> None:
    started_and_ended = 2
    assert started_and_ended + longest(state_machine(name)) < MOST_EVENTS


def test_a_chunk_takes_as_many_events_as_the_code_says() -> None:
    pipeline = state_machine("ClaimsPipeline")["States"]
    most = [2 + longest(pipeline[name]["ItemProcessor"]) for name in ITEMS]
    assert most == [67, 67]
    without_faults = {"Type": "Task"}
    assert 2 + events_of("ScoreChunk", without_faults) == 7
