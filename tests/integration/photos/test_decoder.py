"""After a photo makes its decoder hang, run out of memory or crash, the next photo is decoded."""

import os
import signal
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from threading import Timer

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from claimwatch.domain.photos.photo import examine
from claimwatch.errors import RefusedPhoto, TransientFault
from claimwatch.photos.decoder import MEMORY, Decoder
from tests.unit.photos.damage import FORMATS, damaged
from tests.unit.photos.pictures import encoded, exif, picture, position

PHOTO = encoded(
    picture(1500, 1000),
    "JPEG",
    exif=exif(6, "2026:03:01 14:05:09", "+02:00", position((46, 56, 52.8), "N", (7, 26, 51), "E")),
)

# The real child with an imitation of a C decoder that misbehaves as the last four bytes of the photo specify.
MISBEHAVING = """
import ctypes, os, sys, time
from claimwatch.domain.photos import photo
from claimwatch.photos import decoder

real_examine = photo._examine

def examine(data, kind):
    match data[-4:]:
        case b"hang":
            time.sleep(600)
        case b"spin":  # in C, without releasing the GIL
            ctypes.PyDLL(None).usleep(20_000_000)
        case b"swel":
            kept = bytearray(4 << 30)
        case b"keep":
            decoder.kept = bytearray(300 << 20)
        case b"exit":
            os._exit(9)
        case b"segv":
            ctypes.string_at(0)
        case b"once" if sys.argv[3] == "1":
            os._exit(9)
        case b"talk":
            os.write(1, b"nonsense" * 100)
            print("more of it", flush=True)
    return real_examine(data, kind)

photo._examine = examine
decoder.main()
"""


@pytest.fixture
def decoder() -> Iterator[Decoder]:
    with closing(Decoder(seconds=15)) as running:
        yield running


@pytest.fixture
def misbehaving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Decoder]:
    _imitate(tmp_path, monkeypatch)
    with closing(Decoder(seconds=30)) as running:
        yield running


@pytest.fixture
def impatient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Decoder]:
    """A decoder whose time limit a photo that misbehaves exceeds."""
    _imitate(tmp_path, monkeypatch)
    with closing(Decoder(seconds=3)) as running:
        yield running


def _imitate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "child.py"
    script.write_text(MISBEHAVING)
    start = subprocess.Popen
    starts = count(1)

    def started(command: list[str], **options: object) -> object:
        limits = command[command.index("claimwatch.photos.decoder") + 1 :]
        return start([sys.executable, str(script), *limits, str(next(starts))], **options)  # type: ignore[call-overload]

    monkeypatch.setattr("claimwatch.photos.decoder.subprocess.Popen", started)


def _child(decoder: Decoder) -> int:
    return decoder.start().pid


