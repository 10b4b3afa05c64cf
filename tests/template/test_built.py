"""The output of `sam build`: fits into Lambda's limit and is complete on its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from claimwatch.storage.connection import RDS_ROOTS
from tests.template.application import FUNCTIONS, PROJECT, layers_of

BUILD = PROJECT / ".aws-sam" / "build"
LIMIT = 262_144_000  # bytes unzipped, a function including its layers

IMPORT = """
import sys
layers = sys.argv[2:]
sys.path[:0] = [sys.argv[1], *layers]
import handler
assert callable(handler.handler)
foreign = {
    name: module.__file__
    for name, module in sys.modules.items()
    if getattr(module, "__file__", None) and not module.__file__.startswith((*sys.argv[1:], sys.base_prefix))
}
assert not foreign, foreign
"""

CLIENTS = """
import sys
sys.path[:0] = sys.argv[1:]
import boto3
services = "s3 secretsmanager sns sqs stepfunctions events ec2 sts cloudwatch logs ssm codedeploy lambda"
for service in [*services.split(), "scheduler"]:
    boto3.client(service, region_name="eu-central-1")
from botocore.stub import Stubber
ssm = boto3.client("ssm", region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b")
for call, given, answer in (
    (ssm.get_parameter, {"Name": "/a", "WithDecryption": True}, {"Parameter": {"Value": "x"}}),
    (ssm.get_parameters, {"Names": ["/a"], "WithDecryption": True}, {"Parameters": [{"Value": "x"}]}),
    (
        ssm.put_parameter,
        {"Name": "/a", "Description": "d", "Value": "x", "Type": "SecureString", "Overwrite": True},
        {"Version": 2},
    ),
    (ssm.delete_parameters, {"Names": ["/a"]}, {"DeletedParameters": ["/a"]}),
):
    with Stubber(ssm) as stub:
        stub.add_response(call.__name__, answer, given)
        call(**given)
ssm.exceptions.ParameterNotFound
functions = boto3.client("lambda", region_name="eu-central-1")
functions.invoke, functions.get_alias, functions.get_function_configuration
deployments = boto3.client("codedeploy", region_name="eu-central-1")
deployments.put_lifecycle_event_hook_execution_status
"""

TABLES = """
import sys
sys.path[:0] = sys.argv[1:]
import duckdb, numpy, psycopg2, pydantic, yaml
from open_data_contract_standard.model import OpenDataContractStandard
assert duckdb.sql("SELECT sum(i) FROM range(10) t(i)").fetchall() == [(45,)]
assert numpy.linalg.inv(numpy.eye(3)).trace() == 3.0
"""


PHOTOS = """
import sys
sys.path[:0] = sys.argv[1:]
from io import BytesIO
from PIL import Image
from claimwatch.domain.photos.photo import examine
from claimwatch.photos.decoder import Decoder
import pillow_heif
pillow_heif.register_heif_opener()
for name in ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "AVIF", "HEIF"):
    drawn = BytesIO()
    Image.radial_gradient("L").convert("RGB").save(drawn, name)
    decoder = Decoder()
    photo = decoder.examine(drawn.getvalue())
    decoder.close()
    assert (photo.format, photo.width, photo.height) == (name, 256, 256), photo
