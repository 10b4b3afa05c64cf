"""Commands for models: train one, make one live, score stored claims."""

import getpass
import time
import uuid
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from claimwatch.domain.model.warnings import columns_to_answer_for
from claimwatch.errors import RefusedData
from claimwatch.models.approve_exception import ExceptionRequest
from claimwatch.models.promote import ModelChange
from claimwatch.models.promotion_checks import promotion_command
from claimwatch.models.trainings import TrainingRequest
from claimwatch.storage import models as stored
from claimwatch.storage.connection import Database
from claimwatch.storage.model_exceptions import EXCEPTED_GATES, ExceptedGate
from claimwatch.storage.models import Role, Training
from cli.model_lists import METRICS, columns_without_use, figure, warnings_of
from cli.options import AsJson, Line, StackName, stack_of
from cli.screen import counted, say, show, show_json, show_notes, show_table
from cli.stack import Stack, StackUnreachable

POLL_SECONDS = 1.0

Why = Annotated[str, typer.Option(help="The reason. It is stored permanently.")]
By = Annotated[str | None, typer.Option(help="The person responsible.", show_default="your user name")]
Since = Annotated[
    datetime | None,
    typer.Option(
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="Only claims in files received since then (UTC)."
    ),
]


def train(
    ctx: typer.Context,
    line: Line,
    why: Why,
    by: By = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d"],
            help="Back-test: train with the claims and outcomes known at the end of this day (UTC).",
        ),
    ] = None,
    trust: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN", help="Keep this column although it looks like a leak. May be repeated."
        ),
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until the training ends, and show the result.")
    ] = False,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Train a model on an EC2 instance that is started for it and terminates itself.

    The model does not go live. With --wait, the exit code is 1 unless the model is registered.
    """
    target = stack_of(ctx, stack)
    request = TrainingRequest(
        line, why, by or getpass.getuser(), str(uuid.uuid4()), as_of and as_of.date(), tuple(trust or ())
    )
    target.start_training(request.to_fields())
    training = _training(target.database, str(request.training_id))
    if wait:
        say(f"Training model {training.version} of line {line} in {target.title}.", "dim")
        training = _wait(target.database, training)
    result = _result(target, training)
    if as_json:
        show_json(result)
    else:
        _show_training(result)
    if training.status in ("refused", "failed"):
        raise typer.Exit(1)


def promote(
    ctx: typer.Context,
    line: Line,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="The version of the model.")],
    role: Annotated[
        Role,
        typer.Option("--as", metavar="|".join(stored.ROLES), help="The role in which the model goes live."),
    ],
    why: Why,
    by: By = None,
    as_of: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The day of the back-test that the model is from."),
    ] = None,
    trust: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN",
            help="Trust this column in spite of its warning; name every column with one, except proxies.",
        ),
    ] = None,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Make a registered model live. Its bundle is verified, and the bundle's hash is pinned.

    The model scores from the next chunk on. A new champion also scores the claims that have no score yet.
    """
    change = ModelChange(
        line,
        by or getpass.getuser(),
        why,
        version,
        role,
        str(uuid.uuid4()),
        as_of and as_of.date(),
        tuple(trust or ()),
    )
    _change(stack_of(ctx, stack), change, as_json)


