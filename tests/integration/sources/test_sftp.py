"""Files are read from a real OpenSSH server."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest

from claimwatch.sources import sftp, sftp_connection
from claimwatch.sources.reader import FileChanged, RefusedSource, RemoteFile, SourceUnreachable
from claimwatch.sources.sftp import SftpReader, open_sftp
from tests.cluster import PROJECT
from tests.sshd import SftpServer, needs_sshd

pytestmark = needs_sshd


@pytest.fixture
def server(tmp_path: Path) -> Iterator[SftpServer]:
    with SftpServer(tmp_path) as running:
        yield running


@pytest.fixture
def opened(server: SftpServer) -> Iterator[Callable[..., SftpReader]]:
    """Open a reader of a glob; further arguments change the source."""
    readers = []

    def open_reader(files: str = "*.csv", **changes: object) -> SftpReader:
        readers.append(open_sftp(server.source(files, **changes), server.secret))
        return readers[-1]

    yield open_reader
    for reader in readers:
        reader.close()


def test_files_are_listed_with_size_and_time_of_the_server(
    server: SftpServer, opened: Callable[..., SftpReader]
) -> None:
    server.put("out/b.csv", b"x,y\n", modified_at=1_764_000_000)
    server.put("out/a.csv", b"x,y\n1,2\n", modified_at=1_764_000_001)
    server.put("out/c.txt", b"")

    assert opened("out/*.csv").files() == [
        RemoteFile("out/a.csv", 8, datetime.fromtimestamp(1_764_000_001, UTC)),
        RemoteFile("out/b.csv", 4, datetime.fromtimestamp(1_764_000_000, UTC)),
    ]


@pytest.mark.parametrize("size", [0, 1, (1 << 20) - 1, 1 << 20, (1 << 20) + 1, 20_000_003])
def test_every_byte_is_read(server: SftpServer, opened: Callable[..., SftpReader], size: int) -> None:
    content = os.urandom(size)
    server.put("a.csv", content)
    reader = opened()
    [file] = reader.files()

    blocks = list(reader.read(file))

    assert b"".join(blocks) == content
    assert all(0 < len(block) <= 1 << 20 for block in blocks)


def test_a_closed_reader_leaves_no_thread(server: SftpServer) -> None:
    server.put("a.csv", b"x\n" * 10_000_000)
    with closing(open_sftp(server.source(), server.secret)) as reader:
        [file] = reader.files()
        next(reader.read(file))
    reader.close()
    assert not reader._connection._thread.is_alive()


# -- what is listed ------------------------------------------------------------------------------------------


def paths(reader: SftpReader) -> list[str]:
    return [file.path for file in reader.files()]


def test_only_complete_regular_files_are_listed(
    server: SftpServer, opened: Callable[..., SftpReader], tmp_path: Path
) -> None:
    for name in ("a.csv", ".hidden.csv", "b.csv.part", "c.csv.filepart", "d.tmp", "_SUCCESS", "._a.csv"):
        server.put(f"out/{name}", b"x\n")
    (tmp_path / "outside.csv").write_text("secret")
    (server.files / "out" / "link.csv").symlink_to(tmp_path / "outside.csv")
    (server.files / "out" / "inner.csv").symlink_to("a.csv")
    (server.files / "out" / "folder.csv").mkdir()
    os.mkfifo(server.files / "out" / "pipe.csv")
    reader = opened("out/*")

    assert paths(reader) == ["out/a.csv"]
    assert reader.ignored == {
        "symbolic link": 2,
        "not a regular file": 1,
        "hidden file": 2,
        "side file": 4,
    }


def test_folders_that_are_links_are_not_entered_unless_the_glob_names_them(
    server: SftpServer, opened: Callable[..., SftpReader], tmp_path: Path
) -> None:
    (tmp_path / "volume").mkdir()
    (tmp_path / "volume" / "a.csv").write_text("x\n")
    (server.files / "out").symlink_to(tmp_path / "volume")
    (server.files / "loop").symlink_to(server.files)

    assert paths(opened("out/*.csv")) == ["out/a.csv"]
    assert paths(opened("*/*.csv")) == []
    assert paths(opened("**/*.csv")) == []


def test_folders_are_walked_as_the_glob_demands(
    server: SftpServer, opened: Callable[..., SftpReader]
) -> None:
    for path in ("a.csv", "2025/a.csv", "2026/b.csv", "2026/11/c.csv", "2026/.old/d.csv"):
        server.put(path, b"x\n")

    assert paths(opened("202?/*.csv")) == ["2025/a.csv", "2026/b.csv"]
    assert paths(opened("2026/**")) == ["2026/11/c.csv", "2026/b.csv"]
    assert paths(opened(f"{server.files}/*.csv")) == [f"{server.files}/a.csv"]


def test_with_a_marker_only_marked_files_are_listed(
    server: SftpServer, opened: Callable[..., SftpReader]
) -> None:
    for name in ("a.csv", "a.csv.done", "b.csv", "c.csv.done"):
        server.put(f"out/{name}", b"x\n")
    reader = opened("out/*", marker=".done")

    assert paths(reader) == ["out/a.csv"]
    assert reader.ignored == {"marker": 2, "marker missing": 1}


def test_every_name_is_listed_and_read(server: SftpServer, opened: Callable[..., SftpReader]) -> None:
    names = [
        *(b"with blank.csv", "Schäden 事故.csv".encode(), b"line\nbreak.csv", b"100%25+1.csv", b"..csv"),
        *(b"a..b.csv", b"\x01\x1b[31m.csv", b"latin-\xe9.csv", b"\xee\xbe\x80.csv", b"back\\slash.csv"),
        *(b"'quote\".csv", b"#?&=;.csv", b"*.csv", b"[a].csv", b"a" * 251 + b".csv"),
        *("e\u0301.csv".encode(), "\u00e9.csv".encode()),
    ]
    for name in names:
        (server.files / os.fsdecode(name)).write_bytes(name)
    reader = opened()

    read = [b"".join(reader.read(file)) for file in reader.files()]

    assert sorted(read) == sorted(name for name in names if not name.startswith(b"."))
    assert all(json.loads(json.dumps(path)).encode() for path in paths(reader))


def test_more_files_than_a_glob_may_match_are_refused(
    server: SftpServer, opened: Callable[..., SftpReader], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sftp, "MOST_FILES", 3)
    for number in range(4):
        server.put(f"{number}.csv", b"x\n")
    with pytest.raises(RefusedSource, match=r"glob \*\.csv matches more than 3 files; move files away"):
        opened().files()


def test_folders_with_too_many_names_are_refused(
    server: SftpServer, opened: Callable[..., SftpReader], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sftp, "MOST_ENTRIES", 10)
    for number in range(10):
        server.put(f"{number}.txt", b"x\n")
    with pytest.raises(RefusedSource, match="folders with more than 10 names"):
        opened().files()


def test_a_thousand_files_are_listed_and_read_in_seconds(
    server: SftpServer, opened: Callable[..., SftpReader]
) -> None:
    for number in range(1000):
        server.put(f"{number:04}.csv", f"{number}\n".encode())
    reader = opened()
    began = time.perf_counter()
    files = reader.files()
    listed = time.perf_counter()
    contents = [b"".join(reader.read(file)) for file in files]
    read = time.perf_counter()

    print(f"1,000 files: listed in {listed - began:.2f} s, read in {read - listed:.1f} s")
    assert contents == [f"{number}\n".encode() for number in range(1000)]


def test_a_missing_folder_is_refused(server: SftpServer, opened: Callable[..., SftpReader]) -> None:
    with pytest.raises(RefusedSource, match=r"folder of in/\*\.csv does not exist; create it"):
        opened("in/*.csv").files()
    server.put("in", b"a file")
    with pytest.raises(RefusedSource, match="does not exist"):
        opened("in/*.csv").files()


# -- files that change ---------------------------------------------------------------------------------------


def test_a_file_that_has_changed_since_it_was_planned_is_not_read(
    server: SftpServer, opened: Callable[..., SftpReader]
) -> None:
    target = server.put("a.csv", b"x\n1\n")
    reader = opened()
    [file] = reader.files()

    changes: list[Callable[[], object]] = [
        lambda: server.put("a.csv", b"x\n1\n2\n"),
        lambda: server.put("a.csv", b"x\n2\n", modified_at=1_760_000_001),
        target.unlink,
        lambda: target.symlink_to("/etc/passwd"),
    ]
    for change in changes:
        change()
        with pytest.raises(FileChanged, match="changed or is gone since its window was planned"):
            list(reader.read(file))


@pytest.mark.parametrize("change", ["grows", "shrinks", "is rewritten"])
def test_a_file_that_changes_while_it_is_read_ends_with_an_error(
    server: SftpServer, opened: Callable[..., SftpReader], change: str
) -> None:
    target = server.put("a.csv", b"x\n" * 20_000_000)
    reader = opened()
    [file] = reader.files()
    blocks = reader.read(file)
    next(blocks)
    if change == "shrinks":
        os.truncate(target, 30_000_000)
    else:
        with target.open("ab" if change == "grows" else "r+b") as written:
            written.write(b"y\n")

    with pytest.raises(FileChanged):
        list(blocks)
    assert reader.files() != [file]


def test_a_file_that_is_replaced_while_it_is_read_is_read_as_it_was(
    server: SftpServer, opened: Callable[..., SftpReader]
) -> None:
    old, new = b"x\n" * 10_000_000, b"y\n" * 10_000_000
    server.put("a.csv", old)
    reader = opened()
    [file] = reader.files()
    blocks = reader.read(file)
    first = next(blocks)
    server.put("a.csv", new, modified_at=1_760_000_060)

    assert first + b"".join(blocks) == old
    [replaced] = reader.files()
    assert replaced != file
    assert b"".join(reader.read(replaced)) == new


def test_other_bytes_with_the_same_size_and_time_cannot_be_detected(
    server: SftpServer, opened: Callable[..., SftpReader]
) -> None:
    server.put("a.csv", b"x\n1\n")
    reader = opened()
    before = reader.files()
    server.put("a.csv", b"x\n2\n")
    assert reader.files() == before


# -- servers that break off ----------------------------------------------------------------------------------


def test_a_server_that_is_gone_is_unreachable(server: SftpServer) -> None:
    server.stop()
    with pytest.raises(
        SourceUnreachable, match=r"source policies: no connection .* \(ConnectionRefusedError\)"
    ):
        open_sftp(server.source(), server.secret)


def test_a_name_that_nobody_knows_is_unreachable(server: SftpServer) -> None:
    with pytest.raises(SourceUnreachable) as caught:
        open_sftp(server.source(), server.secret | {"host": "sftp.insurer.invalid"})
    assert "insurer" not in str(caught.value)


def test_a_restart_while_a_file_is_read_ends_with_an_error(
    server: SftpServer, opened: Callable[..., SftpReader]
) -> None:
    server.put("a.csv", b"x\n" * 20_000_000)
    reader = opened()
    [file] = reader.files()
    blocks = reader.read(file)
    next(blocks)
    server.restart()

    with pytest.raises(SourceUnreachable, match="broke off while a file was read"):
        list(blocks)
    with pytest.raises(SourceUnreachable, match="broke off while files were listed"):
        reader.files()
    reader.close()
    assert len(b"".join(opened().read(file))) == 40_000_000


def test_a_server_that_hangs_ends_with_an_error(
    server: SftpServer, opened: Callable[..., SftpReader], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sftp_connection, "ANSWER_SECONDS", 0.5)
    server.put("a.csv", b"x\n" * 20_000_000)
    reader = opened()
    [file] = reader.files()
    blocks = reader.read(file)
    next(blocks)
    assert server._process is not None
    children = psutil.Process(server._process.pid).children(recursive=True)
    for child in children:
        child.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises(SourceUnreachable, match=r"broke off .* \(TimeoutError\)"):
            list(blocks)
    finally:
        for child in children:
            child.send_signal(signal.SIGCONT)


def test_a_port_that_says_nothing_is_unreachable(server: SftpServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sftp_connection, "CONNECT_SECONDS", 0.5)
    assert server._process is not None
    os.kill(server._process.pid, signal.SIGSTOP)
    try:
        with pytest.raises(SourceUnreachable, match="no connection to the server"):
            open_sftp(server.source(), server.secret)
    finally:
        os.kill(server._process.pid, signal.SIGCONT)


# -- large files ---------------------------------------------------------------------------------------------

LARGE = """
import hashlib, json, sys, time
from datetime import timedelta
from claimwatch.domain.sources.source import Kind, Mode, Source
from claimwatch.sources.sftp import open_sftp

