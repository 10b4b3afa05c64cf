"""Exactly one training for each commit and line that it concerns, whatever is repeated or crashes."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claimwatch.errors import RefusedContract
from release.errors import ReleaseRefused
from release.experiments import Release, TreeContract, contracts_in, request_of, request_trainings, start
from release.training_inputs import EVERY_LINE
from release.training_state import state_from_json
from tests.unit.release.simulated import Crash, Crashes, Production

LINES = ("health", "home", "motor")


@dataclass(frozen=True)
class Commit:
    """A commit: versions of the training code and of each line's contract in the tree, if it is there."""

    name: str
    code: int
    contracts: tuple[tuple[str, int], ...]

    @property
    def release(self) -> Release:
        lines = {line: f"{self.code}/{line}/{version}" for line, version in self.contracts}
        return Release(self.name, {EVERY_LINE: f"{self.code}"} | lines)

    @property
    def tree(self) -> dict[str, TreeContract]:
        return {line: TreeContract(f"{line} {version}", str(version)) for line, version in self.contracts}


def deliver(production: Production, commit: Commit, crashes: Crashes | None = None) -> bool:
    """Run the step for a commit; return whether it came to its end."""
    with suppress(Crash):
        request_trainings(production.dependencies(crashes or Crashes()), commit.release, commit.tree)
        return True
    return False


def concerned(before: Commit, now: Commit, in_force: set[str]) -> set[str]:
    """The lines that a commit concerns: the contract of a line that leaves the tree has not changed."""
    old, new = dict(before.contracts), dict(now.contracts)
    return {
        line for line in in_force if before.code != now.code or (line in new and old.get(line) != new[line])
    }


changes = st.tuples(
    st.sampled_from(["code", "docs", *LINES]),
    st.lists(st.tuples(st.integers(1, 14), st.booleans()), max_size=3),  # crashes of the first attempts
    st.integers(0, 2),  # how often the event comes again
)


def history(kinds: list[str]) -> Iterator[Commit]:
    """Commits that change one thing each; `health` is in production only, `motor` in the tree from c0."""
    code, contracts = 1, {"motor": 1}
    for number, kind in enumerate(kinds, start=1):
        if kind == "code":
            code += 1
        elif kind != "docs":
            contracts[kind] = contracts.get(kind, 0) + 1
        yield Commit(f"c{number}", code, tuple(sorted(contracts.items())))


@given(plan=st.lists(changes, max_size=8), tokens_are_kept=st.booleans())
def test_each_commit_trains_each_line_that_it_concerns_exactly_once(
    plan: list[tuple[str, list[tuple[int, bool]], int]], tokens_are_kept: bool
) -> None:
    production = Production({"health": "health", "motor": "motor 1"}, tokens_are_kept=tokens_are_kept)
    before = Commit("c0", 1, (("motor", 1),))
    assert deliver(production, before)
    expected: set[tuple[str, str]] = set()
    for commit, (_, crashes, repeated) in zip(history([kind for kind, _, _ in plan]), plan, strict=True):
        for at, after in crashes:
            deliver(production, commit, Crashes(at, after))
        for _ in range(1 + repeated):
            assert deliver(production, commit)
        expected |= {(line, commit.name) for line in concerned(before, commit, set(production.in_force))}
        before = commit
        requested = {(each.line, each.training_id) for each in production.executions}
        assert len(requested) == len(expected) == len(production.trainings())
        assert {(each.line, each.why.split()[1].rstrip(":")) for each in production.executions} == expected
    if tokens_are_kept:
        assert len(production.executions) == len(expected)
    for line, text in production.in_force.items():
        assert text in ("health", f"{line} {dict(before.contracts).get(line)}")  # what the tree says