def approve(
    ctx: typer.Context,
    line: Line,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="The version of the refused model.")],
    gate: Annotated[
        ExceptedGate,
        typer.Option(
            "--exception", metavar="|".join(EXCEPTED_GATES), help="The gate that refused the model."
        ),
    ],
    why: Why,
    by: By = None,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Approve an exception: a model that only this gate refused may be promoted, by somebody else.

    Who approved it and why is stored permanently, and shown with the model and in the history.
    """
    target = stack_of(ctx, stack)
    request = ExceptionRequest(line, version, gate, by or getpass.getuser(), why, str(uuid.uuid4()))
    result = target.approve_exception(request.to_fields())
    if as_json:
        show_json(result)
        return
    model = f"model {result['version']} of line {result['line']}"
    if result["changed"]:
        show(f"The exception for {model} is approved. Somebody else may promote it now.")
    else:
        show(f"The exception for {model} had been approved by {result['by']} before.")


def rollback(
    ctx: typer.Context, line: Line, why: Why, by: By = None, stack: StackName = None, as_json: AsJson = False
) -> None:
    """Make the previous champion the champion again."""
    change = ModelChange(line, by or getpass.getuser(), why, request_id=str(uuid.uuid4()))
    _change(stack_of(ctx, stack), change, as_json)


def score(
    ctx: typer.Context, line: Line, since: Since = None, stack: StackName = None, as_json: AsJson = False
) -> None:
    """Score the stored claims that the live models have not scored yet.

    Without --since, all stored claims. Scoring runs in the background; no claim is scored twice by a model.
    """
    target = stack_of(ctx, stack)
    with target.database.transaction() as cursor:
        live = stored.live_models(cursor, line)
    if "champion" not in live:
        raise RefusedData(f"line {line} has no champion: `claimwatch promote {line} VERSION --as champion`")
    if target.backfill is None:
        raise StackUnreachable(f"{target.title} cannot score claims yet: deploy this version of Claimwatch")
    moment = since.replace(tzinfo=UTC) if since else None
    execution = target.backfill.start(line, str(uuid.uuid4()), since=moment)
    if as_json:
        show_json({"line": line, "since": moment, "execution": execution})
        return
    show(f"Scoring the claims of line {line}{f' since {moment:%Y-%m-%d}' if moment else ''}: {execution}")


def _change(target: Stack, change: ModelChange, as_json: bool) -> None:
    result = target.promote_model(change.to_fields())
    if as_json:
        show_json(result)
        return
    model = f"Model {result['version']} of line {result['line']}"
    if result["changed"]:
        show(f"{model} is now {result['role']} in {target.title}.")
    else:
        show(f"{model} was already {result['role']}.")
    for remark in result["remarks"]:
        show(remark)
    if files := result["unscored_files"]:
        say(f"Scoring the claims of {counted(files, 'file')} that had no score.", "dim")


def _training(database: Database, training_id: str) -> Training:
    with database.transaction() as cursor:
        training = stored.find_training(cursor, training_id)
    if training is None:
        raise RefusedData(f"training {training_id} is not in the database: see the logs of StartTraining")
    return training


def _wait(database: Database, training: Training) -> Training:
    """Return the training once it has ended; the watchdog makes sure that every training ends."""
    shown = training.status
    while training.ended_at is None:
        time.sleep(POLL_SECONDS)
        training = _training(database, training.training_id)
        if training.status != shown:
            shown = training.status
            say(f"The training is {shown}.", "dim")
    return training


def _result(target: Stack, training: Training) -> dict[str, Any]:
    with target.database.transaction() as cursor:
        model = stored.find_version(cursor, training.line, training.version)
    fields = (
        "metrics",
        "warnings",
        "refused_columns",
        "data_sha256",
        "code_version",
        "contract_version",
        "bundle_uri",
        "bundle_sha256",
    )
    return {
        "training_id": training.training_id,
        "line": training.line,
        "version": training.version,
        "status": training.status,
        "instance_id": training.instance_id,
        "error": training.error,
        "as_of": training.as_of,
        "trusted": training.trusted,
    } | ({name: getattr(model, name) for name in fields} if model else {})


def _show_training(result: dict[str, Any]) -> None:
    line, version = result["line"], result["version"]
    match result["status"]:
        case "registered":
            show(f"Model {version} of line {line} is registered, and not live yet.")
            show_table(
                ("metric", "test split"), [(name, figure(result["metrics"].get(name))) for name in METRICS]
            )
            show_notes(f"Model {version}", columns_without_use(result) + warnings_of(result))
            warned = columns_to_answer_for(result["warnings"])
            command = promotion_command(line, version, "champion", result["as_of"], warned)
            say(f"Its card: `claimwatch card {line} {version}`", "dim")
            say(f"To make it live{' in spite of the warnings' if warned else ''}: `{command}`", "dim")
        case "refused":
            show(f"Model {version} of line {line} is refused: {result['error']}")
            if "refused_columns" in result:
                show_notes(f"Model {version}", columns_without_use(result))
                say(f"Its card: `claimwatch card {line} {version}`", "dim")
        case "failed":
            show(f"The training of model {version} of line {line} failed: {result['error']}")
        case status:
            show(f"The training of model {version} of line {line} is {status} on {result['instance_id']}.")
            say(f"`claimwatch models {line}` shows the result; an alert reports it as well.", "dim")