def _is_gone(process: int, within: float = 10) -> bool:
    """Return whether the process ends in time; a zombie has ended."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def test_the_child_process_returns_the_same_photo(decoder: Decoder) -> None:
    assert decoder.examine(PHOTO) == examine(PHOTO)
    bare = encoded(picture(), "GIF")
    assert decoder.examine(bare) == examine(bare)


def test_the_child_process_refuses_with_the_same_reason(decoder: Decoder) -> None:
    with pytest.raises(RefusedPhoto) as in_child:
        decoder.examine(PHOTO[:3000])
    with pytest.raises(RefusedPhoto) as in_process:
        examine(PHOTO[:3000])
    assert str(in_child.value) == str(in_process.value)


def test_one_process_serves_all_photos(decoder: Decoder) -> None:
    process = _child(decoder)
    for _ in range(3):
        decoder.examine(PHOTO)
        with pytest.raises(RefusedPhoto):
            decoder.examine(b"")
    assert _child(decoder) == process


def test_a_photo_of_fifty_thousand_by_fifty_thousand_is_refused_at_once(decoder: Decoder) -> None:
    data = bytearray(encoded(Image.new("1", (5_000, 5_000)), "PNG", compress_level=9))
    data[16:24] = (50_000).to_bytes(4) * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4)
    assert len(data) < 10_000
    decoder.start()
    began = time.monotonic()
    with pytest.raises(RefusedPhoto, match="more than 100 megapixels"):
        decoder.examine(bytes(data))
    assert time.monotonic() - began < 1  # a few milliseconds on an idle machine


@pytest.mark.parametrize("how", [b"hang", b"spin"])
def test_a_photo_that_takes_too_long_is_refused_and_the_next_is_decoded(
    impatient: Decoder, how: bytes
) -> None:
    process = _child(impatient)
    began = time.monotonic()
    with pytest.raises(RefusedPhoto, match="takes more than 3 seconds; send a smaller copy"):
        impatient.examine(PHOTO + how)
    assert 2.9 < time.monotonic() - began < 15  # sooner than it would end by itself
    assert _is_gone(process)
    assert impatient.examine(PHOTO).width == 1000
    assert _child(impatient) != process


def test_a_photo_that_needs_too_much_memory_is_refused_by_the_same_process(misbehaving: Decoder) -> None:
    process = _child(misbehaving)
    with pytest.raises(RefusedPhoto, match="too much memory"):
        misbehaving.examine(PHOTO + b"swel")
    assert misbehaving.examine(PHOTO).width == 1000
    assert _child(misbehaving) == process


def test_a_real_photo_that_needs_more_memory_than_allowed_is_refused() -> None:
    large = encoded(Image.new("RGB", (8_000, 8_000)), "PNG", compress_level=1)
    with closing(Decoder(seconds=60, memory=200 << 20)) as decoder:
        with pytest.raises(RefusedPhoto, match="too much memory; send a smaller copy"):
            decoder.examine(large)
        assert decoder.examine(PHOTO).width == 1000


@pytest.mark.parametrize("how", [b"exit", b"segv"])
def test_a_photo_that_crashes_its_decoder_twice_is_refused_and_the_next_is_decoded(
    misbehaving: Decoder, how: bytes
) -> None:
    with pytest.raises(RefusedPhoto, match="crashes the decoder; save the photo as a JPEG"):
        misbehaving.examine(PHOTO + how)
    assert misbehaving.examine(PHOTO).width == 1000


def test_a_photo_whose_decoder_was_killed_once_is_decoded(misbehaving: Decoder) -> None:
    process = _child(misbehaving)
    assert misbehaving.examine(PHOTO + b"once").width == 1000
    assert _child(misbehaving) != process


def test_a_photo_is_decoded_even_if_the_decoder_is_killed_at_any_moment(decoder: Decoder) -> None:
    expected = decoder.examine(PHOTO)
    for moment in (0.0, 0.001, 0.003, 0.006, 0.01, 0.02, 0.04):
        killer = Timer(moment, os.kill, (_child(decoder), signal.SIGKILL))
        killer.start()
        assert decoder.examine(PHOTO) == expected
        killer.join()


def test_output_printed_by_a_library_is_not_mistaken_for_an_answer(misbehaving: Decoder) -> None:
    assert misbehaving.examine(PHOTO + b"talk").width == 1000
    assert misbehaving.examine(PHOTO).width == 1000


def test_writing_a_large_photo_to_a_stopped_process_times_out(impatient: Decoder) -> None:
    os.kill(_child(impatient), signal.SIGSTOP)  # so that it reads nothing
    with pytest.raises(RefusedPhoto, match="takes more than"):
        impatient.examine(PHOTO + bytes(8 << 20))
    assert impatient.examine(PHOTO).width == 1000


def test_a_process_that_cannot_be_started_is_a_transient_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = Decoder()
    for interpreter, message in (
        ("/nowhere/python", "could not be started"),
        ("/bin/false", "while it was starting"),
    ):
        with monkeypatch.context() as broken:
            broken.setattr(sys, "executable", interpreter)
            with pytest.raises(TransientFault, match=message):
                decoder.examine(PHOTO)
    with closing(decoder):
        assert decoder.examine(PHOTO).width == 1000


def test_the_process_has_no_credentials(decoder: Decoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    monkeypatch.setenv("DATABASE_PASSWORD", "hush")
    environment = Path(f"/proc/{_child(decoder)}/environ").read_bytes()
    assert b"hush" not in environment
    assert b"AWS_" not in environment


def test_closing_ends_the_process(decoder: Decoder) -> None:
    process = _child(decoder)
    decoder.close()
    assert _is_gone(process)
    decoder.close()
    assert decoder.examine(PHOTO).width == 1000


@pytest.mark.parametrize("busy", [False, True], ids=["idle", "in the middle of a photo"])
def test_the_process_ends_when_its_parent_is_killed(tmp_path: Path, *, busy: bool) -> None:
    (tmp_path / "child.py").write_text(MISBEHAVING)
    parent = tmp_path / "parent.py"
    parent.write_text(
        "import sys\n"
        "from claimwatch.photos import decoder\n"
        "popen = decoder.subprocess.Popen\n"
        "decoder.subprocess.Popen = lambda command, **options: "
        f"popen([sys.executable, {str(tmp_path / 'child.py')!r}, '1', str(1 << 30)], **options)\n"
        "one = decoder.Decoder(seconds=100)\n"
        "print(one.start().pid, flush=True)\n"
        + ("one.examine(b'\\xff\\xd8\\xffhang')\n" if busy else "sys.stdin.read()\n")
    )
    path = os.pathsep.join(filter(None, sys.path))
    with subprocess.Popen(
        [sys.executable, str(parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": path},
    ) as running:
        assert running.stdout is not None
        process = int(running.stdout.readline())
        time.sleep(0.3)
        running.kill()
    assert _is_gone(process, within=20)


class PeakRecordingDecoder(Decoder):
    """Records each process's peak memory before ending it; ``getrusage`` would include other children."""

    peak = 0

    def close(self) -> None:
        if self._child is not None and self._child.poll() is None:
            self.peak = max(self.peak, _peak(self._child.pid))
        super().close()


