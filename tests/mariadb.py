"""A MariaDB server for tests: that of Debian's package mariadb-server; `make setup-sources` installs it."""

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pymysql

from local.processes import GuardedProcess, StartupFailed, free_port, tail, wait_until

FOLDERS = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/libexec"])
SERVER = shutil.which("mariadbd", path=FOLDERS)
INSTALLER = shutil.which("mariadb-install-db")
MISSING = "" if SERVER and INSTALLER else "MariaDB is missing: `make setup-sources` installs it on Debian"
"""Why tests that need the server are skipped; empty if there is one."""

USER = "mysql"
"""The user of Debian's package: the server does not run as root."""


class MariaDb:
    """A server on a free port of 127.0.0.1 with its data in a temporary folder. Usable as a context manager.

    The superuser is ``root`` with a generated password. ``options`` are added to the server's, such as
    ``--default-time-zone=+02:00``. The server ends with this process, whatever ends it.
    """

    def __init__(self, *options: str) -> None:
        self.host = "127.0.0.1"
        self.port = 0
        self.password = secrets.token_urlsafe(24)
        self.folder = Path()
        self._options = options
        self._process: GuardedProcess | None = None

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp(prefix="claimwatch-mariadb-"))
        user = USER if os.geteuid() == 0 else None
        if user:
            shutil.chown(self.folder, user)
        assert INSTALLER, MISSING
        try:
            subprocess.run(
                [
                    INSTALLER,
                    "--no-defaults",
                    f"--datadir={self._data}",
                    "--auth-root-authentication-method=normal",
                    "--skip-test-db",
                    *([f"--user={user}"] if user else []),
                ],
                check=True,
                capture_output=True,
            )
            self.start(password="")
            self.execute(f"ALTER USER root@localhost IDENTIFIED BY '{self.password}'", password="")
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._remove()

    def start(self, *, password: str | None = None) -> None:
        """Start the server and wait until it accepts connections; a restart keeps the port."""
        assert SERVER, MISSING
        self.port = self.port or free_port()
        user = USER if os.geteuid() == 0 else None
        self._process = GuardedProcess(
            [
                SERVER,
                "--no-defaults",
                f"--datadir={self._data}",
                f"--port={self.port}",
                f"--bind-address={self.host}",
                f"--socket={self.folder / 'server.sock'}",
                f"--pid-file={self.folder / 'server.pid'}",
                "--skip-name-resolve=0",
                "--innodb-buffer-pool-size=64M",
                "--innodb-log-file-size=48M",
                "--innodb-flush-log-at-trx-commit=2",
                "--character-set-server=utf8mb4",
                *([f"--user={user}"] if user else []),
                *self._options,
            ],
            log=self._log,
            env={"PATH": os.environ.get("PATH", os.defpath)},
            cwd=self.folder,
        )
        if not wait_until(lambda: self._answers(password), 60):
            raise StartupFailed(f"MariaDB did not start:\n{tail(self._log)}")

    def stop(self) -> None:
        """Stop the server as its administrator does."""
        process, self._process = self._process, None
        if process is not None:
            process.stop()

    def kill(self) -> None:
        """Stop the server as a power cut does."""
        process, self._process = self._process, None
        if process is not None:
            process.send(signal.SIGKILL)
            process.wait(30)
            process.stop()

    def connect(self, database: str | None = None, **parameters: Any) -> Any:
        """Return a connection of the superuser, or of the ``user`` among the parameters."""
        server = {"host": self.host, "port": self.port, "database": database, "charset": "utf8mb4"}
        login = {"user": "root", "password": self.password, "autocommit": True, "ssl_disabled": True}
        return pymysql.connect(**{**server, **login, **parameters})

    def execute(
        self,
        *statements: str,
        database: str | None = None,
        rows: Sequence[Any] | None = None,
        **parameters: Any,
    ) -> list[Any]:
        """Execute statements and return the rows of the last one; with ``rows``, once for each of them."""
        with closing(self.connect(database, **parameters)) as connection, connection.cursor() as cursor:
            for statement in statements:
                if rows is None:
                    cursor.execute(statement)
                else:
                    cursor.executemany(statement, rows)
            return list(cursor.fetchall())

    def secret(self, username: str, password: str, database: str | None = None) -> Mapping[str, Any]:
        """Return the secret of a source that logs in without TLS."""
        server = {"host": self.host, "port": self.port, "tls": False}
        login = {"username": username, "password": password}
        return server | login | ({"dbname": database} if database else {})

    @property
    def _data(self) -> Path:
        return self.folder / "data"

    @property
    def _log(self) -> Path:
        return self.folder / "server.log"

    def _answers(self, password: str | None) -> bool:
        if self._process is None or not self._process.running():
            raise StartupFailed(f"MariaDB did not start:\n{tail(self._log)}")
        try:
            self.connect(connect_timeout=2, **{} if password is None else {"password": password}).close()
        except pymysql.err.OperationalError:
            return False
        return True

    def _remove(self) -> None:
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)
