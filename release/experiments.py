"""Experiments after a release: one training for each line whose training code or contract has changed.

What was trained last is in the state of the stack, line by line. A request for a training is noted there
before it is sent and taken off afterwards, and its id follows from line, content and commit. So a step that
is repeated after a crash, or an event that comes twice, requests nothing twice and misses nothing.

The first release with a line is its baseline: whoever applied the contract trains the first model.
"""

import hashlib
import json
import re
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Protocol, Self

import boto3
import typer
from botocore.exceptions import ClientError

from claimwatch.domain.contract.parse import parse_contract
from claimwatch.domain.contract.status import status_problem
from claimwatch.errors import RefusedContract
from release.errors import ReleaseRefused
from release.stack import Stack, StateParameter, environment
from release.training_inputs import EVERY_LINE, contract_values, contracts_of
from release.training_state import LineState, Request, State
from release.version import PROJECT
from smoke.claims import LINE as SMOKE_LINE

NAMESPACE = uuid.UUID("6f1b1b52-6d4e-5d0c-8a57-0f5a3c1d17e2")
"""Of the ids of trainings that the pipeline requests."""

_COMMIT = re.compile(r"[0-9a-f]{40}")
_REVISION = re.compile(r"(?!unversioned$|.*-dirty$)[A-Za-z0-9._-]{8,}")


