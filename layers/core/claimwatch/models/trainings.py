"""Trainings: started on request, one per line at a time, each on an EC2 instance that is then terminated."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, Self

from claimwatch.aws.alerts import Alerts
from claimwatch.aws.event_fields import Fields
from claimwatch.aws.training_instances import InstanceUnavailable, TrainingInstance, TrainingInstances
from claimwatch.domain.contract.contract import Contract, Role
from claimwatch.errors import RefusedData
from claimwatch.models.notifications import notify_end
from claimwatch.models.request_texts import REASON_LIMIT, check_id, check_line, check_name, check_reason
from claimwatch.storage import contracts, models
from claimwatch.storage.connection import Database
from claimwatch.storage.models import Training

STARTING_TIME = timedelta(minutes=10)
"""How long a training may have no instance: a function starts one within a minute, or has died."""

EVENT_BUS = "event bus"
"""The caller of a training that an event or the schedule starts: no person is known."""

type End = Literal["registered", "refused", "failed"]


@dataclass(frozen=True)
class TrainingRequest:
    """A request for a training, from a call, the schedule, or an event such as ``RetrainingAdvised``.

    Without a ``training_id`` the caller gives it one; a request that is repeated needs the same one. With
    ``as_of`` it is a back-test: a training with the claims and outcomes known at the end of that day (UTC).
    ``trust`` names columns to keep although they look like a leak.
    """

    line: str
    why: str
    asked_by: str = "an event"
    training_id: str | None = None
    as_of: date | None = None
    trust: tuple[str, ...] = ()

    @classmethod
    def parse(cls, event: object) -> Self:
        """Parse a request; other fields are ignored. Raises ``MalformedEvent``."""
        fields = Fields(event, "training request")
        return cls(
            fields.text("line"),
            fields.text("why"),
            fields.optional_text("asked_by") or cls.asked_by,
            fields.optional_text("training_id") or None,
            fields.optional_day("as_of"),
            fields.texts("trust"),
        )

    def to_fields(self) -> dict[str, Any]:
        """Return the fields that ``parse`` reads."""
        return vars(self) | {"as_of": self.as_of and self.as_of.isoformat(), "trust": list(self.trust)}


@dataclass(frozen=True)
class Dependencies:
    """Dependencies of starting and watching trainings; ``longest`` is the longest time one may take."""

    database: Database
    instances: TrainingInstances
    alerts: Alerts
    longest: timedelta


def start_training(deps: Dependencies, training_id: str, request: TrainingRequest, caller: str) -> Training:
    """Start the requested training of a model; the same id starts only one.

    ``caller`` is the verified identity, ``request.asked_by`` the name that the caller wrote.

    Raises ``RefusedData`` while another training of the line runs, for a line without a contract, for a day
    that is not over, and for a trusted column that is not a feature. If EC2 has no instance to offer, the
    training is returned as failed.
    """
    line = request.line
    check_id(training_id)
    check_line(line)
    check_name("asked_by", request.asked_by)
    check_reason(request.why)
    with deps.database.transaction() as cursor:
        other = models.running_training(cursor, line)
    if other is not None and other.training_id != training_id:
        _end_if_dead(deps, other)
    with deps.database.transaction() as cursor:
        models.lock_line(cursor, line)
        training = models.find_training(cursor, training_id)
        if training is None:
            running = contracts.find_running(cursor, line)
            if running is None:
                raise RefusedData(
                    f"line {line} has no contract, so there are no claims to train on; apply one first:"
                    f" `claimwatch contract put {line} FILE`"
                )
            _check_day(request.as_of, datetime.now(UTC))
            _check_trusted(running.contract, request.trust)
            training = models.begin_training(
                cursor,
                training_id,
                line,
                why=request.why,
                asked_by=request.asked_by,
                caller=caller,
                seconds=deps.longest.total_seconds(),
                as_of=request.as_of,
                trusted=request.trust,
            )
    if training.status != "starting":
        return training
    try:
        instance_id = deps.instances.start(training_id)
    except InstanceUnavailable as refusal:
        end_training(deps.database, deps.alerts, training_id, "failed", str(refusal))
    else:
        with deps.database.transaction() as cursor:
            models.set_running(cursor, training_id, instance_id)
    return _get(deps.database, training_id)


def _check_day(as_of: date | None, now: datetime) -> None:
    if as_of is not None and as_of >= now.date():
        raise RefusedData(
            f"a back-test needs a day that is over: 'as_of' must be before {now.date()} (UTC), or left out to"
            " train on all that is known"
        )


def _check_trusted(contract: Contract, trust: Sequence[str]) -> None:
    """Refuse a trusted column that is not a feature: its name may be misspelt. The sentence quotes none."""
    features = [column.name for column in contract.columns if column.role is Role.FEATURE]
    unknown = sum(name not in features for name in trust)
    if unknown:
        raise RefusedData(
            f"{unknown} of the columns to trust {'is' if unknown == 1 else 'are'} not a feature of line"
            f" {contract.line}; its contract has the features {', '.join(features)}"
        )


def _end_if_dead(deps: Dependencies, training: Training) -> None:
    """End a training that is overdue, or whose function died before it had an instance."""
    now = datetime.now(UTC)
    if training.instance_id is None or now > training.deadline:
        why = _why_over(training, None, now)
        if why is not None:
            end_training(deps.database, deps.alerts, training.training_id, "failed", why)


def end_training(
    database: Database, alerts: Alerts, training_id: str, end: End, error: str | None = None
) -> None:
    """Record how a training ended, once, and send an alert."""
    with database.transaction() as cursor:
        models.end_training(cursor, training_id, end, error and error[:REASON_LIMIT])
    notify_end(database, alerts, _get(database, training_id))


def watch_instances(deps: Dependencies) -> list[str]:
    """Watch the trainings while EC2 shows an instance of one: an ended instance is shown for an hour.

    Otherwise the database is not queried: a query every few minutes would keep it from pausing.
    """
    return watch_trainings(deps) if deps.instances.all() else []


def watch_trainings(deps: Dependencies, now: datetime | None = None) -> list[str]:
    """End overdue trainings, record vanished ones, send missed alerts; return the ids of these trainings."""
    moment = now or datetime.now(UTC)
    touched = []
    with deps.database.transaction() as cursor:
        watched = models.trainings_to_watch(cursor)
    instances = {instance.training_id: instance for instance in deps.instances.all()}
    for training in watched:
        if training.ended_at is not None:
            notify_end(deps.database, deps.alerts, training)
            touched.append(training.training_id)
        elif (why := _why_over(training, instances.get(training.training_id), moment)) is not None:
            end_training(deps.database, deps.alerts, training.training_id, "failed", why)
            touched.append(training.training_id)
    _end_instances(deps, list(instances.values()))
    return touched


def _why_over(training: Training, instance: TrainingInstance | None, now: datetime) -> str | None:
    """Return why a training without a recorded end is over; None if it is not over."""
    if now > training.deadline:
        hours = (training.deadline - training.asked_at).total_seconds() / 3600
        return f"it took longer than {hours:g} hours, so it was ended"
    if instance is None:
        late = now - training.asked_at > STARTING_TIME
        return "no instance was found for it" if late else None
    if instance.ended:
        return f"its instance ended before the training did: {instance.reason}"
    return None


def _end_instances(deps: Dependencies, instances: list[TrainingInstance]) -> None:
    """Terminate every instance whose training has ended or is unknown."""
    for instance in instances:
        if instance.ended:
            continue
        with deps.database.transaction() as cursor:
            training = models.find_training(cursor, instance.training_id)
        if training is None or training.ended_at is not None:
            deps.instances.end(instance.instance_id)


def _get(database: Database, training_id: str) -> Training:
    with database.transaction() as cursor:
        training = models.find_training(cursor, training_id)
    if training is None:
        raise LookupError(f"training {training_id} does not exist")
    return training
