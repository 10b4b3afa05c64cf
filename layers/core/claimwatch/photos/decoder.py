"""Decodes photos in a child process that can be killed.

Image decoders are C code that reads untrusted bytes: some inputs make them run for hours, allocate gigabytes
or crash. The child therefore has no credentials, has an address space limit, and is killed when its time is
up; before it reads the first photo it confines itself (``confinement``). It stays warm from one photo to the
next.

Both directions carry frames: eight bytes of length, then the content. A request is a frame with its kind, one
with the number of pictures, and a frame for each picture. An answer is a frame of JSON; that of a photo is
followed, unless the photo was refused, by a frame for the display copy and one for the thumbnail.
"""

import json
import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from itertools import batched
from threading import Timer
from typing import IO, Any, Self

from claimwatch.domain.photos.photo import Photo, examine, load_decoders
from claimwatch.domain.photos.same_picture import differing_blocks, picture_of_jpeg
from claimwatch.errors import RefusedPhoto, TransientFault
from claimwatch.malloc import disable_heap_trim
from claimwatch.photos.confinement import confine, hide_memory

SECONDS = 20.0
"""Wall-clock limit for one photo. The largest accepted photos (100 megapixels) need 2 to 6 seconds."""

MEMORY = 1280 << 20
"""Address space limit in bytes. A picture of 100 megapixels with transparency takes 400 MB, and formats whose
decoders have their own planes hold it in memory twice."""

_REPLACE_ABOVE = 224 << 20
"""Bytes of address space above which a process is replaced: its next photo could be refused for memory that
an earlier photo left in use. A fresh process has 70 million, and 140 million after its first HEIC."""

_START_SECONDS = 60.0
_READY = b"ready"
_LENGTH = 8
_TIMES = ("taken_at", "taken_at_local")
_PHOTO, _COMPARISON = b"photo", b"comparison"
"""Kinds of requests."""

_COMPARED_AT_ONCE = 25
"""Comparisons in a request; each takes 10 to 40 ms."""

_KEPT_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ")
_GRACE = 5
"""Seconds after the time limit at which a busy child ends itself, in case its parent is gone."""


