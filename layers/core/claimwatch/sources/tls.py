"""TLS to the servers of sources: verified, with the certificates that a secret or the system trusts."""

import ipaddress
import ssl
import tempfile
from collections.abc import Mapping
from functools import cache
from typing import Any

from claimwatch.sources.reader import RefusedSource
from claimwatch.storage.connection import RDS_ROOTS

UNTRUSTED = (
    "the server cannot prove its identity: its certificate is not valid for this host name, or not of an "
    "authority that is trusted. Correct 'host' in the secret, or add the authority's certificate as "
    "'sslrootcert'"
)
"""The reason for a refusal to send a password to a server."""

KEY = "sslrootcert"
"""The key of a secret with the certificates of authorities (PEM) that the server's certificate must be of."""


def tls_context(secret: Mapping[str, Any], host: str) -> ssl.SSLContext | None:
    """Return a context that verifies certificate and host name; None if the secret switches TLS off.

    The authorities are those in the secret, otherwise those of the system and of Amazon RDS.
    """
    if without_tls(secret, host):
        return None
    given = secret.get(KEY)
    try:
        if given is None or given == "system":
            context = ssl.create_default_context()
            context.load_verify_locations(RDS_ROOTS)
        else:
            context = ssl.create_default_context(cadata=given)
    except (ssl.SSLError, ValueError, TypeError):
        raise RefusedSource(
            f"the secret has no certificates in '{KEY}'; paste the PEM text of the authority that has signed "
            "the server's certificate"
        ) from None
    # Authorities of companies often lack extensions that RFC 5280 asks for and that this flag insists on.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def authorities_file(context: ssl.SSLContext) -> str:
    """Return a file with the certificates of the authorities that a context trusts."""
    certificates = [ssl.DER_cert_to_PEM_cert(each) for each in context.get_ca_certs(binary_form=True)]
    return _file_with("".join(certificates))


@cache
def _file_with(certificates: str) -> str:
    with tempfile.NamedTemporaryFile("w", prefix="claimwatch-", suffix=".pem", delete=False) as file:
        file.write(certificates)
    return file.name


def without_tls(secret: Mapping[str, Any], host: str) -> bool:
    """Return whether the secret switches TLS off, which is possible for servers on this machine only."""
    if secret.get("tls", True) not in (False, "false"):
        return False
    if not is_loopback(host):
        raise RefusedSource(
            "the secret switches TLS off for a server on another machine; remove 'tls', and add "
            f"'{KEY}' if the server's certificate is signed by an authority of your own"
        )
    return True


def is_loopback(host: str) -> bool:
    """Return whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
