"""Reader of the files of an SFTP server."""

import asyncio
import contextlib
import stat
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import asyncssh

from claimwatch.domain.files.side_files import side_file_of
from claimwatch.domain.sources.glob import Glob
from claimwatch.domain.sources.remote_names import name_of, path_bytes
from claimwatch.domain.sources.source import Source
from claimwatch.errors import RefusedFile
from claimwatch.sources.reader import FileChanged, RefusedSource, RemoteFile, SourceUnreachable
from claimwatch.sources.sftp_connection import SftpConnection, answer

MOST_FILES = 10_000
"""Files that a glob may match."""

MOST_ENTRIES = 200_000
"""Names that a server may list for a glob, those included that do not match."""

DEEPEST = 16
"""Folders below each other that a listing enters."""

LISTING_SECONDS = 300.0
"""Time to list one folder."""

BLOCK = 1 << 20
"""Bytes of each block that a read yields."""

AHEAD = 8
"""Blocks that are requested before they are needed."""

_GONE = (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath, asyncssh.SFTPNotADirectory)


def open_sftp(source: Source, secret: Mapping[str, Any]) -> "SftpReader":
    """Connect to the SFTP server of a source.

    The secret has ``host``, ``username``, and ``private_key`` (with its ``passphrase``, if any) or
    ``password``; ``port`` is 22 without one. Raises ``RefusedSource`` if the server shows a host key that the
    source does not list, or does not accept the login, and ``SourceUnreachable`` if it does not answer.
    """
    return SftpReader(source, SftpConnection(source, secret))


class SftpReader:
    """Reads the files of a source from an SFTP server."""

    def __init__(self, source: Source, connection: SftpConnection) -> None:
        self._source = source
        self._connection = connection
        self._client = connection.client
        self.ignored: Counter[str] = Counter()
        """Files whose path matches and that the last ``files`` left out, counted by reason."""

    def refuse_writers(self) -> None:
        """Accept every login: that one may not write cannot be proved without writing."""

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def files(self) -> list[RemoteFile]:
        """Return the files that match the source's glob, sorted by path.

        Symbolic links below the fixed part of the glob are neither returned nor followed, so that nobody who
        may store files on the server makes Claimwatch read others. Hidden files, transfers that are not
        complete, side files of tools and what is not a regular file are left out, too.
        """
        return self._connection.run(self._list())

    def read(self, file: RemoteFile) -> Iterator[bytes]:
        """Yield the bytes of a file in blocks of at most ``BLOCK``.

        Raises ``FileChanged`` if its size or time is not as planned, at the beginning or at the end, and
        ``RefusedFile`` if the login may not read it.
        """
        opened = self._connection.run(self._open(file))
        try:
            while block := self._connection.run(opened.next_block()):
                yield block
            self._connection.run(opened.check())
        finally:
            with contextlib.suppress(SourceUnreachable):  # the reader is closed already
                self._connection.run(opened.close())

    async def _list(self) -> list[RemoteFile]:
        listing = _Listing(self._client, self._source)
        with _listing_faults(self._source):
            found = [file async for file in listing.files()]
        self.ignored = listing.ignored
        return sorted(found, key=lambda file: file.path)

    async def _open(self, file: RemoteFile) -> "_OpenFile":
        path = path_bytes(file.path)
        with _file_faults(self._source):
            attributes = await answer(self._client.lstat(path))
            if not stat.S_ISREG(attributes.permissions or 0):
                raise _changed(self._source)
            opened = _OpenFile(self._source, file, await answer(self._client.open(path, "rb")))
        try:
            await opened.check()
        except BaseException:
            await opened.close()
            raise
        return opened


