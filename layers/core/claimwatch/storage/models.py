"""Models: the trainings that made them, their versions, and which of them was live when."""

import json
from dataclasses import dataclass
from datetime import datetime
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
    """A training that was asked for. ``version`` is what its model will be called."""

    training_id: str
    line: str
    version: str
    why: str
    asked_by: str
    status: str
    instance_id: str | None
    asked_at: datetime
    deadline: datetime
    ended_at: datetime | None
    error: str | None
    notified: bool


@dataclass(frozen=True)
class NewVersion:
    """A model as its training registers it; ``refused_because`` says why it may not go live.

    ``bundle_sha256`` is that of the manifest in the folder ``bundle_uri``.
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


@dataclass(frozen=True)
class Version:
    """A model that is registered, or refused."""

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


@dataclass(frozen=True)
class LiveModel:
    """The model that is live in a role, and the hash that was pinned when it was promoted."""

    role: Role
    version: str
    bundle_uri: str
    bundle_sha256: str


@dataclass(frozen=True)
class Promotion:
    """One entry of the history; without a version the role is empty from then on."""

    promotion_id: int
    line: str
    version: str | None
    role: Role
    action: Action
    at: datetime
    by: str
    why: str
    bundle_uri: str | None
    bundle_sha256: str | None


# -- Trainings -----------------------------------------------------------------------------------------------


def begin_training(
    cursor: Cursor, training_id: str, line: str, *, why: str, asked_by: str, seconds: float
) -> Training:
    """Enter a training that may take so many seconds; ``RefusedData`` while another of the line runs."""
    try:
        cursor.execute(
            _SQL["begin_training"],
            {"training_id": training_id, "line": line, "why": why, "asked_by": asked_by, "seconds": seconds},
        )
    except pg.UniqueViolation as error:
        raise RefusedData(
            f"a model of line {line} is being trained already; wait for its end: `claimwatch models {line}`"
        ) from error
    return Training(*_row(cursor))


def find_training(cursor: Cursor, training_id: str) -> Training | None:
    """The training of that id."""
    cursor.execute(_SQL["find_training"], {"training_id": training_id})
    row = cursor.fetchone()
    return Training(*row) if row else None


def running_training(cursor: Cursor, line: str) -> Training | None:
    """The line's training that has not ended."""
    cursor.execute(_SQL["running_training"], {"line": line})
    row = cursor.fetchone()
    return Training(*row) if row else None


def trainings_to_watch(cursor: Cursor) -> list[Training]:
    """Trainings that have not ended, and those of whose end nobody has heard."""
    cursor.execute(_SQL["trainings_to_watch"])
    return [Training(*row) for row in cursor.fetchall()]


def set_running(cursor: Cursor, training_id: str, instance_id: str) -> None:
    """The training's instance is there."""
    cursor.execute(_SQL["set_running"], {"training_id": training_id, "instance_id": instance_id})


def end_training(
    cursor: Cursor, training_id: str, status: Literal["registered", "refused", "failed"], error: str | None
) -> bool:
    """The training has come to this end; False if it had ended before, and then nothing is changed."""
    cursor.execute(_SQL["end_training"], {"training_id": training_id, "status": status, "error": error})
    return bool(cursor.rowcount)


def set_training_told(cursor: Cursor, training_id: str) -> bool:
    """People are told how the training ended; False if they were told before. Who comes second waits."""
    cursor.execute(_SQL["set_training_told"], {"training_id": training_id})
    return bool(cursor.rowcount)


def seconds_left(cursor: Cursor, training_id: str) -> float:
    """Seconds until the watchdog ends the training; negative when it is overdue."""
    cursor.execute(_SQL["seconds_left"], {"training_id": training_id})
    return float(_row(cursor)[0])


# -- Versions ------------------------------------------------------------------------------------------------