class Decoder:
    """One decoding process, started on first use and restarted after it was killed.

    ``seconds`` and ``memory`` (bytes of address space) are the limits for one photo. Not thread-safe.
    """

    def __init__(self, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        self._seconds = seconds
        self._memory = memory
        self._child: subprocess.Popen[bytes] | None = None

    def examine(self, data: bytes) -> Photo:
        """Decode a photo as ``domain.photos.photo.examine`` does, within the limits of time and memory.

        Raises ``RefusedPhoto`` also for photos that exceed a limit or crash the process. If the process ends
        unexpectedly, the photo is tried once more in a new one: something else may have killed the first, but
        hardly both. Raises ``TransientFault`` if no process could be started or received the photo.
        """
        try:
            return _photo(*self._ask_twice(_PHOTO, data))
        except _Died as died:
            if died.received_photo:
                raise RefusedPhoto(
                    "decoding it crashes the decoder; save the photo as a JPEG and send that"
                ) from died
            raise TransientFault("the decoder ended before it received the photo") from died

    def compare(self, thumbnail: bytes, others: Sequence[bytes]) -> list[int | None]:
        """Return for each of the other thumbnails in how many blocks it differs from this one.

        None stands for a thumbnail that cannot be read. Raises ``TransientFault`` if the process ends twice.
        """
        found: list[int | None] = []
        for batch in batched(others, _COMPARED_AT_ONCE, strict=False):
            try:
                answer, _ = self._ask_twice(_COMPARISON, thumbnail, *batch)
            except (_Died, RefusedPhoto) as error:
                raise TransientFault("the decoder ended before it had compared all photos") from error
            found += answer["blocks"]
        return found

    def _ask_twice(self, kind: bytes, *pictures: bytes) -> tuple[dict[str, Any], list[bytes]]:
        """Send a request, and once more if the process ends; raises ``_Died`` if it ends again."""
        try:
            return self._ask(kind, *pictures)
        except _Died:
            return self._ask(kind, *pictures)

    def _ask(self, kind: bytes, *pictures: bytes) -> tuple[dict[str, Any], list[bytes]]:
        child = self.start()
        received_photo = False
        with _Deadline(child, self._seconds) as deadline:
            try:
                _write(_stream(child.stdin), kind, len(pictures).to_bytes(_LENGTH), *pictures)
                received_photo = True
                answer, copies = _read_answer(_stream(child.stdout))
            except (EOFError, OSError) as error:
                self.close()
                if deadline.passed:
                    limit = f"more than {self._seconds:g} seconds"
                    raise RefusedPhoto(
                        f"decoding it takes {limit}; send a smaller copy of the photo"
                    ) from error
                raise _Died(received_photo=received_photo) from error
        if answer.pop("last"):
            self.close()
        return answer, copies

    def start(self) -> subprocess.Popen[bytes]:
        """Start the process and load its libraries, if it is not running; ``examine`` does so when needed."""
        if self._child and self._child.poll() is None:
            return self._child
        self.close()
        limits = [str(self._seconds), str(self._memory)]
        hide_memory()
        try:
            child = subprocess.Popen(
                [sys.executable, "-P", "-m", "claimwatch.photos.decoder", *limits],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # libraries may quote the photo there
                env=_environment(),
            )
        except OSError as error:
            raise TransientFault("the decoder could not be started") from error
        self._child = child
        with _Deadline(child, _START_SECONDS):
            try:
                ready = _read(_stream(child.stdout)) == _READY
            except (EOFError, OSError):
                ready = False
        if not ready:
            self.close()
            raise TransientFault("the decoder ended while it was starting")
        return child

    def close(self) -> None:
        """Kill the process."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for stream in (child.stdin, child.stdout):
            with suppress(OSError):  # unwritten bytes have no reader any more
                _stream(stream).close()


class _Died(Exception):
    """The process ended before it answered."""

    def __init__(self, *, received_photo: bool) -> None:
        self.received_photo = received_photo


class _Deadline:
    """Kills the child after some seconds, which unblocks reads from it and writes to it."""

    def __init__(self, child: subprocess.Popen[bytes], seconds: float) -> None:
        self.passed = False
        self._child = child
        self._timer = Timer(seconds, self._kill)
        self._timer.daemon = True

    def _kill(self) -> None:
        self.passed = True
        self._child.kill()

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._timer.cancel()


def _environment() -> dict[str, str]:
    """Return the variables that a new interpreter needs for the same imports, without credentials."""
    kept = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    # By default each thread of a library would reserve its own address space.
    return kept | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "MALLOC_ARENA_MAX": "2"}


# -- Frames --------------------------------------------------------------------------------------------------


def _stream(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


def _write(pipe: IO[bytes], *frames: bytes) -> None:
    for frame in frames:
        pipe.write(len(frame).to_bytes(_LENGTH))
        pipe.write(frame)
    pipe.flush()


def _read(pipe: IO[bytes]) -> bytes:
    """Read the next frame; raises ``EOFError`` if the other process is gone."""
    length = pipe.read(_LENGTH)
    if len(length) < _LENGTH:
        raise EOFError
    frame = pipe.read(int.from_bytes(length))
    if len(frame) < int.from_bytes(length):
        raise EOFError
    return frame


def _read_answer(pipe: IO[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    answer: dict[str, Any] = json.loads(_read(pipe))
    return answer, [_read(pipe), _read(pipe)] if answer.pop("copies") else []


def _read_request(pipe: IO[bytes]) -> tuple[bytes, list[bytes]]:
    kind, count = _read(pipe), int.from_bytes(_read(pipe))
    return kind, [_read(pipe) for _ in range(count)]


def _photo(answer: dict[str, Any], copies: list[bytes]) -> Photo:
    if "refused" in answer:
        raise RefusedPhoto(answer["refused"])
    display, thumbnail = copies
    for name in _TIMES:
        answer[name] = datetime.fromisoformat(answer[name]) if answer[name] else None
    return Photo(**answer, display=display, thumbnail=thumbnail)


# -- The child -----------------------------------------------------------------------------------------------


def serve(requests: IO[bytes], answers: IO[bytes], seconds: float) -> None:
    """Confine this process, and answer requests until the pipe is closed."""
    address_space = _address_space_meter()
    load_decoders()
    confine()
    _write(answers, _READY)
    while True:
        try:
            kind, pictures = _read_request(requests)
        except EOFError:
            return
        # A living parent kills this process sooner. SIGALRM's default action ends even busy C code.
        signal.setitimer(signal.ITIMER_REAL, seconds + _GRACE)
        answer, copies = _compared(pictures) if kind == _COMPARISON else _examined(pictures[0])
        answer |= {"copies": bool(copies), "last": address_space() > _REPLACE_ABOVE}
        signal.setitimer(signal.ITIMER_REAL, 0)
        try:
            _write(answers, json.dumps(answer).encode(), *copies)
        except BrokenPipeError:
            return


def _examined(data: bytes) -> tuple[dict[str, Any], list[bytes]]:
    try:
        answer = asdict(examine(data))
    except RefusedPhoto as refused:
        return {"refused": str(refused)}, []
    answer |= {name: answer[name] and answer[name].isoformat() for name in _TIMES}
    return answer, [answer.pop("display"), answer.pop("thumbnail")]


def _compared(thumbnails: Sequence[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    one, *others = map(picture_of_jpeg, thumbnails)
    found = [differing_blocks(one, other) if one and other else None for other in others]
    return {"blocks": found}, []


def _address_space_meter() -> Callable[[], int]:
    """Return a function that returns the bytes in use; it opens nothing any more.

    ``getrusage`` returns the peak, which a child inherits from its parent.
    """
    try:
        statm = os.open("/proc/self/statm", os.O_RDONLY)
    except OSError:  # not Linux
        return lambda: 0
    return lambda: int(os.pread(statm, 100, 0).split()[0]) * resource.getpagesize()


def main() -> None:
    """Run as the child: ``python -m claimwatch.photos.decoder SECONDS BYTES``."""
    seconds, memory = float(sys.argv[1]), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    disable_heap_trim()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # output that a library prints must not mix with the answers
    serve(sys.stdin.buffer, answers, seconds)


if __name__ == "__main__":
    main()
