"""A connection to an SFTP server is made only to the server that the source names, and only safely."""

import asyncio
import logging
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from claimwatch.errors import RefusedFile
from claimwatch.sources.reader import RefusedSource, RemoteFile, SourceUnreachable
from claimwatch.sources.sftp import open_sftp
from tests.sshd import SftpServer, needs_sshd, public_text, server_for_nobody

pytestmark = needs_sshd


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    with SftpServer(tmp_path_factory.mktemp("sftp")) as running:
        running.put("a.csv", b"x\n1\n")
        yield running


def listed(server: SftpServer, secret: dict[str, Any] | None = None, **changes: Any) -> list[str]:
    """Return the paths that a new connection lists."""
    with closing(open_sftp(server.source(**changes), secret or server.secret)) as reader:
        return [file.path for file in reader.files()]


def refusal(server: SftpServer, secret: dict[str, Any] | None = None, **changes: Any) -> str:
    """Return why a new connection is refused."""
    with pytest.raises(RefusedSource) as caught:
        listed(server, secret, **changes)
    return str(caught.value)


# -- host keys -----------------------------------------------------------------------------------------------


def test_another_host_key_is_refused_with_both_fingerprints(server: SftpServer) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519")

    assert refusal(server, host_keys=(public_text(other),)) == (
        f"source policies: the server's host key is {server.keys[0].get_fingerprint()}, "
        f"but hostKeys lists {other.get_fingerprint()}; "
        "ask the server's administrator whether the key was changed, and only then list the new one"
    )


def test_nothing_is_sent_to_a_server_with_another_host_key(server: SftpServer, tmp_path: Path) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519")
    with password_server(tmp_path) as (secret, _):
        with pytest.raises(RefusedSource):
            open_sftp(server.source(host_keys=(public_text(other),)), secret)
        assert Passwords.tried == []


def test_any_of_several_listed_keys_is_enough(server: SftpServer) -> None:
    other = public_text(asyncssh.generate_private_key("ssh-ed25519"))
    assert listed(server, host_keys=(other, *server.host_keys)) == ["a.csv"]


@pytest.mark.parametrize("kind", ["ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa"])
def test_a_server_with_keys_of_several_types_shows_the_listed_one(tmp_path: Path, kind: str) -> None:
    kinds = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ssh-rsa")
    with SftpServer(tmp_path, key_types=kinds) as server:
        server.put("a.csv", b"x\n")
        assert listed(server, host_keys=(server.host_keys[kinds.index(kind)],)) == ["a.csv"]


def test_a_listed_key_of_a_type_that_the_server_lacks_is_refused_with_both(server: SftpServer) -> None:
    other = asyncssh.generate_private_key("ecdsa-sha2-nistp384")
    reason = refusal(server, host_keys=(public_text(other),))
    assert server.keys[0].get_fingerprint() in reason
    assert other.get_fingerprint() in reason


def test_no_key_is_accepted_without_a_list(server: SftpServer) -> None:
    assert refusal(server, host_keys=()) == "source policies lists no host key of its server; add hostKeys"


