"""The training of an execution of the pipeline of models: requested, awaited, compared with the champion."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, urlsplit

import typer

from claimwatch.domain.model.warnings import columns_to_answer_for
from release.errors import ReleaseRefused
from release.line_models import LineApi, LineModels, Model, StackUnavailable, Training
from release.stack import Stack, environment

ASKED_BY = "the pipeline of models"

LONGEST_WAIT = 8 * 3600.0
"""Seconds: two trainings of the longest time that the application allows, one after the other."""

LONGEST_SILENCE = 900.0
"""Seconds for which the API may not answer while a training runs, which goes on without it."""

POLL_SECONDS = 30.0

AGAIN = ". When the cause is fixed, start the pipeline of models with another training_id"

SUMMARY_LIMIT = 1000
"""Characters that CodePipeline shows with an approval."""

_COMPARED = {
    "roc_auc": "ROC-AUC",
    "pr_auc": "PR-AUC",
    "lift_top_decile": "lift of the top decile",
    "recall_at_capacity": "recall at capacity",
    "observed_to_expected": "observed to expected frauds",
}
"""The metrics that an approver sees, and what they are called."""


@dataclass(frozen=True)
class Order:
    """The training that an execution of the pipeline is about."""

    line: str
    training_id: str
    why: str


@dataclass(frozen=True)
class Clock:
    """The time in seconds, and how to wait."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True)
class Candidate:
    """A registered model that waits for a person."""

    line: str
    version: str
    summary: str
    card_url: str

    def write(self, folder: Path) -> None:
        """Write each value to a file with its name, from which the build exports it."""
        values = {"CANDIDATE": self.version, "SUMMARY": self.summary, "CARD_URL": self.card_url}
        for name, value in values.items():
            (folder / name).write_text(value, "utf-8")


def train(
    api: LineApi, order: Order, clock: Clock, report: Callable[[str], None], region: str = ""
) -> Candidate:
    """Request the training, unless it was requested before, and wait until its model is registered.

    Another training of the line is waited for. Raises ``ReleaseRefused`` with the sentence of the training if
    it is refused or fails.
    """
    deadline = clock.now() + LONGEST_WAIT
    listed = _requested(api, order, clock, report, deadline)
    while not (training := _known(listed, order)).ended:
        _check_time(clock, deadline, f"training {order.training_id} has not ended")
        clock.sleep(POLL_SECONDS)
        listed = _listed(api, order, clock)
    if training.status != "registered":
        raise ReleaseRefused(
            f"the training of model {training.version} of line {order.line} is {training.status}:"
            f" {training.error}{AGAIN if training.status == 'failed' else ''}"
        )
    model = listed.model(training.version)
    if model is None:
        raise ReleaseRefused(f"model {training.version} of line {order.line} is not listed by the API")
    return Candidate(order.line, model.version, summary_of(listed, model, order.why), card_url(model, region))


def _requested(
    api: LineApi, order: Order, clock: Clock, report: Callable[[str], None], deadline: float
) -> LineModels:
    """Return what is listed once the training is in it; one training of a line runs at a time."""
    fields = {"why": order.why, "asked_by": ASKED_BY, "training_id": order.training_id}
    waited_for = None
    while (listed := _listed(api, order, clock)).training(order.training_id) is None:
        if listed.running is None:
            try:
                _patiently(lambda: api.post(order.line, "trainings", fields), clock)
                report(f"training {order.training_id} of line {order.line} is requested: {order.why}")
            except StackUnavailable:
                raise
            except ReleaseRefused:
                # Another request may have come first since the models were listed.
                if _listed(api, order, clock).running is None:
                    raise
            continue
        if listed.running.training_id != waited_for:
            waited_for = listed.running.training_id
            report(f"training {waited_for} of line {order.line} has to end first")
        _check_time(clock, deadline, f"training {waited_for} has not ended")
        clock.sleep(POLL_SECONDS)
    return listed