class _Listing:
    """A walk through the folders that the glob of a source can match."""

    def __init__(self, client: asyncssh.SFTPClient, source: Source) -> None:
        self._client = client
        self._source = source
        self._glob = Glob(source.files or "")
        self._entries = 0
        self.ignored: Counter[str] = Counter()

    async def files(self) -> AsyncIterator[RemoteFile]:
        """Yield the files that match."""
        matches = 0
        pending: list[tuple[tuple[str, ...], frozenset[int]]] = [((), self._glob.start)]
        while pending:
            folder, states = pending.pop()
            listed = await self._listed(folder)
            for name, attributes in listed.items():
                if stat.S_ISDIR(attributes.permissions or 0):
                    below = self._glob.enter(states, name)
                    if below and len(folder) < DEEPEST and not name.startswith("."):
                        pending.append(((*folder, name), below))
                elif self._glob.matches(states, name):
                    if reason := self._reason_to_ignore(name, attributes, listed):
                        self.ignored[reason] += 1
                        continue
                    matches += 1
                    if matches > MOST_FILES:
                        raise self._too_many(f"matches more than {MOST_FILES:,} files")
                    yield RemoteFile(self._glob.path((*folder, name)), *_version_of(attributes))

    async def _listed(self, folder: tuple[str, ...]) -> dict[str, asyncssh.SFTPAttrs]:
        """Return what a folder holds; nothing if it is gone or closed and a wildcard has led to it."""
        path = path_bytes(self._glob.path(folder) if folder else self._glob.base)
        listed: dict[str, asyncssh.SFTPAttrs] = {}
        try:
            async with asyncio.timeout(LISTING_SECONDS):
                async for entry in self._client.scandir(path):
                    self._entries += 1
                    if self._entries > MOST_ENTRIES:
                        raise self._too_many(f"leads through folders with more than {MOST_ENTRIES:,} names")
                    name = entry.filename
                    assert isinstance(name, bytes)
                    if name not in (b"", b".", b"..") and b"/" not in name and b"\0" not in name:
                        attributes = await self._complete(path + b"/" + name, entry.attrs)
                        if attributes is not None:
                            listed[name_of(name)] = attributes
        except (*_GONE, asyncssh.SFTPPermissionDenied):
            if not folder:
                raise
            self.ignored["folder that cannot be listed"] += 1
        return listed

    async def _complete(self, path: bytes, attributes: asyncssh.SFTPAttrs) -> asyncssh.SFTPAttrs | None:
        """Return attributes with type, size and time, which some servers do not list; None if it is gone."""
        if None not in (attributes.permissions, attributes.size, attributes.mtime):
            return attributes
        try:
            return await answer(self._client.lstat(path))
        except _GONE:
            return None

    def _reason_to_ignore(
        self, name: str, attributes: asyncssh.SFTPAttrs, listed: Mapping[str, asyncssh.SFTPAttrs]
    ) -> str | None:
        marker = self._source.marker
        if stat.S_ISLNK(attributes.permissions or 0):
            return "symbolic link"
        if not stat.S_ISREG(attributes.permissions or 0):
            return "not a regular file"
        if name.startswith("."):
            return "hidden file"
        if marker and name.endswith(marker):
            return "marker"
        if marker and name + marker not in listed:
            return "marker missing"
        if side_file_of(f"{self._source.dataset}/{self._source.line}/{name}", attributes.size or 0):
            return "side file"
        return None

    def _too_many(self, what: str) -> RefusedSource:
        return RefusedSource(
            f"source {self._source.name}: the glob {self._source.files} {what}; "
            "move files away that were pulled, or narrow the glob"
        )


class _OpenFile:
    """A file that is read from its beginning to its end, some blocks ahead."""

    def __init__(self, source: Source, file: RemoteFile, handle: asyncssh.SFTPClientFile) -> None:
        self._source = source
        self._file = file
        self._handle = handle
        self._offset = 0
        self._pending: deque[tuple[int, asyncio.Task[Any]]] = deque()

    async def check(self) -> None:
        """Raise ``FileChanged`` if size or time is not as planned."""
        with _file_faults(self._source):
            attributes = await answer(self._handle.stat())
        if _version_of(attributes) != (self._file.size, self._file.modified_at):
            raise _changed(self._source)

    async def next_block(self) -> bytes:
        """Return the next block, or nothing at the end."""
        while len(self._pending) < AHEAD and self._offset < self._file.size:
            length = min(BLOCK, self._file.size - self._offset)
            task: asyncio.Task[Any] = asyncio.ensure_future(self._handle.read(length, self._offset))
            self._pending.append((length, task))
            self._offset += length
        if not self._pending:
            return b""
        length, task = self._pending.popleft()
        with _file_faults(self._source):
            block: bytes = await answer(task)
        if len(block) != length:
            raise _changed(self._source)
        return block

    async def close(self) -> None:
        """End what is being read; the server forgets a handle with its connection at the latest."""
        tasks = [task for _, task in self._pending]
        self._pending.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(OSError, asyncssh.Error):
            await answer(self._handle.close())


def _version_of(attributes: asyncssh.SFTPAttrs) -> tuple[int, datetime]:
    """Return size and time, by which versions of a file are told apart."""
    if attributes.size is None or attributes.mtime is None:
        raise RefusedSource(
            "the SFTP server shows no size or no time of its files; changes cannot be detected"
        )
    return attributes.size, datetime.fromtimestamp(int(attributes.mtime), UTC)


def _changed(source: Source) -> FileChanged:
    return FileChanged(f"source {source.name}: a file has changed or is gone since its window was planned")


@contextmanager
def _listing_faults(source: Source) -> Iterator[None]:
    try:
        yield
    except asyncssh.SFTPPermissionDenied:
        raise RefusedSource(
            f"source {source.name}: the login may not list the folder of {source.files}; allow it"
        ) from None
    except _GONE:
        raise RefusedSource(
            f"source {source.name}: the folder of {source.files} does not exist; create it, or correct files"
        ) from None
    except (asyncssh.Error, OSError) as error:
        raise SourceUnreachable(
            f"source {source.name}: the server broke off while files were listed ({type(error).__name__})"
        ) from None


@contextmanager
def _file_faults(source: Source) -> Iterator[None]:
    """Raise Claimwatch's errors while a file is read. They do not name it: paths may name people."""
    try:
        yield
    except _GONE:
        raise _changed(source) from None
    except asyncssh.SFTPPermissionDenied:
        raise RefusedFile("the login may not read the file; allow it") from None
    except (asyncssh.Error, OSError) as error:
        raise SourceUnreachable(
            f"source {source.name}: the server broke off while a file was read ({type(error).__name__})"
        ) from None
