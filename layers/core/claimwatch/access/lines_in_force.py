"""What each line uses now: its contract and its champion, as parameters of Systems Manager name them.

Whoever answers a request asks here instead of the database, which may be asleep.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from claimwatch.aws.objects import ObjectMissing
from claimwatch.aws.published import Pointer
from claimwatch.domain.contract.compiled import from_json
from claimwatch.domain.contract.contract import LINE_NAME, Contract
from claimwatch.errors import ClaimwatchError, TransientFault

FRESH_SECONDS = 30.0
"""Seconds for which an answer of Parameter Store is used: a promotion is seen after at most so many."""

_REMEMBERED = 100
"""Lines, and contracts, kept in memory."""


class ContractMismatch(ClaimwatchError):
    """A contract whose bytes differ from those that were applied; it is not used."""


@dataclass(frozen=True)
class InForce:
    """What a line uses: its contract, its champion if it has one, and the key of draws and digests.

    Champion and key are only there for functions that score.
    """

    contract: Pointer
    champion: Pointer | None
    key: bytes = field(repr=False)


class LinesInForce:
    """What the lines of a stack use now.

    ``read`` returns the values of those of the named parameters that exist, and ``now`` the time in seconds.
    The time must also pass while the process is frozen, as that of the system does. Without ``models``, only
    contracts are read: for functions that may read nothing else.
    """

    def __init__(
        self,
        read: Callable[[Sequence[str]], Mapping[str, str]],
        prefix: str,
        now: Callable[[], float],
        *,
        models: bool = True,
    ) -> None:
        self._read = read
        self._prefix = prefix
        self._now = now
        self._models = models
        self._known: OrderedDict[str, tuple[float, InForce | None]] = OrderedDict()

    def get(self, line: str) -> InForce | None:
        """Return what a line uses, at most ``FRESH_SECONDS`` old; None if there is no such line.

        Raises ``UnusablePointer`` and ``TransientFault``; what was known before is then not used any more.
        """
        if not LINE_NAME.fullmatch(line):
            return None
        at, found = self._known.pop(line, (0.0, None))
        if not 0 <= self._now() - at < FRESH_SECONDS:
            at = self._now()
            found = self._in_force(line)
        self._known[line] = (at, found)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return found

    def _in_force(self, line: str) -> InForce | None:
        contract, champion, key = (
            f"{self._prefix}/{name}" for name in (f"contracts/{line}", f"live/{line}", "draw-key")
        )
        values = self._read([contract, champion, key] if self._models else [contract])
        applied = Pointer.parse(values[contract], line) if contract in values else None
        if applied is None:
            return None
        if not self._models:
            return InForce(applied, None, b"")
        if key not in values:
            raise TransientFault(f"parameter {key} does not exist: the deployment creates it")
        live = Pointer.parse(values[champion], line) if champion in values else None
        return InForce(applied, live, bytes.fromhex(values[key]))


class Contracts:
    """Contracts by the hash of their compiled form, verified on first use.

    ``read`` returns the newest version of a key in a bucket.
    """

    def __init__(self, read: Callable[[str, str], bytes]) -> None:
        self._read = read
        self._known: OrderedDict[str, Contract] = OrderedDict()

    def get(self, pointer: Pointer) -> Contract:
        """Return the contract; raises ``ContractMismatch`` if it is missing or has other bytes."""
        contract = self._known.pop(pointer.sha256, None) or self._verified(pointer)
        self._known[pointer.sha256] = contract
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return contract

    def _verified(self, pointer: Pointer) -> Contract:
        bucket, _, key = pointer.uri.removeprefix("s3://").partition("/")
        try:
            content = self._read(bucket, key)
        except ObjectMissing:
            raise ContractMismatch(f"the contract of line {pointer.line} does not exist") from None
        if hashlib.sha256(content).hexdigest() != pointer.sha256:
            raise ContractMismatch(f"the contract of line {pointer.line} does not have its hash")
        try:
            return from_json(content)
        except ValueError:
            raise ContractMismatch(f"the contract of line {pointer.line} was written by other code") from None
