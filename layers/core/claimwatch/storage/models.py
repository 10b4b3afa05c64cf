"""Models: trainings, the versions they made, and the history of what was live."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

from psycopg2 import errors as pg
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.errors import RefusedData
from claimwatch.storage.queries import queries

type Role = Literal["champion", "challenger"]
type Action = Literal["promote", "rollback", "vacate"]

ROLES: tuple[Role, ...] = ("champion", "challenger")

_SQL = queries("models")


@dataclass(frozen=True)
class Training:
    """A requested training. ``version`` is the version that its model gets.

    ``as_of`` is the day of a back-test: the training knows the outcomes of the end of that day.
    ``trusted`` are the columns that it keeps although they look like a leak.
    """

    training_id: str
    line: str
    version: str
    why: str
    asked_by: str
    caller: str
    status: str
    instance_id: str | None
    asked_at: datetime
    deadline: datetime
    ended_at: datetime | None
    error: str | None
    notified: bool
    as_of: date | None
    trusted: list[str]


@dataclass(frozen=True)
class NewVersion:
    """A model to register; ``refused_because`` says why it may not go live.

    ``bundle_sha256`` is the hash of the manifest in the folder ``bundle_uri``, ``as_of`` the day of a
    back-test, ``failed_gates`` the gates that refused the model, ``served_sha256`` the hash of what is
    served, and ``refused_columns`` the reason for each column that looks like a leak.
    """

    line: str
    version: str
    metrics: dict[str, Any]
    data_sha256: str
    code_version: str
    contract_version: str
    bundle_uri: str | None
    bundle_sha256: str | None
    refused_because: str | None = None
    as_of: date | None = None
    warnings: Sequence[Mapping[str, str]] = ()
    failed_gates: Sequence[str] | None = None
    served_sha256: str | None = None
    refused_columns: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Version:
    """A registered or refused model."""

    line: str
    version: str
    status: Literal["registered", "refused"]
    metrics: dict[str, Any]
    data_sha256: str
    code_version: str
    contract_version: str
    bundle_uri: str | None
    bundle_sha256: str | None
    created_at: datetime
    refused_because: str | None
    as_of: date | None
    warnings: list[dict[str, str]]
    """What a person has to judge before the model goes live: each has kind, column and found."""
    failed_gates: list[str] | None
    """The gates that refused the model; None if it was trained before they were recorded."""
    served_sha256: str | None
    refused_columns: dict[str, str]
    """The columns that the training kept out of the model because they look like a leak, with reasons."""


@dataclass(frozen=True)
class LiveModel:
    """The model that is live in a role, with the hash pinned at its promotion."""

    role: Role
    version: str
    bundle_uri: str
    bundle_sha256: str


@dataclass(frozen=True)
class Promotion:
    """An entry of the history; without a version, the role is empty from then on.

    ``as_of`` is the day of a back-test and ``trusted`` the columns with a warning, which the person named who
    promoted the model. ``no_longer_protected`` maps columns to their roles now, if they have one;
    ``equal_to`` is the version of a live model that was served by the same bytes; ``unread_contracts`` are
    the contract versions that could not be read, so that protected columns were not compared; ``excepted`` is
    the approved exception of a refused model, with ``gate``, ``at``, ``by``, ``caller`` and ``why``.
    """

    promotion_id: int
    line: str
    version: str | None
    role: Role
    action: Action
    at: datetime
    by: str
    caller: str
    why: str
    bundle_uri: str | None
    bundle_sha256: str | None
    as_of: date | None
    trusted: list[str]
    no_longer_protected: dict[str, str | None]
    equal_to: str | None
    unread_contracts: list[str]
    excepted: dict[str, str] | None


# -- Trainings -----------------------------------------------------------------------------------------------


def begin_training(
    cursor: Cursor,
    training_id: str,
    line: str,
    *,
    why: str,
    asked_by: str,
    caller: str,
    seconds: float,
    as_of: date | None = None,
    trusted: Sequence[str] = (),
) -> Training:
    """Add a training with a time limit in seconds; raise ``RefusedData`` while another of the line runs."""
    try:
        cursor.execute(
            _SQL["begin_training"],
            {
                "training_id": training_id,
                "line": line,
                "why": why,
                "asked_by": asked_by,
                "caller": caller,
                "seconds": seconds,
                "as_of": as_of,
                "trusted": list(trusted),
            },
        )
    except pg.UniqueViolation as error:
        raise RefusedData(
            f"a model of line {line} is already being trained; `claimwatch models {line}` shows its progress"
        ) from error
    return Training(*_row(cursor))


def find_training(cursor: Cursor, training_id: str) -> Training | None:
    """Return the training with this id."""
    cursor.execute(_SQL["find_training"], {"training_id": training_id})
    row = cursor.fetchone()
    return Training(*row) if row else None


def running_training(cursor: Cursor, line: str) -> Training | None:
    """Return the line's training that has not ended."""
    cursor.execute(_SQL["running_training"], {"line": line})
    row = cursor.fetchone()
    return Training(*row) if row else None


