"""The releases of the rehearsal, one after the other on the same two stacks, and where each must arrive."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from local.processes import StartupFailed, report_progress, wait_until
from local.rehearsal.pipeline import Execution
from local.rehearsal.rehearsal import ENOUGH, FUNCTIONS, TOOLS, Rehearsal, Release
from local.rehearsal.repository import Edit, appended, replaced
from local.rehearsal.traffic import Counts

ARRIVES = "production"
MODELS = f"{TOOLS}-models"
BACK_WITHIN = 60.0
"""Seconds from the alarm until the alias sends all traffic to the old version."""

ROLLBACK = "rollback"
CORE = "layers/core/claimwatch"
SCORES = "ScoreClaim"


@dataclass
class Result:
    """How one scenario ended; `problems` are the ways in which that was not as it must be."""

    name: str
    change: str
    expected: str
    arrived: str = ""
    sentence: str = ""
    seconds: float = 0.0
    stages: list[tuple[str, str, float]] = field(default_factory=list)
    before: Mapping[str, str] = field(default_factory=dict)
    after: Mapping[str, str] = field(default_factory=dict)
    requests: Counts | None = None
    shifting: Counts | None = None
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def succeeded(self) -> bool:
        """Whether the scenario ended where it must."""
        return not self.problems

    def document(self) -> dict[str, Any]:
        """Return the result for the report."""
        return asdict(self) | {"succeeded": self.succeeded}

    def require(self, holds: object, problem: str) -> None:
        """Note a problem unless something holds."""
        if not holds:
            self.problems.append(problem)


type Examine = Callable[[Rehearsal, Release, Result], None]


@dataclass(frozen=True)
class Scenario:
    """A change, the stage at which its release must stop, and what else must be true afterwards."""

    name: str
    change: str
    edits: Mapping[str, Edit]
    stops_at: str = ARRIVES
    sentence: str = ""
    with_traffic: bool = False
    examine: Examine = lambda _rehearsal, _release, _result: None


# -- what must be true -------------------------------------------------------------------------------------


def no_canary(rehearsal: Rehearsal, release: Release, result: Result) -> None:
    """Require that nothing was published, no traffic shifted, and no training began."""
    for function in FUNCTIONS:
        result.require(not release.published(function), f"{function} has another version")
    result.require(not _shifted(release), "traffic shifted")
    result.require(not _trainings(rehearsal, release), "a training was started")


def canary(rehearsal: Rehearsal, release: Release, result: Result) -> None:
    """Require new versions, which first got a part of the traffic, and no training."""
    for function in FUNCTIONS:
        result.require(release.published(function), f"{function} has no new version")
        window = release.watches[function].window()
        result.require(window, f"the traffic of {function} did not shift")
    _requests(release, result)
    if result.requests:
        result.require(result.requests.failed == 0, f"{result.requests.failed} requests failed")
    result.require(not _trainings(rehearsal, release), "a training was started")


def one_training(rehearsal: Rehearsal, release: Release, result: Result) -> None:
    """Require one training, approved by a person and promoted, also if the event comes twice."""
    rehearsal.code_pipeline.wait()
    runs = _trainings(rehearsal, release)
    result.require(len(runs) == 1, f"{len(runs)} trainings were started")
    for run in runs:
        result.notes.append(f"models: {_way(run)}; {run.given.get('why', '')}")
        result.require(
            run.status == "Succeeded", f"the pipeline of models stopped at {run.stopped_at}: {run.problem}"
        )
    again = _experiments_again(rehearsal, release)
    result.require(again.status == "Succeeded", f"the repeated event failed: {again.problem}")
    rehearsal.code_pipeline.wait()
    result.require(len(_trainings(rehearsal, release)) == len(runs), "the repeated event started a training")
    [(trainings,)] = rehearsal.production.query(
        "SELECT count(*) FROM claimwatch.model_version WHERE line = 'motor'"
    )
    result.require(trainings == 2, f"line motor has {trainings} models instead of the first and this one")
    champion = rehearsal.production.champion()
    result.notes.append(f"the champion is model {champion}")
    result.require(champion != rehearsal.first_model, "the candidate was not promoted")
    shown = [request for request, _ in rehearsal.approvals if request.pipeline == MODELS]
    result.require(shown, "nobody was asked to approve the model")


def production_untouched(_rehearsal: Rehearsal, release: Release, result: Result) -> None:
    """Require that production was not deployed."""
    result.require(release.before == release.after, "production has other versions")
    reached = {run.stage for run in release.execution.actions}
    result.require("Production" not in reached, "the stage Production was reached")


def refused_by_the_hook(_rehearsal: Rehearsal, release: Release, result: Result) -> None:
    """Require that the new version got no request, and that the stack is as before."""
    result.require(release.before == release.after, "the alias names another version")
    watch = release.watches[SCORES]
    result.require(watch.versions == [release.before[SCORES]], "the alias named another version meanwhile")
    result.require(watch.window() is None, "the new version got traffic")
    _requests(release, result)
    if result.requests:
        result.require(result.requests.failed == 0, f"{result.requests.failed} requests failed")
        result.notes.append("0 requests reached the new version: its weight never was above 0")


def rolled_back_by_alarm(rehearsal: Rehearsal, release: Release, result: Result) -> None:
    """Require that an alarm ended the canary, and that all requests got an answer."""
    result.require(release.before == release.after, "the alias names another version")
    window = release.watches[SCORES].window()
    result.require(window, "the new version got no traffic, so nothing could fail")
    _requests(release, result)
    if window is None or result.shifting is None:
        return
    result.require(result.shifting.failed > 0, "no request failed, so nothing was tried")
    share = max(routing.share for routing in release.watches[SCORES].routings)
    invocations, errors = _by_version(rehearsal, release, window)
    old = release.before[SCORES]
    for version in sorted(invocations):
        result.notes.append(
            f"version {version}: {invocations[version]} invocations, {errors.get(version, 0)} errors"
        )
    result.require(errors.get(old, 0) == 0, "the old version failed, too")
    total = sum(invocations.values())
    failed = sum(errors.values())
    # The draws of a tenth of n requests differ by chance; three standard deviations are allowed.
    allowed = share * total + 3 * (share * (1 - share) * max(total, 1)) ** 0.5
    result.require(
        failed <= allowed, f"{failed} of {total} invocations failed, more than the canary's {share:.0%}"
    )
    alarm = _alarmed_at(rehearsal, window)
    result.require(alarm is not None, "no alarm went off")
    if alarm is not None:
        back = window[1] - alarm
        result.notes.append(f"alias back {back:.1f} s after the alarm")
        result.require(back <= BACK_WITHIN, f"the alias was back {back:.0f} s after the alarm")


def _requests(release: Release, result: Result) -> None:
    if release.traffic is None or release.deployed is None:
        return
    result.requests = release.traffic.between(*release.deployed)
    window = release.watches[SCORES].window()
    if window:
        result.shifting = release.traffic.between(*window)
    result.require(result.requests.sent >= ENOUGH, f"only {result.requests.sent} requests were sent")
    result.require(result.requests.lost == 0, f"{result.requests.lost} requests got no answer")
    refused = release.traffic.refused()
    result.require(not refused, f"{len(refused)} requests were refused with {sorted(set(refused))}")


def _shifted(release: Release) -> bool:
    return any(watch.window() for watch in release.watches.values())


def _trainings(rehearsal: Rehearsal, release: Release) -> list[Execution]:
    """Return the executions of the pipeline of models since a release began."""
    model = rehearsal.code_pipeline.models.get(MODELS)
    runs = model.executions if model else []
    return [run for run in runs if run.started >= release.execution.started]


def _experiments_again(rehearsal: Rehearsal, release: Release) -> Execution:
    """Run the stage Experiments once more with the same artifacts, as if its event came twice."""
    return rehearsal.pipeline.roll_back("Experiments", target=release.execution.execution_id)


def _by_version(
    rehearsal: Rehearsal, release: Release, window: tuple[float, float]
) -> tuple[dict[str, int], dict[str, int]]:
    """Return invocations and errors of the alias by executed version, in the minutes of a period."""
    client, name = rehearsal.sessions.root("cloudwatch"), release.watches[SCORES].function
    counts: dict[str, dict[str, int]] = {"Invocations": {}, "Errors": {}}
    for metric in rehearsal.sessions.root("cloudwatch").list_metrics(Namespace="AWS/Lambda")["Metrics"]:
        dimensions = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
        version = dimensions.get("ExecutedVersion")
        if metric["MetricName"] not in counts or dimensions.get("FunctionName") != name or not version:
            continue
        points = client.get_metric_statistics(
            Namespace="AWS/Lambda",
            MetricName=metric["MetricName"],
            Dimensions=metric["Dimensions"],
            StartTime=window[0] - window[0] % 60,
            EndTime=window[1] + 60,
            Period=60,
            Statistics=["Sum"],
        )["Datapoints"]
        of = counts[metric["MetricName"]]
        of[version] = of.get(version, 0) + int(sum(point["Sum"] for point in points))
    return counts["Invocations"], counts["Errors"]


def _alarmed_at(rehearsal: Rehearsal, window: tuple[float, float]) -> float | None:
    """Return when the first alarm of production went off in a period (Unix seconds)."""
    client = rehearsal.sessions.root("cloudwatch")
    pages = client.get_paginator("describe_alarm_history").paginate(HistoryItemType="StateUpdate")
    times = [
        item["Timestamp"].timestamp()
        for page in pages
        for item in page["AlarmHistoryItems"]
        if "to ALARM" in item["HistorySummary"]
        and item["AlarmName"].startswith(f"{rehearsal.production.stack.name}-")
    ]
    return min((at for at in times if window[0] - 1 <= at <= window[1] + 1), default=None)


def _way(execution: Execution) -> str:
    return ", ".join(f"{run.name} {run.status} {run.seconds:.0f} s" for run in execution.stages)


# -- the changes -------------------------------------------------------------------------------------------

BETTER_SMOOTHING = {"training/category_encoding.py": replaced("PRIOR = 10.0", "PRIOR = 12.0")}
LARGER_BODIES = {
    f"{CORE}/scoring/score_request.py": replaced("LARGEST_BODY = 1 << 20", "LARGEST_BODY = 2 << 20")
}
BROKEN_METRIC = {
    f"{CORE}/domain/model/ranking_metrics.py": replaced(
        "return np.diff(found) * parts / found[-1] if", "return np.diff(found) / found[-1] if"
    )
}
LOST_PERMISSION = {
    "template.yaml": replaced(
        "            - *find_compiled\n            - *send_records\n\n  ScoresIntegration:",
        "            - *find_compiled\n\n  ScoresIntegration:",
    )
}
ROUNDED = {
    f"{CORE}/scoring/online.py": replaced(
        "found.probability.tolist(),\n            found.percentile",
        "found.probability.round(4).tolist(),\n            found.percentile",
    )
}
NAMED_CLIENTS = {
    "functions/api/score_claim/handler.py": replaced(
        '    """Score the claims of a request."""\n',
        '    """Score the claims of a request."""\n'
        '    _, client_version = request.headers.get("user-agent", "unknown/0").split(" ")[0].split("/", 1)\n'
        "    logger.append_keys(client_version=client_version)\n",
    )
}

SCENARIOS = (
    Scenario(
        "documentation",
        "a sentence in the glossary",
        {"docs/glossary.md": appended("\nThis page is part of a rehearsal.\n")},
        with_traffic=False,
        examine=no_canary,
    ),
    Scenario(
        "core",
        "requests may be twice as large: a change in layers/core alone",
        LARGER_BODIES,
        with_traffic=True,
        examine=canary,
    ),
    Scenario(
        "training",
        "rare categories are smoothed more: a change in training/",
        BETTER_SMOOTHING,
        examine=one_training,
    ),
    Scenario(
        "failing-test",
        "the lift of a decile is wrong, and its unit test fails",
        BROKEN_METRIC,
        "Check/Check",
        "test_ranking_metrics",
        examine=production_untouched,
    ),
    Scenario(
        "failing-smoke",
        "the role of ScoreClaim may not send the record of a request",
        LOST_PERMISSION,
        "Smoke/",
        "FAILED ask for scores",
        examine=production_untouched,
    ),
    Scenario(
        "wrong-answers",
        "probabilities are rounded, so golden claims are answered otherwise",
        ROUNDED,
        "Production/Deploy",
        "",
        with_traffic=True,
        examine=refused_by_the_hook,
    ),
    Scenario(
        "errors-under-traffic",
        "the version of a client is logged, and a client that names none is not answered",
        NAMED_CLIENTS,
        "Production/Deploy",
        "",
        with_traffic=True,
        examine=rolled_back_by_alarm,
    ),
)


def run_all(rehearsal: Rehearsal, only: set[str]) -> Iterator[Result]:
    """Run the scenarios in their order and yield each result; `only` names some of them, empty: all."""
    first = first_release(rehearsal)
    yield first
    if not first.succeeded:
        return
    for scenario in SCENARIOS:
        # By hand, the last release that arrived is taken back, before the releases that stop on their way.
        if scenario.name == "failing-test" and (not only or ROLLBACK in only):
            yield rollback_by_hand(rehearsal)
        if not only or scenario.name in only:
            yield run(rehearsal, scenario)


def first_release(rehearsal: Rehearsal) -> Result:
    """Deploy both stacks for the first time, and give production a champion."""
    result = Result("first release", "the settings of this machine", ARRIVES)
    release = _delivered(rehearsal, result, rehearsal.settings, with_traffic=False)
    if release.execution.status == "Succeeded":
        report_progress("  Production gets claims and its first model")
        rehearsal.production.load_book()
        rehearsal.first_model = version = rehearsal.production.train_first_model()
        result.notes.append(f"model {version} is the champion of line motor in production")
    return result


def run(rehearsal: Rehearsal, scenario: Scenario) -> Result:
    """Commit the change of a scenario, deliver it, and examine where it arrived."""
    result = Result(scenario.name, scenario.change, scenario.stops_at)
    release = _delivered(rehearsal, result, scenario.edits, with_traffic=scenario.with_traffic)
    if not result.problems:  # otherwise it did not come to the place that is examined
        said = scenario.sentence in result.sentence
        result.require(said, f"the sentence does not say {scenario.sentence!r}: {result.sentence}")
        try:
            scenario.examine(rehearsal, release, result)
        except (BotoCoreError, ClientError, StartupFailed) as error:
            result.require(False, f"it could not be examined: {error}")
    if scenario.stops_at != ARRIVES:
        rehearsal.repository.revert()
    return result


def rollback_by_hand(rehearsal: Rehearsal) -> Result:
    """Bring back the release before by the command that a person would use."""
    result = Result(ROLLBACK, "claimwatch deploy rollback, by hand", "production, one release before")
    started = time.monotonic()
    result.before = rehearsal.live_versions()
    known = len(rehearsal.pipeline.executions)
    answer = rehearsal.production.command(
        *("deploy", "rollback", "--pipeline", TOOLS, "--why", "a rehearsal of the way back"),
    )
    wait_until(lambda: len(rehearsal.pipeline.executions) > known, 30)
    rehearsal.code_pipeline.wait()
    [execution] = rehearsal.pipeline.executions[known:]
    result.seconds = time.monotonic() - started
    result.after = rehearsal.live_versions()
    result.stages = [(run.name, run.status, run.seconds) for run in execution.stages]
    result.arrived = result.expected if execution.status == "Succeeded" else str(execution.stopped_at)
    result.sentence = execution.problem
    result.require(execution.status == "Succeeded", f"the rollback failed: {execution.problem}")
    result.require(execution.target, "the execution is no rollback")
    result.require(result.before != result.after, "the aliases name the same versions as before")
    result.notes.append(f"on record: {answer.get('why')}")
    return result


def _delivered(
    rehearsal: Rehearsal, result: Result, edits: Mapping[str, Edit], *, with_traffic: bool
) -> Release:
    """Release a change and fill in how far it came."""
    report_progress(f"{result.name}: {result.change}")
    started = time.monotonic()
    release = rehearsal.release(f"{result.name}: {result.change}", edits, with_traffic=with_traffic)
    execution = release.execution
    result.seconds = time.monotonic() - started
    result.stages = [(run.name, run.status, run.seconds) for run in execution.stages]
    result.before, result.after = release.before, release.after
    result.arrived = ARRIVES if execution.status == "Succeeded" else str(execution.stopped_at)
    result.sentence = execution.problem
    result.require(
        result.arrived.startswith(result.expected), f"arrived at {result.arrived}: {execution.problem}"
    )
    if release.rollback is not None:
        result.notes.append(f"the stage was rolled back: {_way(release.rollback)}")
        back = release.rollback
        result.require(back.status == "Succeeded", f"its rollback failed: {back.problem}")
    return release