def _listed(api: LineApi, order: Order, clock: Clock) -> LineModels:
    return _patiently(lambda: api.models(order.line), clock)


def _known(listed: LineModels, order: Order) -> Training:
    training = listed.training(order.training_id)
    if training is None:
        raise ReleaseRefused(
            f"training {order.training_id} is not among the newest of line {order.line}: request it again"
        )
    return training


def _check_time(clock: Clock, deadline: float, late: str) -> None:
    if clock.now() > deadline:
        raise ReleaseRefused(f"{late} within {LONGEST_WAIT / 3600:g} hours: see the alerts of the stack")


def _patiently[T](ask: Callable[[], T], clock: Clock) -> T:
    """Return an answer; a database that wakes up or an API that is busy for a while ends no step."""
    limit = clock.now() + LONGEST_SILENCE
    while True:
        try:
            return ask()
        except StackUnavailable:
            if clock.now() > limit:
                raise
            clock.sleep(POLL_SECONDS)


def summary_of(listed: LineModels, candidate: Model, why: str) -> str:
    """Return the candidate beside the champion, on one line that CodePipeline can show."""
    champion = listed.champion
    columns = columns_to_answer_for(candidate.warnings)
    parts = [f"Model {candidate.version} of line {listed.line}, trained because of {why}."]
    if champion is None:
        parts.append(f"There is no champion. {_figures([candidate])}.")
    else:
        parts.append(
            f"Candidate | champion {champion.version}: {_figures([candidate, champion])}. Each on the claims"
            " of its own test; on the same claims, the candidate passed the gate against the champion."
        )
    warned = [warning["column"] for warning in candidate.warnings]
    parts.append(f"Warnings about: {', '.join(dict.fromkeys(warned))}." if warned else "No warnings.")
    if columns:
        parts.append(f"To approve, name in the comment: {' '.join(map(trust_token, columns))}.")
    parts.append(f"Card: claimwatch card {listed.line} {candidate.version}")
    return _shortened(parts)


def trust_token(column: str) -> str:
    """Return how a comment names a column that the approver trusts."""
    return f'trust="{column}"' if " " in column else f"trust={column}"


def _figures(models: Sequence[Model]) -> str:
    return "; ".join(
        f"{title} {' | '.join(_figure(model.metrics, name) for model in models)}"
        for name, title in _COMPARED.items()
    )


def _figure(metrics: Mapping[str, float | None], name: str) -> str:
    value = metrics.get(name)
    return "unknown" if value is None else f"{value:.3f}"


def _shortened(parts: Sequence[str]) -> str:
    """Return the parts as one line within the limit; the last two are never cut, for they say what to do."""
    text = " ".join(" ".join(parts).split())
    if len(text) <= SUMMARY_LIMIT:
        return text
    end = " ".join(" ".join(parts[-2:]).split())[: SUMMARY_LIMIT // 2]
    start = " ".join(" ".join(parts[:-2]).split())[: SUMMARY_LIMIT - len(end) - 3]
    return f"{start}… {end}"


def card_url(model: Model, region: str) -> str:
    """Return the page of the console that shows the card to whoever may read the artifact bucket."""
    place = urlsplit(model.uri or "")
    key = quote(f"{place.path.lstrip('/')}card.html", safe="/")
    return f"https://console.aws.amazon.com/s3/object/{place.netloc}?region={region}&prefix={key}"


def train_model(
    folder: Annotated[
        Path | None,
        typer.Option(file_okay=False, exists=True, help="Where to write CANDIDATE, SUMMARY and CARD_URL."),
    ] = None,
) -> None:
    """Train the model of LINE, TRAINING_ID and WHY, and lay it beside the champion."""
    order = Order(environment("LINE"), environment("TRAINING_ID"), environment("WHY"))
    stack = Stack.of_environment()
    candidate = train(stack, order, Clock(), _say, stack.region)
    if folder is not None:
        candidate.write(folder)
    _say(candidate.summary)
    _say(candidate.card_url)


def _say(sentence: str) -> None:
    print(sentence, flush=True)
