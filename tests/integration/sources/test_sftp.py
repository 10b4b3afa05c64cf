"""Files are read from a real OpenSSH server."""

import os
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from claimwatch.sources.reader import RemoteFile
from claimwatch.sources.sftp import SftpReader, open_sftp
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
