"""Making a model live, and going back: who, when, why, and with which bytes, in a history that only grows."""

from collections.abc import Callable
from dataclasses import dataclass

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.aws.executions import Backfill
from claimwatch.errors import RefusedData
from claimwatch.storage import models, scores
from claimwatch.storage.connection import Database
from claimwatch.storage.models import Action, LiveModel, Promotion, Role, Version

REASON_LIMIT = 2000
"""Characters."""


@dataclass(frozen=True)
class Dependencies:
    """What promoting works with.

    ``columns_of`` reads the bundle at a URI, holds it to its hash, and tells which columns it wants; it
    raises ``ClaimwatchError`` for one that cannot be used.
    """

    database: Database
    columns_of: Callable[[str, str], set[str]]
    backfill: Backfill


@dataclass(frozen=True)
class Promoted:
    """What a request led to. ``changed`` is False where the model was live in that role already."""

    line: str
    version: str
    role: Role
    action: Action
    changed: bool
    unscored_files: int


@dataclass(frozen=True)
class Request:
    """Who asks, why, and the id by which the request is known when it comes again."""

    request_id: str
    by: str
    why: str

    def __post_init__(self) -> None:
        if not self.why.strip():
            raise RefusedData("say why: it is kept in the history")
        if len(self.why) > REASON_LIMIT or "\0" in self.why:
            raise RefusedData(f"say why in at most {REASON_LIMIT:,} characters, without control characters")


def promote(deps: Dependencies, request: Request, line: str, version: str, role: Role) -> Promoted:
    """Make a registered model live in a role; asked again with the same request, nothing happens twice.

    Claims that no champion has scored are scored then. Raises ``RefusedData`` for a model that may not go
    live.
    """

    def chosen(cursor: Cursor) -> Version:
        model = models.find_version(cursor, line, version)
        if model is None:
            raise RefusedData(f"line {line} has no model {version}: `claimwatch models {line}` lists them")
        if model.status == "refused":
            raise RefusedData(f"model {version} of line {line} was refused: {model.refused_because}")
        return model

    return _change(deps, request, line, role, "promote", chosen)


def rollback(deps: Dependencies, request: Request, line: str) -> Promoted:
    """Make that model champion again which was champion before the present one.

    Each roll-back goes one step further back, never forth again.
    """

    def previous(cursor: Cursor) -> LiveModel:
        reign = succession(models.promotions_of_role(cursor, line, "champion"))
        if len(reign) < 2:
            raise RefusedData(f"line {line} had no champion before this one: promote another model")
        return reign[-2]

    return _change(deps, request, line, "champion", "rollback", previous)


def succession(history: list[Promotion]) -> list[LiveModel]:
    """The models that a role would go back through, the present one last."""
    reign: list[LiveModel] = []
    for entry in history:
        if entry.action == "rollback":
            del reign[-1:]
        elif entry.version and entry.bundle_uri and entry.bundle_sha256:
            reign.append(LiveModel(entry.role, entry.version, entry.bundle_uri, entry.bundle_sha256))
    return reign


def _change(
    deps: Dependencies,
    request: Request,
    line: str,
    role: Role,
    action: Action,
    choose: Callable[[Cursor], Version | LiveModel],
) -> Promoted:
    with deps.database.transaction() as cursor:
        models.lock_line(cursor, line)
        done = models.find_promotion(cursor, request.request_id)
        unchanged = models.find_request_without_change(cursor, request.request_id)
        if done is not None:
            version, changed = done.version or "", True
        elif unchanged is not None:
            version, changed = unchanged, False
        else:
            model = choose(cursor)
            version = model.version
            changed = _make_live(deps, cursor, request, line, role, action, model)
            if not changed:
                models.add_request_without_change(cursor, request.request_id, version)
    unscored = _score_what_waits(deps, request, line) if role == "champion" else 0
    return Promoted(line, version, role, action, changed, unscored)


def _score_what_waits(deps: Dependencies, request: Request, line: str) -> int:
    """Have scored what no champion has; how many files that is.

    Counted once the promotion is there for all to see: whoever commits a file before that finds no champion,
    and whoever does so later finds this one. The same request starts it no second time.
    """
    with deps.database.transaction() as cursor:
        unscored, _ = scores.count_unscored(cursor, line)
    if unscored:
        deps.backfill.start(line, request.request_id, only_unscored=True)
    return unscored


def _make_live(
    deps: Dependencies,
    cursor: Cursor,
    request: Request,
    line: str,
    role: Role,
    action: Action,
    model: Version | LiveModel,
) -> bool:
    live = models.live_models(cursor, line)
    same = live.get(role)
    if same is not None and (same.version, same.bundle_sha256) == (model.version, model.bundle_sha256):
        return False
    if role == "challenger" and "champion" in live and live["champion"].version == model.version:
        raise RefusedData(f"model {model.version} is the champion: it would challenge itself")
    assert model.bundle_uri is not None  # the table wants both of a model that is registered
    assert model.bundle_sha256 is not None
    _fits(cursor, line, model.version, deps.columns_of(model.bundle_uri, model.bundle_sha256))
    _enter(cursor, request, line, role, action, model)
    if role == "champion":
        scores.forget_without_model(cursor, line)
        challenger = live.get("challenger")
        if challenger is not None and challenger.version == model.version:
            _enter(cursor, request, line, "challenger", "vacate", None)
    return True


def _fits(cursor: Cursor, line: str, version: str, wanted: set[str]) -> None:
    missing = wanted - models.columns_of_line(cursor, line)
    if missing:
        raise RefusedData(
            f"model {version} wants columns that the claims of line {line} do not have:"
            f" {', '.join(sorted(missing))}"
        )


def _enter(
    cursor: Cursor, request: Request, line: str, role: Role, action: Action, model: Version | LiveModel | None
) -> None:
    models.add_promotion(
        cursor, request.request_id, line, role, action, model, by=request.by, why=request.why
    )
    models.set_alias(cursor, line, role, model.version if model else None)