def test_known_hosts_configuration_and_agent_of_the_machine_are_not_used(
    server: SftpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / ".ssh"
    folder.mkdir()
    (folder / "known_hosts").write_text(f"[{server.host}]:{server.port} {server.host_keys[0]}\n")
    (folder / "config").write_text("Host *\n  User somebody\n  StrictHostKeyChecking no\n  Port 1\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))

    other = public_text(asyncssh.generate_private_key("ssh-ed25519"))
    assert "the server's host key is" in refusal(server, host_keys=(other,))
    assert listed(server) == ["a.csv"]


@pytest.mark.parametrize("text", ["", "ssh-ed25519", "ssh-ed25519 AAAA", "not a key", "ssh-rsa %%%"])
def test_what_is_not_a_key_is_refused(server: SftpServer, text: str) -> None:
    assert refusal(server, host_keys=(text,)) == (
        "source policies: an entry of hostKeys is not a public key; "
        "write its type, a blank and its base64 text"
    )


# -- logins --------------------------------------------------------------------------------------------------


def test_a_key_that_the_server_does_not_know_is_refused(server: SftpServer) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_private_key("openssh").decode()
    assert refusal(server, server.secret | {"private_key": other}) == (
        "source policies: the server does not accept the login; check username, private_key and password "
        "in the secret, and that the server has the public key"
    )


@pytest.mark.parametrize(
    ("form", "passphrase"),
    [
        ("openssh", None),
        ("pkcs8-pem", None),
        ("pkcs8-pem", "Kiesel-41"),
        ("pkcs1-pem", None),
        ("pkcs1-pem", "Kiesel-41"),
    ],
)
def test_a_private_key_may_have_any_usual_form(tmp_path: Path, form: str, passphrase: str | None) -> None:
    with SftpServer(tmp_path) as server:
        server.login_key = asyncssh.generate_private_key("ssh-rsa")
        server.restart()
        server.put("a.csv", b"x\n")
        text = server.login_key.export_private_key(form, passphrase).decode()
        for written in (text, text.strip(), text.replace("\n", "\r\n")):
            secret = server.secret | {"private_key": written, "passphrase": passphrase}
            assert listed(server, secret) == ["a.csv"]


def test_a_private_key_without_its_passphrase_is_refused(server: SftpServer) -> None:
    text = server.login_key.export_private_key("pkcs8-pem", "Kiesel-41").decode()
    for passphrase in (None, "", "wrong"):
        reason = refusal(server, server.secret | {"private_key": text, "passphrase": passphrase})
        assert reason == (
            "private_key in the secret of the SFTP server is encrypted, and passphrase is missing or wrong"
        )


def test_an_encrypted_key_in_the_format_of_openssh_is_refused_with_advice(
    server: SftpServer, tmp_path: Path
) -> None:
    path = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "Kiesel-41", "-f", str(path)], check=True)
    assert refusal(server, server.secret | {"private_key": path.read_text(), "passphrase": "Kiesel-41"}) == (
        "private_key in the secret of the SFTP server is encrypted in OpenSSH's format, "
        "which cannot be read; "
        "store it without a passphrase (ssh-keygen -p), because the secret is encrypted as a whole"
    )


@pytest.mark.parametrize(
    "text", ["Kiesel-41", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n", "ssh-ed25519 AAAA"]
)
def test_what_is_not_a_private_key_is_refused_without_quoting_it(server: SftpServer, text: str) -> None:
    reason = refusal(server, server.secret | {"private_key": text})
    assert reason.startswith(
        "private_key in the secret of the SFTP server cannot be read; store the whole file"
    )
    assert "AAAA" not in reason
    assert "Kiesel" not in reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"host": None}, "the secret of the SFTP server lacks host; add it"),
        ({"username": "", "private_key": ""}, "lacks username, private_key or password; add it"),
        ({"port": "ssh"}, "port in the secret of the SFTP server is not a number from 1 to 65535"),
        ({"port": 70_000}, "port in the secret of the SFTP server is not a number from 1 to 65535"),
        ({"host": 5}, "lacks host"),
    ],
)
def test_an_incomplete_secret_is_refused(server: SftpServer, changes: dict[str, Any], reason: str) -> None:
    assert reason in refusal(server, server.secret | changes)


