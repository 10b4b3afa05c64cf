"""Commands about models: train one, choose which is live, score what is stored, and read the referrals."""

import getpass
import time
import uuid
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any

import typer

from claimwatch.errors import RefusedData
from claimwatch.storage import models as stored
from claimwatch.storage import scores
from claimwatch.storage.connection import Database
from claimwatch.storage.models import Promotion, Training
from cli.options import AsJson, StackName, stack_of
from cli.screen import say, show, show_json, show_table
from cli.stack import Stack, StackUnreachable

POLL_SECONDS = 1.0
BEST_KNOWN = ("roc_auc", "pr_auc", "lift_top_decile", "recall_at_capacity", "brier")
"""The metrics that every model has, those of the test split."""


class Role(StrEnum):
    """What a model can be live as."""

    CHAMPION = "champion"
    CHALLENGER = "challenger"


Line = Annotated[str, typer.Argument(metavar="LINE", help="The line of business.")]
Why = Annotated[str, typer.Option(help="The reason, which is kept for ever.")]
By = Annotated[str | None, typer.Option(help="Who does it.", show_default="your name on this machine")]
Since = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="Only of files that came since then (UTC)."),
]


def train(
    ctx: typer.Context,
    line: Line,
    why: Why,
    by: By = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for its end, and tell how it went.")] = False,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Have a model trained on an EC2 instance that is started for it and ends itself.

    Nothing goes live by this. With --wait, ends with 1 unless the model is registered.
    """
    at = stack_of(ctx, stack)
    training_id = str(uuid.uuid4())
    at.start_training(
        {"training_id": training_id, "line": line, "why": why, "asked_by": by or getpass.getuser()}
    )
    training = _training(at.database, training_id)
    if wait:
        say(f"Training model {training.version} of line {line} in {at.title}.", "dim")
        training = _ended(at.database, training)
    told = _told(at, training)
    if as_json:
        show_json(told)
    else:
        _show_training(told)
    if training.status in ("refused", "failed"):
        raise typer.Exit(1)


def promote(
    ctx: typer.Context,
    line: Line,
    version: Annotated[str, typer.Argument(metavar="VERSION", help="The model.")],
    role: Annotated[Role, typer.Option("--as", help="What it is live as from now on.")],
    why: Why,
    by: By = None,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Make a registered model live. Its bytes are verified, and their hash is pinned.

    The next chunk is scored by it, and claims that have no score yet are scored.
    """
    _change(
        stack_of(ctx, stack), {"line": line, "version": version, "role": role.value, "why": why}, by, as_json
    )


def rollback(
    ctx: typer.Context, line: Line, why: Why, by: By = None, stack: StackName = None, as_json: AsJson = False
) -> None:
    """Make that model champion again which was it before the present one."""
    _change(stack_of(ctx, stack), {"line": line, "why": why}, by, as_json)


def history(
    ctx: typer.Context,
    line: Line,
    on: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"], help="What was live then; of a day, at its end (UTC)."
        ),
    ] = None,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """Which model was live when, who made it so, and why."""
    at = stack_of(ctx, stack)
    until = on and (_end_of_day(on) if on.time() == datetime.min.time() else on.replace(tzinfo=UTC))
    with at.database.transaction() as cursor:
        promotions = stored.history(cursor, line, until)
    live = _live(promotions)
    if as_json:
        show_json(
            {"line": line, "until": until, "live": live, "promotions": [vars(entry) for entry in promotions]}
        )
        return
    if not promotions:
        say(f"No model of line {line} was ever live{f' until {until:%Y-%m-%d %H:%M} UTC' if until else ''}.")
        return
    when = f"On {until:%Y-%m-%d} at {until:%H:%M} UTC" if until else "Now"
    show(
        f"{when}: " + (", ".join(f"{role} {version}" for role, version in live.items()) or "nothing is live")
    )
    show_table(
        ("at", "what", "model", "role", "by", "why", "bundle"),
        [
            (
                entry.at,
                entry.action,
                entry.version,
                entry.role,
                entry.by,
                entry.why,
                (entry.bundle_sha256 or "")[:12],
            )
            for entry in promotions
        ],
    )


def models(ctx: typer.Context, line: Line, stack: StackName = None, as_json: AsJson = False) -> None:
    """The models of a line, newest first, with their metrics on the test split."""
    at = stack_of(ctx, stack)
    with at.database.transaction() as cursor:
        found = stored.list_versions(cursor, line)
        running = stored.running_training(cursor, line)
        files, claims = scores.count_unscored(cursor, line)
    if as_json:
        show_json(
            {"line": line, "models": found, "training": running and vars(running), "unscored_claims": claims}
        )
        return
    if found:
        show_table(
            ("version", "status", "live as", *BEST_KNOWN, "made", "why refused"),
            [
                (
                    model["version"],
                    model["status"],
                    model["role"] or "",
                    *(_figure(model["metrics"].get(name)) for name in BEST_KNOWN),
                    model["created_at"],
                    model["refused_because"],
                )
                for model in found
            ],
        )
    else:
        say(f'Line {line} has no model: `claimwatch train {line} --why "..."` makes one.')
    if running:
        say(f"Model {running.version} is being trained since {running.asked_at:%Y-%m-%d %H:%M} UTC.", "dim")
    if claims:
        say(f"{claims:,} claims in {files:,} files wait to be scored.", "yellow")