job = json.load(sys.stdin)
keys = tuple(job["keys"])
source = Source("policies", Kind.SFTP, "motor", "rate(1 hour)", "", Mode.FILES, files="*.csv", host_keys=keys)
reader = open_sftp(source, job["secret"])
[file] = reader.files()
digest = hashlib.sha256()
began = time.perf_counter()
for block in reader.read(file):
    digest.update(block)
seconds = time.perf_counter() - began
reader.close()
peak = next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM:"))
print(json.dumps({"seconds": seconds, "peak": peak << 10, "sha256": digest.hexdigest()}))
"""


def test_a_gigabyte_is_read_in_bounded_memory(server: SftpServer) -> None:
    pattern = os.urandom(1 << 20)
    with (server.files / "a.csv").open("wb") as file:
        for _ in range(1000):
            file.write(pattern)
    job = {"keys": server.host_keys, "secret": server.secret}
    answer = subprocess.run(
        [sys.executable, "-c", LARGE],
        input=json.dumps(job),
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": f"{PROJECT}:{PROJECT}/layers/core"},
        check=True,
        text=True,
    )
    measured = json.loads(answer.stdout)

    rate = 1000 * (1 << 20) / 1e6 / measured["seconds"]
    print(f"1,000 MiB by SFTP: {rate:.0f} MB/s, peak memory {measured['peak'] / 1e6:.0f} MB")
    assert measured["sha256"] == sha256_of(server.files / "a.csv")
    assert measured["peak"] < 300_000_000


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
