"""Connections to SFTP servers whose host keys are pinned, over asyncssh.

The server's host keys come from the source's file alone: no key is accepted on first use. No configuration,
agent, key or list of known hosts of this machine is read. The words of asyncssh and of servers are dropped
from errors: they name hosts, logins and paths.
"""

import asyncio
import logging
import os
import threading
from collections.abc import Awaitable, Coroutine, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

import asyncssh

from claimwatch.domain.sources.source import Source
from claimwatch.sources.reader import RefusedSource, SourceUnreachable

CONNECT_SECONDS = 20.0
"""Time to connect, and once more to log in."""

ANSWER_SECONDS = 60.0
"""Time for the answer to one request."""

_KEEPALIVE_SECONDS = 15

_CLOSING_SECONDS = 2
"""Seconds after which a connection that has not closed is taken for one that stays open."""

_KEY_EXCHANGES = "-*sha1*,rsa2048-sha256,*1.3.132*"
"""The defaults of asyncssh without the oldest ones."""

_CIPHERS = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes256-ctr",
    "aes192-ctr",
    "aes128-ctr",
)
_MACS = (
    "hmac-sha2-256-etm@openssh.com",
    "hmac-sha2-512-etm@openssh.com",
    "hmac-sha2-256",
    "hmac-sha2-512",
)
_SIGNATURES = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
)
"""Signatures of servers and of logins; those over SHA-1 are not among them."""


