"""Keys of S3 objects: an event about a hostile key is stored, refused or ignored by each function."""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from random import Random

from claimwatch.aws.events import CreatedObject, DeletedObject, object_event_of, parse_object_event
from claimwatch.aws.objects import ObjectRef
from claimwatch.domain.photos.photo import Photo
from claimwatch.errors import MalformedEvent, RefusedPhoto
from claimwatch.ingest import apply_contract, register
from claimwatch.photos import receive
from local.filesystem_object_store import FilesystemObjectStore
from tests.cluster import ClonedDatabase
from tests.fuzz.files import StrictSite
from tests.fuzz.mutation import HOSTILE_TEXTS, mutated
from tests.fuzz.target import BrokenPromise, Environment, check_sentence

MOST_KEY = 1024
"""Bytes of a key in S3."""


class NoPhoto:
    """A decoder that refuses every photo."""

    def examine(self, data: bytes) -> Photo:  # noqa: ARG002 - the protocol's argument
        raise RefusedPhoto("the file is not a photo; send a photo")

    def compare(self, thumbnail: bytes, others: Sequence[bytes]) -> list[int | None]:  # noqa: ARG002
        raise AssertionError("no photo is stored")


class SameObjects:
    """A bucket with the same bytes under every key; a folder could not have such names."""

    def size(self, ref: ObjectRef) -> int:
        return len(b"".join(self.read(ref)))

    def read(self, _ref: ObjectRef, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        yield b"neither a contract nor a photo"[start:end]

    def exists(self, _bucket: str, _key: str) -> bool:
        return True

    def write(self, bucket: str, key: str, blocks: Iterable[bytes]) -> ObjectRef:
        raise NotImplementedError


class EventReader:
    """Reads the body of a message as the function of its queue does."""

    def __init__(self, environment: Environment, database: ClonedDatabase) -> None:
        self._database = database
        self._objects = SameObjects()
        self._site = StrictSite(database, FilesystemObjectStore(environment.folder))

    def read(self, data: bytes, *, stored: bool) -> str:  # noqa: ARG002 - always stored
        body = data.decode("utf-8", "replace")
        try:
            event = parse_object_event(json.loads(body))
        except (ValueError, RecursionError, MalformedEvent) as error:
            if isinstance(error, MalformedEvent):
                check_sentence(str(error))
            if object_event_of(body) is not None:
                raise BrokenPromise("a message is malformed to one function only") from None
            return "malformed"
        match event:
            case CreatedObject() as created if created.size_bytes >= 1 << 63:
                return "malformed"  # S3 has no such objects
            case CreatedObject() as created if created.ref.key.startswith(receive.PREFIX):
                return self._receive(created)
            case CreatedObject() as created if created.ref.key.startswith("contracts/"):
                return self._apply(created)
            case CreatedObject() as created:
                return self._register(created)
            case DeletedObject() as deleted:
                receive.withdraw(self._database.as_task("photos"), deleted)
                return "withdrawn"
            case None:
                return "ignored"

    def peak(self) -> int:
        return 0

    def _register(self, created: CreatedObject) -> str:
        database = self._database.as_task("ingest")
        file = register.register(database, self._site, self._site, self._site.objects, created)
        again = register.register(database, self._site, self._site, self._site.objects, created)
        if again.file_id != file.file_id:
            raise BrokenPromise("a repeated event is registered twice")
        if file.status == "refused":
            check_sentence(file.error or "")
        return file.status

    def _receive(self, created: CreatedObject) -> str:
        deps = receive.Dependencies(self._database.as_task("photos"), self._objects, NoPhoto())
        outcome = receive.receive(deps, created)
        if outcome.status == "refused":
            check_sentence(outcome.reason or "")
        return outcome.status

    def _apply(self, created: CreatedObject) -> str:
        deps = apply_contract.Dependencies(
            self._database.as_task("contracts"), self._objects, self._site, lambda _: None, lambda _: None
        )
        return apply_contract.apply_contract(deps, created).status


@contextmanager
def open_events(environment: Environment) -> Iterator[EventReader]:
    """Open a reader of events."""
    with closing(environment.database()) as database:
        yield EventReader(environment, database)


# -- Generator -----------------------------------------------------------------------------------------------

_PIECES = (
    "claims",
    "outcomes",
    "images",
    "contracts",
    "motor",
    "Motor",
    "image",
    "m" * 41,
    "motor.yaml",
    "motor.draft.yaml",
    "x.csv",
    "",
    ".",
    "..",
    "...",
    "a b",
    "a+b",
    "100%25",
    "'; DROP TABLE file; --",
    "%(key)s",
    "{0}",
    "C:\\x",
    "\U0001f4f7",
    "n" * 300,
)


def event(random: Random) -> bytes:
    """Draw an event about an object with a hostile key; a few are damaged as a whole."""
    created = random.random() < 0.85
    key = _key(random).encode("utf-8", "replace")[:MOST_KEY].decode("utf-8", "ignore") or "x"
    size = random.choice((0, 1, 1 << 20, (1 << 31) - 1, 1 << 31, 5 << 40, 48 << 40))
    item: dict[str, object] = {"key": key, "size": size} if created else {"key": key}
    if random.random() < 0.95:
        item["version-id"] = random.choice(("null", "v" * 32, "v" * 1024, "L4kqtJlcpXroDTDmpUMLUo"))
    if random.random() < 0.9:
        item["sequencer"] = f"{random.getrandbits(random.choice((8, 64, 72, 200))):X}"
    detail: dict[str, object] = {"bucket": {"name": "claimwatch-landing"}, "object": item}
    if not created:
        detail["deletion-type"] = random.choice(("Permanently Deleted", "Delete Marker Created"))
    time = random.choice(("2026-03-02T08:15:30Z", "2026-03-02T08:15:30.123Z", "0001-01-01T00:00:00Z"))
    kind = "Object Created" if created else "Object Deleted"
    whole = {"detail-type": kind, "source": "aws.s3", "time": time, "detail": detail}
    data = json.dumps(whole, ensure_ascii=random.random() < 0.5).encode()
    return mutated(random, data, most=3) if random.random() < 0.1 else data


def _key(random: Random) -> str:
    if random.random() < 0.15:
        return random.randbytes(random.randrange(1, 200)).decode("utf-8", "ignore")
    pieces = [random.choice(("claims", "claims", "outcomes", "images", "images", "contracts", "CLAIMS", ""))]
    pieces += random.choices(_PIECES, k=random.randint(0, 4))
    if random.random() < 0.6:
        place = random.randrange(len(pieces))
        at = random.randint(0, len(pieces[place]))
        pieces[place] = pieces[place][:at] + random.choice(HOSTILE_TEXTS) + pieces[place][at:]
    return "/".join(pieces)
