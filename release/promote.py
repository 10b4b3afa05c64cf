"""The promotion of a candidate that a person approved in this execution of the pipeline of models.

Who approved it, and with which comment, is read from CodePipeline. The line and the training are those of
the execution, and the candidate is the model that the stack registered for the training. Variables of the
step only say which execution it is, so none of them can stand in for an approval.
"""

import os
import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import boto3
from botocore.exceptions import ClientError

from claimwatch.domain.model.warnings import columns_to_answer_for
from claimwatch.models.request_texts import NAME_LIMIT, REASON_LIMIT
from release.errors import ReleaseRefused
from release.line_models import LineApi, LineModels, Model
from release.stack import Stack, environment
from release.train import Order, trust_token

_PERSON = re.compile(
    r"arn:[\w-]+:(iam::\d+:(user/.+|root)|sts::\d+:(assumed-role/[^/]+/.+|federated-user/.+))"
)
"""Identities that a person can have: a user, the session of a role, or the account's root."""

_INITIATOR = "codepipeline/"


@dataclass(frozen=True)
class Execution:
    """An execution of the pipeline of models."""

    pipeline: str
    execution_id: str


@dataclass(frozen=True)
class Approval:
    """An approval of an execution: who gave it, an ARN, and the comment."""

    by: str
    comment: str


class Executions(Protocol):
    """The part of CodePipeline that a promotion needs."""

    def order(self, execution: Execution) -> Order:
        """Return the training that the execution is about."""

    def approval(self, execution: Execution) -> Approval | None:
        """Return the approval of the execution; None if the newest answer is not one."""


@dataclass(frozen=True)
class Dependencies:
    """Dependencies of ``promote``; ``own_identity`` is the ARN that the step itself acts with."""

    api: LineApi
    executions: Executions
    own_identity: str
    report: Callable[[str], None]


def promote(deps: Dependencies, execution: Execution) -> None:
    """Promote the candidate of an execution in the name of the person who approved it.

    Raises ``ReleaseRefused`` without an approval by a person, for a candidate that is not registered, and for
    a comment that does not name each column with a warning.
    """
    order = deps.executions.order(execution)
    approval = _approval(deps, execution)
    listed = deps.api.models(order.line)
    candidate = _candidate(listed, order)
    trusted = _trusted(execution, order, candidate, approval.comment)
    answer = deps.api.post(
        order.line,
        "promotions",
        {
            "version": candidate.version,
            "role": "champion",
            "by": name_of(approval.by),
            "why": _why(execution, order, approval),
            "request_id": f"promote-{execution.execution_id}",
            "trust": list(trusted),
        },
    )
    live = "is live" if answer["changed"] else "was live already"
    deps.report(f"model {candidate.version} of line {order.line} {live}, approved by {name_of(approval.by)}")
    for remark in answer["remarks"]:
        deps.report(remark)


def _approval(deps: Dependencies, execution: Execution) -> Approval:
    approval = deps.executions.approval(execution)
    if approval is None:
        raise ReleaseRefused(f"nobody has approved execution {execution.execution_id}: nothing is promoted")
    if not _PERSON.fullmatch(approval.by) or _role_of(approval.by) == _role_of(deps.own_identity):
        raise ReleaseRefused(
            f"execution {execution.execution_id} was not approved by a person: nothing is promoted"
        )
    return approval


def _role_of(arn: str) -> str:
    """Return the identity without the name of its session."""
    account, _, rest = arn.partition(":assumed-role/")
    return f"{account.split(':')[4]}/{rest.partition('/')[0]}" if rest else arn


def _candidate(listed: LineModels, order: Order) -> Model:
    training = listed.training(order.training_id)
    model = listed.model(training.version) if training else None
    if training is None or model is None or training.status != "registered":
        raise ReleaseRefused(
            f"training {order.training_id} of line {order.line} has no registered model: nothing is promoted"
        )
    return model


def _trusted(execution: Execution, order: Order, candidate: Model, comment: str) -> tuple[str, ...]:
    """Return the columns that the comment names; raises ``ReleaseRefused`` if one is missing or unknown."""
    warned = list(dict.fromkeys(warning["column"] for warning in candidate.warnings))
    named, unknown = named_columns(comment, warned)
    if unknown:
        raise ReleaseRefused(
            f"{unknown} of the columns to trust {'has' if unknown == 1 else 'have'} no warning; model"
            f" {candidate.version} has {f'warnings about {", ".join(warned)}' if warned else 'no warnings'}."
            f" {_again(execution, order, columns_to_answer_for(candidate.warnings))}"
        )
    needed = columns_to_answer_for(candidate.warnings)
    if missing := [column for column in needed if column not in named]:
        found = "; ".join(
            f"{warning['column']}: {warning['found']}"
            for warning in candidate.warnings
            if warning["column"] in missing
        )
        raise ReleaseRefused(
            f"model {candidate.version} has warnings that the approver has not answered for. {found}. Look"
            f" into each of them. {_again(execution, order, needed)}"
        )
    return tuple(named)


