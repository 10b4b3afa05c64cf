"""Trainings: started on purpose, one of a line at a time, on a machine that is gone afterwards."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from claimwatch.aws.alerts import Alerts
from claimwatch.aws.training_instances import InstanceUnavailable, TrainingInstance, TrainingInstances
from claimwatch.errors import RefusedData
from claimwatch.models.notifications import notify_end
from claimwatch.storage import contracts, models
from claimwatch.storage.connection import Database
from claimwatch.storage.models import Training

STARTING_TIME = timedelta(minutes=10)
"""How long a training may be without a machine: a function starts it within a minute, or died trying."""

REASON_LIMIT = 2000
"""Characters of a reason."""

type End = Literal["registered", "refused", "failed"]


@dataclass(frozen=True)
class Dependencies:
    """What trainings are started and watched with; none may take longer than ``longest``."""

    database: Database
    machines: TrainingInstances
    alerts: Alerts
    longest: timedelta


def start_training(deps: Dependencies, training_id: str, line: str, *, why: str, asked_by: str) -> Training:
    """Start a training of a line's model; the same id starts it once.

    Raises ``RefusedData`` while another one of the line runs, and for a line without a contract. Where EC2
    has no machine the training is returned as failed.
    """
    if not why.strip() or len(why) > REASON_LIMIT or "\0" in why:
        raise RefusedData(f"say why, in at most {REASON_LIMIT:,} characters: it is kept beside the model")
    with deps.database.transaction() as cursor:
        other = models.running_training(cursor, line)
    if other is not None and other.training_id != training_id:
        _end_if_dead(deps, other)
    with deps.database.transaction() as cursor:
        models.lock_line(cursor, line)
        training = models.find_training(cursor, training_id)
        if training is None:
            if contracts.find_running(cursor, line) is None:
                raise RefusedData(f"line {line} has no contract, so there are no claims to learn from")
            training = models.begin_training(
                cursor, training_id, line, why=why, asked_by=asked_by, seconds=deps.longest.total_seconds()
            )
    if training.status != "starting":
        return training
    try:
        instance_id = deps.machines.start(training_id)
    except InstanceUnavailable as refusal:
        end_training(deps.database, deps.alerts, training_id, "failed", str(refusal))
    else:
        with deps.database.transaction() as cursor:
            models.set_running(cursor, training_id, instance_id)
    return _found(deps.database, training_id)


def _end_if_dead(deps: Dependencies, training: Training) -> None:
    """End a training that is overdue, or that died before it had a machine."""
    now = datetime.now(UTC)
    if training.instance_id is None or now > training.deadline:
        why = _end_of(training, None, now)
        if why is not None:
            end_training(deps.database, deps.alerts, training.training_id, "failed", why)


def end_training(
    database: Database, alerts: Alerts, training_id: str, end: End, error: str | None = None
) -> None:
    """Write down how a training ended, once, and tell people."""
    with database.transaction() as cursor:
        models.end_training(cursor, training_id, end, error and error[:REASON_LIMIT])
    notify_end(database, alerts, _found(database, training_id))


def watch_machines(deps: Dependencies) -> list[str]:
    """Watch the trainings as long as EC2 shows a machine of them, ended ones for an hour after.

    Else the database is left alone: asked every few minutes, it would never pause.
    """
    return watch_trainings(deps) if deps.machines.all() else []


def watch_trainings(deps: Dependencies, now: datetime | None = None) -> list[str]:
    """End what is overdue, write down what vanished, tell what nobody has heard of; the trainings touched."""
    moment = now or datetime.now(UTC)
    touched = []
    with deps.database.transaction() as cursor:
        watched = models.trainings_to_watch(cursor)
    machines = {machine.training_id: machine for machine in deps.machines.all()}
    for training in watched:
        if training.ended_at is not None:
            notify_end(deps.database, deps.alerts, training)
            touched.append(training.training_id)
        elif (why := _end_of(training, machines.get(training.training_id), moment)) is not None:
            end_training(deps.database, deps.alerts, training.training_id, "failed", why)
            touched.append(training.training_id)
    _end_machines(deps, list(machines.values()))
    return touched


def _end_of(training: Training, machine: TrainingInstance | None, now: datetime) -> str | None:
    """Why a training that has not ended is over; None if it is not."""
    if now > training.deadline:
        hours = (training.deadline - training.asked_at).total_seconds() / 3600
        return f"it took longer than {hours:g} hours, so it was ended"
    if machine is None:
        late = now - training.asked_at > STARTING_TIME
        return "no instance was found that trains it" if late else None
    if machine.ended:
        return f"its instance ended before the training had: {machine.reason}"
    return None


def _end_machines(deps: Dependencies, machines: list[TrainingInstance]) -> None:
    """End every machine whose training has ended, or that trains nothing we know of."""
    for machine in machines:
        if machine.ended:
            continue
        with deps.database.transaction() as cursor:
            training = models.find_training(cursor, machine.training_id)
        if training is None or training.ended_at is not None:
            deps.machines.end(machine.instance_id)


def _found(database: Database, training_id: str) -> Training:
    with database.transaction() as cursor:
        training = models.find_training(cursor, training_id)
    if training is None:
        raise LookupError(f"there is no training {training_id}")
    return training