@given(at=st.integers(1, 14), after=st.booleans(), kind=st.sampled_from(["code", "motor"]))
def test_a_release_that_follows_a_crash_trains_the_same_content_once(at: int, after: bool, kind: str) -> None:
    """Nobody repeats the step that crashed; the next commit changes nothing that concerns a training."""
    production = Production({"health": "health", "motor": "motor 1"})
    first, second, third = history(["docs", kind, "docs"])
    assert deliver(production, first)
    deliver(production, second, Crashes(at, after))
    assert deliver(production, third)
    lines = ["health", "motor"] if kind == "code" else ["motor"]
    assert sorted(each.line for each in production.executions) == lines
    assert len(production.trainings()) == len(lines)


def test_the_first_release_is_the_baseline_and_trains_nothing() -> None:
    production = Production({"motor": "motor 1"})
    assert deliver(production, Commit("c0", 7, (("motor", 3),)))
    assert (production.executions, production.applied) == ([], [])
    assert state_from_json(production.state or "").keys() == {"motor"}


def test_a_contract_is_in_force_before_its_training_is_requested_and_the_reason_names_what_changed() -> None:
    production = Production({"motor": "motor 1", "health": "health"})
    deliver(production, Commit("c0", 1, (("motor", 1),)))
    deliver(production, Commit("c1", 1, (("motor", 2),)))
    deliver(production, Commit("c2", 2, (("motor", 2),)))
    deliver(production, Commit("c3", 3, (("motor", 3),)))
    assert production.applied == [("motor", "motor 2"), ("motor", "motor 3")]
    assert [(each.line, each.why) for each in production.executions] == [
        ("motor", "commit c1: contract of motor changed"),
        ("health", "commit c2: training code changed"),
        ("motor", "commit c2: training code changed"),
        ("health", "commit c3: training code changed"),
        ("motor", "commit c3: training code and contract of motor changed"),
    ]


def test_a_refused_contract_fails_the_step_after_the_other_lines_are_trained() -> None:
    production = Production({"home": "home 1", "motor": "motor 1"}, refuses={"home 2"})
    deliver(production, Commit("c0", 1, (("home", 1), ("motor", 1))))
    broken = Commit("c1", 1, (("home", 2), ("motor", 2)))
    for _ in range(2):
        with pytest.raises(ReleaseRefused, match=r"contract of line home is refused.* the column is missing"):
            deliver(production, broken)
    assert [each.line for each in production.executions] == ["motor"]
    assert production.in_force["home"] == "home 1"
    corrected = replace(broken, name="c2", contracts=(("home", 3), ("motor", 2)))
    assert deliver(production, corrected)
    assert [(each.line, each.why.split(":")[0]) for each in production.executions] == [
        ("motor", "commit c1"),
        ("home", "commit c2"),
    ]


def test_a_line_that_is_not_in_production_is_neither_applied_nor_trained() -> None:
    production = Production({"motor": "motor 1"})
    deliver(production, Commit("c0", 1, (("motor", 1),)))
    deliver(production, Commit("c1", 1, (("home", 1), ("motor", 1))))
    deliver(production, Commit("c2", 1, (("home", 2), ("motor", 1))))
    assert (production.executions, production.applied) == ([], [])


def test_a_contract_that_leaves_the_tree_and_comes_back_trains_nothing() -> None:
    production = Production({"motor": "motor 1"})
    for number, contracts in enumerate([(("motor", 1),), (), (("motor", 1),)]):
        deliver(production, Commit(f"c{number}", 1, contracts))
    assert production.executions == []


def test_a_draft_in_the_tree_is_left_out_and_a_contract_that_cannot_be_read_is_refused(
    tmp_path: Any,
) -> None:
    from tests.unit.release.test_training_inputs import PROJECT

    text = (PROJECT / "contracts" / "motor.yaml").read_text("utf-8")
    (tmp_path / "contracts").mkdir()
    (tmp_path / "contracts" / "motor.yaml").write_text(text, "utf-8")
    draft = tmp_path / "contracts" / "home.yaml"
    draft.write_text(text.replace("status: active", "status: draft").replace("motor", "home"), "utf-8")
    said: list[str] = []
    assert contracts_in(tmp_path, said.append).keys() == {"motor"}
    assert "line home is left out" in said[0]
    draft.write_text("a: [", "utf-8")
    with pytest.raises(RefusedContract):
        contracts_in(tmp_path, said.append)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"commit": "c", "training": 1}', '{"commit": "c", "training": {}}']
)
def test_a_release_without_hashes_is_refused(text: str) -> None:
    with pytest.raises(ReleaseRefused):
        Release.parse(text)