def test_no_damaged_photo_crashes_the_process_or_exceeds_its_memory_limit() -> None:
    with closing(PeakRecordingDecoder(seconds=30)) as decoder:

        @settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
        @given(damaged(st.sampled_from(FORMATS)))
        def stored_or_refused(damage: tuple[str, bytes]) -> None:
            try:
                decoder.examine(damage[1])
            except RefusedPhoto as refused:
                assert "crash" not in str(refused)  # noqa: PT017 - storing it is as good
                assert "seconds" not in str(refused)  # noqa: PT017

        stored_or_refused()
        assert decoder.examine(PHOTO) == examine(PHOTO)
    assert 0 < decoder.peak < MEMORY


def test_a_process_that_keeps_memory_after_a_photo_is_replaced(misbehaving: Decoder) -> None:
    process = _child(misbehaving)
    assert misbehaving.examine(PHOTO + b"keep").width == 1000
    assert _is_gone(process)
    process = _child(misbehaving)
    with pytest.raises(RefusedPhoto, match="ends before its picture"):
        misbehaving.examine(PHOTO[:1000] + b"keep")
    assert _is_gone(process)


def test_a_process_that_has_read_every_format_is_kept_whatever_memory_its_parent_uses(
    decoder: Decoder,
) -> None:
    large = bytearray(500 << 20)
    large[:: 1 << 12] = bytes(len(large) >> 12)  # touch every page: a child inherits its parent's peak
    del large
    process = _child(decoder)
    for form in ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "HEIF"):
        decoder.examine(encoded(picture(1200, 800), form))
    decoder.examine(encoded(picture(4000, 3000), "JPEG"))
    decoder.examine(encoded(picture(2000, 1500), "HEIF"))
    assert _child(decoder) == process


def test_a_photo_of_twelve_megapixels_takes_less_than_150_megabytes(decoder: Decoder) -> None:
    decoder.examine(encoded(picture(4000, 3000), "JPEG", quality=92))
    decoder.examine(encoded(picture(3000, 4000), "JPEG", quality=92, progressive=True))
    assert _peak(_child(decoder)) < 150 << 20


def _peak(process: int) -> int:
    """Return the peak memory of a process in bytes."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) << 10
    raise AssertionError("/proc has no peak of the process")