"""


ONLINE = """
import sys
sys.path[:0] = sys.argv[1:]
import numpy, onnxruntime, re2
assert onnxruntime.get_available_providers()
assert re2.fullmatch("[a-z]+", "claim") and not re2.fullmatch("[a-z]+", "Claim")
"""


STATISTICS = """
import sys
sys.path[:0] = sys.argv[1:]
from scipy.special import betainc, chdtrc
assert abs(chdtrc(1, 3.841458820694124) - 0.05) < 1e-12
assert betainc(1, 1, 0.5) == 0.5
"""


SOURCES = """
import sys
sys.path[:0] = sys.argv[1:]
import asyncssh, oracledb, pymysql, pytds
from pytds import tls
assert oracledb.is_thin_mode()
assert tls.OPENSSL_AVAILABLE
"""


@pytest.fixture(scope="module", autouse=True)
def built() -> None:
    """Build once if `make test` has not built already."""
    if not (BUILD / "template.yaml").exists():
        subprocess.run(["sam", "build"], cwd=PROJECT, check=True, capture_output=True)


def size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())


def run_alone(script: str, *arguments: Path) -> None:
    """Run a script without site-packages, environment variables and this folder."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-W", "error", "-c", script, *map(str, arguments)],
        cwd="/",
        env={"PATH": os.defpath, "AWS_EC2_METADATA_DISABLED": "true"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def layer_folders(function: str) -> list[Path]:
    return [BUILD / layer / "python" for layer in layers_of(function)]


def test_every_function_fits_into_lambda_including_its_layers(capsys: pytest.CaptureFixture[str]) -> None:
    layers = {layer for name in FUNCTIONS for layer in layers_of(name)}
    sizes = {layer: size(BUILD / layer) for layer in layers}
    totals = {name: size(BUILD / name) + sum(sizes[layer] for layer in layers_of(name)) for name in FUNCTIONS}
    with capsys.disabled():
        summary = ", ".join(f"{name} {sizes[name] / 1e6:.1f}" for name in sorted(sizes))
        print(f"\nMB unzipped: {summary}; the largest function {max(totals.values()) / 1e6:.1f} of 262.1")
    assert {name: total for name, total in totals.items() if total >= LIMIT} == {}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_built_function_imports_with_only_its_layers_on_the_path(name: str) -> None:
    run_alone(IMPORT, BUILD / name, *layer_folders(name))


def test_the_platform_layer_contains_a_client_for_every_service_in_use() -> None:
    run_alone(CLIENTS, BUILD / "PlatformLayer" / "python")


def test_the_trimmed_tables_layer_works() -> None:
    run_alone(TABLES, BUILD / "PlatformLayer" / "python", BUILD / "TablesLayer" / "python")


def test_the_trimmed_statistics_layer_works() -> None:
    run_alone(STATISTICS, BUILD / "TablesLayer" / "python", BUILD / "StatisticsLayer" / "python")


def test_the_online_layer_needs_no_other_layer() -> None:
    run_alone(ONLINE, BUILD / "OnlineLayer" / "python")


def test_the_sources_layer_has_a_driver_for_each_kind_with_tls() -> None:
    run_alone(SOURCES, BUILD / "SourcesLayer" / "python")


def test_the_images_layer_decodes_every_photo_format() -> None:
    run_alone(PHOTOS, *layer_folders("ProcessImage"))


@pytest.mark.parametrize(
    "layer",
    [
        "CoreLayer",
        "PlatformLayer",
        "TablesLayer",
        "ImagesLayer",
        "ScoringLayer",
        "OnlineLayer",
        "SourcesLayer",
        "StatisticsLayer",
    ],
)
def test_a_layer_ships_byte_code_that_skips_the_check_against_its_source(layer: str) -> None:
    sources = [path for path in (BUILD / layer / "python").rglob("*.py") if path.name == "__init__.py"]
    assert sources
    for source in sources:
        compiled = source.parent / "__pycache__" / f"{source.stem}.cpython-313.pyc"
        # PEP 552: bit 0 means "based on a hash", bit 1 "check the source"; 0b01 is an unchecked hash.
        assert int.from_bytes(compiled.read_bytes()[4:8], "little") == 0b01, compiled


def test_the_core_layer_ships_the_root_certificates_of_rds() -> None:
    shipped = BUILD / "CoreLayer/python/claimwatch/storage/rds_roots.pem"
    assert shipped.read_bytes() == RDS_ROOTS.read_bytes()


def test_the_core_layer_ships_the_sample_contracts() -> None:
    shipped = {path.name for path in (BUILD / "CoreLayer/python/claimwatch/contracts").glob("*.yaml")}
    assert shipped == {path.name for path in (PROJECT / "contracts").glob("*.yaml")}
