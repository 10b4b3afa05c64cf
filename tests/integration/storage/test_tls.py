"""The server has to prove that it is the database: its certificate is verified for its host."""

import socket
import ssl
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from claimwatch.storage.connection import Database, UntrustedServer, parameters_of
from tests.cluster import ClonedDatabase, Cluster
from training.job import tracking_in

HOST = "claims.cluster-1.eu-central-1.rds.amazonaws.com"
SSL_REQUEST = 80877103


@dataclass
class Authority:
    """A certificate authority for one test."""

    name: str
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def pem(self) -> str:
        """Its root certificate."""
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        return self._certificate(self.name, self.key, constraints)

    def issue(self, host: str, folder: Path) -> Path:
        """Return a file with a certificate for a host and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._certificate(host, key, x509.SubjectAlternativeName([x509.DNSName(host)]))
        secret = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        file = folder / "server.pem"
        file.write_text(certificate + secret.decode())
        return file

    def _certificate(self, name: str, key: ec.EllipticCurvePrivateKey, extension: x509.ExtensionType) -> str:
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, self.name)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(extension, critical=isinstance(extension, x509.BasicConstraints))
            .sign(self.key, hashes.SHA256())
        )
        return made.public_bytes(serialization.Encoding.PEM).decode()


class TlsServer:
    """Accepts TLS as PostgreSQL does and passes everything on: the tests' PostgreSQL is built without TLS."""

    def __init__(self, behind: int, certificate: Path) -> None:
        self._behind = behind
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Accept no more connections."""
        self._listening.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client:
            assert struct.unpack("!ii", client.recv(8)) == (8, SSL_REQUEST)
            client.sendall(b"S")
            with (
                self._context.wrap_socket(client, server_side=True) as encrypted,
                socket.create_connection(("127.0.0.1", self._behind)) as server,
            ):
                back = threading.Thread(target=self._pass_on, args=(server, encrypted), daemon=True)
                back.start()
                self._pass_on(encrypted, server)

    @staticmethod
    def _pass_on(source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                target.sendall(data)


@pytest.fixture
def authority() -> Authority:
    return Authority("the insurer's authority")


@pytest.fixture
def server(cluster: Cluster, authority: Authority, tmp_path: Path) -> Iterator[TlsServer]:
    with closing(TlsServer(cluster.server.port, authority.issue(HOST, tmp_path))) as running:
        yield running


def credentials(database: ClonedDatabase, server: TlsServer, **other: Any) -> dict[str, Any]:
    """Return the credentials of the command line, through a forwarded port."""
    url = urlsplit(database.urls["read"])
    return {
        "host": HOST,
        "hostaddr": "127.0.0.1",
        "port": server.port,
        "dbname": url.path.lstrip("/"),
        "username": url.username,
        "password": url.password,
    } | other


def is_encrypted(given: Mapping[str, Any]) -> bool:
    database = Database(parameters_of(given), wake_up_time=5)
    with closing(database), database.transaction() as cursor:
        cursor.execute("SELECT 1")
        return bool(cursor.connection.info.ssl_in_use)


def test_a_certificate_of_the_right_authority_for_the_right_host_is_accepted_through_a_forwarded_port(
    database: ClonedDatabase, server: TlsServer, authority: Authority
) -> None:
    assert is_encrypted(credentials(database, server, sslrootcert=authority.pem))


def test_a_certificate_of_another_authority_is_refused(database: ClonedDatabase, server: TlsServer) -> None:
    with pytest.raises(UntrustedServer, match=r"certificate verify failed.*sslrootcert"):
        is_encrypted(credentials(database, server))  # RDS's roots, by default


def test_a_certificate_for_another_host_is_refused(
    database: ClonedDatabase, server: TlsServer, authority: Authority
) -> None:
    given = credentials(database, server, sslrootcert=authority.pem, host="other.rds.amazonaws.com")
    with pytest.raises(UntrustedServer, match="does not match host name"):
        is_encrypted(given)


def test_a_server_without_tls_is_refused(
    cluster: Cluster, database: ClonedDatabase, server: TlsServer
) -> None:
    with pytest.raises(UntrustedServer, match="server does not support SSL"):
        is_encrypted(credentials(database, server, port=cluster.server.port))


def test_the_secret_of_a_given_database_decides_how_far_its_server_is_trusted(
    database: ClonedDatabase, server: TlsServer, authority: Authority, tmp_path: Path
) -> None:
    file = tmp_path / "roots.pem"
    file.write_text(authority.pem)
    assert is_encrypted(credentials(database, server, sslrootcert=str(file)))
    assert is_encrypted(credentials(database, server, sslmode="require"))


@pytest.mark.filterwarnings("ignore")  # MLflow and its libraries warn about each other
def test_mlflow_verifies_the_same_certificate(
    database: ClonedDatabase, server: TlsServer, authority: Authority
) -> None:
    from sqlalchemy import create_engine
    from sqlalchemy.exc import OperationalError

    for given, trusted in (
        (credentials(database, server, sslrootcert=authority.pem), True),
        (credentials(database, server), False),
    ):
        engine = create_engine(tracking_in(given, "artifacts")["MLFLOW_TRACKING_URI"])
        if trusted:
            engine.connect().close()
        else:
            with pytest.raises(OperationalError, match="certificate verify failed"):
                engine.connect()
        engine.dispose()
