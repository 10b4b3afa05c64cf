"""The drivers of SQL Server and Oracle send a login only to a server that proves its identity.

No server of either kind is available. These servers speak as much of their protocols as it takes to see
whether a login arrives.
"""

import secrets
import socket
import ssl
import struct
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from claimwatch.domain.sources.source import Kind, Mode, Source
from claimwatch.sources.oracle import open_oracle
from claimwatch.sources.reader import RefusedSource, SourceUnreachable
from claimwatch.sources.sqlserver import open_sqlserver
from tests.certificates import Authority

PRELOGIN, RESPONSE, LOGIN = 0x12, 0x04, 0x10
TLS_OFFERED, TLS_REFUSED = 1, 2


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@dataclass
class Server:
    """A server on a free port; ``arrived`` are the bytes that came after the handshake."""

    port: int
    arrived: list[bytes] = field(default_factory=list)


@contextmanager
def serving(answer: Callable[[socket.socket, list[bytes]], None]) -> Iterator[Server]:
    """Run a server that answers each connection in turn."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(listener.getsockname()[1])

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, suppress(OSError, ssl.SSLError, EOFError):
                        connection.settimeout(10)
                        answer(connection, server.arrived)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(10)


def context_of(authority: Authority, *names: str, common: str = "server") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        certificate, key = authority.sign(*names, common=common)
        Path(folder, "cert").write_text(certificate)
        Path(folder, "key").write_text(key)
        context.load_cert_chain(Path(folder, "cert"), Path(folder, "key"))
    return context


def source_of(kind: Kind) -> Source:
    return Source(
        "policies", kind, "motor", "rate(1 hour)", "secret", Mode.DIFFERENCE, table="a.b", key=("id",)
    )


def secret_of(server: Server, **changes: Any) -> Mapping[str, Any]:
    login = {"username": "reader", "password": secrets.token_urlsafe(12), "dbname": "claims"}
    return {"host": "localhost", "port": server.port, **login, **changes}


# -- SQL Server: TLS within packets of its own protocol ------------------------------------------------------


def received(connection: socket.socket) -> tuple[int, bytes]:
    """Return the type and the content of a packet."""
    kind, _, length = struct.unpack(">BBH4x", exactly(connection, 8))
    return kind, exactly(connection, length - 8)


def exactly(connection: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count:
        part = connection.recv(count - len(found))
        if not part:
            raise EOFError
        found += part
    return found


def packet(content: bytes, kind: int = RESPONSE) -> bytes:
    return struct.pack(">BBHHBB", kind, 1, 8 + len(content), 0, 1, 0) + content


def prelogin(encryption: int) -> bytes:
    """Return the answer to the first packet: the version, and whether there is TLS."""
    return packet(struct.pack(">BHHBHHB", 0, 11, 6, 1, 17, 1, 0xFF) + bytes([15, 0, 0, 0, 0, 0, encryption]))


def refused_login() -> bytes:
    """Return the error of a server that does not accept a login."""
    message = "Login failed for user 'reader'.".encode("utf-16-le")
    error = struct.pack("<iBBH", 18456, 1, 14, len(message) // 2) + message + struct.pack("<BBI", 0, 0, 1)
    done = struct.pack("<BHHQ", 0xFD, 2, 0, 0)
    return packet(struct.pack("<BH", 0xAA, len(error)) + error + done)


def sqlserver(context: ssl.SSLContext) -> Callable[[socket.socket, list[bytes]], None]:
    def answer(connection: socket.socket, arrived: list[bytes]) -> None:
        assert received(connection)[0] == PRELOGIN
        connection.sendall(prelogin(TLS_OFFERED))
        inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(inward, outward, server_side=True)
        while True:
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                if outward.pending:
                    connection.sendall(packet(outward.read(), PRELOGIN))
                inward.write(received(connection)[1])
            else:
                break
        if outward.pending:
            connection.sendall(packet(outward.read(), PRELOGIN))
        while True:
            try:
                arrived.append(tls.read(65_536))
                break
            except ssl.SSLWantReadError:
                part = connection.recv(65_536)
                if not part:
                    return
                inward.write(part)
        tls.write(refused_login())
        connection.sendall(outward.read())
        connection.recv(1)

    return answer


@pytest.mark.parametrize(
    ("names", "common"),
    [(("localhost",), "server"), (("other", "localhost"), "server"), ((), "localhost")],
)
def test_a_login_is_sent_to_a_sqlserver_whose_certificate_names_its_host(
    authority: Authority, names: tuple[str, ...], common: str
) -> None:
    with serving(sqlserver(context_of(authority, *names, common=common))) as server:
        secret = secret_of(server, sslrootcert=authority.certificate)
        with pytest.raises(RefusedSource, match="correct username and password"):
            open_sqlserver(source_of(Kind.SQLSERVER), secret)
    [login] = server.arrived
    assert login[0] == LOGIN


@pytest.mark.parametrize(
    ("names", "common", "changes"),
    [
        (("other",), "localhost", {}),  # the common name does not count next to other names
        (("*.localhost", "localhost.example"), "server", {}),
        ((), "other", {}),
        (("localhost",), "server", {"host": "127.0.0.1"}),
        (("localhost",), "server", {"sslrootcert": Authority("Another authority").certificate}),
        (("localhost",), "server", {"sslrootcert": "system"}),
    ],
)
def test_no_login_is_sent_to_another_sqlserver(
    authority: Authority, names: tuple[str, ...], common: str, changes: Mapping[str, str]
) -> None:
    with serving(sqlserver(context_of(authority, *names, common=common))) as server:
        secret = secret_of(server, **{"sslrootcert": authority.certificate, **changes})
        with pytest.raises(RefusedSource, match="cannot prove its identity"):
            open_sqlserver(source_of(Kind.SQLSERVER), secret)
    assert server.arrived == []


def test_an_address_is_a_name_of_a_sqlserver_if_its_certificate_has_it(authority: Authority) -> None:
    with serving(sqlserver(context_of(authority, "127.0.0.1"))) as server:
        secret = secret_of(server, sslrootcert=authority.certificate, host="127.0.0.1")
        with pytest.raises(RefusedSource, match="correct username and password"):
            open_sqlserver(source_of(Kind.SQLSERVER), secret)


def test_no_login_is_sent_to_a_sqlserver_without_tls(authority: Authority) -> None:
    def answer(connection: socket.socket, arrived: list[bytes]) -> None:
        received(connection)
        connection.sendall(prelogin(TLS_REFUSED))
        arrived.append(connection.recv(65_536))

    with serving(answer) as server:
        secret = secret_of(server, sslrootcert=authority.certificate)
        with pytest.raises(RefusedSource, match="do not agree on TLS"):
            open_sqlserver(source_of(Kind.SQLSERVER), secret)
    assert b"".join(server.arrived) == b""


# -- Oracle: TLS around everything ---------------------------------------------------------------------------


def oracle(context: ssl.SSLContext) -> Callable[[socket.socket, list[bytes]], None]:
    def answer(connection: socket.socket, arrived: list[bytes]) -> None:
        with context.wrap_socket(connection, server_side=True) as tls:
            if part := tls.recv(65_536):
                arrived.append(part)

    return answer


def test_an_oracle_server_is_asked_if_its_certificate_names_its_host(authority: Authority) -> None:
    with serving(oracle(context_of(authority, "localhost"))) as server:
        secret = secret_of(server, sslrootcert=authority.certificate)
        with pytest.raises(SourceUnreachable):
            open_oracle(source_of(Kind.ORACLE), secret)
    assert b"SERVICE_NAME=claims" in server.arrived[0]


@pytest.mark.parametrize(
    ("names", "changes"),
    [
        (("other",), {}),
        (("localhost",), {"host": "127.0.0.1"}),
        (("localhost",), {"sslrootcert": Authority("Another authority").certificate}),
        (("localhost",), {"sslrootcert": "system"}),
    ],
)
def test_no_other_oracle_server_is_asked(
    authority: Authority, names: tuple[str, ...], changes: Mapping[str, str]
) -> None:
    with serving(oracle(context_of(authority, *names))) as server:
        secret = secret_of(server, **{"sslrootcert": authority.certificate, **changes})
        with pytest.raises(RefusedSource, match="cannot prove its identity"):
            open_oracle(source_of(Kind.ORACLE), secret)
    assert server.arrived == []


@pytest.mark.parametrize("kind", [Kind.SQLSERVER, Kind.ORACLE])
def test_a_server_that_does_not_answer_is_unreachable(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("claimwatch.sources.sqlserver.CONNECT_SECONDS", 1)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    opened = open_sqlserver if kind is Kind.SQLSERVER else open_oracle
    with pytest.raises(SourceUnreachable):
        opened(source_of(kind), secret_of(Server(port), tls=False))


@pytest.mark.parametrize("opened", [open_sqlserver, open_oracle])
def test_tls_cannot_be_switched_off_for_a_server_on_another_machine(opened: Callable[..., Any]) -> None:
    secret = secret_of(Server(1), host="db.example.com", tls=False)
    with pytest.raises(RefusedSource, match="switches TLS off"):
        opened(source_of(Kind.ORACLE), secret)
