"""What the history records of a promotion besides who, when and why, and the sentences about it."""

from collections.abc import Mapping
from typing import Any

from psycopg2.extensions import cursor as Cursor  # noqa: N812 - it is a class

from claimwatch.domain.contract.contract import Contract
from claimwatch.domain.contract.protection import described, no_longer_protected
from claimwatch.errors import RefusedContract
from claimwatch.storage import contracts, models
from claimwatch.storage.models import LiveModel, Promotion, Role


def compared_with_live(
    cursor: Cursor, line: str, version: str, live: Mapping[Role, LiveModel]
) -> dict[str, Any]:
    """Return what the history records of a model in comparison with the champion.

    A line without a champion has its challenger compared.
    """
    present = live.get("champion") or live.get("challenger")
    before = models.find_version(cursor, line, present.version) if present else None
    after = models.find_version(cursor, line, version)
    if before is None or after is None or before.version == after.version:
        return {}
    equal = before.served_sha256 is not None and before.served_sha256 == after.served_sha256
    compared: dict[str, Any] = {"equal_to": before.version if equal else None}
    if before.contract_version == after.contract_version:
        return compared
    old, new = (_contract(cursor, line, model.contract_version) for model in (before, after))
    if old is not None and new is not None:
        return compared | {"no_longer_protected": no_longer_protected(old, new)}
    versions = ((before.contract_version, old), (after.contract_version, new))
    return compared | {"unread_contracts": [version for version, read in versions if read is None]}


def remarks_of(entry: Promotion) -> list[str]:
    """Return what a person should know of an entry of the history, in sentences."""
    remarks = []
    if entry.as_of is not None:
        remarks.append(f"It is from a back-test: it knows nothing after {entry.as_of}.")
    if entry.trusted:
        remarks.append(f"Promoted in spite of warnings about: {', '.join(entry.trusted)}.")
    if excepted := entry.excepted:
        remarks.append(
            f"The gate for {excepted['gate']} refused it; {excepted['by']} ({excepted['caller']}) approved an"
            f" exception: {excepted['why']}"
        )
    if entry.no_longer_protected:
        remarks.append(
            "Protected under the contract of the model that was live at that moment, and not under the"
            f" contract of this one: {described(entry.no_longer_protected)}."
            " No gate has compared their groups."
        )
    if entry.unread_contracts:
        remarks.append(
            "Whether it ignores columns that the model which was live at that moment protects is not known:"
            f" contract {' and '.join(entry.unread_contracts)} cannot be read by this version of Claimwatch."
            " Compare the protected columns of the two contracts by hand."
        )
    if entry.equal_to is not None:
        remarks.append(
            f"It is equal to model {entry.equal_to}, which was live at that moment: every claim gets the same"
            " score, reasons and referral."
        )
    return remarks


def _contract(cursor: Cursor, line: str, version: str) -> Contract | None:
    """Return a version of the line's contract; None if this version of the code cannot read it."""
    try:
        return contracts.applied(cursor, "claims", line, version)
    except (LookupError, RefusedContract):
        return None