def score(
    ctx: typer.Context, line: Line, since: Since = None, stack: StackName = None, as_json: AsJson = False
) -> None:
    """Have the live models score what is stored and they have not scored.

    Without --since all of it. It goes on by itself; what is scored already is not scored again.
    """
    at = stack_of(ctx, stack)
    with at.database.transaction() as cursor:
        live = stored.live_models(cursor, line)
    if "champion" not in live:
        raise RefusedData(f"line {line} has no champion: `claimwatch promote {line} VERSION --as champion`")
    if at.backfill is None:
        raise StackUnreachable(f"{at.title} scores no claims: deploy this version of it")
    moment = since.replace(tzinfo=UTC) if since else None
    execution = at.backfill.start(line, str(uuid.uuid4()), since=moment)
    if as_json:
        show_json({"line": line, "since": moment, "execution": execution})
        return
    show(f"Scoring the claims of line {line}{f' since {moment:%Y-%m-%d}' if moment else ''}: {execution}")


def referrals(
    ctx: typer.Context,
    line: Line,
    since: Since = None,
    decided: Annotated[bool, typer.Option("--decided", help="With claims that have an outcome.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="So many at most.")] = 50,
    stack: StackName = None,
    as_json: AsJson = False,
) -> None:
    """The investigators' queue: referred claims without an outcome, the most suspicious first, and why."""
    at = stack_of(ctx, stack)
    moment = since.replace(tzinfo=UTC) if since else None
    with at.database.transaction() as cursor:
        queue = scores.referrals(cursor, line, since=moment, decided=decided, limit=limit)
    if as_json:
        show_json({"line": line, "referrals": queue})
        return
    if not queue:
        say(f"No claim of line {line} waits for an investigator.")
        return
    show_table(
        ("claim", "probability", "percentile", "why", "model"),
        [
            (
                row["claim_id"],
                f"{row['probability']:.3f}",
                f"{row['percentile']:.1f}",
                [reason.get("text", "") for reason in row["reasons"] or []],
                row["model_version"],
            )
            for row in queue
        ],
    )


def _change(at: Stack, asked: dict[str, Any], by: str | None, as_json: bool) -> None:
    told = at.promote_model(asked | {"by": by or getpass.getuser(), "request_id": str(uuid.uuid4())})
    if as_json:
        show_json(told)
        return
    if told["changed"]:
        show(f"Model {told['version']} of line {told['line']} is {told['role']} in {at.title}.")
    else:
        show(f"Model {told['version']} of line {told['line']} was {told['role']} already.")
    if told["unscored_files"]:
        say(f"The claims of {told['unscored_files']:,} files, which had no score, are being scored.", "dim")


def _training(database: Database, training_id: str) -> Training:
    with database.transaction() as cursor:
        training = stored.find_training(cursor, training_id)
    if training is None:
        raise RefusedData(f"training {training_id} is not in the database: see the logs of StartTraining")
    return training


def _ended(database: Database, training: Training) -> Training:
    """The training once it has ended; the watchdog sees to it that every one does."""
    said = training.status
    while training.ended_at is None:
        time.sleep(POLL_SECONDS)
        training = _training(database, training.training_id)
        if training.status != said:
            said = training.status
            say(f"It is {said}.", "dim")
    return training


def _told(at: Stack, training: Training) -> dict[str, Any]:
    with at.database.transaction() as cursor:
        model = stored.find_version(cursor, training.line, training.version)
    kept = ("metrics", "data_sha256", "code_version", "contract_version", "bundle_uri", "bundle_sha256")
    return {
        "training_id": training.training_id,
        "line": training.line,
        "version": training.version,
        "status": training.status,
        "instance_id": training.instance_id,
        "error": training.error,
    } | ({name: getattr(model, name) for name in kept} if model else {})


def _show_training(told: dict[str, Any]) -> None:
    line, version = told["line"], told["version"]
    match told["status"]:
        case "registered":
            show(f"Model {version} of line {line} is registered, and not live yet.")
            show_table(
                ("metric", "test split"), [(name, _figure(told["metrics"].get(name))) for name in BEST_KNOWN]
            )
            say(f'Make it live: `claimwatch promote {line} {version} --as champion --why "..."`', "dim")
        case "refused" | "failed" as end:
            show(f"Model {version} of line {line} is {end}: {told['error']}")
        case status:
            show(f"Model {version} of line {line} is {status} on {told['instance_id']}.")
            say(f"`claimwatch models {line}` shows how it ends; people are told then, too.", "dim")


def _figure(value: Any) -> str:
    """A metric; those with an interval are written as their value."""
    if isinstance(value, dict):
        value = value.get("value")
    return f"{value:.3f}" if isinstance(value, int | float) else ""


def _live(promotions: list[Promotion]) -> dict[str, str]:
    """What a history that begins with the newest entry comes to."""
    live: dict[str, str] = {}
    for entry in reversed(promotions):
        if entry.version is None:
            live.pop(entry.role, None)
        else:
            live[entry.role] = entry.version
    return live


def _end_of_day(day: datetime) -> datetime:
    return day.replace(tzinfo=UTC) + timedelta(days=1) - timedelta(microseconds=1)