@dataclass(frozen=True)
class Release:
    """The part of ``release.json`` that decides about trainings."""

    commit: str
    training: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse ``release.json``; raises ``ReleaseRefused``."""
        try:
            document = json.loads(text)
            release = cls(str(document["commit"]), {**document["training"]})
        except (ValueError, KeyError, TypeError):
            raise ReleaseRefused("release.json has no commit or no hashes of trainings") from None
        if EVERY_LINE not in release.training:
            raise ReleaseRefused("release.json has no hash of the training code: see training_hashes()")
        return release

    def sha256(self, line: str) -> str:
        """Return the hash of what decides a training of a line, whose contract may not be in the tree."""
        return self.training.get(line, self.training[EVERY_LINE])


class StateStore(Protocol):
    """The state of a stack."""

    def read(self) -> State | None:
        """Return the state; None before the first release."""

    def write(self, state: State) -> None:
        """Replace the state."""


@dataclass(frozen=True)
class TreeContract:
    """A contract of the tree that may be applied: its text, and the hash of its values."""

    text: str
    sha256: str


@dataclass(frozen=True)
class Dependencies:
    """Dependencies of ``request_trainings``.

    ``apply_contract`` returns once the contract is in force, which it may have been before, and raises
    ``ReleaseRefused`` if it is refused. ``start`` starts an execution of the pipeline of models.
    """

    state: StateStore
    lines_in_force: Callable[[], set[str]]
    apply_contract: Callable[[str, str], None]
    start: Callable[[Request], None]
    report: Callable[[str], None]


def request_trainings(deps: Dependencies, release: Release, contracts: Mapping[str, TreeContract]) -> None:
    """Request a training of each line that a release concerns, once however often this is repeated.

    A changed contract of the tree is applied first. A line whose contract is refused is left for a later
    release, and ``ReleaseRefused`` is raised when the other lines are done.
    """
    in_force, before = deps.lines_in_force(), deps.state.read()
    state = dict(before or {})
    refused = []
    for line in sorted((in_force | contracts.keys()) - {SMOKE_LINE}):  # its claims are generated
        was, now = state.get(line), _now(line, release, contracts, state)
        changed = _changed(was, now)
        if was is None or line not in in_force or not changed:
            state[line] = now
            continue
        if now.contract != was.contract:
            try:
                deps.apply_contract(line, contracts[line].text)
            except ReleaseRefused as refusal:
                refused.append(f"the contract of line {line} is refused, so nothing is trained: {refusal}")
                continue
        request = request_of(line, release, _in_words(line, changed))
        if was.requested is not None and was.requested.sha256 == request.sha256:
            request = was.requested
        state[line] = replace(was, requested=request)
        deps.state.write(state)
        deps.start(request)
        state[line] = now
        deps.state.write(state)
        deps.report(f"line {line}: training {request.training_id} requested ({request.why})")
    if before is None:
        deps.report("this is the first release: it is the baseline, and nothing is trained")
    if state != before:
        deps.state.write(state)
    if refused:
        raise ReleaseRefused("; ".join(refused))


def request_of(line: str, release: Release, changed: str) -> Request:
    """Return the request of a line for a release; the same content of a commit has the same id."""
    sha256 = release.sha256(line)
    training_id = str(uuid.uuid5(NAMESPACE, f"{line}/{sha256}/{release.commit}"))
    return Request(line, training_id, f"commit {release.commit}: {changed} changed", sha256)


def _now(line: str, release: Release, contracts: Mapping[str, TreeContract], state: State) -> LineState:
    """Return the present inputs; a contract that left the tree stays in force, so it has not changed."""
    known = state[line].contract if line in state else None
    return LineState(release.training[EVERY_LINE], contracts[line].sha256 if line in contracts else known)


def _changed(was: LineState | None, now: LineState) -> tuple[str, ...]:
    if was is None:
        return ()
    changed = {"training code": was.code != now.code, "contract": was.contract != now.contract}
    return tuple(what for what, differs in changed.items() if differs)


def _in_words(line: str, changed: tuple[str, ...]) -> str:
    return " and ".join(f"{what} of {line}" if what == "contract" else what for what in changed)


def contracts_in(project: Path, report: Callable[[str], None]) -> dict[str, TreeContract]:
    """Return the contracts of a tree that may be applied; a draft is reported and left out."""
    found = {}
    for line, path in sorted(contracts_of(project).items()):
        text = path.read_text("utf-8-sig")
        if problem := status_problem(parse_contract(text, line)):
            report(f"the contract of line {line} is left out: {problem}")
            continue
        found[line] = TreeContract(text, hashlib.sha256(contract_values(text)).hexdigest())
    return found


def request_experiments(
    release: Annotated[
        Path, typer.Option(exists=True, dir_okay=False, help="The file of the artifact of the release.")
    ] = Path("release.json"),
) -> None:
    """Request one training for each line of STACK_NAME that this release concerns."""
    stack, found = Stack.of_environment(), Release.parse(release.read_text("utf-8"))
    pipeline, client = environment("PIPELINE"), boto3.client("codepipeline")
    deps = Dependencies(
        state=StateParameter(stack),
        lines_in_force=stack.lines_in_force,
        apply_contract=stack.apply_contract,
        start=lambda request: start(client, pipeline, request, found.commit),
        report=lambda line: print(line, flush=True),
    )
    try:
        contracts = contracts_in(PROJECT, deps.report)
    except RefusedContract as refused:
        raise ReleaseRefused(f"a contract of the tree is not valid: {'; '.join(refused.problems)}") from None
    request_trainings(deps, found, contracts)


def start(client: Any, pipeline: str, request: Request, commit: str) -> None:
    """Start the execution of the pipeline of models for a request, with the source that was released.

    The token makes CodePipeline start one execution however often this is repeated. If it started two, both
    would be about the same training, which the application starts once.
    """
    values = {"line": request.line, "training_id": request.training_id, "why": request.why}
    try:
        client.start_pipeline_execution(
            name=pipeline,
            variables=[{"name": name, "value": value} for name, value in values.items()],
            clientRequestToken=request.training_id,
            sourceRevisions=_revisions(commit),
        )
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise ReleaseRefused(
            f"pipeline {pipeline} cannot be started for line {request.line}: {code}"
        ) from None


def _revisions(commit: str) -> list[dict[str, str]]:
    """Return which source is released: a commit, or a version of the archive in S3.

    Without it, CodePipeline takes the newest one, which may not be released yet. A tree that is neither, as
    on the laptop, is left out.
    """
    if not _REVISION.fullmatch(commit):
        return []
    kind = "COMMIT_ID" if _COMMIT.fullmatch(commit) else "S3_OBJECT_VERSION_ID"
    return [{"actionName": "Source", "revisionType": kind, "revisionValue": commit}]
