"""Check that a new version of the online scorer answers golden claims as the version with traffic does.

Both are asked as API Gateway asks them, with a record of each request. If the new version is an earlier
release that comes back, it has to answer as it did then instead.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from claimwatch.access.lines_in_force import FRESH_SECONDS
from claimwatch.access.machine_request import PURPOSE_HEADER
from claimwatch.aws.api_events import signed_event
from claimwatch.aws.function_versions import Called, FunctionVersions, Report
from claimwatch.aws.published import Pointer
from claimwatch.domain.contract.contract import Contract
from claimwatch.domain.releases.answers import Prints, compare, prints_of
from claimwatch.domain.releases.golden_claims import golden_claims
from claimwatch.errors import TransientFault
from claimwatch.releases.golden_records import Subject
from claimwatch.releases.version_bounds import run_problems, size_problems
from claimwatch.scoring.bundle import Bundle
from claimwatch.scoring.score_request import LARGEST_BODY, MOST_CLAIMS

PURPOSE = "testing"

TRIES, PAUSE = 3, 3.0
"""Calls of a version that is busy or has a transient fault, and seconds between them."""

MOST_MOVES = 2
"""How often the check of a line begins again because its model or contract was replaced meanwhile."""

_HEALTH = "GET /v1/health"
_SCORES = "POST /v1/lines/{line}/scores"
_TRANSIENT = (429, 503)


class Records(Protocol):
    """Keeps how releases answered."""

    def find(self, tree_sha256: str, subject: Subject) -> Prints | None:
        """Return how a tree answered; None if that is not known."""

    def put(self, tree_sha256: str, subject: Subject, prints: Prints) -> None:
        """Store how a tree answered."""

    def was_released(self, tree_sha256: str) -> bool:
        """Return whether a tree has had traffic, or was allowed to."""

    def put_release(self, tree_sha256: str) -> None:
        """Store that a tree has traffic, or may have it."""


@dataclass(frozen=True)
class Dependencies:
    """Dependencies of ``check_scores``.

    ``lines`` returns the lines that have a live model, and ``subject`` what a line uses now, or None.
    ``actor`` returns the ARN of whoever asks.
    """

    versions: FunctionVersions
    lines: Callable[[], Iterable[str]]
    subject: Callable[[str], Subject | None]
    contract: Callable[[Pointer], Contract]
    bundle: Callable[[Pointer], Bundle]
    records: Records
    actor: Callable[[], str]
    now: Callable[[], datetime]
    sleep: Callable[[float], None]


@dataclass(frozen=True)
class Release:
    """A release: its version of the function, and the alias whose version has traffic.

    ``wanted`` are the members of answers that may differ. ``tree_sha256`` is empty if it is not known; then
    nothing is recorded. ``name`` tells its requests from those of other deployments.
    """

    name: str
    new_version: str
    live_alias: str
    wanted: frozenset[str]
    tree_sha256: str


@dataclass
class Findings:
    """Sentences about a release: reasons against it, and what else is worth a line in the log."""

    refusals: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Answered:
    """What a version answered to the golden claims of a line: the results, or why there are none.

    ``problem`` has the status and the code of the answer. ``uses`` are the versions of model and contract.
    """

    results: Sequence[Mapping[str, Any]] | None
    problem: str
    uses: frozenset[tuple[object, object]]
    reports: Sequence[Report]


def check_scores(deps: Dependencies, release: Release) -> Findings:
    """Return the reasons against a release; none if it may get traffic.

    Records how the new version answered, if there is none.
    """
    findings = Findings()
    described = deps.versions.describe(release.new_version)
    findings.refusals += size_problems(described)
    reports = list(_health(deps, release, findings))
    current = deps.versions.with_traffic(release.live_alias)
    current_tree = deps.versions.describe(current).tree_sha256
    lines = sorted(deps.lines())
    if not lines:
        findings.notes.append("no line has a live model: there are no answers to compare")
    answered: list[tuple[str, Subject, Prints]] = []
    for line in lines:
        asked = _Line(deps, release, current, line)
        asked.check(findings)
        reports += asked.reports
        if asked.subject is not None:
            answered += [
                (tree, asked.subject, prints)
                for tree, prints in ((release.tree_sha256, asked.new), (current_tree, asked.old))
                if tree and prints is not None
            ]
    findings.refusals += run_problems(described, reports)
    if not any(report.start_milliseconds is not None for report in reports):
        findings.notes.append("Lambda reported no start of the new version: its time is not known")
    if not findings.refusals:
        for tree, subject, prints in answered:
            if deps.records.find(tree, subject) is None:
                deps.records.put(tree, subject, prints)
        for tree in filter(None, (release.tree_sha256, current_tree)):
            deps.records.put_release(tree)
    return findings


def _health(deps: Dependencies, release: Release, findings: Findings) -> Iterator[Report]:
    """Start the new version, and yield its report."""
    event = signed_event(_HEALTH, {}, caller=None, request_id=f"{release.name}-health", at=deps.now())
    called = _call(deps, release.new_version, event)
    status, _ = called.http_answer()
    if called.error is not None:
        findings.refusals.append(f"the new version does not start: {called.error}")
    elif status != 200:
        findings.refusals.append(f"the new version answers {status} to {_HEALTH}")
    if called.report is not None:
        yield called.report


class _Line:
    """The check of one line; afterwards it has the answers of both versions."""

    def __init__(self, deps: Dependencies, release: Release, current: str, line: str) -> None:
        self._deps = deps
        self._release = release
        self._current = current
        self._line = line
        self.subject: Subject | None = None
        self.old: Prints | None = None
        self.new: Prints | None = None
        self.reports: list[Report] = []

    def check(self, findings: Findings) -> None:
        for move in range(MOST_MOVES + 1):
            if move:
                # A version uses what it has read for so long.
                self._deps.sleep(FRESH_SECONDS + 1)
            self.subject = self._deps.subject(self._line)
            if self.subject is None:
                findings.notes.append(f"line {self._line}: has no live model any more")
                return
            claims = self._golden_claims(self.subject)
            old = self._ask(self._current, claims, f"old-{move}")
            new = self._ask(self._release.new_version, claims, f"new-{move}")
            self.reports += new.reports
            expected = frozenset({(self.subject.champion.version, self.subject.contract.version)})
            if all(each.results is None or each.uses == expected for each in (old, new)):
                self._judge(findings, old, new, len(claims))
                return
        findings.refusals.append(
            f"line {self._line}: the versions use another model or contract than Parameter Store names;"
            " if one was replaced just now, deploy again"
        )

    def _golden_claims(self, subject: Subject) -> list[str]:
        bundle = self._deps.bundle(subject.champion)
        return golden_claims(
            self._deps.contract(subject.contract),
            bundle.spec,
            bundle.reference,
            seed=subject.champion.sha256,
            until=datetime.fromisoformat(bundle.manifest.created_at).date(),
        )

    def _judge(self, findings: Findings, old: _Answered, new: _Answered, asked: int) -> None:
        name = f"line {self._line}"
        if old.results is not None and len(old.results) == asked:
            self.old = prints_of(old.results)
        if new.results is None:
            if new.problem == old.problem:
                findings.notes.append(f"{name}: neither version can score ({new.problem})")
            else:
                findings.refusals.append(f"{name}: the new version cannot score: {new.problem}")
            return
        if len(new.results) != asked:
            missing = asked - len(new.results)
            findings.refusals.append(f"{name}: {missing} of {asked} claims have no result")
            return
        self.new = prints_of(new.results)
        self._compare(findings, name, old.problem)

    def _compare(self, findings: Findings, name: str, problem: str) -> None:
        """Compare the new answers with those that this tree gave earlier, or with the old ones."""
        assert self.subject is not None
        assert self.new is not None
        release = self._release
        recorded = self._deps.records.find(release.tree_sha256, self.subject) if release.tree_sha256 else None
        if recorded is not None:
            findings.notes.append(f"{name}: compared with what this release answered when it was new")
            for words in compare(recorded, self.new).refused(()):
                findings.refusals.append(f"{name}: {words} from what this release answered when it was new")
            return
        if self.old is None:
            findings.notes.append(
                f"{name}: nothing to compare with: the version with traffic cannot score ({problem})"
            )
            return
        differences = compare(self.old, self.new)
        if release.tree_sha256 and self._deps.records.was_released(release.tree_sha256):
            # How it answered this model is not on record, and the version with traffic may be wrong.
            findings.notes += [
                f"{name}: {words} between this earlier release and the version with traffic"
                for words in differences.refused(())
            ]
            return
        findings.refusals += [f"{name}: {words}" for words in differences.refused(release.wanted)]
        findings.notes += [f"{name}: {words}, as wanted" for words in differences.accepted(release.wanted)]
        findings.notes += [f"{name}: results have a new member '{added}'" for added in differences.added]

    def _ask(self, version: str, claims: Sequence[str], what: str) -> _Answered:
        """Ask a version for the scores of claims, in as many requests as the API needs."""
        assert self.subject is not None
        purposes = self._deps.contract(self.subject.contract).purposes
        results: list[Mapping[str, Any]] = []
        uses: set[tuple[object, object]] = set()
        reports: list[Report] = []
        for number, body in enumerate(bodies(claims)):
            event = signed_event(
                _SCORES,
                {"line": self._line},
                caller=self._deps.actor(),
                request_id=f"{self._release.name}-{self._line}-{what}-{number}",
                at=self._deps.now(),
                headers={PURPOSE_HEADER: PURPOSE if PURPOSE in purposes else purposes[0]},
                body=body,
            )
            called = _call(self._deps, version, event)
            reports += [called.report] if called.report is not None else []
            status, document = called.http_answer()
            found = document.get("results")
            if called.error is not None or status != 200 or not isinstance(found, list):
                return _Answered(None, _problem(called, status, document), frozenset(), reports)
            results += found
            uses.add((document.get("model_version"), document.get("contract_version")))
        return _Answered(results, "", frozenset(uses), reports)


def bodies(claims: Iterable[str]) -> Iterator[str]:
    """Yield the bodies of requests that are as large as the API allows, with all claims in their order."""
    block: list[str] = []
    size = 0
    for claim in claims:
        length = len(claim.encode()) + 2
        if block and (len(block) == MOST_CLAIMS or size + length > LARGEST_BODY - 100):
            yield _body(block)
            block, size = [], 0
        block.append(claim)
        size += length
    yield _body(block)


def _body(claims: Sequence[str]) -> str:
    return f'{{"claims": [{", ".join(claims)}]}}'


def _call(deps: Dependencies, version: str, event: object) -> Called:
    """Call a version, again if it is busy or has a transient fault."""
    for _ in range(TRIES - 1):
        try:
            called = deps.versions.call(version, event)
        except TransientFault:
            deps.sleep(PAUSE)
            continue
        if called.error is not None or called.http_answer()[0] not in _TRANSIENT:
            return called
        deps.sleep(PAUSE)
    return deps.versions.call(version, event)


def _problem(called: Called, status: object, document: Mapping[str, Any]) -> str:
    if called.error is not None:
        return f"it raises {called.error}"
    code = document.get("code")
    return f"it answers {status}{f' {code}' if isinstance(code, str) else ''}"
