"""A database with access events, and a store in memory that keeps each seal as it was first written."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from claimwatch.aws.objects import ObjectExists
from claimwatch.aws.seal_store import SealObject
from claimwatch.domain.audit.verification import Verification
from claimwatch.governance.seal_audit import Dependencies, Sealed, seal_audit
from claimwatch.governance.verify_audit import verify_audit
from claimwatch.storage import audit_seals
from tests.cluster import ClonedDatabase

NOW = datetime(2026, 3, 1, tzinfo=UTC)

ADD = """
    INSERT INTO claimwatch.access_event
        (actor, via, action, line, object, purpose, request_id, outcome, model_version)
    SELECT 'arn:aws:iam::1:user/' || n % 7, 'v1', 'score', 'motor', 'C-' || n, 'claim_handling', 'r-' || n,
           'answered', '3'
    FROM generate_series(1, {count}) AS n
"""


class MemorySeals:
    """A store of seals."""

    def __init__(self) -> None:
        self.contents: dict[int, bytes] = {}
        self.touched: set[int] = set()

    def uri(self, number: int) -> str:
        """Return the address of a seal."""
        return f"s3://audit/seals/{number}.json"

    def create(self, number: int, content: bytes) -> str:
        """Store a seal once."""
        if number in self.contents:
            raise ObjectExists("it exists")
        self.contents[number] = content
        return f"v{number}"

    def listing(self) -> dict[int, SealObject]:
        """Return all seals."""
        return {number: SealObject(number, f"v{number}", number in self.touched) for number in self.contents}

    def find(self, number: int) -> SealObject | None:
        """Return a seal."""
        return self.listing().get(number)

    def read(self, stored: SealObject) -> bytes:
        """Return the content of a seal."""
        return self.contents[stored.number]


class Killed(Exception):
    """The end of a process."""


class Alerts:
    """Alerts that were sent."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []

    def publish(self, subject: str, message: str) -> None:
        """Remember an alert."""
        self.sent.append((subject, message))


class Record:
    """Access events of a database, their seals, and whoever changes them."""

    def __init__(self, database: ClonedDatabase, most_events: int = 10) -> None:
        self.owner = database
        self.seals = MemorySeals()
        self.alerts = Alerts()
        self.deps = Dependencies(
            database.as_task("seal"), self.seals, self.alerts, lambda: NOW, most_events, lambda _: None
        )

    def add(self, count: int) -> None:
        """Add events."""
        self.run(ADD.format(count=count))

    def run(self, statement: str) -> None:
        """Run a statement as the owner of the database, who may disable triggers."""
        with self.owner.transaction() as cursor:
            cursor.execute("ALTER TABLE claimwatch.access_event DISABLE TRIGGER USER")
            cursor.execute("ALTER TABLE claimwatch.audit_seal DISABLE TRIGGER USER")
            cursor.execute(statement)
            cursor.execute("ALTER TABLE claimwatch.access_event ENABLE TRIGGER USER")
            cursor.execute("ALTER TABLE claimwatch.audit_seal ENABLE TRIGGER USER")

    def seal(self) -> Sealed:
        """Seal all events."""
        return seal_audit(self.deps)

    def verify(self) -> Verification:
        """Verify all events as the command line does."""
        return verify_audit(self.owner.as_task("audit"), self.seals)

    @contextmanager
    def killed_before_the_row(self) -> Iterator[None]:
        """End the process between the object of the next seal and its row."""

        def dying(*_: object) -> None:
            raise Killed

        original, audit_seals.add = audit_seals.add, dying  # type: ignore[assignment]
        try:
            yield
        except Killed:
            pass
        else:
            raise AssertionError("no seal was written")
        finally:
            audit_seals.add = original

    def copy(self, statement: str) -> list[tuple[object, ...]]:
        """Return the rows of a query as the owner."""
        with self.owner.transaction() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()
