"""An OpenSSH server for tests: Debian's sshd, which serves one folder by SFTP on a port of 127.0.0.1."""

import os
import pwd
import shutil
import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncssh
import pytest

from claimwatch.domain.sources.source import Kind, Mode, Source
from local.processes import GuardedProcess, StartupFailed, free_port, tail, wait_until

PROGRAM = next(
    (path for path in (shutil.which("sshd"), "/usr/sbin/sshd") if path and Path(path).exists()), None
)

needs_sshd = pytest.mark.skipif(PROGRAM is None, reason="no sshd: run `make setup-sources` as root on Debian")


class SftpServer:
    """An sshd whose logins see ``files``; it ends with this process. Usable as a context manager.

    It runs as the current user, who logs in with ``login_key``; root can have another user log in.
    ``options`` are lines of sshd_config that come first, and so decide.
    """

    def __init__(
        self,
        folder: Path,
        *,
        key_types: Sequence[str] = ("ssh-ed25519",),
        username: str | None = None,
        options: Sequence[str] = (),
    ) -> None:
        self.folder = folder.resolve()
        self.files = self.folder / "files"
        self.log = self.folder / "sshd.log"
        self.host = "127.0.0.1"
        self.port = 0
        self.username = username or pwd.getpwuid(os.geteuid()).pw_name
        self.login_key = asyncssh.generate_private_key("ssh-ed25519")
        self.keys = [asyncssh.generate_private_key(kind) for kind in key_types]
        self._options = options
        self._process: GuardedProcess | None = None

    # -- start and stop ------------------------------------------------------------------------------------

    def start(self) -> Self:
        """Start the server, and return when it accepts connections."""
        assert PROGRAM is not None
        self.files.mkdir(parents=True, exist_ok=True)
        self.port = self.port or free_port()
        if os.geteuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd gives up root's rights there
        configuration = self._configure()
        self._process = GuardedProcess(
            [PROGRAM, "-D", "-e", "-f", str(configuration)],
            log=self.log,
            env={"PATH": os.environ["PATH"]},
            cwd=self.folder,
            grace=2,
        )
        if not wait_until(self._accepts, 10):
            self.stop()
            raise StartupFailed(f"sshd did not start\n{tail(self.log)}")
        return self

    def stop(self) -> None:
        """Stop the server and all its connections."""
        process, self._process = self._process, None
        if process is not None:
            process.stop()

    def restart(self) -> None:
        """Restart on the same port; connections break off."""
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    # -- what clients need ---------------------------------------------------------------------------------

    @property
    def secret(self) -> dict[str, Any]:
        """The secret of a source that reads from this server."""
        return {
            "host": self.host,
            "port": self.port,
            "username": self.username,
            "private_key": self.login_key.export_private_key("openssh").decode(),
        }

    @property
    def host_keys(self) -> tuple[str, ...]:
        """The public host keys, as a source lists them."""
        return tuple(public_text(key) for key in self.keys)

    def source(self, files: str = "*.csv", **changes: Any) -> Source:
        """Return a source that reads from this server."""
        settings: dict[str, Any] = {
            "name": "policies",
            "kind": Kind.SFTP,
            "line": "motor",
            "schedule": "rate(15 minutes)",
            "secret": "sources/policies",
            "mode": Mode.FILES,
            "files": files,
            "host_keys": self.host_keys,
            "settle": timedelta(0),
        }
        return Source(**settings | changes)

    def put(self, path: str, content: bytes, *, modified_at: float = 1_760_000_000) -> Path:
        """Store a file at once, with a time."""
        target = self.files / path
        target.parent.mkdir(parents=True, exist_ok=True)
        part = self.folder / "part"
        part.write_bytes(content)
        os.utime(part, (modified_at, modified_at))
        part.rename(target)
        return target

    # -- inner parts ---------------------------------------------------------------------------------------

    def _configure(self) -> Path:
        lines = [
            *self._options,
            f"ListenAddress {self.host}:{self.port}",
            "PidFile none",
            "UsePAM no",
            "StrictModes no",
            "PasswordAuthentication no",
            "KbdInteractiveAuthentication no",
            "PermitRootLogin prohibit-password",
            f"AuthorizedKeysFile {self.folder}/authorized_keys",
            "Subsystem sftp internal-sftp",
            f"ForceCommand internal-sftp -d {self.files}",
            "AllowTcpForwarding no",
            "X11Forwarding no",
            "MaxStartups 100",
            "LogLevel ERROR",
        ]
        for key in self.keys:
            path = self.folder / f"host_{key.get_algorithm()}"
            path.write_bytes(key.export_private_key("openssh"))
            path.chmod(0o600)
            lines.append(f"HostKey {path}")
        (self.folder / "authorized_keys").write_text(f"{public_text(self.login_key)}\n")
        configuration = self.folder / "sshd_config"
        configuration.write_text("\n".join(lines) + "\n")
        return configuration

    def _accepts(self) -> bool:
        with suppress(OSError), socket.create_connection((self.host, self.port), timeout=1) as probe:
            return probe.recv(4) == b"SSH-"
        return False


@contextmanager
def server_for_nobody() -> Iterator[SftpServer]:
    """Run a server whose login is nobody, who may not read every file as root may; needs root."""
    if os.geteuid() != 0:
        pytest.skip("only root can let another user log in")
    folder = Path(tempfile.mkdtemp(prefix="claimwatch-sftp-"))
    folder.chmod(0o755)
    try:
        with SftpServer(folder, username="nobody") as running:
            yield running
    finally:
        shutil.rmtree(folder)


def public_text(key: asyncssh.SSHKey) -> str:
    """Return a public key as type, blank and base64."""
    return " ".join(key.export_public_key("openssh").decode().split()[:2])
