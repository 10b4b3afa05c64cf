"""Protection of values of extra columns that were stored in clear before they were hashed.

Run once after the upgrade, with the role that owns the tables of the lines. It can be repeated and
interrupted at any time: what is protected already stays as it is.
"""

from dataclasses import dataclass, field
from typing import Any

from claimwatch.domain.contract.contract import Contract, ExtraValues
from claimwatch.domain.files.header import column_finder
from claimwatch.domain.validation.extra_values import ExtraHashes, is_hash, read_json
from claimwatch.errors import RefusedData
from claimwatch.storage import contracts, extra
from claimwatch.storage.connection import Database
from claimwatch.storage.extra import Replacement

AT_ONCE = 20_000
"""Rows that are changed in one transaction."""


@dataclass
class Protected:
    """The result: numbers of rows, and the files that have values of columns of the contract in extra."""

    rows: int = 0
    changed: int = 0
    drop_again: list[int] = field(default_factory=list)


def protect_extra(database: Database, key: bytes, line: str) -> Protected:
    """Bring the stored extra columns of a line's claims and outcomes into the form of their contract.

    With ``extra: plain``, only values under a key that means a column stored as a hash are replaced. Files
    that have values under a key that means a column are listed: dropped again, they fill the column.
    """
    with database.transaction() as cursor:
        running = contracts.running(cursor, "claims", line)
    if running is None:
        raise RefusedData(f"line {line} has no contract, and so no claims")
    done = Protected()
    for dataset, contract in (("claims", running), ("outcomes", contracts.outcome_contract(line))):
        protection = _Protection(contract, key)
        with database.transaction() as cursor:
            files = extra.files_with_rows(cursor, dataset, line)
        for file_id in files:
            _protect_file(database, protection, file_id, done)
    return done


class _Protection:
    """Decides what may stay of a row's extra columns."""

    def __init__(self, contract: Contract, key: bytes) -> None:
        self.contract = contract
        self.met_column = False
        """Whether a key that was met means a column of the contract."""
        self._column_of = column_finder(contract)
        self._hashes = ExtraHashes(key)

    def __call__(self, text: str) -> Replacement:
        members = read_json(text)
        if self.contract.extra is ExtraValues.DROP:
            return Replacement(list(members))
        in_clear = {key: value for key, value in members.items() if self._must_be_hashed(key, value)}
        return Replacement(list(in_clear), self._hashes.of_members(in_clear))

    def _must_be_hashed(self, key: str, value: Any) -> bool:
        column = self._column_of(key)
        self.met_column |= column is not None
        allowed = self.contract.extra is ExtraValues.PLAIN and not (column and column.hashed)
        return not (allowed or value is None or is_hash(value))


def _protect_file(database: Database, protection: _Protection, file_id: int, done: Protected) -> None:
    last, read, protection.met_column = 0, AT_ONCE, False
    while read == AT_ONCE:
        with database.transaction() as cursor:
            read, changed, last = extra.replace_members(
                cursor, protection.contract.table, file_id, last, AT_ONCE, protection
            )
        done.rows += read
        done.changed += changed
    if protection.met_column:
        done.drop_again.append(file_id)
