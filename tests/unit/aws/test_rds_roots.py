"""The root certificates of RDS are complete and valid."""

from datetime import UTC, datetime, timedelta

from cryptography import x509

from claimwatch.storage.connection import RDS_ROOTS, parameters_of

REGIONS = (
    "af-south-1",
    "ap-east-1",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ca-central-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "me-central-1",
    "me-south-1",
    "sa-east-1",
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
)
ROOTS = x509.load_pem_x509_certificates(RDS_ROOTS.read_bytes())


def name_of(certificate: x509.Certificate) -> str:
    return str(certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)


def test_every_region_has_its_three_roots() -> None:
    wanted = {
        f"Amazon RDS {region} Root CA {algorithm} G1"
        for region in REGIONS
        for algorithm in ("RSA2048", "RSA4096", "ECC384")
    }
    assert {name_of(root) for root in ROOTS} == wanted
    assert len(ROOTS) == len(wanted)


def test_every_root_is_of_amazon_signs_itself_and_stays_valid_for_years() -> None:
    soon = datetime.now(UTC) + timedelta(days=3 * 365)
    for root in ROOTS:
        [organization] = root.subject.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME)
        assert organization.value == "Amazon Web Services, Inc."
        root.verify_directly_issued_by(root)
        assert root.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
        assert root.not_valid_after_utc > soon, name_of(root)


def test_the_file_names_its_source() -> None:
    assert "SHA-256 5d01ffe5b64360678a3da252641c2c427f107ad2e1cd074baace1d19b833f386" in RDS_ROOTS.read_text()


def test_by_default_the_certificate_is_verified_with_these_roots() -> None:
    parameters = parameters_of({"host": "db", "username": "u", "password": "p"})
    assert (parameters["sslmode"], parameters["sslrootcert"]) == ("verify-full", str(RDS_ROOTS))
    laptop = parameters_of({"host": "db", "username": "u", "password": "p", "sslmode": "disable"})
    assert "sslrootcert" not in laptop
