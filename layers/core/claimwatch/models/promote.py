"""Promotion and rollback of models: who, when, why, and which bytes, in an append-only history."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Self

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.aws.event_fields import Fields
from claimwatch.aws.executions import Backfill
from claimwatch.aws.published import PointerStore
from claimwatch.errors import RefusedData
from claimwatch.models.live_pointers import publish_champion
from claimwatch.models.promotion_checks import check_accepted, check_columns, check_day, check_trust
from claimwatch.models.promotion_record import compared_with_live, remarks_of
from claimwatch.models.request_texts import check_id, check_line, check_name, check_reason, check_version
from claimwatch.storage import models, scores
from claimwatch.storage.connection import Database
from claimwatch.storage.models import Action, LiveModel, Promotion, Role, Version


@dataclass(frozen=True)
class ModelChange:
    """A request to promote a version of a line's model, or without a version to roll the champion back.

    ``by`` is the name of the person responsible, as the caller writes it. Without a ``request_id``, the
    request gets one; a request that is repeated needs the same one. ``as_of`` repeats the day of a back-test
    whose model is promoted. ``trust`` names the columns with a warning that the person trusts.
    """

    line: str
    by: str
    why: str
    version: str | None = None
    role: Role = "champion"
    request_id: str | None = None
    as_of: date | None = None
    trust: tuple[str, ...] = ()

    @classmethod
    def parse(cls, event: object) -> Self:
        """Parse a request; raises ``MalformedEvent``."""
        fields = Fields(event, "promotion request")
        version = fields.optional_text("version")
        return cls(
            fields.text("line"),
            fields.text("by"),
            fields.text("why"),
            version,
            cls.role if version is None else fields.choice("role", models.ROLES),
            fields.optional_text("request_id") or None,
            fields.optional_day("as_of"),
            fields.texts("trust"),
        )

    def to_fields(self) -> dict[str, Any]:
        """Return the fields that ``parse`` reads."""
        return vars(self) | {"as_of": self.as_of and self.as_of.isoformat(), "trust": list(self.trust)}


@dataclass(frozen=True)
class Dependencies:
    """Dependencies of ``promote`` and ``rollback``.

    ``columns_of`` reads the bundle at a URI, verifies its hash, and returns the columns that its model
    needs; it raises ``ClaimwatchError`` for a bundle that cannot be used. ``pointers`` say which model is the
    champion of each line.
    """

    database: Database
    columns_of: Callable[[str, str], set[str]]
    backfill: Backfill
    pointers: PointerStore


@dataclass(frozen=True)
class Promoted:
    """The result of a request; ``changed`` is False if the model was already live in that role.

    ``remarks`` are sentences about what a person should know of this promotion.
    """

    line: str
    version: str
    role: Role
    action: Action
    changed: bool
    unscored_files: int
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Request:
    """Who changes what is live, why, and the id that identifies a repeated request.

    ``caller`` is the verified identity, ``by`` the name that the caller wrote. ``as_of`` names the day of a
    back-test whose model is promoted, ``trust`` the columns with a warning that the person trusts.
    """

    request_id: str
    by: str
    why: str
    caller: str
    as_of: date | None = None
    trust: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_id(self.request_id)
        check_name("by", self.by)
        check_reason(self.why)


def promote(deps: Dependencies, request: Request, line: str, version: str, role: Role) -> Promoted:
    """Make a registered model live in a role; the same request has its effect only once.

    Then publish the champion, and start scoring the claims that no champion has scored. Raises
    ``RefusedData`` for a model that may not go live, and ``TransientFault`` for a champion that is live but
    could not be published: the same request, repeated, publishes it.
    """
    check_line(line)
    check_version(version)

    def chosen(cursor: Cursor) -> Version:
        model = models.find_version(cursor, line, version)
        if model is None:
            raise RefusedData(
                f"line {line} has no model {version}: `claimwatch models {line}` lists its models"
            )
        if not _is_live(models.live_models(cursor, line), role, model):
            check_accepted(cursor, model, request.caller)
            check_day(model, role, request.as_of)
            check_trust(model, role, request.trust)
        return model

    return _change(deps, request, line, role, "promote", chosen)


def rollback(deps: Dependencies, request: Request, line: str, *, instead_of: str | None = None) -> Promoted:
    """Make the previous champion the champion again.

    Each rollback goes one step further back in the history, never forward. With ``instead_of``, it is refused
    unless that version is the champion.
    """
    check_line(line)

    def previous(cursor: Cursor) -> LiveModel:
        champion = models.live_models(cursor, line).get("champion")
        if instead_of is not None and (champion is None or champion.version != instead_of):
            raise RefusedData(f"model {instead_of} is not the champion of line {line} any more")
        champions = succession(models.promotions_of_role(cursor, line, "champion"))
        if len(champions) < 2:
            raise RefusedData(f"line {line} has no previous champion: promote another model")
        return champions[-2]

    return _change(deps, request, line, "champion", "rollback", previous)


def succession(history: list[Promotion]) -> list[LiveModel]:
    """Return the models that rollbacks of a role would pass through, the present one last."""
    stack: list[LiveModel] = []
    for entry in history:
        if entry.action == "rollback":
            del stack[-1:]
        elif entry.version and entry.bundle_uri and entry.bundle_sha256:
            stack.append(LiveModel(entry.role, entry.version, entry.bundle_uri, entry.bundle_sha256))
    return stack


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
        entry = models.find_promotion(cursor, request.request_id)
        version = models.find_request_without_change(cursor, request.request_id)
        if entry is None and version is None:
            model = choose(cursor)
            entry = _make_live(deps, cursor, request, line, role, action, model)
            version = model.version
            if entry is None:
                models.add_request_without_change(cursor, request.request_id, version)
    unscored = 0
    if role == "champion":
        publish_champion(deps.database, deps.pointers, line)
        unscored = _score_unscored(deps, request, line)
    if entry is None:
        return Promoted(line, version or "", role, action, changed=False, unscored_files=unscored)
    return Promoted(line, entry.version or "", role, action, True, unscored, tuple(remarks_of(entry)))


def _score_unscored(deps: Dependencies, request: Request, line: str) -> int:
    """Start scoring the claims that no champion has scored; return the number of their files.

    They are counted after the promotion is committed: a file committed before that found no champion and is
    counted, a file committed later finds this one. The same request starts scoring only once.
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
) -> Promotion | None:
    """Add the entry that makes a model live; return None if the model is live in that role already."""
    live = models.live_models(cursor, line)
    if _is_live(live, role, model):
        return None
    if role == "challenger" and "champion" in live and live["champion"].version == model.version:
        raise RefusedData(f"model {model.version} is the champion: it cannot challenge itself")
    assert model.bundle_uri is not None  # a constraint: a registered model has both
    assert model.bundle_sha256 is not None
    check_columns(cursor, line, model.version, deps.columns_of(model.bundle_uri, model.bundle_sha256))
    entry = _add(
        cursor, request, line, role, action, model, **compared_with_live(cursor, line, model.version, live)
    )
    if role == "champion":
        scores.delete_line_without_model(cursor, line)
        challenger = live.get("challenger")
        if challenger is not None and challenger.version == model.version:
            _add(cursor, request, line, "challenger", "vacate", None)
    return entry


def _is_live(live: Mapping[Role, LiveModel], role: Role, model: Version | LiveModel) -> bool:
    present = live.get(role)
    return present is not None and (present.version, present.bundle_sha256) == (
        model.version,
        model.bundle_sha256,
    )


def _add(
    cursor: Cursor,
    request: Request,
    line: str,
    role: Role,
    action: Action,
    model: Version | LiveModel | None,
    **compared: Any,
) -> Promotion:
    said: dict[str, Any] = {}
    if action == "promote":
        said = {"as_of": request.as_of, "trusted": request.trust}
    entry = models.add_promotion(
        cursor,
        request.request_id,
        line,
        role,
        action,
        model,
        by=request.by,
        why=request.why,
        caller=request.caller,
        **said,
        **compared,
    )
    models.set_alias(cursor, line, role, model.version if model else None)
    return entry