def named_columns(comment: str, warned: Iterable[str]) -> tuple[list[str], int]:
    """Return the columns with a warning that a comment names as ``trust=column``, and how many it names more.

    A name may stand in quotes. The longest name that fits counts: one may be the beginning of another.
    """
    longest_first = sorted(warned, key=len, reverse=True)
    named: list[str] = []
    unknown = 0
    for found in re.finditer(r"(?<!\S)trust=", comment):
        rest = comment[found.end() :]
        for column in longest_first:
            if re.match(rf"([\"']?){re.escape(column)}\1(?=[\s,;.!)]*(?:\s|$))", rest):
                named.append(column)
                break
        else:
            unknown += 1
    return list(dict.fromkeys(named)), unknown


def _again(execution: Execution, order: Order, needed: Sequence[str]) -> str:
    """Return how to get another approval: the training is not repeated, because it has ended."""
    variables = {"line": order.line, "training_id": order.training_id, "why": order.why}
    given = " ".join(shlex.quote(f"name={name},value={value}") for name, value in variables.items())
    tokens = " ".join(map(trust_token, needed))
    comment = f"with a comment that has {tokens}" if tokens else "with a comment without trust="
    return (
        "To approve it again, start the pipeline once more, which does not train again:"
        f" aws codepipeline start-pipeline-execution --name {execution.pipeline} --variables {given};"
        f" then approve {comment}"
    )


def name_of(arn: str) -> str:
    """Return the name of a person: that of the user, or of the session of a role."""
    return arn.rsplit("/", 1)[-1][:NAME_LIMIT] if "/" in arn else arn[:NAME_LIMIT]


def _why(execution: Execution, order: Order, approval: Approval) -> str:
    """Return the reason for the history: the person's words, who it was, and where it was approved."""
    words = "".join(letter if letter.isprintable() else " " for letter in approval.comment)
    comment = " ".join(words.split()) or "approved without a comment"
    source = (
        f"{order.why}; approved by {approval.by} in execution {execution.execution_id} of pipeline"
        f" {execution.pipeline}"
    )
    return f"{comment[: REASON_LIMIT - len(source) - 3]} ({source})"


class CodePipelineExecutions:
    """The executions, as CodePipeline answers; read with the role of the step."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def order(self, execution: Execution) -> Order:
        """Return the training by the variables of the execution."""
        try:
            found = self._client.get_pipeline_execution(
                pipelineName=execution.pipeline, pipelineExecutionId=execution.execution_id
            )["pipelineExecution"]
        except ClientError as error:
            raise ReleaseRefused(
                f"execution {execution.execution_id} of pipeline {execution.pipeline} cannot be read:"
                f" {error.response['Error']['Code']}"
            ) from None
        values = {each["name"]: each["resolvedValue"] for each in found.get("variables", [])}
        try:
            return Order(values["line"], values["training_id"], values["why"])
        except KeyError as missing:
            raise ReleaseRefused(
                f"execution {execution.execution_id} has no variable {missing}: it is none of the pipeline of"
                " models"
            ) from None

    def approval(self, execution: Execution) -> Approval | None:
        """Return the approval by the newest action of the execution that was answered."""
        pages = self._client.get_paginator("list_action_executions").paginate(
            pipelineName=execution.pipeline, filter={"pipelineExecutionId": execution.execution_id}
        )
        answered = [
            action
            for page in pages
            for action in page["actionExecutionDetails"]
            if action["pipelineExecutionId"] == execution.execution_id
            and action["input"]["actionTypeId"]["category"] == "Approval"
            and action["status"] != "InProgress"
        ]
        newest = max(answered, key=lambda action: action["lastUpdateTime"], default=None)
        if newest is None or newest["status"] != "Succeeded" or not newest.get("updatedBy"):
            return None
        return Approval(newest["updatedBy"], _comment(newest))


def _comment(action: Mapping[str, Any]) -> str:
    comment: str = action.get("output", {}).get("executionResult", {}).get("externalExecutionSummary", "")
    return comment


def promote_model() -> None:
    """Promote the candidate that a person approved in execution PIPELINE_EXECUTION_ID of PIPELINE."""
    stack = Stack.of_environment()
    initiator = os.environ.get("CODEBUILD_INITIATOR", "")
    started_by = initiator.removeprefix(_INITIATOR) if initiator.startswith(_INITIATOR) else ""
    pipeline = os.environ.get("PIPELINE", "") or started_by or environment("PIPELINE")
    execution = Execution(pipeline, environment("PIPELINE_EXECUTION_ID"))
    own = boto3.client("sts").get_caller_identity()["Arn"]
    executions = CodePipelineExecutions(boto3.client("codepipeline"))
    promote(Dependencies(stack, executions, own, lambda line: print(line, flush=True)), execution)
