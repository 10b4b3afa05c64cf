"""Publication of each line's running contract in compiled form, for functions that read no YAML.

The online scorer reads it from S3, and the functions of the API in PostgreSQL from the row of the contract.
"""

import hashlib
from dataclasses import dataclass

from claimwatch.aws.objects import ModelStore
from claimwatch.aws.published import Pointer, PointerStore
from claimwatch.domain.contract.compiled import to_json
from claimwatch.errors import RefusedContract
from claimwatch.storage import contracts
from claimwatch.storage.connection import Database


@dataclass(frozen=True)
class Dependencies:
    """Dependencies of ``publish_running``; compiled contracts are stored in ``bucket``."""

    database: Database
    objects: ModelStore
    bucket: str
    pointers: PointerStore


@dataclass(frozen=True)
class PublishedContracts:
    """The lines whose contract was published, and the lines whose contract this version cannot read."""

    lines: tuple[str, ...]
    unreadable: tuple[str, ...]


def compiled_key(line: str, sha256: str) -> str:
    """Return the key of a compiled contract: its content decides it, so it is never replaced."""
    return f"compiled/{line}/{sha256}.json"


def publish_running(deps: Dependencies, line: str) -> None:
    """Publish the contract that is running now; without one, delete the pointer.

    The lock of the line is held until the pointer is written, so parallel applications end with the contract
    of the last one, whichever of them publishes last. Raises ``RefusedContract`` if this version of the code
    cannot read the running contract.
    """
    with deps.database.transaction() as cursor:
        contracts.lock_line(cursor, line)
        running = contracts.find_running(cursor, line)
        if running is None:
            deps.pointers.delete([line])
            return
        compiled = to_json(running.contract)
        content = compiled.encode()
        sha256 = hashlib.sha256(content).hexdigest()
        key = compiled_key(line, sha256)
        deps.objects.create(deps.bucket, key, [content])
        # An earlier version of the code stored none, or another form.
        contracts.set_compiled(cursor, line, compiled)
        deps.pointers.put(Pointer(line, running.contract.version, f"s3://{deps.bucket}/{key}", sha256))


def publish_all_running(deps: Dependencies) -> PublishedContracts:
    """Publish the running contracts of all lines, and delete pointers of lines without one.

    A contract that this version cannot read keeps its pointer: files of its line are not loaded either.
    """
    with deps.database.transaction() as cursor:
        lines = contracts.lines(cursor)
    unreadable = []
    for line in sorted({*lines, *deps.pointers.lines()}):
        try:
            publish_running(deps, line)
        except RefusedContract:
            unreadable.append(line)
    return PublishedContracts(tuple(line for line in lines if line not in unreadable), tuple(unreadable))