class SftpConnection:
    """A connection to an SFTP server, and the event loop that it lives on.

    The loop runs in a thread of its own, so that reading goes on while the caller sends what it has.
    """

    def __init__(self, source: Source, secret: Mapping[str, Any]) -> None:
        login = _Login.of(secret)
        host_keys = _HostKeys(source)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sftp", daemon=True)
        self._thread.start()
        self._connection: asyncssh.SSHClientConnection | None = None
        try:
            self._connection = self.run(_connect(login, host_keys))
            self.client = self.run(_start_sftp(self._connection, source))
        except BaseException:
            self.close()
            raise

    def run[T](self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end and return its result; raise ``SourceUnreachable`` after ``close``."""
        if self._loop.is_closed():
            work.close()
            raise SourceUnreachable("the connection to the SFTP server is closed")
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def close(self) -> None:
        """Close the connection, the loop and its thread; a second call changes nothing."""
        if self._loop.is_closed():
            return
        self.run(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        if self._connection is not None:
            self._connection.abort()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # transports report their end in the next round of the loop


async def answer[T](request: Awaitable[T]) -> T:
    """Return the answer to a request; raise ``TimeoutError`` after ``ANSWER_SECONDS``."""
    async with asyncio.timeout(ANSWER_SECONDS):
        return await request


@dataclass(frozen=True, repr=False)
class _Login:
    """How to log in to a server. It holds secrets, so it has no representation."""

    host: str
    port: int
    username: str
    private_key: asyncssh.SSHKey | None
    password: str | None

    @classmethod
    def of(cls, secret: Mapping[str, Any]) -> Self:
        """Read a secret; raise ``RefusedSource`` without quoting any of it."""
        missing = [name for name in ("host", "username") if not _text(secret, name)]
        if not _text(secret, "private_key") and not _text(secret, "password"):
            missing.append("private_key or password")
        if missing:
            raise RefusedSource(f"the secret of the SFTP server lacks {', '.join(missing)}; add it")
        return cls(
            host=_text(secret, "host").strip(),
            port=_port(secret),
            username=_text(secret, "username"),
            private_key=_private_key(secret),
            password=_text(secret, "password") or None,
        )

    @property
    def methods(self) -> list[str]:
        """Ways to log in that the secret allows."""
        methods = ["publickey"] if self.private_key else []
        return [*methods, "password", "keyboard-interactive"] if self.password else methods


def _text(secret: Mapping[str, Any], name: str) -> str:
    value = secret.get(name)
    return value if isinstance(value, str) else ""


def _port(secret: Mapping[str, Any]) -> int:
    try:
        port = int(secret.get("port") or 22)
    except (TypeError, ValueError):
        port = 0
    if not 0 < port < 1 << 16:
        raise RefusedSource("port in the secret of the SFTP server is not a number from 1 to 65535")
    return port


def _private_key(secret: Mapping[str, Any]) -> asyncssh.SSHKey | None:
    text = _text(secret, "private_key").strip()
    if not text:
        return None
    try:
        return asyncssh.import_private_key(f"{text}\n", _text(secret, "passphrase") or None)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError, ValueError) as error:
        if not _is_encrypted(error):
            reason = (
                "cannot be read; store the whole file, in OpenSSH's or PEM's format, with its line breaks"
            )
        elif "BEGIN OPENSSH" in text:  # needs bcrypt, which the functions do not have
            reason = (
                "is encrypted in OpenSSH's format, which cannot be read; store it without a passphrase "
                "(ssh-keygen -p), because the secret is encrypted as a whole"
            )
        else:
            reason = "is encrypted, and passphrase is missing or wrong"
    raise RefusedSource(f"private_key in the secret of the SFTP server {reason}")


def _is_encrypted(error: Exception) -> bool:
    """Return whether a private key could not be read because of its passphrase."""
    words = str(error)
    return isinstance(error, asyncssh.KeyEncryptionError) or "Passphrase" in words or "decrypt" in words


class _HostKeys(asyncssh.SSHClient):
    """The host keys that a source lists, and the one that its server shows."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.shown: str | None = None
        self._keys = [_host_key(source, text) for text in source.host_keys]
        if not self._keys:
            raise RefusedSource(f"source {source.name} lists no host key of its server; add hostKeys")

    def validate_host_public_key(
        self,
        host: str,  # noqa: ARG002 the keys are those of this source's server, whatever its name
        addr: str,  # noqa: ARG002
        port: int,  # noqa: ARG002
        key: asyncssh.SSHKey,
    ) -> bool:
        """Return whether a key that the server shows is listed, and note it."""
        self.shown = key.get_fingerprint()
        return key in self._keys

    @property
    def algorithms(self) -> list[str]:
        """Signatures of host keys, first those of the listed keys: a server may have keys of other types."""
        listed = tuple(key.get_algorithm().replace("ssh-rsa", "rsa-sha2") for key in self._keys)
        return sorted(_SIGNATURES, key=lambda name: not name.startswith(listed))

    def refusal(self) -> RefusedSource:
        """Return the error for a server that shows another key."""
        listed = " or ".join(key.get_fingerprint() for key in self._keys)
        return RefusedSource(
            f"source {self.source.name}: the server's host key is {self.shown}, but hostKeys lists {listed}; "
            "ask the server's administrator whether the key was changed, and only then list the new one"
        )


def _host_key(source: Source, text: str) -> asyncssh.SSHKey:
    try:
        key = asyncssh.import_public_key(text)
    except (asyncssh.KeyImportError, ValueError):
        raise RefusedSource(
            f"source {source.name}: an entry of hostKeys is not a public key; "
            "write its type, a blank and its base64 text"
        ) from None
    if key.get_algorithm() not in (*_SIGNATURES, "ssh-rsa"):
        raise RefusedSource(
            f"source {source.name}: an entry of hostKeys is of type {key.get_algorithm()}; list one of type "
            "ssh-ed25519, ecdsa-sha2-nistp256, ecdsa-sha2-nistp384, ecdsa-sha2-nistp521 or ssh-rsa"
        )
    return key


async def _connect(login: _Login, host_keys: _HostKeys) -> asyncssh.SSHClientConnection:
    asyncssh.set_log_level(logging.CRITICAL)  # its log names hosts, logins and paths
    # asyncssh asks for the name of the local user, which need not have one in a Lambda function.
    os.environ.setdefault("LOGNAME", "claimwatch")
    with _connection_faults(host_keys):
        return await asyncssh.connect(
            login.host,
            login.port,
            config=None,
            client_factory=lambda: host_keys,
            known_hosts=([], [], []),
            server_host_key_algs=host_keys.algorithms,
            username=login.username,
            client_keys=[login.private_key] if login.private_key else None,
            password=login.password,
            preferred_auth=login.methods,
            agent_path=None,
            gss_host=None,
            gss_kex=False,
            gss_auth=False,
            pkcs11_provider=None,
            x509_trusted_certs=None,
            kex_algs=_KEY_EXCHANGES,
            encryption_algs=_CIPHERS,
            mac_algs=_MACS,
            signature_algs=_SIGNATURES,
            compression_algs=None,
            connect_timeout=CONNECT_SECONDS,
            login_timeout=CONNECT_SECONDS,
            keepalive_interval=_KEEPALIVE_SECONDS,
            keepalive_count_max=3,
        )


@contextmanager
def _connection_faults(host_keys: _HostKeys) -> Iterator[None]:
    name = host_keys.source.name
    try:
        yield
    except asyncssh.HostKeyNotVerifiable:
        raise host_keys.refusal() from None
    except asyncssh.PermissionDenied:
        raise RefusedSource(
            f"source {name}: the server does not accept the login; check username, private_key and password "
            "in the secret, and that the server has the public key"
        ) from None
    except asyncssh.KeyExchangeFailed:
        raise RefusedSource(
            f"source {name}: the server offers no safe algorithm; it needs a key exchange over SHA-2, a "
            "cipher AES-GCM, AES-CTR or ChaCha20 and a host key of type ed25519, ECDSA or RSA with SHA-2"
        ) from None
    except asyncssh.ConnectionLost:
        hint = "" if host_keys.shown else " before it showed its host key; does it offer safe algorithms?"
        raise SourceUnreachable(f"source {name}: the server ended the connection{hint}") from None
    except (asyncssh.Error, OSError) as error:
        raise SourceUnreachable(
            f"source {name}: no connection to the server ({type(error).__name__})"
        ) from None


async def _closes(connection: asyncssh.SSHClientConnection) -> bool:
    """Return whether a connection ends, as when the server restarts, instead of a channel being refused."""
    try:
        await asyncio.wait_for(connection.wait_closed(), _CLOSING_SECONDS)
    except TimeoutError:
        return False
    return True


async def _start_sftp(connection: asyncssh.SSHClientConnection, source: Source) -> asyncssh.SFTPClient:
    try:
        return await answer(connection.start_sftp_client(path_encoding=None))
    except asyncssh.ChannelOpenError as error:
        if error.code == asyncssh.OPEN_RESOURCE_SHORTAGE or await _closes(connection):
            raise SourceUnreachable(
                f"source {source.name}: the connection broke off before the SFTP session was open"
            ) from None
        raise RefusedSource(
            f"source {source.name}: the server opens no SFTP session; allow the login the subsystem sftp"
        ) from None
    except (asyncssh.Error, OSError) as error:
        raise SourceUnreachable(
            f"source {source.name}: the server opens no SFTP session ({type(error).__name__})"
        ) from None
