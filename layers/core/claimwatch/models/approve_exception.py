"""Approval of exceptions, so that a model that only the gate for bias refused may go live."""

from dataclasses import dataclass
from typing import Any, Self

from claimwatch.aws.event_fields import Fields
from claimwatch.errors import RefusedData
from claimwatch.models.request_texts import check_id, check_line, check_name, check_reason, check_version
from claimwatch.storage import model_exceptions, models
from claimwatch.storage.connection import Database
from claimwatch.storage.model_exceptions import EXCEPTED_GATES, ExceptedGate
from claimwatch.storage.models import Version


@dataclass(frozen=True)
class ExceptionRequest:
    """A request to approve an exception for a version of a line's model.

    ``by`` is the name of the person responsible, as the caller writes it. Without a ``request_id``, the
    request gets one; a request that is repeated needs the same one.
    """

    line: str
    version: str
    gate: ExceptedGate
    by: str
    why: str
    request_id: str | None = None

    @classmethod
    def parse(cls, event: object) -> Self:
        """Parse a request; raises ``MalformedEvent``."""
        fields = Fields(event, "request for an exception")
        return cls(
            fields.text("line"),
            fields.text("version"),
            fields.choice("gate", EXCEPTED_GATES),
            fields.text("by"),
            fields.text("why"),
            fields.optional_text("request_id") or None,
        )

    def to_fields(self) -> dict[str, Any]:
        """Return the fields that ``parse`` reads."""
        return vars(self)


@dataclass(frozen=True)
class Approved:
    """The result of a request; ``changed`` is False if the exception had been approved before."""

    line: str
    version: str
    gate: ExceptedGate
    bundle_sha256: str
    by: str
    changed: bool


def approve_exception(
    database: Database, request: ExceptionRequest, request_id: str, caller: str
) -> Approved:
    """Approve an exception for a refused model, once; ``caller`` is the verified identity.

    Raises ``RefusedData`` for a model that needs none, and for one that another gate refused as well.
    """
    check_id(request_id)
    check_line(request.line)
    check_version(request.version)
    check_name("by", request.by)
    check_reason(request.why)
    with database.transaction() as cursor:
        models.lock_line(cursor, request.line)
        found = model_exceptions.find(cursor, request.line, request.version, request.gate)
        changed = found is None or found.request_id == request_id
        if found is None:
            model = models.find_version(cursor, request.line, request.version)
            found = model_exceptions.add(
                cursor,
                request_id,
                request.line,
                request.version,
                request.gate,
                bundle_sha256=_excepted(model, request),
                by=request.by,
                caller=caller,
                why=request.why,
            )
    return Approved(found.line, found.version, found.gate, found.bundle_sha256, found.by, changed)


def _excepted(model: Version | None, request: ExceptionRequest) -> str:
    """Return the hash of the model if only this gate refused it."""
    line, version = request.line, request.version
    if model is None:
        raise RefusedData(f"line {line} has no model {version}: `claimwatch models {line}` lists its models")
    if model.status != "refused":
        raise RefusedData(f"model {version} of line {line} was not refused: it needs no exception")
    if model.failed_gates is None or model.bundle_sha256 is None:
        raise RefusedData(
            f"it is not recorded which gates refused model {version} of line {line}, because an earlier"
            f' version of Claimwatch trained it; train it again: `claimwatch train {line} --why "..."`'
        )
    others = [gate for gate in model.failed_gates if gate != request.gate]
    if others or request.gate not in model.failed_gates:
        raise RefusedData(
            f"model {version} of line {line} was refused by {', '.join(others)}, to which there is no"
            f" exception: {model.refused_because}"
        )
    return model.bundle_sha256
