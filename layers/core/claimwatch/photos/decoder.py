"""Photos are taken apart in a process of their own, which may be killed.

A decoder of images is C code that reads bytes from outside: some make it run for hours, ask for gigabytes,
or crash. So it runs in a child process without credentials, with a limit of address space, and is killed when
its time is up. It is kept warm from photo to photo.

Both ways go frames: eight bytes of length, then as many bytes. A request is one frame, the photo. An answer
is a frame of JSON, and behind it, if there is a photo, its display copy and its thumbnail as a frame each.
"""

import json
import os
import resource
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from threading import Timer
from typing import IO, Any, Self

from claimwatch.domain.photos.photo import Photo, examine
from claimwatch.errors import RefusedPhoto, TransientFault
from claimwatch.malloc import disable_heap_trim

SECONDS = 20.0
"""For one photo, by the clock. The largest that are taken (100 megapixels) need 2 to 6."""

MEMORY = 1280 << 20
"""Bytes of address space: a picture of 100 megapixels with transparency is 400 MB, and formats that decode to
planes of their own are in memory twice."""

_LARGE = 224 << 20
"""Bytes of address space, of which a fresh process has 30 million, and 140 million once it has read a HEIC.
One that keeps more is not asked again, or the next photo could be refused for what came before it."""

_START_SECONDS = 60.0
_READY = b"ready"
_LENGTH = 8
_KEPT_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TZ")
_GRACE = 5
"""Seconds after which a child whose parent is gone ends itself in the middle of a photo."""


class Decoder:
    """One decoding process, started when it is first needed and again after it had to be killed.

    ``seconds`` and ``memory`` (bytes of address space) are the limits for one photo. Not for several threads.
    """

    def __init__(self, seconds: float = SECONDS, memory: int = MEMORY) -> None:
        self._seconds = seconds
        self._memory = memory
        self._child: subprocess.Popen[bytes] | None = None

    def examine(self, data: bytes) -> Photo:
        """As ``domain.photo.examine``, but refuses also what takes too much time or memory, or crashes.

        A process that ends by itself is replaced and asked once more: somebody else may have killed it, but
        not twice at the same photo. Raises ``TransientFault`` if there is no process that could be asked.
        """
        try:
            return self._ask(data)
        except _Died:
            pass
        try:
            return self._ask(data)
        except _Died as died:
            if died.had_it:
                raise RefusedPhoto(
                    "decoding it ends in a crash; save the photo as a JPEG and send that"
                ) from died
            raise TransientFault("the decoder ended before it had the photo") from died

    def _ask(self, data: bytes) -> Photo:
        child = self.start()
        had_it = False
        with _Deadline(child, self._seconds) as deadline:
            try:
                _write(_stream(child.stdin), data)
                had_it = True
                told, copies = _answer(_stream(child.stdout))
            except (EOFError, OSError) as error:
                self.close()
                if deadline.passed:
                    limit = f"more than {self._seconds:g} seconds"
                    raise RefusedPhoto(
                        f"decoding it takes {limit}; send a smaller copy of the photo"
                    ) from error
                raise _Died(had_it=had_it) from error
        if told.pop("last"):
            self.close()
        return _photo(told, copies)

    def start(self) -> subprocess.Popen[bytes]:
        """Have the process running and its libraries loaded; ``examine`` does so by itself."""
        if self._child and self._child.poll() is None:
            return self._child
        self.close()
        limits = [str(self._seconds), str(self._memory)]
        try:
            child = subprocess.Popen(
                [sys.executable, "-P", "-m", "claimwatch.photos.decoder", *limits],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,  # libraries quote there what they have read
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
            raise TransientFault("the decoder ended as it was started")
        return child

    def close(self) -> None:
        """End the process, at once."""
        child, self._child = self._child, None
        if child is None:
            return
        child.kill()
        child.wait()
        for stream in (child.stdin, child.stdout):
            with suppress(OSError):  # what was not written yet has nobody to read it
                _stream(stream).close()


class _Died(Exception):
    """The process ended while it was asked."""

    def __init__(self, *, had_it: bool) -> None:
        self.had_it = had_it


class _Deadline:
    """Kills the child after some seconds, which ends any reading from it and writing to it."""

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
    """What an interpreter needs to start and to import what this one can; no credentials."""
    kept = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    # Each thread of a library would reserve address space of its own.
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
    """The next frame; raises ``EOFError`` if the other side is gone."""
    length = pipe.read(_LENGTH)
    if len(length) < _LENGTH:
        raise EOFError
    frame = pipe.read(int.from_bytes(length))
    if len(frame) < int.from_bytes(length):
        raise EOFError
    return frame


def _answer(pipe: IO[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    told: dict[str, Any] = json.loads(_read(pipe))
    return told, [] if "refused" in told else [_read(pipe), _read(pipe)]


def _photo(told: dict[str, Any], copies: list[bytes]) -> Photo:
    if "refused" in told:
        raise RefusedPhoto(told["refused"])
    display, thumbnail = copies
    taken_at = told.pop("taken_at")
    return Photo(
        **told,
        taken_at=datetime.fromisoformat(taken_at) if taken_at else None,
        display=display,
        thumbnail=thumbnail,
    )


# -- The child -----------------------------------------------------------------------------------------------


def serve(requests: IO[bytes], answers: IO[bytes], seconds: float) -> None:
    """Answer each photo until there are no more requests."""
    _write(answers, _READY)
    while True:
        try:
            data = _read(requests)
        except EOFError:
            return
        # Its parent kills it sooner, unless that is gone. The signal's default action needs no interpreter.
        signal.setitimer(signal.ITIMER_REAL, seconds + _GRACE)
        frames = _frames(data)
        signal.setitimer(signal.ITIMER_REAL, 0)
        try:
            _write(answers, *frames)
        except BrokenPipeError:
            return


def _frames(data: bytes) -> list[bytes]:
    copies = []
    told: dict[str, Any]
    try:
        told = asdict(examine(data))
    except RefusedPhoto as refused:
        told = {"refused": str(refused)}
    else:
        copies = [told.pop("display"), told.pop("thumbnail")]
        told["taken_at"] = told["taken_at"] and told["taken_at"].isoformat()
    told["last"] = _address_space() > _LARGE
    return [json.dumps(told).encode(), *copies]


def _address_space() -> int:
    """Bytes in use now. (``getrusage`` tells the peak, which a child begins with at its parent's.)"""
    try:
        with open("/proc/self/statm", "rb") as statm:
            return int(statm.read().split()[0]) * resource.getpagesize()
    except OSError:  # not Linux
        return 0


def main() -> None:
    """Run as the child: ``python -m claimwatch.photos.decoder SECONDS BYTES``."""
    seconds, memory = float(sys.argv[1]), int(sys.argv[2])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    disable_heap_trim()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no answer
    serve(sys.stdin.buffer, answers, seconds)


if __name__ == "__main__":
    main()