def trainings_without_model(cursor: Cursor, line: str) -> list[Training]:
    """Return the line's refused and failed trainings that registered no model, newest first."""
    cursor.execute(_SQL["trainings_without_model"], {"line": line})
    return [Training(*row) for row in cursor.fetchall()]


def trainings_to_watch(cursor: Cursor) -> list[Training]:
    """Return trainings that have not ended, and ended ones without an alert."""
    cursor.execute(_SQL["trainings_to_watch"])
    return [Training(*row) for row in cursor.fetchall()]


def set_running(cursor: Cursor, training_id: str, instance_id: str) -> None:
    """Record the training's instance."""
    cursor.execute(_SQL["set_running"], {"training_id": training_id, "instance_id": instance_id})


def end_training(
    cursor: Cursor, training_id: str, status: Literal["registered", "refused", "failed"], error: str | None
) -> bool:
    """Record how the training ended; return False, and change nothing, if it had ended before."""
    cursor.execute(_SQL["end_training"], {"training_id": training_id, "status": status, "error": error})
    return bool(cursor.rowcount)


def set_training_notified(cursor: Cursor, training_id: str) -> bool:
    """Record that an alert says how the training ended; return False if one said so before.

    A concurrent caller waits for the first one's transaction.
    """
    cursor.execute(_SQL["set_training_notified"], {"training_id": training_id})
    return bool(cursor.rowcount)


def seconds_left(cursor: Cursor, training_id: str) -> float:
    """Return the seconds until the watchdog ends the training; negative when it is overdue."""
    cursor.execute(_SQL["seconds_left"], {"training_id": training_id})
    return float(_row(cursor)[0])


# -- Versions ------------------------------------------------------------------------------------------------


def add_version(cursor: Cursor, new: NewVersion) -> Version:
    """Register a model and return it; a model already registered under this version is returned unchanged."""
    cursor.execute(
        _SQL["add_version"],
        vars(new)
        | {
            "metrics": json.dumps(new.metrics),
            "status": "refused" if new.refused_because else "registered",
            "warnings": json.dumps(list(new.warnings)),
            "failed_gates": None if new.failed_gates is None else list(new.failed_gates),
            "refused_columns": json.dumps(dict(new.refused_columns)),
        },
    )
    found = find_version(cursor, new.line, new.version)
    assert found is not None
    return found


def find_version(cursor: Cursor, line: str, version: str) -> Version | None:
    """Return the model with this version."""
    cursor.execute(_SQL["find_version"], {"line": line, "version": version})
    row = cursor.fetchone()
    return Version(*row) if row else None


def warnings_of(cursor: Cursor, line: str, version: str) -> list[dict[str, str]]:
    """Return the warnings of the model with this version; none if there is no such model."""
    cursor.execute(_SQL["warnings_of"], {"line": line, "version": version})
    row = cursor.fetchone()
    return row[0] if row else []


def list_versions(cursor: Cursor, line: str) -> list[dict[str, Any]]:
    """Return the line's models, newest first, with their live roles; a model in both roles comes twice."""
    cursor.execute(_SQL["list_versions"], {"line": line})
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


# -- Promotions ----------------------------------------------------------------------------------------------


def lock_line(cursor: Cursor, line: str) -> None:
    """Wait for other changes of what is live in the line, and make later ones wait."""
    cursor.execute(_SQL["lock_line"], {"line": line})


