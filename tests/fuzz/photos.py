"""Photos, in the decoder's child process, and EXIF metadata, in this process."""

import os
import shutil
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from functools import cache
from random import Random

from PIL import Image

from claimwatch.aws.events import CreatedObject
from claimwatch.domain.photos.photo import Photo, examine
from claimwatch.domain.photos.same_picture import differing_blocks, picture_of_jpeg
from claimwatch.errors import RefusedPhoto
from claimwatch.photos import receive
from claimwatch.photos.decoder import Decoder
from local.filesystem_object_store import FilesystemObjectStore
from tests.cluster import ClonedDatabase
from tests.fuzz.grids import hostile_grid
from tests.fuzz.mutation import edge_number, mutated
from tests.fuzz.peak_memory import peak_of, reset_peak
from tests.fuzz.target import BrokenPromise, Environment, check_sentence
from tests.unit.photos.damage import FORMATS, undamaged
from tests.unit.photos.pictures import encoded, exif, picture, png_chunks, png_of, position

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MOST_INTEGER = (1 << 63) - 1


# -- Readers -------------------------------------------------------------------------------------------------


class MeasuredDecoder(Decoder):
    """The decoder of the function, with the peak memory of its processes for one photo."""

    peak = 0

    def examine(self, data: bytes) -> Photo:
        self.peak = 0
        reset_peak(self.start().pid)
        try:
            return super().examine(data)
        finally:
            self._measure()

    def close(self) -> None:
        self._measure()
        super().close()

    def _measure(self) -> None:
        if self._child is not None and self._child.poll() is None:
            self.peak = max(self.peak, peak_of(self._child.pid))


class PhotoReader:
    """Reads a photo as ProcessImage does."""

    def __init__(
        self, environment: Environment, database: ClonedDatabase, examined: Callable[[bytes], Photo]
    ) -> None:
        self._database = database
        self._folder = environment.folder / "buckets"
        self._examined = examined
        self._inputs = 0
        self.measured: MeasuredDecoder | None = None

    def read(self, data: bytes, *, stored: bool) -> str:
        try:
            check_photo(self._examined(data))
            outcome = "stored"
        except RefusedPhoto as refusal:
            check_refusal(str(refusal))
            outcome = "refused"
        if stored:
            self._store(data, outcome)
        return outcome

    def peak(self) -> int:
        return self.measured.peak if self.measured else 0

    def examine(self, data: bytes) -> Photo:
        return self._examined(data)

    def compare(self, thumbnail: bytes, others: Sequence[bytes]) -> list[int | None]:
        one = picture_of_jpeg(thumbnail)
        pictures = [picture_of_jpeg(other) for other in others]
        return [differing_blocks(one, other) if one and other else None for other in pictures]

    def _store(self, data: bytes, expected: str) -> None:
        self._inputs += 1
        objects = FilesystemObjectStore(self._folder)
        ref = objects.write("landing", f"images/E-{os.getpid()}/{self._inputs}", [data])
        created = CreatedObject(ref, len(data), "0A", NOON)
        outcome = receive.receive(
            receive.Dependencies(self._database.as_task("photos"), objects, self), created
        )
        shutil.rmtree(self._folder)
        if outcome.status != expected:
            raise BrokenPromise("the photo is not what it was found to be", f"{outcome}, {expected}")


def check_photo(photo: Photo) -> None:
    """Check that a photo's data fits the columns that store it."""
    for name, number in (("width", photo.width), ("height", photo.height), ("frames", photo.frames)):
        if not 0 < number <= MOST_INTEGER:
            raise BrokenPromise(f"the {name} of a photo cannot be stored", str(number))
    if max(len(photo.display), len(photo.thumbnail)) > 8 << 20:
        raise BrokenPromise("a copy is larger than its original may be")


def check_refusal(reason: str) -> None:
    """Check the reason for a refusal."""
    check_sentence(reason, longest=200)
    if "crashes the decoder" in reason:
        raise BrokenPromise("a photo crashes the decoder")
    if "takes more than" in reason:
        raise BrokenPromise("a photo makes the decoder hang")


@contextmanager
def open_photos(environment: Environment) -> Iterator[PhotoReader]:
    """Open a reader that decodes in the child process."""
    with closing(environment.database()) as database, closing(MeasuredDecoder()) as decoder:
        reader = PhotoReader(environment, database, decoder.examine)
        reader.measured = decoder
        yield reader


@contextmanager
def open_metadata(environment: Environment) -> Iterator[PhotoReader]:
    """Open a reader that decodes in this process."""
    with closing(environment.database()) as database:
        yield PhotoReader(environment, database, examine)


# -- Generators ----------------------------------------------------------------------------------------------