class Passwords(asyncssh.SSHServer):
    """Accepts one login with a password, and notes what was tried."""

    tried: list[str] = []  # noqa: RUF012 one server at a time
    keyboard_only = False

    def begin_auth(self, *_: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return not self.keyboard_only

    def validate_password(self, username: str, password: str) -> bool:
        self.tried.append(password)
        return username == "claimwatch" and password == "Kiesel-41"

    def kbdint_auth_supported(self) -> bool:
        return self.keyboard_only

    def get_kbdint_challenge(self, *_: str) -> Any:
        return "", "", "", [("Password:", False)]

    def validate_kbdint_response(self, username: str, responses: Any) -> bool:
        return self.validate_password(username, responses[0])


class Sparing(asyncssh.SFTPServer):
    """Lists names without their attributes, as some servers do."""

    async def scandir(self, path: bytes) -> Any:
        async for entry in super().scandir(path):
            yield asyncssh.SFTPName(entry.filename)


@contextmanager
def password_server(
    folder: Path, sftp: Any = True, *, keyboard_only: bool = False
) -> Iterator[tuple[dict[str, Any], tuple[str, ...]]]:
    """Run a server of asyncssh; yield a secret and the host keys."""
    Passwords.tried = []
    Passwords.keyboard_only = keyboard_only
    key = asyncssh.generate_private_key("ssh-ed25519")
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def factory(channel: Any) -> asyncssh.SFTPServer:
        kind = asyncssh.SFTPServer if sftp is True else sftp
        return kind(channel, chroot=os.fsencode(folder))

    async def listen() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=Passwords,
            server_host_keys=[key],
            sftp_factory=factory if sftp else None,
        )

    async def end(acceptor: asyncssh.SSHAcceptor) -> None:
        acceptor.close()
        await acceptor.wait_closed()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    acceptor = asyncio.run_coroutine_threadsafe(listen(), loop).result()
    secret = {
        "host": "127.0.0.1",
        "port": acceptor.get_port(),
        "username": "claimwatch",
        "password": "Kiesel-41",
    }
    try:
        yield secret, (public_text(key),)
    finally:
        asyncio.run_coroutine_threadsafe(end(acceptor), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.mark.parametrize("keyboard_only", [False, True])
def test_a_password_logs_in(server: SftpServer, tmp_path: Path, keyboard_only: bool) -> None:
    (tmp_path / "a.csv").write_text("x\n")
    with password_server(tmp_path, keyboard_only=keyboard_only) as (secret, keys):
        assert listed(server, secret, host_keys=keys) == ["a.csv"]
        reason = refusal(server, secret | {"password": "Schiefer-17"}, host_keys=keys)
    assert "does not accept the login" in reason
    assert "Schiefer" not in reason


def test_a_password_is_not_tried_without_one(server: SftpServer, tmp_path: Path) -> None:
    key = server.secret["private_key"]
    with password_server(tmp_path) as (secret, keys):
        assert "does not accept" in refusal(
            server, secret | {"password": "", "private_key": key}, host_keys=keys
        )
        assert Passwords.tried == []


def test_a_server_without_sftp_is_refused(server: SftpServer, tmp_path: Path) -> None:
    with password_server(tmp_path, sftp=None) as (secret, keys):
        assert refusal(server, secret, host_keys=keys) == (
            "source policies: the server opens no SFTP session; allow the login the subsystem sftp"
        )


def test_a_server_that_lists_names_without_attributes_is_asked_for_them(
    server: SftpServer, tmp_path: Path
) -> None:
    (tmp_path / "out" / "2026").mkdir(parents=True)
    (tmp_path / "out" / "2026" / "a.csv").write_text("x\n")
    (tmp_path / "out" / "b.csv").symlink_to("2026/a.csv")
    with password_server(tmp_path, sftp=Sparing) as (secret, keys):
        assert listed(server, secret, host_keys=keys, files="out/**/*.csv") == ["out/2026/a.csv"]


# -- algorithms ----------------------------------------------------------------------------------------------


OLD_FASHIONED = pytest.mark.filterwarnings("ignore:Diffie-Hellman over finite fields")


@pytest.mark.parametrize(
    "option",
    [
        "Ciphers aes256-cbc,3des-cbc",
        "MACs hmac-sha1,hmac-sha1-etm@openssh.com\nCiphers aes128-ctr",
        "KexAlgorithms diffie-hellman-group14-sha1,diffie-hellman-group-exchange-sha1",
    ],
)
def test_a_server_with_old_algorithms_only_is_refused(tmp_path: Path, option: str) -> None:
    with SftpServer(tmp_path, key_types=("ssh-rsa",), options=option.split("\n")) as server:
        # Whoever notices first ends the connection.
        with pytest.raises((RefusedSource, SourceUnreachable), match="safe algorithm") as caught:
            listed(server)
        if isinstance(caught.value, SourceUnreachable):
            assert "ended the connection before it showed its host key" in str(caught.value)


def test_a_host_key_that_signs_with_sha1_is_not_accepted(tmp_path: Path) -> None:
    with (
        SftpServer(tmp_path, key_types=("ssh-rsa",), options=("HostKeyAlgorithms ssh-rsa",)) as server,
        pytest.raises((RefusedSource, SourceUnreachable)),  # whoever notices first ends the connection
    ):
        listed(server)


@OLD_FASHIONED
@pytest.mark.parametrize(
    "option",
    [
        "Ciphers aes256-ctr",
        "Ciphers chacha20-poly1305@openssh.com",
        "KexAlgorithms diffie-hellman-group14-sha256",
        "KexAlgorithms ecdh-sha2-nistp256",
        "KexAlgorithms diffie-hellman-group-exchange-sha256",
        "MACs hmac-sha2-512\nCiphers aes128-ctr",
        "HostKeyAlgorithms rsa-sha2-256",
    ],
)
def test_the_algorithms_of_well_kept_servers_are_enough(tmp_path: Path, option: str) -> None:
    with SftpServer(tmp_path, key_types=("ssh-rsa",), options=option.split("\n")) as server:
        server.put("a.csv", b"x\n")
        assert listed(server) == ["a.csv"]


# -- rights --------------------------------------------------------------------------------------------------


@pytest.fixture
def restricted() -> Iterator[SftpServer]:
    with server_for_nobody() as running:
        yield running


def test_a_file_that_the_login_may_not_read_is_refused_without_its_name(restricted: SftpServer) -> None:
    restricted.put("mueller.csv", b"x\n").chmod(0o600)
    with closing(open_sftp(restricted.source(), restricted.secret)) as reader:
        [file] = reader.files()
        with pytest.raises(RefusedFile) as caught:
            list(reader.read(file))
    assert str(caught.value) == "the login may not read the file; allow it"


def test_a_folder_that_the_login_may_not_list_is_refused(restricted: SftpServer) -> None:
    restricted.put("out/2026/a.csv", b"x\n")
    (restricted.files / "out").chmod(0o700)
    assert refusal(restricted, files="out/*/*.csv") == (
        "source policies: the login may not list the folder of out/*/*.csv; allow it"
    )


def test_a_closed_folder_among_others_is_passed_over_and_counted(restricted: SftpServer) -> None:
    restricted.put("2025/a.csv", b"x\n")
    restricted.put("2026/a.csv", b"x\n")
    (restricted.files / "2025").chmod(0o700)
    with closing(open_sftp(restricted.source("20*/*.csv"), restricted.secret)) as reader:
        assert [file.path for file in reader.files()] == ["2026/a.csv"]
        assert reader.ignored == {"folder that cannot be listed": 1}


# -- what is written -----------------------------------------------------------------------------------------


def test_no_log_line_names_host_login_or_path(
    server: SftpServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with closing(open_sftp(server.source(), server.secret)) as reader:
        for file in reader.files():
            list(reader.read(file))
        missing = RemoteFile("mueller.csv", 4, reader.files()[0].modified_at)
        with pytest.raises(SourceUnreachable) as caught:
            list(reader.read(missing))
    written = caplog.text + str(caught.value)
    for word in (server.username, server.host, str(server.port), "a.csv", "mueller"):
        assert word not in written


def test_a_login_is_not_shown_by_its_representation(server: SftpServer) -> None:
    with closing(open_sftp(server.source(), server.secret)) as reader:
        assert "PRIVATE" not in repr(reader)
        assert server.username not in repr(reader)
