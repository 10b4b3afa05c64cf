"""Commands for models: train one, make one live, score stored claims."""

import getpass
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from claimwatch.errors import RefusedData
from claimwatch.models.promote import ModelChange
from claimwatch.models.trainings import TrainingRequest
from claimwatch.storage import models as stored
from claimwatch.storage import scores
from claimwatch.storage.connection import Database
from claimwatch.storage.models import Promotion, Role, Training
from cli.options import AsJson, Line, StackName, stack_of
from cli.screen import counted, say, show, show_json, show_notes, show_table
from cli.stack import Stack, StackUnreachable

POLL_SECONDS = 1.0
METRICS = ("roc_auc", "pr_auc", "lift_top_decile", "recall_at_capacity", "brier")
"""The metrics on the test split that the tables show."""


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
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Make a registered model live. Its bundle is verified, and the bundle's hash is pinned.

    The model scores from the next chunk on. A new champion also scores the claims that have no score yet.
    """
    change = ModelChange(
        line, by or getpass.getuser(), why, version, role, str(uuid.uuid4()), as_of and as_of.date()
    )
    _change(stack_of(ctx, stack), change, as_json)


def rollback(
    ctx: typer.Context, line: Line, why: Why, by: By = None, stack: StackName = None, as_json: AsJson = False
) -> None:
    """Make the previous champion the champion again."""
    change = ModelChange(line, by or getpass.getuser(), why, request_id=str(uuid.uuid4()))
    _change(stack_of(ctx, stack), change, as_json)


def history(
    ctx: typer.Context,
    line: Line,
    on: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"],
            help="Show what was live at this time, or at the end of this day (UTC).",
        ),
    ] = None,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Show which model was live when, who made it live, and why.

    'by' is the name that the person wrote, 'caller' the identity that AWS verified.
    """
    target = stack_of(ctx, stack)
    until = on and (_end_of_day(on) if on.time() == datetime.min.time() else on.replace(tzinfo=UTC))
    with target.database.transaction() as cursor:
        promotions = stored.history(cursor, line, until)
    live = _live(promotions)
    if as_json:
        show_json(
            {"line": line, "until": until, "live": live, "promotions": [vars(entry) for entry in promotions]}
        )
        return
    if not promotions:
        say(f"No model of line {line} was live{f' before {until:%Y-%m-%d %H:%M} UTC' if until else ' yet'}.")
        return
    when = f"On {until:%Y-%m-%d} at {until:%H:%M} UTC" if until else "Now"
    show(
        f"{when}: " + (", ".join(f"{role} {version}" for role, version in live.items()) or "nothing is live")
    )
    show_table(
        ("at", "action", "model", "role", "by", "caller", "why", "bundle"),
        [
            (
                entry.at,
                entry.action,
                entry.version,
                entry.role,
                entry.by,
                entry.caller,
                [entry.why, *_remarks(entry)],
                (entry.bundle_sha256 or "")[:12],
            )
            for entry in promotions
        ],
    )


def models(ctx: typer.Context, line: Line, stack: StackName = None, as_json: AsJson = False) -> None:
    """List the models of a line, newest first, with their metrics on the test split.

    Trainings that were refused or failed before they had a model are listed as well, with the reason.
    """
    target = stack_of(ctx, stack)
    with target.database.transaction() as cursor:
        found = stored.list_versions(cursor, line)
        ended = stored.trainings_without_model(cursor, line)
        running = stored.running_training(cursor, line)
        files, claims = scores.count_unscored(cursor, line)
    if as_json:
        show_json(
            {
                "line": line,
                "models": found,
                "trainings_without_model": [vars(training) for training in ended],
                "training": running and vars(running),
                "unscored_claims": claims,
            }
        )
        return
    if found or ended:
        _show_models([*found, *map(_without_model, ended)])
    if not found:
        say(f'Line {line} has no model: `claimwatch train {line} --why "..."` trains one.')
    if running:
        say(f"Model {running.version} has been training since {running.asked_at:%Y-%m-%d %H:%M} UTC.", "dim")
    if claims:
        say(f"{counted(claims, 'claim')} in {counted(files, 'file')} not scored yet.", "yellow")


def _without_model(training: Training) -> dict[str, Any]:
    """Return a training as the tables show a model."""
    return {
        "version": training.version,
        "status": training.status,
        "role": None,
        "metrics": {},
        "bundle_uri": None,
        "created_at": training.ended_at,
        "refused_because": training.error,
        "warnings": [],
        "as_of": training.as_of,
        "trusted": training.trusted,
    }


def _show_models(found: list[dict[str, Any]]) -> None:
    """Show models in a table, newest first, and below it what has to be read as sentences."""
    newest_first = sorted(found, key=lambda model: model["created_at"], reverse=True)
    show_table(
        ("version", "status", "live as", *METRICS, "created"),
        [
            (
                model["version"],
                model["status"],
                model["role"] or "",
                *(_figure(model["metrics"].get(name)) for name in METRICS),
                model["created_at"],
            )
            for model in newest_first
        ],
    )
    seen = set()
    for model in newest_first:
        if model["version"] not in seen:  # a model in both roles has two rows
            seen.add(model["version"])
            show_notes(_title(model), _notes(model))


def _title(model: dict[str, Any]) -> str:
    return f"{'Model' if model['bundle_uri'] else 'Training of model'} {model['version']}"


def _notes(model: dict[str, Any]) -> list[str]:
    """Return what a table cannot show of a model, each in a sentence."""
    notes = []
    if model["refused_because"]:
        notes.append(f"{model['status']}: {model['refused_because']}")
    if model["as_of"]:
        notes.append(f"back-test as of {model['as_of']}: nothing after that day was known")
    if model["trusted"]:
        notes.append(f"kept although they look like a leak: {', '.join(model['trusted'])}")
    return notes + _warnings(model)


def _warnings(model: dict[str, Any]) -> list[str]:
    return [f"warning about column {warning['column']}: {warning['found']}" for warning in model["warnings"]]


def _remarks(entry: Promotion) -> list[str]:
    """Return what a person had to name in order to promote the model."""
    return [f"back-test as of {entry.as_of}"] if entry.as_of else []


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
                ("metric", "test split"), [(name, _figure(result["metrics"].get(name))) for name in METRICS]
            )
            show_notes(f"Model {version}", _warnings(result))
            say(f'To make it live: `claimwatch promote {line} {version} --as champion --why "..."`', "dim")
        case "refused":
            show(f"Model {version} of line {line} is refused: {result['error']}")
        case "failed":
            show(f"The training of model {version} of line {line} failed: {result['error']}")
        case status:
            show(f"The training of model {version} of line {line} is {status} on {result['instance_id']}.")
            say(f"`claimwatch models {line}` shows the result; an alert reports it as well.", "dim")


def _figure(value: Any) -> str:
    """Format a metric; a metric with an interval is shown without the interval."""
    if isinstance(value, dict):
        value = value.get("value")
    return f"{value:.3f}" if isinstance(value, int | float) else ""


def _live(promotions: list[Promotion]) -> dict[str, str]:
    """Return the live models by role, from a history whose first entry is the newest."""
    live: dict[str, str] = {}
    for entry in reversed(promotions):
        if entry.version is None:
            live.pop(entry.role, None)
        else:
            live[entry.role] = entry.version
    return live


def _end_of_day(day: datetime) -> datetime:
    return day.replace(tzinfo=UTC) + timedelta(days=1) - timedelta(microseconds=1)