def photo(random: Random) -> bytes:
    """Draw a photo whose structure is damaged: lengths, counts and sizes are absurd."""
    form = random.choice(FORMATS)
    if form in {"AVIF", "HEIF"} and random.random() < 0.4:
        data = hostile_grid(random, form)
        return mutated(random, data, most=3) if random.random() < 0.3 else data
    data = undamaged(form)
    for _ in range(random.randint(1, 3)):
        match random.randrange(4):
            case 0 | 1 if form == "PNG":
                data = _with_hostile_chunk(random, data)
            case 0 | 1 if form in {"AVIF", "HEIF"}:
                data = _with_hostile_box(random, data)
            case 0 | 1 | 2:
                data = _with_hostile_number(random, data)
            case _:
                data = mutated(random, data, others=[undamaged(random.choice(FORMATS))], most=3)
    return data


def metadata(random: Random) -> bytes:
    """Draw a small photo with hostile EXIF, in one of the formats that hold it."""
    block = _exif(random)
    if random.random() < 0.7:
        block = (
            mutated(random, block, most=4) if random.random() < 0.5 else _with_hostile_number(random, block)
        )
    return _with_exif(random.choice(("JPEG", "PNG", "WEBP")), block[:60_000])


def _exif(random: Random) -> bytes:
    day = random.choice(("2026:03:01", "0000:00:00", "0001:01:01", "9999:12:31", "2026:02:30", "1" * 50))
    hour = random.choice(("14:05:09", "00:00:00", "23:59:60", "24:00:00", "\0" * 8))
    zone = random.choice(("+02:00", "-23:59", "+99:59", "+24:00", "Z", "", "\0\0"))
    part = (0, 1, 46, 60, 61, 90, 180, 1e300, -5, (1 << 32) - 1, 52.8)
    north, east = (tuple(random.choice(part) for _ in range(3)) for _ in range(2))
    sides = random.choice("NSns \0X"), random.choice("EWew1")
    place = position(north, sides[0], east, sides[1]) if random.random() < 0.8 else None
    try:
        return exif(random.choice((None, 0, 1, 6, 9, 65_535)), f"{day} {hour}", zone, place)
    except Exception:  # noqa: BLE001 - Pillow cannot write each of these values
        return exif(6, f"{day} {hour}", zone)


@cache
def _small(form: str) -> Image.Image:
    return picture(24, 16)


def _with_exif(form: str, block: bytes) -> bytes:
    return encoded(_small(form), form, exif=block)


def _with_hostile_chunk(random: Random, data: bytes) -> bytes:
    """Insert or change a chunk of a PNG; its checksum is right, so that it is read."""
    chunks = list(png_chunks(data))
    if len(chunks) < 2:
        return data
    place = random.randrange(1, len(chunks))
    if random.random() < 0.5:
        kind = random.choice(
            (b"acTL", b"fcTL", b"fdAT", b"tRNS", b"PLTE", b"iCCP", b"zTXt", b"iTXt", b"eXIf")
        )
        chunks.insert(place, (kind, _chunk_content(random, kind)))
    else:
        place = random.randrange(len(chunks))
        kind, content = chunks[place]
        chunks[place] = kind, _with_hostile_number(random, content) if content else content
    return png_of(chunks)


def _chunk_content(random: Random, kind: bytes) -> bytes:
    match kind:
        case b"acTL":
            return edge_number(random, 4).to_bytes(4) + edge_number(random, 4).to_bytes(4)
        case b"fcTL":
            return b"".join(edge_number(random, 4).to_bytes(4) for _ in range(6)) + b"\0\0"
        case b"zTXt" | b"iCCP":
            return b"x\0\0" + zlib.compress(bytes(random.choice((10, 1 << 20, 1 << 25))), 9)
        case _:
            return random.randbytes(random.randrange(64))


_BOXES = (
    b"ftyp meta hdlr pitm iloc iinf infe iref iprp ipco ispe pixi av1C hvcC colr ipma mdat idat grid dimg"
)


def _with_hostile_box(random: Random, data: bytes) -> bytes:
    """Change the size of a box of HEIF or AVIF, or a number in it."""
    places = [at for box in _BOXES.split() if (at := data.find(box)) >= 4]
    if not places:
        return data
    at = random.choice(places)
    changed = bytearray(data)
    if random.random() < 0.4:
        changed[at - 4 : at] = edge_number(random, 4).to_bytes(4)
    else:
        start = at + 4 + random.randrange(24)
        size = random.choice((1, 2, 4))
        changed[start : start + size] = edge_number(random, size).to_bytes(size)
    return bytes(changed)


def _with_hostile_number(random: Random, data: bytes) -> bytes:
    """Overwrite a number near the beginning, where formats have their sizes and counts."""
    changed = bytearray(data)
    at = random.randrange(min(len(data), random.choice((40, 300, 5_000))))
    size = random.choice((1, 2, 4))
    changed[at : at + size] = edge_number(random, size).to_bytes(size, random.choice(("big", "little")))
    return bytes(changed)
