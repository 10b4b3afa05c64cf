"""Status of a contract in ODCS: which contracts may come into force."""

import difflib

from claimwatch.domain.contract.contract import Contract

IN_FORCE = ("active", "deprecated")
"""Statuses of contracts that may be applied. A deprecated one is in use until its successor replaces it."""

_REFUSED = {
    "draft": "nobody has confirmed this contract: review its 'check:' lines",
    "proposed": "it is proposed and not agreed yet: once it is agreed",
    "retired": "a retired contract is no longer used: to use it again",
}


def status_problem(contract: Contract) -> str | None:
    """Return why a contract that is submitted must not come into force, or None if it may.

    Contracts that are in force already keep their status, whatever it is.
    """
    status = contract.status.strip().casefold()
    if not status or status in IN_FORCE:
        return None
    if why := _REFUSED.get(status):
        return f"status is '{status}': {why}, write 'status: active' and submit it again"
    close = difflib.get_close_matches(status, IN_FORCE, 1)
    known = f"write 'status: {close[0] if close else 'active'}' if the contract may be applied"
    return (
        f"status '{contract.status[:40]}' is not one of ODCS ({', '.join((*_REFUSED, *IN_FORCE))}): {known}"
    )