def add_version(cursor: Cursor, new: NewVersion) -> Version:
    """Register a model, once: what is registered under this version already stays, and is returned."""
    cursor.execute(
        _SQL["add_version"],
        vars(new)
        | {"metrics": json.dumps(new.metrics), "status": "refused" if new.refused_because else "registered"},
    )
    found = find_version(cursor, new.line, new.version)
    assert found is not None
    return found


def find_version(cursor: Cursor, line: str, version: str) -> Version | None:
    """The model of that version."""
    cursor.execute(_SQL["find_version"], {"line": line, "version": version})
    row = cursor.fetchone()
    return Version(*row) if row else None


def list_versions(cursor: Cursor, line: str) -> list[dict[str, Any]]:
    """The line's models, newest first, each with the role in which it is live; one in both is there twice."""
    cursor.execute(_SQL["list_versions"], {"line": line})
    names = [column.name for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


# -- Promotions ----------------------------------------------------------------------------------------------


def lock_line(cursor: Cursor, line: str) -> None:
    """Wait until nobody else changes what is live in the line, and keep others waiting."""
    cursor.execute(_SQL["lock_line"], {"line": line})


def live_models(cursor: Cursor, line: str) -> dict[Role, LiveModel]:
    """What is live in the line, by role."""
    cursor.execute(_SQL["live_models"], {"line": line})
    return {row[0]: LiveModel(*row) for row in cursor.fetchall()}


def find_promotion(cursor: Cursor, request_id: str) -> Promotion | None:
    """What a request led to."""
    cursor.execute(_SQL["find_promotion"], {"request_id": request_id})
    row = cursor.fetchone()
    return Promotion(*row) if row else None


def find_request_without_change(cursor: Cursor, request_id: str) -> str | None:
    """The version that a request found live already."""
    cursor.execute(_SQL["find_request_without_change"], {"request_id": request_id})
    row = cursor.fetchone()
    return str(row[0]) if row else None


def add_request_without_change(cursor: Cursor, request_id: str, version: str) -> None:
    """Remember that a request found this version live already."""
    cursor.execute(_SQL["add_request_without_change"], {"request_id": request_id, "version": version})


def promotions_of_role(cursor: Cursor, line: str, role: Role) -> list[Promotion]:
    """The role's history, oldest first."""
    cursor.execute(_SQL["promotions_of_role"], {"line": line, "role": role})
    return [Promotion(*row) for row in cursor.fetchall()]


def history(cursor: Cursor, line: str, until: datetime | None = None) -> list[Promotion]:
    """The line's promotions, newest first; with a time, those until then."""
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
) -> Promotion:
    """Add to the history; the hash that the model has now is the one that counts from now on."""
    cursor.execute(
        _SQL["add_promotion"],
        {
            "request_id": request_id,
            "line": line,
            "version": model and model.version,
            "role": role,
            "action": action,
            "by": by,
            "why": why,
            "bundle_uri": model and model.bundle_uri,
            "bundle_sha256": model and model.bundle_sha256,
        },
    )
    return Promotion(*_row(cursor))


def columns_of_line(cursor: Cursor, line: str) -> set[str]:
    """The columns that the table of the line's claims has."""
    cursor.execute(_SQL["columns_of_line"], {"table": f"claim_{line}"})
    return {name for (name,) in cursor.fetchall()}


def set_alias(cursor: Cursor, line: str, role: Role, version: str | None) -> None:
    """Have MLflow's alias follow, where its registry is in this database; None takes the alias away.

    The registry names its models by their lines.
    """
    cursor.execute(_SQL["registry_is_there"])
    if _row(cursor) != (True,):
        return
    alias = {"line": line, "role": role}
    cursor.execute(_SQL["drop_alias"], alias)
    if version is not None:
        cursor.execute(_SQL["set_alias"], alias | {"version": version})


def _row(cursor: Cursor) -> tuple[Any, ...]:
    row = cursor.fetchone()
    if row is None:
        raise LookupError("PostgreSQL returned no row where there is always one")
    return row
