"""What a person has to say before a model goes live: the day of a back-test, trust, an approved exception."""

import shlex
from collections.abc import Sequence
from datetime import date

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.domain.model.warnings import TO_BE_KNOWN, columns_to_answer_for
from claimwatch.errors import RefusedData
from claimwatch.models.callers import same_person
from claimwatch.storage import model_exceptions, models
from claimwatch.storage.model_exceptions import EXCEPTED_GATES
from claimwatch.storage.models import Role, Version


def check_accepted(cursor: Cursor, model: Version, caller: str) -> None:
    """Refuse a refused model, unless somebody else has approved an exception for it."""
    if model.status != "refused":
        return
    refusal = f"model {model.version} of line {model.line} was refused: {model.refused_because}"
    if model.failed_gates is None or not set(model.failed_gates) <= set(EXCEPTED_GATES):
        raise RefusedData(refusal)
    for gate in EXCEPTED_GATES:
        approved = model_exceptions.find(cursor, model.line, model.version, gate)
        if approved is None or approved.bundle_sha256 != model.bundle_sha256:
            raise RefusedData(
                f"{refusal}. Only the gate for {gate} refused it, so somebody else who has the permission may"
                f" approve an exception, which is stored permanently: `claimwatch approve {model.line}"
                f' {model.version} --exception {gate} --why "..."`'
            )
        if same_person(approved.caller, caller):
            raise RefusedData(
                f"the exception for model {model.version} of line {model.line} was approved by the same"
                " person: whoever approves an exception may not promote the model, so ask somebody else to"
                " promote it. Persons are told apart by the names of their users or sessions"
            )


def check_day(model: Version, role: Role, named: date | None) -> None:
    """Require the day of a back-test: its model knows less, and was not compared with the champion."""
    if named == model.as_of:
        return
    if model.as_of is None:
        raise RefusedData(f"model {model.version} is not from a back-test: leave out --as-of (as_of)")
    raise RefusedData(
        f"model {model.version} is from a back-test: it knows nothing after {model.as_of}, and was not"
        f" compared with the present champion. To train on all that is known:"
        f' `claimwatch train {model.line} --why "..."`;'
        " to promote this model nevertheless, name its day:"
        f" `{promotion_command(model.line, model.version, role, model.as_of)}`"
    )


def check_trust(model: Version, role: Role, named: Sequence[str]) -> None:
    """Require that every column to answer for is named as trusted, and no column without a warning."""
    warned = list(dict.fromkeys(warning["column"] for warning in model.warnings))
    if unknown := sum(column not in warned for column in named):
        raise RefusedData(
            f"{unknown} of the columns to trust {'has' if unknown == 1 else 'have'} no warning; model"
            f" {model.version} has {f'warnings about {", ".join(warned)}' if warned else 'no warnings'}"
        )
    needed = columns_to_answer_for(model.warnings)
    unanswered = set(needed) - set(named)
    if open_warnings := [
        warning
        for warning in model.warnings
        if warning["column"] in unanswered and warning["kind"] not in TO_BE_KNOWN
    ]:
        listed = "; ".join(f"{warning['column']}: {warning['found']}" for warning in open_warnings)
        raise RefusedData(
            f"model {model.version} has warnings that nobody has answered for. {listed}. Look"
            " into each of them; to promote the model all the same, name their columns:"
            f" `{promotion_command(model.line, model.version, role, model.as_of, needed)}`"
        )


def check_columns(cursor: Cursor, line: str, version: str, needed: set[str]) -> None:
    """Require that the claims of the line have every column that the model needs."""
    missing = needed - models.columns_of_line(cursor, line)
    if missing:
        raise RefusedData(
            f"model {version} needs columns that the claims of line {line} do not have:"
            f" {', '.join(sorted(missing))}"
        )


def promotion_command(
    line: str, version: str, role: Role, as_of: date | None = None, trust: Sequence[str] = ()
) -> str:
    """Return the command that promotes a model, with all that the person has to name."""
    day = f" --as-of {as_of}" if as_of else ""
    trusted = "".join(f" --trust {shlex.quote(column)}" for column in trust)
    return f'claimwatch promote {line} {version} --as {role}{day}{trusted} --why "..."'