@pytest.mark.parametrize("text", ["", "[1]", '{"motor": 1}', '{"motor": {"code": "1"}}'])
def test_a_state_that_cannot_be_read_is_no_baseline(text: str) -> None:
    """Otherwise a damaged parameter would silently skip trainings."""
    with pytest.raises(ReleaseRefused, match="cannot be read"):
        state_from_json(text)


def test_the_id_of_a_training_follows_from_line_content_and_commit() -> None:
    one = request_of("motor", Release("c1", {EVERY_LINE: "a", "motor": "b"}), "training code")
    assert one == request_of("motor", Release("c1", {EVERY_LINE: "z", "motor": "b"}), "training code")
    others = [
        request_of("home", Release("c1", {EVERY_LINE: "b"}), "training code"),
        request_of("motor", Release("c1", {EVERY_LINE: "a"}), "training code"),
        request_of("motor", Release("c2", {EVERY_LINE: "b"}), "training code"),
    ]
    assert len({one.training_id, *(each.training_id for each in others)}) == 4


def test_the_request_to_codepipeline_is_one_that_its_api_accepts() -> None:
    import boto3
    from botocore.stub import Stubber

    production = Production({"motor": "motor 1"})
    deliver(production, Commit("c0", 1, (("motor", 1),)))
    deliver(production, Commit("c1", 2, (("motor", 1),)))
    [request] = production.executions
    client = boto3.client("codepipeline", "eu-central-1", aws_access_key_id="a", aws_secret_access_key="b")
    answer = {"pipelineExecutionId": request.training_id}
    with Stubber(client) as stub:
        expected = {
            "name": "models",
            "variables": [
                {"name": "line", "value": "motor"},
                {"name": "training_id", "value": request.training_id},
                {"name": "why", "value": "commit c1: training code changed"},
            ],
            "clientRequestToken": request.training_id,
        }
        sha = "32742f6b39522b08e4918e81b976b0941c1d47bc"
        for commit, kind in ((sha, "COMMIT_ID"), ("Xi1PZ2m0bq8f3JvV9QxW", "S3_OBJECT_VERSION_ID")):
            source = [{"actionName": "Source", "revisionType": kind, "revisionValue": commit}]
            stub.add_response("start_pipeline_execution", answer, expected | {"sourceRevisions": source})
            start(client, "models", request, commit)
        for commit in ("unversioned", f"{sha}-dirty"):
            stub.add_response("start_pipeline_execution", answer, expected | {"sourceRevisions": []})
            start(client, "models", request, commit)
        stub.add_client_error("start_pipeline_execution", "PipelineNotFoundException")
        with pytest.raises(ReleaseRefused, match="PipelineNotFoundException"):
            start(client, "models", request, sha)


def test_release_json_is_read_as_configure_writes_it() -> None:
    hashes = {EVERY_LINE: "a", "motor": "b"}
    text = json.dumps({"commit": "c", "code_version": "v", "tree_sha256": "t", "training": hashes})
    release = Release.parse(text)
    assert (release.sha256("motor"), release.sha256("home")) == ("b", "a")


def test_the_line_of_the_smoke_test_is_never_trained() -> None:
    production = Production({"smoke": "smoke 1", "motor": "motor 1"})
    for number in (1, 2):
        assert deliver(production, Commit(f"c{number}", number, (("motor", 1),)))
    assert [request.line for request in production.executions] == ["motor"]