def live_models(cursor: Cursor, line: str, day: date | None = None) -> dict[Role, LiveModel]:
    """Return the live models of the line by role; with a day, those that were live at its end (UTC)."""
    cursor.execute(_SQL["live_models" if day is None else "live_models_then"], {"line": line, "day": day})
    return {row[0]: LiveModel(*row) for row in cursor.fetchall()}


def lines_with_champion(cursor: Cursor) -> list[str]:
    """Return the lines that have a champion."""
    cursor.execute(_SQL["lines_with_champion"])
    return [line for (line,) in cursor.fetchall()]


def find_promotion(cursor: Cursor, request_id: str) -> Promotion | None:
    """Return the promotion that a request made."""
    cursor.execute(_SQL["find_promotion"], {"request_id": request_id})
    row = cursor.fetchone()
    return Promotion(*row) if row else None


def find_request_without_change(cursor: Cursor, request_id: str) -> str | None:
    """Return the version that a request found already live."""
    cursor.execute(_SQL["find_request_without_change"], {"request_id": request_id})
    row = cursor.fetchone()
    return str(row[0]) if row else None


def add_request_without_change(cursor: Cursor, request_id: str, version: str) -> None:
    """Record that a request found this version already live."""
    cursor.execute(_SQL["add_request_without_change"], {"request_id": request_id, "version": version})


def promotions_of_role(cursor: Cursor, line: str, role: Role) -> list[Promotion]:
    """Return the role's history, oldest first."""
    cursor.execute(_SQL["promotions_of_role"], {"line": line, "role": role})
    return [Promotion(*row) for row in cursor.fetchall()]


def history(cursor: Cursor, line: str, until: datetime | None = None) -> list[Promotion]:
    """Return the line's promotions, newest first; with a time, only promotions until then."""
    cursor.execute(_SQL["history"], {"line": line, "until": until})
    return [Promotion(*row) for row in cursor.fetchall()]


def add_promotion(
    cursor: Cursor,
    request_id: str,
    line: str,
    role: Role,
    action: Action,
    model: Version | LiveModel | None,
    *,
    by: str,
    why: str,
    caller: str,
    as_of: date | None = None,
    trusted: Sequence[str] = (),
    no_longer_protected: Mapping[str, str | None] | None = None,
    equal_to: str | None = None,
    unread_contracts: Sequence[str] = (),
) -> Promotion:
    """Add an entry to the history; it pins the hash that the model has now."""
    cursor.execute(
        _SQL["add_promotion"],
        {
            "request_id": request_id,
            "line": line,
            "version": model and model.version,
            "role": role,
            "action": action,
            "by": by,
            "caller": caller,
            "why": why,
            "bundle_uri": model and model.bundle_uri,
            "bundle_sha256": model and model.bundle_sha256,
            "as_of": as_of,
            "trusted": list(trusted),
            "no_longer_protected": json.dumps(dict(no_longer_protected or {})),
            "equal_to": equal_to,
            "unread_contracts": list(unread_contracts),
        },
    )
    (promotion_id,) = _row(cursor)
    cursor.execute(_SQL["promotion"], {"promotion_id": promotion_id})
    return Promotion(*_row(cursor))


def columns_of_line(cursor: Cursor, line: str) -> set[str]:
    """Return the columns of the line's table of claims."""
    cursor.execute(_SQL["columns_of_line"], {"table": f"claim_{line}"})
    return {name for (name,) in cursor.fetchall()}


def set_alias(cursor: Cursor, line: str, role: Role, version: str | None) -> None:
    """Set MLflow's alias for the role if its registry is in this database; None removes the alias.

    The registry's models are named by line.
    """
    cursor.execute(_SQL["has_registry"])
    if _row(cursor) != (True,):
        return
    alias = {"line": line, "role": role}
    cursor.execute(_SQL["drop_alias"], alias)
    if version is not None:
        cursor.execute(_SQL["set_alias"], alias | {"version": version})


def grant_registry(cursor: Cursor) -> None:
    """Grant other tasks what they need of MLflow's tables, some of which may be new."""
    cursor.execute(_SQL["grant_registry"])


def _row(cursor: Cursor) -> tuple[Any, ...]:
    row = cursor.fetchone()
    if row is None:
        raise LookupError("PostgreSQL returned no row for a query that always has one")
    return row
