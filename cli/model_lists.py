"""Commands that list the models of a line, and the history of what was live."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from claimwatch.models.promotion_record import remarks_of
from claimwatch.storage import models as stored
from claimwatch.storage import scores
from claimwatch.storage.model_exceptions import EXCEPTED_GATES
from claimwatch.storage.models import Promotion, Training
from cli.options import AsJson, Line, StackName, stack_of
from cli.screen import counted, say, show, show_json, show_notes, show_table

METRICS = ("roc_auc", "pr_auc", "lift_top_decile", "recall_at_capacity", "brier")
"""The metrics on the test split that the tables show."""


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
        "refused_columns": {},
        "failed_gates": None,
        "served_sha256": None,
        "excepted": None,
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
                *(figure(model["metrics"].get(name)) for name in METRICS),
                model["created_at"],
            )
            for model in newest_first
        ],
    )
    first = _first_of_equals(newest_first)
    for model in {model["version"]: model for model in newest_first}.values():  # one may be in both roles
        show_notes(_title(model), _notes(model, first))


def _title(model: dict[str, Any]) -> str:
    return f"{'Model' if model['bundle_uri'] else 'Training of model'} {model['version']}"


def _first_of_equals(newest_first: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Return the oldest version of the models that are served alike, by the hash of what is served."""
    return {model["served_sha256"]: model["version"] for model in newest_first if model["served_sha256"]}


def _notes(model: dict[str, Any], first: Mapping[str, str]) -> list[str]:
    """Return what a table cannot show of a model, each in a sentence."""
    notes = []
    if model["refused_because"]:
        notes.append(f"{model['status']}: {model['refused_because']}")
    if excepted := model["excepted"]:
        notes.append(
            f"exception to the gate for {excepted['gate']} approved on {excepted['at'][:10]} by"
            f" {excepted['by']} ({excepted['caller']}): {excepted['why']}"
        )
    elif model["failed_gates"] and set(model["failed_gates"]) <= set(EXCEPTED_GATES):
        (gate,) = model["failed_gates"]
        notes.append(
            "somebody with the permission may approve an exception:"
            f' `claimwatch approve {model["line"]} {model["version"]} --exception {gate} --why "..."`'
        )
    equal = first.get(model["served_sha256"] or "")
    if equal not in (None, model["version"]):
        notes.append(f"equal to model {equal}: every claim gets the same score, reasons and referral")
    if model["as_of"]:
        notes.append(f"back-test as of {model['as_of']}: nothing after that day was known")
    if model["trusted"]:
        notes.append(f"kept although they look like a leak: {', '.join(model['trusted'])}")
    return notes + columns_without_use(model) + warnings_of(model)


def columns_without_use(model: dict[str, Any]) -> list[str]:
    """Return the columns that the training refused, each in a sentence."""
    return [f"column {name} is not used: {reason}" for name, reason in model["refused_columns"].items()]


def warnings_of(model: dict[str, Any]) -> list[str]:
    """Return the warnings of a model's training, each in a sentence."""
    return [f"warning about column {warning['column']}: {warning['found']}" for warning in model["warnings"]]


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
                entry.why,
                (entry.bundle_sha256 or "")[:12],
            )
            for entry in promotions
        ],
    )
    for entry in promotions:
        show_notes(
            f"{entry.action} of model {entry.version}, {entry.at:%Y-%m-%d %H:%M:%S}", remarks_of(entry)
        )


def figure(value: Any) -> str:
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
